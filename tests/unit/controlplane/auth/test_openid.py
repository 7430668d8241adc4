"""The documents by which others check our tokens."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tmc_syncer.controlplane.auth.jws import PrivateKey, key_id
from tmc_syncer.controlplane.auth.openid import KEYS_PATH, openid_documents


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP521R1())],
    ids=["P-256", "P-521"],
)
def test_an_ec_key_is_published_as_its_point(key: ec.EllipticCurvePrivateKey) -> None:
    documents = openid_documents(key.public_key(), "https://issuer", "https://server:6443")
    (published,) = documents[KEYS_PATH]["keys"]
    point = key.public_key().public_numbers()
    assert (number(published["x"]), number(published["y"])) == (point.x, point.y)
    assert (published["kty"], published["use"], published["kid"]) == ("EC", "sig", key_id(key.public_key()))
    assert len(published["x"]) == len(published["y"])
    algorithms = documents["/.well-known/openid-configuration"]["id_token_signing_alg_values_supported"]
    assert algorithms == [published["alg"]]
    assert published["crv"] == {"ES256": "P-256", "ES512": "P-521"}[published["alg"]]


def test_an_rsa_key_is_published_as_its_numbers() -> None:
    key: PrivateKey = rsa.generate_private_key(65537, 2048)
    documents = openid_documents(key.public_key(), "https://issuer", "https://server:6443")
    (published,) = documents[KEYS_PATH]["keys"]
    assert isinstance(key, rsa.RSAPrivateKey)
    assert number(published["n"]) == key.public_key().public_numbers().n
    assert (published["e"], published["alg"], published["kty"]) == ("AQAB", "RS256", "RSA")


def test_the_configuration_says_where_the_keys_are() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    configuration = openid_documents(key, "https://issuer", "https://server:6443")[
        "/.well-known/openid-configuration"
    ]
    assert configuration["issuer"] == "https://issuer"
    assert configuration["jwks_uri"] == "https://server:6443/openid/v1/jwks"
