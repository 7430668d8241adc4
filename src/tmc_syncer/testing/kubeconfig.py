"""Kubeconfig files for the users of the test bed.

A file has one cluster and one context, both named after the test bed's cluster, and one user. Everything is embedded, so
that the file can be copied anywhere. It is JSON, which every YAML reader takes.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tmc_syncer.testing.certificates import KeyPair, write_secret

__all__ = ["write_kubeconfig"]


def write_kubeconfig(
    path: Path, *, cluster: str, server: str, ca_pem: bytes, user: str, credential: str | KeyPair
) -> Path:
    """Write a kubeconfig to ``path`` and return ``path``.

    ``credential`` is a bearer token or a client certificate; ``server`` is a URL.
    """
    if isinstance(credential, str):
        secrets = {"token": credential}
    else:
        secrets = {
            "client-certificate-data": _encoded(credential.public_pem),
            "client-key-data": _encoded(credential.private_pem),
        }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"server": server, "certificate-authority-data": _encoded(ca_pem)}}
        ],
        "users": [{"name": user, "user": secrets}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_secret(path, json.dumps(config, indent=2).encode())
    return path


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
