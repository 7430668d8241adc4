"""Tokens on request. That answers and refusals are the real server's is shown in tests/real/test_auth_parity.py."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.controlplane.auth.stage import ISSUER, NOW, Objects, StandingClock, counted, thing
from tmc_syncer.controlplane.auth import jws
from tmc_syncer.controlplane.auth.token_claims import TokenSigner, TokenVerifier
from tmc_syncer.controlplane.auth.token_requests import TokenRequests
from tmc_syncer.controlplane.server.errors import ApiError

KEY = ec.generate_private_key(ec.SECP256R1())
SECONDS = int(NOW.timestamp())


class World:
    def __init__(self, home: str | None = "c") -> None:
        self.objects = Objects()
        self.objects.put("serviceaccounts", thing("bot", "ns"))
        self.objects.put(
            "pods",
            thing("web", "ns", spec={"serviceAccountName": "bot", "nodeName": "n1"}),
            thing("lost", "ns", spec={"serviceAccountName": "bot", "nodeName": "n9"}),
            thing("new", "ns", spec={"serviceAccountName": "bot"}),
            thing("other", "ns", spec={"serviceAccountName": "job"}),
            thing("bare", "ns"),
        )
        self.objects.put("secrets", thing("held", "ns"))
        self.objects.put("nodes", thing("n1"))
        clock = StandingClock()
        signer = TokenSigner(KEY, ISSUER, clock, counted())
        self.requests = TokenRequests(signer, (ISSUER,), self.objects.get, clock, home=home)
        keys = [KEY.public_key()]
        self.verifier = TokenVerifier(keys, ISSUER, (ISSUER,), self.objects.get, clock, home=home)

    def create(self, spec: Any = None, metadata: Any = None, name: str = "bot") -> dict[str, Any]:
        return self.requests.create({"spec": spec, "metadata": metadata}, "c", "ns", name)

    def claims(self, spec: Any = None) -> dict[str, Any]:
        unverified = jws.read(self.create(spec)["status"]["token"])
        assert unverified is not None
        return unverified.claims

    def refusal(self, spec: Any = None, metadata: Any = None, name: str = "bot") -> str:
        with pytest.raises(ApiError) as caught:
            self.create(spec, metadata, name)
        return f"{caught.value.code} {caught.value.message}"


@pytest.fixture
def world() -> World:
    return World()


def reference(kind: str, name: str, **more: str) -> dict[str, Any]:
    return {"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name, **more}}


def test_a_token_has_the_defaults_of_the_real_server_and_is_good(world: World) -> None:
    answer = world.create(metadata={"labels": {"a": "b"}, "managedFields": [{}]})
    token = answer["status"].pop("token")
    assert answer == {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "labels": {"a": "b"},
            "managedFields": [{}],
            "name": "bot",
            "namespace": "ns",
            "uid": "uid-bot",
            "creationTimestamp": "2026-03-01T12:00:00Z",
        },
        "spec": {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None},
        "status": {"expirationTimestamp": "2026-03-01T13:00:00Z"},
    }
    found = world.verifier.recognise(token)
    assert found is not None
    assert found.user.name == "system:serviceaccount:ns:bot"


def test_audiences_and_time_are_as_asked_for(world: World) -> None:
    claims = world.claims({"audiences": ["a", "b"], "expirationSeconds": 600})
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (["a", "b"], 600)


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("Pod", "web", {"pod": {"name": "web", "uid": "uid-web"}, "node": {"name": "n1", "uid": "uid-n1"}}),
        ("Pod", "lost", {"pod": {"name": "lost", "uid": "uid-lost"}, "node": {"name": "n9"}}),
        ("Pod", "new", {"pod": {"name": "new", "uid": "uid-new"}}),
        ("Secret", "held", {"secret": {"name": "held", "uid": "uid-held"}}),
        ("Node", "n1", {"node": {"name": "n1", "uid": "uid-n1"}}),
    ],
)
def test_a_token_can_be_bound(world: World, kind: str, name: str, said: dict[str, Any]) -> None:
    for uid in ({}, {"uid": f"uid-{name}"}):
        private = world.claims(reference(kind, name, **uid))["kubernetes.io"]
        del private["namespace"], private["serviceaccount"]
        assert private == said


def test_what_cannot_be_bound_is_refused(world: World) -> None:
    assert world.refusal(reference("Pod", "none")) == '404 pods "none" not found'
    assert world.refusal(reference("Secret", "none")) == '404 secrets "none" not found'
    assert world.refusal(reference("Node", "none")) == '404 nodes "none" not found'
    for name in ("other", "bare"):
        assert world.refusal(reference("Pod", name)) == (
            '400 cannot bind token for serviceaccount "bot" to pod running with different serviceaccount name.'
        )
    assert (
        world.refusal(reference("ConfigMap", "x"))
        == "400 cannot bind token to object of type /v1, Kind=ConfigMap"
    )
    assert world.refusal({"boundObjectRef": {"kind": "Pod", "apiVersion": "apps/v1"}}) == (
        "400 cannot bind token to object of type apps/v1, Kind=Pod"
    )
    assert world.refusal(reference("Pod", "web", uid="x")).startswith(
        '409 Operation cannot be fulfilled on Pod "web": the UID in the bound object reference (x) does not match'
    )


def test_the_account_must_be_the_one_that_is_meant(world: World) -> None:
    assert world.refusal(name="nobody") == '404 serviceaccounts "nobody" not found'
    assert world.refusal(metadata={"name": "x"}).startswith(
        '422 TokenRequest.authentication.k8s.io "bot" is invalid'
    )
    assert world.refusal(metadata={"namespace": "x"}).startswith("400 the namespace of the provided object")
    assert world.refusal(metadata={"uid": "x"}).startswith(
        '409 Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "bot": the UID in the token request (x)'
    )
    assert world.create(metadata={"name": "bot", "uid": "uid-bot"})["status"]["token"]


@pytest.mark.parametrize("seconds", [-1, 0, 599, 2**32 + 1])
def test_too_short_and_too_long_is_refused(world: World, seconds: int) -> None:
    said = world.refusal({"expirationSeconds": seconds})
    assert said.startswith(
        f'422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: may not'
    )


def test_the_longest_and_the_shortest_are_given(world: World) -> None:
    assert [world.claims({"expirationSeconds": each})["exp"] - SECONDS for each in (600, 2**32)] == [
        600,
        2**32,
    ]


def test_the_token_of_a_kubelet_lasts_a_year_with_a_warning(world: World) -> None:
    bound = {**reference("Pod", "web"), "expirationSeconds": 3607}
    claims = world.claims(bound)
    assert (claims["exp"] - SECONDS, claims["kubernetes.io"]["warnafter"] - SECONDS) == (
        365 * 24 * 3600,
        3607,
    )
    assert world.create(bound)["status"]["expirationTimestamp"] == "2026-03-01T13:00:07Z"
    for other in (
        {**bound, "audiences": ["vault"]},
        {**bound, "expirationSeconds": 3608},
        {"expirationSeconds": 3607},
    ):
        claims = world.claims(other)
        assert claims["exp"] - SECONDS == other.get("expirationSeconds")
        assert "warnafter" not in claims["kubernetes.io"]


def test_a_workspace_token_names_its_cluster() -> None:
    world = World(home=None)
    assert world.claims()["kubernetes.io"]["clusterName"] == "c"
    assert "clusterName" not in World(home="c").claims()["kubernetes.io"]
