"""Signed tokens in the compact form (JSON Web Signature, RFC 7515), as far as service-account tokens need it.

`sign` makes one with a private key; `read` takes one apart without believing it; `Unverified.verify` checks it with a public
key and returns what it says. The algorithm follows from the key alone, RS256 for RSA and ES256, ES384 or ES512 by the curve:
a token that names another one, or ``none``, is refused whatever it carries. A header with ``crit`` is refused, because no
extension is known; keys inside the token (``jwk``, ``jku``, ``x5c``) are never looked at.

Bounded and strict: at most `_LONGEST_TOKEN` characters, base64url without padding and without spare bits (so that one token has
one spelling), JSON objects only. Every failure is `BadToken`; nothing else is raised, whatever comes in.

Own code and not PyJWT, because this much is all that is needed and all cryptography is in `cryptography`. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

__all__ = [
    "NOT_VERIFIED",
    "BadToken",
    "PrivateKey",
    "PublicKey",
    "Unverified",
    "algorithm_of",
    "decoded",
    "key_id",
    "read",
    "sign",
]

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_LONGEST_TOKEN = 64 * 1024
"""Characters; real tokens have about one thousand, and HTTP servers refuse such headers long before."""
_ENCODED = re.compile(r"[A-Za-z0-9_-]*")
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "ES256": hashes.SHA256(),
    "ES384": hashes.SHA384(),
    "ES512": hashes.SHA512(),
    "RS256": hashes.SHA256(),
}
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class BadToken(Exception):
    """A token that is not accepted; the message may be shown to whoever sent it."""


NOT_VERIFIED = "go-jose/go-jose: error in cryptographic primitive"
"""What the real server says of every signature that does not hold."""


def algorithm_of(key: PrivateKey | PublicKey) -> str:
    """The one algorithm that this key is used with. Raises `ValueError` for a curve that has none."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return "RS256"
    if (known := _CURVES.get(key.curve.name)) is None:
        raise ValueError(f"no signature algorithm for the curve {key.curve.name}")
    return known


def key_id(key: PublicKey) -> str:
    """The ``kid`` of a key: a digest of it, as kube-apiserver makes it."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _encoded(hashlib.sha256(der).digest())


def sign(claims: dict[str, Any], key: PrivateKey) -> str:
    """The token that says `claims`, signed."""
    algorithm = algorithm_of(key)
    header = {"alg": algorithm, "kid": key_id(key.public_key())}
    encode = msgspec.json.Encoder(order="deterministic").encode
    text = f"{_encoded(encode(header))}.{_encoded(encode(claims))}"
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(text.encode(), padding.PKCS1v15(), _HASHES[algorithm])
    else:
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(_HASHES[algorithm])))
        size = _half(key)
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return f"{text}.{_encoded(signature)}"


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token taken apart. Nothing of it may be believed before `verify`; `issuer` and `key` tell what to try."""

    signed: bytes
    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes

    @property
    def issuer(self) -> str:
        """Who the token says has signed it."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""

    @property
    def key(self) -> str:
        """The id of the key that the token says it was signed with; empty when it does not say."""
        key = self.header.get("kid")
        return key if isinstance(key, str) else ""

    def verify(self, key: PublicKey) -> dict[str, Any]:
        """What the token says, if it was signed with the private half of `key`. Raises `BadToken`."""
        algorithm = algorithm_of(key)
        if self.header.get("alg") != algorithm or "crit" in self.header:
            raise BadToken(NOT_VERIFIED)
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(self.signature, self.signed, padding.PKCS1v15(), _HASHES[algorithm])
            else:
                size = _half(key)
                if len(self.signature) != 2 * size:
                    raise BadToken(NOT_VERIFIED)
                halves = (
                    int.from_bytes(half, "big") for half in (self.signature[:size], self.signature[size:])
                )
                key.verify(encode_dss_signature(*halves), self.signed, ec.ECDSA(_HASHES[algorithm]))
        except InvalidSignature as error:
            raise BadToken(NOT_VERIFIED) from error
        return self.claims


def read(token: str) -> Unverified | None:
    """Take a token apart; None when it does not have the form of one."""
    if len(token) > _LONGEST_TOKEN:
        return None
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header, payload, signature = map(decoded, parts)
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        return Unverified(f"{parts[0]}.{parts[1]}".encode(), decode(header), decode(payload), signature)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors, and it stops at deep nesting
        return None


def _half(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> int:
    return (key.curve.key_size + 7) // 8


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url text. Raises `ValueError` for any but their canonical spelling."""
    if not _ENCODED.fullmatch(text):
        raise binascii.Error("not base64url")
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(content) != text:
        raise binascii.Error("not canonical")
    return content
