"""Kubeconfig documents for the users of a control plane: everything embedded, so that a file can be copied anywhere.

`kubeconfig` puts any number of contexts into one document: each is a place (a URL, e.g. of one workspace) seen by a user, who
is known by a client certificate or by a token. The document is plain data; JSON is YAML, so it can be written as either.

Pure. Called by `assembly`; the command line writes the file.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.auth.authority import KeyPair

__all__ = ["Context", "kubeconfig"]


@dataclass(frozen=True, slots=True)
class Context:
    """One context: its name, the URL of the server, who uses it, and the namespace to begin in (empty: default)."""

    name: str
    server: str
    user: str
    credential: KeyPair | str
    namespace: str = ""


def kubeconfig(contexts: Sequence[Context], authority_pem: bytes, *, current: str = "") -> dict[str, Any]:
    """The document of these contexts; `current` is by default the first.

    Contexts of one user share its entry, contexts of one URL their cluster. Raises `ValueError` without contexts or for
    a current one that is not there.
    """
    names = [context.name for context in contexts]
    current = current or names[0] if names else ""
    if current not in names:
        raise ValueError(f"no context {current!r} among {names}")
    users = {context.user: _credential(context.credential) for context in contexts}
    clusters: dict[str, str] = {}
    for context in contexts:
        clusters.setdefault(context.server, context.name)
    authority = _encoded(authority_pem)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}
            for server, name in clusters.items()
        ],
        "users": [{"name": name, "user": secret} for name, secret in users.items()],
        "contexts": [_context(context, clusters[context.server]) for context in contexts],
        "current-context": current,
    }


def _context(context: Context, cluster: str) -> dict[str, Any]:
    entry = {"cluster": cluster, "user": context.user}
    if context.namespace:
        entry["namespace"] = context.namespace
    return {"name": context.name, "context": entry}


def _credential(credential: KeyPair | str) -> dict[str, str]:
    if isinstance(credential, str):
        return {"token": credential}
    return {
        "client-certificate-data": _encoded(credential.certificate_pem),
        "client-key-data": _encoded(credential.key_pem),
    }


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
