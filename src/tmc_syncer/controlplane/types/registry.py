"""`Type`: everything the server must know of one served type; `Registry`: which types each logical cluster serves.

Built-in types are the same objects in every cluster that serves them; a server chooses by a set of names which these are
(`sets`). Custom types belong to one cluster and are given by `install` and `remove`, as their CustomResourceDefinitions
come and go. `version` counts these changes, so that what was derived from the types (discovery and OpenAPI
documents) is made again only when it is stale. The cluster ``*`` stands for any: it finds a type that any cluster has.

Objects are JSON dictionaries. The functions of a type never change what they are given; `prepare` and `default` return copies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tmc_syncer.controlplane.server.errors import Cause

__all__ = [
    "Allocations",
    "Columns",
    "Context",
    "Conversion",
    "Object",
    "Refused",
    "Registry",
    "Subresource",
    "Type",
]

Object = dict[str, Any]

ANY_CLUSTER = "*"


class Columns(Protocol):
    """The columns of a type's Table."""

    @property
    def definitions(self) -> Sequence[Object]:
        """Name, type, format, description and priority of each."""
        ...

    def cells(self, obj: Object, now: datetime) -> Sequence[Any]:
        """The cells of one row, one for each definition."""
        ...

    def conditions(self, obj: Object) -> Sequence[Object]:
        """The conditions of the row: clients show completed rows in another way."""
        ...


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource as discovery shows it; `group` and `version` are empty where they are the type's own."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A version whose objects are stored in another: between its form and the stored one."""

    to_stored: Callable[[Object], Object]
    from_stored: Callable[[Object], Object]


class Refused(ValueError):
    """A wanted address or port cannot be had; the message says why."""


class Allocations(Protocol):
    """Where Services get addresses and ports from; raises `Refused` when one is taken."""

    def address(self, wanted: str, owner: str) -> str:
        """Take the address `wanted`, or any when it is empty, for the owner (a uid)."""
        ...

    def port(self, wanted: int, owner: str) -> int:
        """Take the port `wanted`, or any when it is 0."""
        ...

    def keep(self, owner: str, addresses: Collection[str], ports: Collection[int]) -> None:
        """Give back what the owner holds beside these."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What `Type.prepare` may ask: the time as a timestamp, other objects, addresses. `find` takes resource and name."""

    now: str = ""
    find: Callable[[str, str], Object | None] = lambda _resource, _name: None
    allocations: Allocations | None = None


def _unchanged(obj: Object) -> Object:
    return obj


def _unprepared(obj: Object, old: Object | None, context: Context) -> Object:
    del old, context
    return obj


def _valid(obj: Object, old: Object | None) -> list[Cause]:
    del obj, old
    return []


def _no_labels(obj: Object) -> dict[str, str]:
    del obj
    return {}


@dataclass(frozen=True, slots=True)
class Type:
    """See the module.

    `default` reads an object as Go does and fills it in; it raises `ApiError` 400 for what cannot be read. `prepare` assigns
    what only the server may (called with the live object for an update, after defaulting), `validate` names what is wrong
    with the finished object. `storage` is the collection that its objects are kept in, together with other versions
    and groups of the same thing; `conversion` is there when they are kept in another form than this one. `structural` is the
    schema of a custom type as its definition has it.
    """

    group: str
    version: str
    resource: str
    kind: str
    singular: str
    list_kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    columns: Columns
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    has_generation: bool = False
    has_status: bool = False
    graceful: bool = False
    custom: bool = False
    default: Callable[[Object], Object] = _unchanged
    prepare: Callable[[Object, Object | None, Context], Object] = _unprepared
    validate: Callable[[Object, Object | None], list[Cause]] = _valid
    field_labels: Callable[[Object], dict[str, str]] = _no_labels
    storage: str = ""
    conversion: Conversion | None = None
    keeps_status_on_create: bool = False
    subresource_details: tuple[Subresource, ...] = ()
    scale: Any = None
    structural: Object | None = None
    schema_source: Callable[[], Any] = field(default=lambda: None, repr=False)

    @property
    def schema(self) -> Any:
        """The schema node of `merge`, None for a type without one."""
        return self.schema_source()

    @property
    def group_version(self) -> str:
        """``apps/v1``, or ``v1`` of the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def name(self) -> str:
        """``deployments.apps``, or ``pods`` of the core group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


Key = tuple[str, str, str]


class Registry:
    """The types of each cluster. `builtins` are served by every cluster that `served` does not restrict.

    `served` returns the names of the built-in types of a cluster (``deployments.apps``), None for all.
    """

    def __init__(
        self,
        builtins: Iterable[Type],
        served: Callable[[str], Collection[str] | None] = lambda _cluster: None,
    ) -> None:
        self._builtins: dict[Key, Type] = {
            (made.group, made.version, made.resource): made for made in builtins
        }
        self._served = served
        self._custom: dict[str, dict[Key, Type]] = {}
        self._versions: dict[str, int] = {}

    def find(self, cluster: str, group: str, version: str, resource: str) -> Type | None:
        """The type that a cluster serves under this path."""
        key = (group, version, resource)
        builtin = self._builtins.get(key)
        if builtin is not None:
            return builtin if self._serves(cluster, builtin) else None
        if cluster != ANY_CLUSTER:
            return self._custom.get(cluster, {}).get(key)
        return next((types[key] for types in self._custom.values() if key in types), None)

    def of_kind(self, cluster: str, group: str, version: str, kind: str) -> Type | None:
        """The type of a kind."""
        for made in self.all(cluster):
            if (made.kind, made.group, made.version) == (kind, group, version):
                return made
        return None

    def all(self, cluster: str) -> Sequence[Type]:
        """All types that a cluster serves, built-in ones first."""
        found = [made for made in self._builtins.values() if self._serves(cluster, made)]
        if cluster != ANY_CLUSTER:
            return [*found, *self._custom.get(cluster, {}).values()]
        custom: dict[Key, Type] = {}
        for types in self._custom.values():
            custom = types | custom
        return [*found, *custom.values()]

    def version(self, cluster: str) -> int:
        """A number that grows when the types of a cluster change."""
        return self._versions.get(cluster, 0)

    def install(self, cluster: str, definition: str, types: Iterable[Type]) -> None:
        """Serve the types of a custom resource definition (its name) instead of those that it had before."""
        self._take_out(cluster, definition)
        kept = self._custom.setdefault(cluster, {})
        for made in types:
            kept[made.group, made.version, made.resource] = made
        self._changed(cluster)

    def remove(self, cluster: str, definition: str) -> None:
        """Serve the types of a custom resource definition no more."""
        self._take_out(cluster, definition)
        self._changed(cluster)

    def _take_out(self, cluster: str, definition: str) -> None:
        kept = self._custom.get(cluster, {})
        for key in [key for key, made in kept.items() if made.name == definition]:
            del kept[key]

    def _changed(self, cluster: str) -> None:
        for changed in (cluster, ANY_CLUSTER):
            self._versions[changed] = self.version(changed) + 1

    def _serves(self, cluster: str, made: Type) -> bool:
        names = None if cluster == ANY_CLUSTER else self._served(cluster)
        return names is None or made.name in names
