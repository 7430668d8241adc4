"""`Catalogue`: all documents of a server: those of its types, and those by which others check its tokens (OpenID)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tmc_syncer.controlplane.server.documents import Document, Documents
from tmc_syncer.controlplane.server.encoding import encode_json

__all__ = ["Catalogue"]


class Catalogue:
    """`openid` gives documents by path; they name the address of the server, which is known once it listens."""

    def __init__(self, types: Documents, openid: Callable[[], Mapping[str, Any]]) -> None:
        self._types = types
        self._openid = openid

    def has_group(self, cluster: str, group: str) -> bool:
        """Whether the cluster serves an API group at all."""
        return self._types.has_group(cluster, group)

    def find(
        self, cluster: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Document | None:
        """The document at a path, None when there is none. Raises `ApiError` 406."""
        if path.startswith(("/.well-known/", "/openid/")):
            found = self._openid().get(path)
            return None if found is None else Document(encode_json(found))
        return self._types.find(cluster, path, query, headers)
