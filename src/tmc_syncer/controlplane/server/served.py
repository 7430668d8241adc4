"""The types that a server serves, as `types` describes them; one place for the names that the server uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tmc_syncer.controlplane.types.registry import Allocations, Columns, Context, Object
from tmc_syncer.controlplane.types.registry import Type as ServedType

__all__ = ["Allocations", "Columns", "Context", "Object", "ServedType", "ServedTypes", "collection_of"]


class ServedTypes(Protocol):
    """What is used of `types.registry.Registry`."""

    def find(self, cluster: str, group: str, version: str, resource: str) -> ServedType | None: ...

    def all(self, cluster: str) -> Iterable[ServedType]:
        """Every served type; of several versions the preferred one first."""
        ...


def collection_of(served: ServedType) -> str:
    """The name of the collection in the store; all versions of a type share one."""
    return served.storage or served.name
