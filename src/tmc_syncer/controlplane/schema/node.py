"""Schema nodes: what may stand at one place of an object, and who may own parts of it.

A node has up to three sides, one for each form a value can take: a scalar, a list (`ListOf`), a map (`MapOf`, which is
also what a struct is). A typed place has one side; a place without a type has all three, and the value decides (`atom`
rules of structured-merge-diff). Beside the sides stand the facts that other steps need: default, enum, merge strategy
of strategic merge patches, what Go writes (`Go`), and the value rules of a CRD (`Rules`).

Nodes are frozen and compared by identity. They may contain themselves (JSONSchemaProps does): `MapOf.fields` is a
dictionary that the builder fills once and nobody changes afterwards. Every other module of `schema` and `merge` reads
nodes; only `openapi` makes them. Source of the model: sigs.k8s.io/structured-merge-diff/v6/schema and k8s.io/kube-openapi
pkg/schemaconv.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

__all__ = [
    "ABSENT",
    "ANY_ATOMIC",
    "DEDUCED",
    "NOTHING",
    "NO_RULES",
    "SCHEMALESS",
    "Absent",
    "Facts",
    "Go",
    "ListOf",
    "MapOf",
    "Rules",
    "Scalar",
    "Schema",
]


class Absent(Enum):
    """The type of `ABSENT`: no value at all, which is something else than null."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT

Scalar = Literal["", "numeric", "string", "boolean", "untyped"]


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    """A list: owned as a whole (atomic), a set of scalars, or a map by the values of `keys`.

    `declared` is false where a schema without type or items only happens to admit lists.
    """

    items: Schema
    kind: Literal["atomic", "set", "map"] = "atomic"
    keys: tuple[str, ...] = ()
    declared: bool = True

    @property
    def granular(self) -> bool:
        """Whether items are owned one by one."""
        return self.kind != "atomic"


@dataclass(frozen=True, slots=True, eq=False)
class MapOf:
    """A map or a struct: the named fields, and `extra` for all other keys; without `extra` there are no others.

    `additional` is what the schema says of other keys itself (a schema, true, or nothing), before "nothing is said" is taken
    for "anything goes": pruning goes by it.
    """

    fields: Mapping[str, Schema]
    extra: Schema | None = None
    atomic: bool = False
    additional: Schema | bool | None = None

    def child(self, name: str) -> Schema | None:
        """The node of one key, None when there is no such key."""
        return self.fields.get(name, self.extra)


@dataclass(frozen=True, slots=True)
class Go:
    """How Go's encoding/json treats one field of a built-in type.

    `always` is what stands there when the field has its zero value (None stands for null, {} for a struct's own zero), ABSENT
    when it is left out then. `kept` is true for pointers: an empty value that was given stays. `type` is for messages.
    """

    type: str = ""
    always: Any = ABSENT
    kept: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What a CRD's schema demands of a value beside its form."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    min_properties: int | None = None
    max_properties: int | None = None
    all_of: tuple[Schema, ...] = ()
    any_of: tuple[Schema, ...] = ()
    one_of: tuple[Schema, ...] = ()
    none_of: Schema | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the schema says beside the sides; the defaults say nothing."""

    type: str = ""
    format: str = ""
    default: Any = ABSENT
    enum: tuple[Any, ...] = ()
    required: tuple[str, ...] = ()
    nullable: bool = False
    preserve: bool = False
    embedded: bool = False
    int_or_string: bool = False
    strategies: tuple[str, ...] = ()
    merge_key: str = ""
    component: str = ""
    kinds: tuple[tuple[str, str, str], ...] = ()
    go: Go = field(default_factory=Go)
    rules: Rules | None = None


NO_FACTS: Final = Facts()
NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """One place of an object; see the module's docstring.

    The last five are for the root of a type. `loose`: somewhere below, a place has no type, so that true and 1 must be told
    apart. `custom`: a custom resource, whose schema may change while objects live. `status`: its status has an endpoint of
    its own. `structural`: a custom resource's schema as its CRD has it, without what every object has. `versions`: the nodes of
    all versions by apiVersion, where these differ; a version that is not among them is not served any more.
    """

    scalar: Scalar = ""
    array: ListOf | None = None
    mapping: MapOf | None = None
    facts: Facts = NO_FACTS
    loose: bool = False
    custom: bool = False
    status: bool = False
    structural: Schema | None = None
    versions: Mapping[str, Schema] | None = None

    def in_version(self, api_version: str) -> Schema | None:
        """The node of the type in a version, None for one that is gone."""
        return self if self.versions is None else self.versions.get(api_version)


def _anything(*, atomic: bool) -> Schema:
    """A node for any value at all. What is in its lists is always owned with the list, so these hold `ANY_ATOMIC`."""
    listing, mapping = ListOf(NOTHING, declared=False), MapOf({}, atomic=atomic)
    node = Schema(scalar="untyped", array=listing, mapping=mapping)
    object.__setattr__(mapping, "extra", node)  # a node that holds itself cannot be made in one go
    object.__setattr__(listing, "items", node if atomic else ANY_ATOMIC)
    return node


NOTHING: Final = Schema()

ANY_ATOMIC: Final = _anything(atomic=True)
"""Anything, owned as a whole: what schemaconv calls __untyped_atomic_."""

DEDUCED: Final = _anything(atomic=False)
"""Anything, where maps are owned key by key and lists as a whole: what schemaconv calls __untyped_deduced_."""

SCHEMALESS: Final = Schema(mapping=MapOf({}, DEDUCED), loose=True, custom=True)
"""The root of a type without any schema."""
