"""TokenReview and SelfSubjectReview, from body to answer."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.controlplane.auth.stage import ISSUER, NOW, Objects, StandingClock
from tmc_syncer.controlplane.auth.authenticator import Authenticator
from tmc_syncer.controlplane.auth.authority import Authority
from tmc_syncer.controlplane.auth.certificates import CertificateReader
from tmc_syncer.controlplane.auth.identity_reviews import review_self, review_token
from tmc_syncer.controlplane.auth.token_claims import TokenVerifier
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError


@pytest.fixture(scope="module")
def authenticator() -> Authenticator:
    clock = StandingClock()
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    verifier = TokenVerifier([key], ISSUER, (ISSUER,), Objects().get, clock, home="c")
    certificates = CertificateReader(Authority.create("tmc", NOW).certificate, clock)
    static = {"t": User("ann", "7", ("team",), {"k": ("v",)})}
    return Authenticator(certificates, verifier, audiences=(ISSUER,), static_tokens=static)


def test_a_recognised_token_names_its_user(authenticator: Authenticator) -> None:
    body = {
        "metadata": {"name": "x", "namespace": "ns"},
        "spec": {"token": "t", "audiences": [ISSUER, "other"]},
    }
    assert review_token(authenticator, body) == {
        "kind": "TokenReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": "x"},
        "spec": body["spec"],
        "status": {
            "authenticated": True,
            "user": {
                "username": "ann",
                "uid": "7",
                "groups": ["team", "system:authenticated"],
                "extra": {"k": ["v"]},
            },
            "audiences": [ISSUER],
        },
    }


def test_another_token_is_an_answer_too(authenticator: Authenticator) -> None:
    answer = review_token(authenticator, {"spec": {"token": "wrong"}})
    assert answer["status"] == {"user": {}, "error": "invalid bearer token"}


@pytest.mark.parametrize("body", [{}, {"spec": {}}, {"spec": {"token": ""}}])
def test_a_review_without_a_token_is_refused(authenticator: Authenticator, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="token is required for TokenReview in authentication") as caught:
        review_token(authenticator, body)
    assert caught.value.code == 400


def test_somebody_asks_who_he_is() -> None:
    assert review_self(User("ann", groups=("a",)), NOW) == {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": "2026-03-01T12:00:00Z"},
        "status": {"userInfo": {"username": "ann", "groups": ["a"]}},
    }
