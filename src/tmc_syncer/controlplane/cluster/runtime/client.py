"""`Client`: what the simulated cluster uses of the in-process client of a server (`server.local.Local`).

Reads and writes are synchronous and see the present, so a read followed by a write in one turn of the loop cannot be interrupted;
`watch` is asynchronous, tells ADDED for all that stands and then every change, and never ends by itself. Objects that come out
are shared and never changed. Refusals are `server.errors.ApiError`. A resource is named ``pods`` or ``deployments.apps``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

__all__ = ["Client", "Key", "Object", "key_of"]

Object = dict[str, Any]

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name."""


class Client(Protocol):
    """See the module."""

    def serves(self, resource: str) -> bool: ...

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None: ...

    def list(
        self, resource: str, namespace: str = "", selector: Callable[[Object], bool] | None = None
    ) -> list[Object]: ...

    def create(self, resource: str, obj: Object, *, manager: str = "") -> Object: ...

    def update(self, resource: str, obj: Object, *, manager: str = "", subresource: str = "") -> Object: ...

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> None: ...

    def watch(self, resource: str) -> AsyncIterator[tuple[str, Object]]: ...


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    metadata = obj["metadata"]
    return metadata.get("namespace") or "", metadata["name"]
