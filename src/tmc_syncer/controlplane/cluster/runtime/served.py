"""`ServedResource`: a type that a cluster serves, as the controllers that deal with all types see it.

The namespace controller empties namespaces of every type, the garbage collector follows owners of every kind. Types come and go
with CustomResourceDefinitions, so both ask the function that the assembly gives them, each time. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["ServedResource", "Types", "served_resources"]


class _Described(Protocol):
    """What is read of a type of the registry."""

    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def namespaced(self) -> bool: ...
    @property
    def verbs(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class ServedResource:
    """`name` is ``deployments.apps``."""

    name: str
    group: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]


Types = Callable[[], Sequence[ServedResource]]


def served_resources(types: Iterable[_Described]) -> list[ServedResource]:
    """The types of a registry, each once whatever its versions."""
    found: dict[str, ServedResource] = {}
    for one in types:
        name = f"{one.resource}.{one.group}" if one.group else one.resource
        if name not in found:
            found[name] = ServedResource(name, one.group, one.kind, one.namespaced, frozenset(one.verbs))
    return list(found.values())
