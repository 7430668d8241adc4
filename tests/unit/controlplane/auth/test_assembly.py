"""The whole of identity and rights of one server, as the HTTP side uses it."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.unit.controlplane.auth.stage import (
    NOW,
    Objects,
    StandingClock,
    binding,
    counted,
    role,
    rule,
    thing,
    user,
)
from tmc_syncer.controlplane.auth.assembly import ISSUER, Auth, Options, Place
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.auth.rules import GROUP
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError

PODS = rule("get list", "''", "pods")
GET_PODS = Attributes("c", "get", "", "v1", "pods", "", "ns", "one")


@dataclass
class Transport:
    """A connection with this certificate, or without TLS."""

    certificate: bytes | None

    def get_extra_info(self, name: str, /) -> Any:
        assert name == "ssl_object"
        return self if self.certificate is not None else None

    def getpeercert(self, *, binary_form: bool) -> bytes | None:
        return self.certificate or None


@dataclass
class Request:
    """What an aiohttp request has of what is needed."""

    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    transport: Transport | None = None


class World:
    def __init__(self, options: Options | None = None) -> None:
        self.objects = Objects()
        self.objects.put("serviceaccounts", thing("bot", "ns"))
        self.objects.put("clusterroles", role("pods", PODS), role("root", rule("*", "*", "*")))
        self.clock = StandingClock()
        self.auth = Auth(
            Keyring(None, self.clock),
            self.objects.list,
            self.objects.get,
            self.clock,
            counted(),
            options or Options(home="c", static_tokens={"t": User("ann")}),
        )


@pytest.fixture
def world() -> World:
    return World()


def with_headers(**headers: str) -> Request:
    return Request(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))


def der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


# Who


def test_users_are_known_by_token_certificate_or_not_at_all(world: World) -> None:
    assert world.auth.authenticate(with_headers(Authorization="Bearer t")).name == "ann"
    pair = world.auth.keyring.client("eve", ("team",))
    certain = Request(transport=Transport(der(pair.certificate_pem)))
    assert world.auth.authenticate(certain).groups == ("team", "system:authenticated")
    assert world.auth.authenticate(Request(transport=Transport(b""))).name == "system:anonymous"
    assert world.auth.authenticate(Request(transport=Transport(None))).name == "system:anonymous"
    assert world.auth.authenticate(Request()).name == "system:anonymous"


def test_a_subprotocol_counts_in_an_upgrade_only(world: World) -> None:
    encoded = base64.urlsafe_b64encode(b"t").rstrip(b"=").decode()
    offered = {"Sec_WebSocket_Protocol": f"base64url.bearer.authorization.k8s.io.{encoded}, x"}
    assert world.auth.authenticate(with_headers(Upgrade="websocket", **offered)).name == "ann"
    assert world.auth.authenticate(with_headers(**offered)).name == "system:anonymous"


def test_whoever_is_not_recognised_is_told_nothing(world: World) -> None:
    with pytest.raises(ApiError) as caught:
        world.auth.authenticate(with_headers(Authorization="Bearer wrong"))
    assert caught.value.to_object() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def test_anonymous_requests_can_be_refused() -> None:
    world = World(Options(anonymous=False))
    with pytest.raises(ApiError, match="Unauthorized"):
        world.auth.authenticate(Request())


# May they


def test_a_right_is_usable_once_its_binding_is_known(world: World) -> None:
    ann, nothing = User("ann"), CIMultiDict[str]()
    with pytest.raises(ApiError, match='pods "one" is forbidden: User "ann" cannot get'):
        world.auth.authorize(ann, GET_PODS, nothing)
    world.objects.put("clusterrolebindings", binding("b", "pods", user("ann")))
    world.auth.forget("c", "clusterrolebindings")
    assert world.auth.authorize(ann, GET_PODS, nothing) is ann
    world.objects.remove("clusterrolebindings", "b")
    world.auth.forget("c")
    with pytest.raises(ApiError, match="forbidden"):
        world.auth.authorize(ann, GET_PODS, nothing)


def test_acting_as_somebody_needs_the_right_to_and_that_ones_rights(world: World) -> None:
    root = User("root", groups=("system:masters",))
    as_bob = CIMultiDict({"Impersonate-User": "bob"})
    with pytest.raises(ApiError, match='User "bob" cannot get'):
        world.auth.authorize(root, GET_PODS, as_bob)
    world.objects.put("clusterrolebindings", binding("b", "pods", user("bob")))
    world.auth.forget("c")
    assert world.auth.authorize(root, GET_PODS, as_bob) == User("bob", groups=("system:authenticated",))
    with pytest.raises(ApiError, match='User "ann" cannot impersonate-on:user-info:get'):
        world.auth.authorize(User("ann"), GET_PODS, as_bob)
    with pytest.raises(ApiError, match="without impersonating a user name"):
        world.auth.authorize(root, GET_PODS, CIMultiDict({"Impersonate-Group": "a"}))


def test_nobody_gives_what_he_lacks(world: World) -> None:
    request = Attributes("c", "create", GROUP, "v1", "clusterrolebindings")
    with pytest.raises(ApiError, match="attempting to grant RBAC permissions not currently held"):
        world.auth.check_write(User("ann"), request, binding("new", "root", user("ann")))


def test_a_guarded_cluster_asks_for_access() -> None:
    world = World(Options(guarded=lambda cluster: True))
    world.objects.put("clusterrolebindings", binding("b", "pods", user("ann")))
    with pytest.raises(ApiError, match="access denied"):
        world.auth.authorize(User("ann"), GET_PODS, CIMultiDict[str]())


# Reviews


def test_each_kind_of_review_is_answered(world: World) -> None:
    ann = User("ann")
    may = {"resourceAttributes": {"verb": "get", "namespace": "ns"}}
    bodies: dict[str, dict[str, Any]] = {
        "SubjectAccessReview": {"spec": {"user": "x", **may}},
        "LocalSubjectAccessReview": {"spec": {"user": "x", **may}},
        "SelfSubjectAccessReview": {"spec": may},
        "SelfSubjectRulesReview": {"spec": {"namespace": "ns"}},
        "SelfSubjectReview": {},
        "TokenReview": {"spec": {"token": "t"}},
        "TokenRequest": {},
    }
    for kind, body in bodies.items():
        place = (
            {"namespace": "ns", "name": "bot"} if kind in ("LocalSubjectAccessReview", "TokenRequest") else {}
        )
        answer = world.auth.review(kind, body, ann, "c", **place)
        assert answer["kind"] == kind
        assert answer["status"]
    with pytest.raises(ApiError) as caught:
        world.auth.review("Pod", {}, ann, "c")
    assert caught.value.code == 404


def test_a_requested_token_is_good_at_once(world: World) -> None:
    answer = world.auth.review("TokenRequest", {}, User("ann"), "c", namespace="ns", name="bot")
    token = answer["status"]["token"]
    bot = world.auth.authenticate(with_headers(Authorization=f"Bearer {token}"))
    assert bot.name == "system:serviceaccount:ns:bot"
    review = world.auth.review("TokenReview", {"spec": {"token": token}}, User("ann"), "c")
    assert review["status"]["user"] == bot.to_object()


def test_a_token_of_one_server_is_nothing_to_another(world: World) -> None:
    token = world.auth.review("TokenRequest", {}, User("ann"), "c", namespace="ns", name="bot")["status"][
        "token"
    ]
    with pytest.raises(ApiError, match="Unauthorized"):
        World().auth.authenticate(with_headers(Authorization=f"Bearer {token}"))


# Start


def test_a_kubeconfig_leads_every_user_to_every_place(world: World) -> None:
    places = [
        Place("team-a", "https://127.0.0.1:1/clusters/root:team-a", "ann", ("team",), "shop"),
        Place("edge", "https://127.0.0.1:2", "root", ("system:masters",)),
    ]
    found = world.auth.kubeconfig(places, current="edge")
    assert found["current-context"] == "edge"
    shown = {
        entry["name"]: base64.b64decode(entry["user"]["client-certificate-data"]) for entry in found["users"]
    }
    for name, groups in (("ann", ("team",)), ("root", ("system:masters",))):
        known = world.auth.authenticate(Request(transport=Transport(der(shown[name]))))
        assert (known.name, known.groups) == (name, (*groups, "system:authenticated"))
    assert world.auth.kubeconfig(places, current="edge") == found


def test_a_server_can_be_started_with_it(world: World) -> None:
    assert world.auth.server_context().verify_mode is ssl.CERT_OPTIONAL
    assert {resource for resource, _ in world.auth.default_objects()} == {
        "clusterroles",
        "clusterrolebindings",
    }
    documents = world.auth.openid_documents("https://127.0.0.1:1")
    assert documents["/.well-known/openid-configuration"]["issuer"] == ISSUER
    assert world.clock.now() == NOW
