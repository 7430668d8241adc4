"""Signed tokens: what was signed comes out, and nothing else is ever believed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.auth.jws import (
    NOT_VERIFIED,
    BadToken,
    PrivateKey,
    algorithm_of,
    key_id,
    read,
    sign,
)

EC = ec.generate_private_key(ec.SECP256R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, PrivateKey] = {
    "ES256": EC,
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "RS256": RSA,
}
DEEP = b'{"a":' * 9_000
CLAIMS = {"iss": "me", "n": 1, "deep": {"z": [1, "ü"], "a": None}}


def encoded(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def believed(token: str, key: PrivateKey = EC) -> Any:
    """The claims of a token, None when it is not believed."""
    unverified = read(token)
    if unverified is None:
        return None
    try:
        return unverified.verify(key.public_key())
    except BadToken:
        return None


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_what_was_signed_is_believed_with_the_right_key_only(algorithm: str) -> None:
    key = KEYS[algorithm]
    token = sign(CLAIMS, key)
    assert believed(token, key) == CLAIMS
    unverified = read(token)
    assert unverified is not None
    assert unverified.header == {"alg": algorithm, "kid": key_id(key.public_key())}
    assert (unverified.issuer, unverified.key) == ("me", key_id(key.public_key()))
    for other in (*KEYS.values(), OTHER_EC):
        if other is not key:
            assert believed(token, other) is None


def test_the_payload_has_its_keys_in_order_as_the_real_server_writes_it() -> None:
    payload = sign({"b": 1, "a": {"d": 1, "c": 2}}, EC).split(".")[1]
    assert base64.urlsafe_b64decode(payload + "==") == b'{"a":{"c":2,"d":1},"b":1}'


def test_curves_without_an_algorithm_are_refused() -> None:
    with pytest.raises(ValueError, match="secp256k1"):
        algorithm_of(ec.generate_private_key(ec.SECP256K1()))


def test_the_id_of_a_key_is_a_digest_of_its_public_half() -> None:
    der = EC.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    assert key_id(EC.public_key()) == encoded(digest.finalize())


# Hostile tokens


def forged(header: dict[str, Any], signature: bytes = b"") -> str:
    return f"{encoded(header)}.{encoded(CLAIMS)}.{encoded(signature)}"


def signed(header: dict[str, Any]) -> str:
    """A token with any header that is signed with our key all the same."""
    text = f"{encoded(header)}.{encoded(CLAIMS)}"
    r, s = decode_dss_signature(EC.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def test_a_signature_has_one_spelling() -> None:
    """A zero between its halves changes no number but makes another token."""
    head, payload, signature = sign(CLAIMS, EC).split(".")
    halves = base64.urlsafe_b64decode(signature + "==")
    padded = halves[:32] + b"\x00" + halves[32:]
    assert believed(f"{head}.{payload}.{encoded(halves)}") == CLAIMS
    assert believed(f"{head}.{payload}.{encoded(padded)}") is None


def test_no_algorithm_is_no_signature() -> None:
    for name in ("none", "None", "NONE", "", None, 5):
        assert believed(forged({"alg": name})) is None
        assert believed(forged({"alg": name}, b"x" * 64)) is None
    assert believed(forged({})) is None


def test_the_public_key_is_no_shared_secret() -> None:
    """The classic confusion: HS256 with the public key, which everybody knows, as secret."""
    import hashlib
    import hmac

    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = f"{encoded({'alg': 'HS256'})}.{encoded(CLAIMS)}"
    signature = hmac.new(pem, text.encode(), hashlib.sha256).digest()
    assert believed(f"{text}.{encoded(signature)}", RSA) is None


def test_the_algorithm_is_the_one_of_the_key() -> None:
    for header in ({"alg": "RS384"}, {"alg": "PS256"}, {"alg": "ES256"}):
        text = f"{encoded(header)}.{encoded(CLAIMS)}"
        signature = RSA.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        assert believed(f"{text}.{encoded(signature)}", RSA) is None


def test_keys_inside_the_token_are_not_looked_at() -> None:
    point = OTHER_EC.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": encoded(point.x.to_bytes(32, "big")),
        "y": encoded(point.y.to_bytes(32, "big")),
    }
    head, payload, _ = sign(CLAIMS, OTHER_EC).split(".")
    del head
    text = f"{encoded({'alg': 'ES256', 'jwk': jwk})}.{payload}"
    der = OTHER_EC.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    assert believed(f"{text}.{encoded(der[-64:])}") is None


def test_extensions_that_must_be_understood_are_not() -> None:
    assert believed(signed({"alg": "ES256"})) == CLAIMS
    assert believed(signed({"alg": "ES256", "crit": ["exp"]})) is None


@pytest.mark.parametrize(
    "signature", [b"", b"\x00" * 64, b"\xff" * 64, b"\x00" * 63, b"\x01" * 65, b"x" * 10_000]
)
def test_odd_signatures_are_refused_and_not_crashed_on(signature: bytes) -> None:
    assert believed(forged({"alg": "ES256"}, signature)) is None
    assert believed(forged({"alg": "RS256"}, signature), RSA) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        f"{encoded([])}.{encoded({})}.",
        f"{encoded({})}.{encoded('text')}.",
        f"{encoded({})}.{encoded(b'{')}.",
        f"{encoded({})}.{encoded({})}.=",
        f"{encoded({})}=.{encoded({})}.",
        f"{encoded({})}.{encoded({})}.ÿ",
        f"{encoded({})}.{encoded({})}.\udcff",
        f"{encoded({})} .{encoded({})}.",
        f"{encoded({})}.{encoded(b'[' * 100_000)}.",
        f"{encoded({})}.{encoded(DEEP)}.",
        f"e31.{encoded({})}.",  # the same bytes as e30, spelled with spare bits
        json.dumps({"payload": "e30", "protected": "e30", "signature": ""}),
    ],
    ids=range(19),
)
def test_what_has_not_the_form_is_no_token(token: str) -> None:
    assert read(token) is None


def test_a_token_that_is_too_long_is_not_even_taken_apart() -> None:
    assert read(sign({"pad": "x" * 70_000}, EC)) is None
    assert read(sign({"pad": "x" * 30_000}, EC)) is not None


def test_names_of_issuer_and_key_that_are_no_text_are_none() -> None:
    unverified = read(f"{encoded({'kid': 5})}.{encoded({'iss': ['me']})}.")
    assert unverified is not None
    assert (unverified.issuer, unverified.key) == ("", "")


GOOD = sign(CLAIMS, EC)


@given(
    st.integers(0, len(GOOD) - 1),
    st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n"),
)
def test_a_token_that_is_changed_anywhere_is_not_believed(position: int, character: str) -> None:
    changed = GOOD[:position] + character + GOOD[position + 1 :]
    assert believed(changed) == (CLAIMS if changed == GOOD else None)


@given(st.text())
def test_any_text_is_read_or_not_but_never_crashed_on(text: str) -> None:
    believed(text)
    believed(f"{encoded({'alg': 'ES256'})}.{encoded({})}.{text}")


@pytest.mark.parametrize("signature", [b"", b"x" * 64])
def test_every_failure_is_told_in_the_same_words(signature: bytes) -> None:
    for token, key in ((forged({"alg": "ES256"}, signature), EC), (forged({"alg": "RS256"}, signature), RSA)):
        unverified = read(token)
        assert unverified is not None
        with pytest.raises(BadToken) as caught:
            unverified.verify(key.public_key())
        assert str(caught.value) == NOT_VERIFIED
