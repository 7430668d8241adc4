"""Service-account tokens are good while what they stand for is, and for nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.controlplane.auth.stage import ISSUER, NOW, Objects, StandingClock, counted, thing
from tmc_syncer.controlplane.auth import jws
from tmc_syncer.controlplane.auth import token_claims as module
from tmc_syncer.controlplane.auth.jws import BadToken
from tmc_syncer.controlplane.auth.token_claims import Bound, TokenSigner, TokenVerifier
from tmc_syncer.controlplane.auth.users import CLUSTER_KEY, SCOPES_KEY, User
from tmc_syncer.controlplane.clock import timestamp

KEY = ec.generate_private_key(ec.SECP256R1())
OLD_KEY = ec.generate_private_key(ec.SECP384R1())
BOT = thing("bot", "ns")
SECONDS = int(NOW.timestamp())


class World:
    """One server with a service account, a pod, a secret and a node."""

    def __init__(self, home: str | None = "c") -> None:
        self.clock = StandingClock()
        self.objects = Objects()
        self.objects.put("serviceaccounts", BOT)
        self.objects.put("pods", thing("web", "ns"))
        self.objects.put("secrets", thing("held", "ns"))
        self.objects.put("nodes", thing("n1"))
        self.signer = TokenSigner(KEY, ISSUER, self.clock, counted())
        keys = [KEY.public_key(), OLD_KEY.public_key()]
        self.verifier = TokenVerifier(keys, ISSUER, (ISSUER,), self.objects.get, self.clock, home=home)

    def token(self, **options: Any) -> str:
        return self.signer.token(BOT, **{"audiences": [ISSUER], "seconds": 3600, **options})

    def user(self, token: str) -> User | None:
        found = self.verifier.recognise(token)
        return None if found is None else found.user

    def refusal(self, token: str) -> str:
        with pytest.raises(BadToken) as caught:
            self.verifier.recognise(token)
        return str(caught.value)


@pytest.fixture
def world() -> World:
    return World()


def claims_of(token: str) -> dict[str, Any]:
    unverified = jws.read(token)
    assert unverified is not None
    return unverified.claims


def changed(token: str, **changes: Any) -> str:
    """The same claims but for some, signed anew; None takes one away."""
    claims = {**claims_of(token), **changes}
    return jws.sign({key: value for key, value in claims.items() if value is not None}, KEY)


def private(token: str, **changes: Any) -> str:
    return changed(token, **{"kubernetes.io": {**claims_of(token)["kubernetes.io"], **changes}})


# What is said


def test_the_claims_are_those_of_the_real_server(world: World) -> None:
    assert claims_of(world.token()) == {
        "iss": ISSUER,
        "sub": "system:serviceaccount:ns:bot",
        "aud": [ISSUER],
        "iat": SECONDS,
        "nbf": SECONDS,
        "exp": SECONDS + 3600,
        "jti": "id-1",
        "kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "bot", "uid": "uid-bot"}},
    }


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (Bound("Secret", "held", "1"), {"secret": {"name": "held", "uid": "1"}}),
        (Bound("Node", "n1", "2"), {"node": {"name": "n1", "uid": "2"}}),
        (Bound("Pod", "web", "3"), {"pod": {"name": "web", "uid": "3"}}),
        (
            Bound("Pod", "web", "3", ("n1", "2")),
            {"pod": {"name": "web", "uid": "3"}, "node": {"name": "n1", "uid": "2"}},
        ),
        (Bound("Pod", "web", "3", ("n9", "")), {"pod": {"name": "web", "uid": "3"}, "node": {"name": "n9"}}),
    ],
)
def test_what_a_token_is_bound_to_is_named(world: World, bound: Bound, said: dict[str, Any]) -> None:
    found = claims_of(world.token(bound=bound, warn_after=600))["kubernetes.io"]
    assert {key: found[key] for key in said} == said
    assert found["warnafter"] == SECONDS + 600


# Whose it is


def test_a_token_is_its_account(world: World) -> None:
    assert world.user(world.token()) == User(
        "system:serviceaccount:ns:bot",
        "uid-bot",
        ("system:serviceaccounts", "system:serviceaccounts:ns"),
        {"authentication.kubernetes.io/credential-id": ("JTI=id-1",)},
    )


def test_what_it_is_bound_to_is_in_the_extra(world: World) -> None:
    prefix = "authentication.kubernetes.io/"
    pod = world.user(world.token(bound=Bound("Pod", "web", "uid-web", ("n9", "u9"))))
    assert pod is not None
    assert {key.removeprefix(prefix): value for key, (value,) in pod.extra.items()} == {
        "pod-name": "web",
        "pod-uid": "uid-web",
        "node-name": "n9",
        "node-uid": "u9",
        "credential-id": "JTI=id-1",
    }
    node = world.user(world.token(bound=Bound("Node", "n1", "uid-n1")))
    assert node is not None
    assert node.extra[f"{prefix}node-name"] == ("n1",)
    nameless = world.user(changed(world.token(bound=Bound("Pod", "web", "uid-web", ("n9", ""))), jti=None))
    assert nameless is not None
    assert sorted(key.removeprefix(prefix) for key in nameless.extra) == ["node-name", "pod-name", "pod-uid"]
    assert world.user(world.token(bound=Bound("Secret", "held", "uid-held"))) is not None


def test_tokens_of_others_are_none_of_our_business(world: World) -> None:
    for token in (
        "junk",
        "a.b.c",
        changed(world.token(), iss="https://elsewhere"),
        changed(world.token(), iss=None),
    ):
        assert world.verifier.recognise(token) is None


# Signature


def test_any_key_of_ours_will_do_and_no_other(world: World) -> None:
    claims = claims_of(world.token())
    assert world.user(jws.sign(claims, OLD_KEY)) is not None
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert world.refusal(jws.sign(claims, stranger)) == "invalid signature, no keys found"
    head, payload, signature = jws.sign(claims, KEY).split(".")
    own = jws.sign(claims, stranger).split(".")[2]
    assert world.refusal(f"{head}.{payload}.{own}") == jws.NOT_VERIFIED
    del signature


def test_without_a_key_id_all_keys_are_tried(world: World) -> None:
    import base64
    import json

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    text = f"{encoded(json.dumps({'alg': 'ES256'}).encode())}.{world.token().split('.')[1]}"
    r, s = decode_dss_signature(KEY.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert world.user(f"{text}.{encoded(signature)}") is not None
    assert world.refusal(f"{text}.{encoded(signature[::-1])}") == jws.NOT_VERIFIED


def test_a_signature_is_verified_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read, reads = jws.read, list[str]()

    def counting(token: str) -> jws.Unverified | None:
        reads.append(token)
        return read(token)

    monkeypatch.setattr(jws, "read", counting)
    token = world.token()
    for _ in range(3):
        assert world.user(token) is not None
    assert reads == [token]


def test_a_good_signature_is_remembered_but_nothing_else_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_VERIFIED", 2)
    token = world.token()
    assert world.user(token) == world.user(token)
    world.objects.remove("serviceaccounts", "bot", "ns")
    assert world.refusal(token) == 'serviceaccounts "bot" not found'
    for _ in range(5):
        world.refusal(world.token())
        assert len(world.verifier._verified) <= 2


# Audience and time


def test_a_token_is_for_its_audiences(world: World) -> None:
    token = world.token(audiences=["a", ISSUER, "b"])
    found = world.verifier.recognise(token, ["b", "x", "a"])
    assert found is not None
    assert found.audiences == ("a", "b")
    assert world.refusal(world.token(audiences=["a", "b"])) == (
        f'token audiences ["a" "b"] is invalid for the target audiences ["{ISSUER}"]'
    )
    single = world.verifier.recognise(changed(token, aud="x"), ["x"])
    assert single is not None


def test_a_token_without_an_audience_is_for_this_server(world: World) -> None:
    token = changed(world.token(), aud=None)
    assert world.user(token) is not None
    with pytest.raises(BadToken, match=r'token audiences \["https://kubernetes'):
        world.verifier.recognise(token, ["x"])


@pytest.mark.parametrize("audience", [5, {}, ["a", 5], True])
def test_an_audience_that_is_no_text_is_refused(world: World, audience: object) -> None:
    said = "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience"
    assert world.refusal(changed(world.token(), aud=audience)) == said


def test_time_has_a_leeway_of_a_minute(world: World) -> None:
    token = world.token(seconds=600)
    world.clock.advance(seconds=-61)
    assert world.refusal(token) == "service account token is not valid yet"
    world.clock.advance(seconds=1)
    assert world.user(token) is not None
    world.clock.advance(seconds=600 + 60 + 60)
    assert world.user(token) is not None
    world.clock.advance(seconds=1)
    assert world.refusal(token) == "service account token has expired"


def test_a_token_of_the_future_is_refused_and_one_without_times_never_ends(world: World) -> None:
    assert (
        world.refusal(changed(world.token(), iat=SECONDS + 61))
        == "service account token is issued in the future"
    )
    endless = changed(world.token(), iat=None, nbf=None, exp=None)
    world.clock.advance(days=10_000)
    assert world.user(endless) is not None


@pytest.mark.parametrize("moment", ["soon", True, [], {}])
def test_times_that_are_no_numbers_are_refused(world: World, moment: object) -> None:
    said = "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
    assert world.refusal(changed(world.token(), exp=moment)) == said


def test_huge_and_fractional_times_are_numbers_too(world: World) -> None:
    assert world.user(changed(world.token(), exp=1e300)) is not None
    assert world.user(changed(world.token(), exp=SECONDS + 0.5)) is not None


# What it stands for


def test_a_token_ends_with_its_account(world: World) -> None:
    token = world.token()
    world.objects.put("serviceaccounts", thing("bot", "ns", "another"))
    assert world.refusal(token) == "service account UID (another) does not match claim (uid-bot)"
    world.objects.remove("serviceaccounts", "bot", "ns")
    assert world.refusal(token) == 'serviceaccounts "bot" not found'
    assert world.refusal(changed(token, **{"kubernetes.io": None})) == "resource name may not be empty"
    assert world.refusal(private(token, serviceaccount={"name": 5})) == "resource name may not be empty"


@pytest.mark.parametrize(
    ("kind", "resource", "name", "namespace", "title"),
    [
        ("Pod", "pods", "web", "ns", "pod"),
        ("Secret", "secrets", "held", "ns", "Secret"),
        ("Node", "nodes", "n1", "", "Node"),
    ],
)
def test_a_token_ends_with_what_it_is_bound_to(
    world: World, kind: str, resource: str, name: str, namespace: str, title: str
) -> None:
    token = world.token(bound=Bound(kind, name, f"uid-{name}"))
    assert world.user(token) is not None
    world.objects.put(resource, thing(name, namespace, "another"))
    assert world.refusal(token) == (
        f"{title} UID (another) does not match service account {kind.lower()} ref claim (uid-{name})"
    )
    going = thing(name, namespace)
    going["metadata"]["deletionTimestamp"] = timestamp(world.clock.now())
    world.objects.put(resource, going)
    assert world.user(token) is not None, "clocks may differ by a minute"
    world.clock.advance(seconds=61)
    assert world.refusal(token) == "service account token has been invalidated"
    world.objects.remove(resource, name, namespace)
    assert world.refusal(token) == "service account token has been invalidated"


def test_an_account_that_is_on_its_way_out_has_a_minute(world: World) -> None:
    token = world.token()
    going = thing("bot", "ns")
    going["metadata"]["deletionTimestamp"] = timestamp(world.clock.now())
    world.objects.put("serviceaccounts", going)
    world.clock.advance(seconds=60)
    assert world.user(token) is not None
    world.clock.advance(seconds=1)
    assert world.refusal(token) == "service account ns/bot has been deleted"


# Logical clusters


def test_a_workspace_token_names_its_cluster_and_is_good_in_all_of_them() -> None:
    world = World(home=None)
    token = world.token(cluster="c")
    found = world.user(token)
    assert found is not None
    assert (found.extra[CLUSTER_KEY], found.extra[SCOPES_KEY]) == (("c",), ("cluster:c",))
    assert len(found.extra) == 3
    assert world.refusal(world.token(cluster="d")) == 'serviceaccounts "bot" not found'


def test_tokens_of_the_other_kind_of_server_are_refused() -> None:
    workspaces, physical = World(home=None), World(home="c")
    said = "service account token is of another control plane"
    assert workspaces.refusal(workspaces.token()) == said
    assert physical.refusal(physical.token(cluster="c")) == said
