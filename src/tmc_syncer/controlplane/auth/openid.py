"""How others check this server's service-account tokens: the OpenID discovery documents of its issuer.

`openid_documents` gives the two that kube-apiserver serves, by path: the configuration, which names where the keys are, and the
key set with the public half of the signing key. Who may read them is RBAC's affair (``system:service-account-issuer-discovery``).

Pure. Called through `assembly`.
"""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tmc_syncer.controlplane.auth.jws import PublicKey, algorithm_of, key_id

__all__ = ["KEYS_PATH", "openid_documents"]

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/openid/v1/jwks"

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def openid_documents(key: PublicKey, issuer: str, server: str) -> dict[str, dict[str, Any]]:
    """The documents by path; `server` is the URL under which clients reach this server."""
    algorithm = algorithm_of(key)
    configuration = {
        "issuer": issuer,
        "jwks_uri": f"{server}{KEYS_PATH}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [algorithm],
    }
    common = {"use": "sig", "kid": key_id(key), "alg": algorithm}
    return {
        CONFIGURATION_PATH: configuration,
        KEYS_PATH: {"keys": [{**common, **_parameters(key, algorithm)}]},
    }


def _parameters(key: PublicKey, algorithm: str) -> dict[str, str]:
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _encoded(numbers.n), "e": _encoded(numbers.e)}
    point = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    return {
        "kty": "EC",
        "crv": _CURVES[algorithm],
        "x": _encoded(point.x, size),
        "y": _encoded(point.y, size),
    }


def _encoded(number: int, size: int = 0) -> str:
    content = number.to_bytes(size or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
