"""How the Go types of the Kubernetes API look on the wire: a table recorded from the types themselves.

One entry for each struct: its fields with JSON name, protobuf number, type, and whether Go leaves the field out when it is empty.
Three readers use it: `structs` checks and copies JSON bodies by it, `mismatches` says in Go's words what is wrong with one,
and `envelopes` decodes protobuf bodies. The table is data with a version; nothing here knows a kind by name. Pure.

A type is written as a word (``string``, ``int32``, ``bool``, ``bytes``, ``quantity``, ``time`` …, with ``=v1.Name`` where Go
has a name for it), ``#core.v1.Pod`` for a struct, ``*T`` for a pointer, ``[]T`` for a list, ``map:T`` for a map from
strings, and ``items[]T`` for a list that protobuf wraps into a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tmc_syncer.controlplane.types.recorded import recorded

__all__ = [
    "ANYTHING",
    "Field",
    "embedded",
    "fields",
    "flat_fields",
    "go_name",
    "kinds",
    "struct_of",
    "version",
]

ANYTHING = frozenset({"any", "fields", "json", "raw", "schema"})
"""Words for types that take any JSON as it is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct. `name` is empty for an embedded struct, whose fields JSON shows in the outer one."""

    name: str
    number: int
    type: str
    empty: str

    @property
    def always(self) -> bool:
        """Whether Go writes the field although it is empty."""
        return not self.empty

    @property
    def pointer(self) -> bool:
        """Whether an empty value differs from none."""
        return self.type.startswith("*")

    @property
    def bare(self) -> str:
        """The type without the pointer."""
        return self.type.removeprefix("*")

    @property
    def word(self) -> str:
        """The type without the pointer and Go's name for it."""
        return self.bare.partition("=")[0]


def version() -> str:
    """The version of Kubernetes that was recorded."""
    return str(recorded("go_types")["version"])


def kinds() -> dict[str, str]:
    """The structs by kind: ``apps/v1/Deployment`` is ``apps.v1.Deployment``."""
    found: dict[str, str] = recorded("go_types")["kinds"]
    return found


def struct_of(api_version: str, kind: str) -> str | None:
    """The struct of a kind, None for one that is no built-in."""
    return kinds().get(f"{api_version}/{kind}")


@cache
def fields(struct: str) -> tuple[Field, ...]:
    """The fields of a struct, embedded structs as one field."""
    return tuple(Field(*entry) for entry in recorded("go_types")["structs"][struct])


@cache
def flat_fields(struct: str) -> tuple[Field, ...]:
    """The fields of a struct as JSON shows them, those of embedded structs in their place."""
    return tuple(field for field, _ in _flattened(struct, ()))


@cache
def embedded(struct: str) -> dict[str, tuple[str, ...]]:
    """The names of the embedded structs, outermost first, that fields of a struct come from."""
    return {field.name: names for field, names in _flattened(struct, ()) if names}


def _flattened(struct: str, names: tuple[str, ...]) -> Iterator[tuple[Field, tuple[str, ...]]]:
    for field in fields(struct):
        if field.name:
            yield field, names
        else:
            inner = field.bare[1:]
            yield from _flattened(inner, (*names, inner.rpartition(".")[2]))


_GO_WORDS = {
    "any": "interface {}",
    "bytes": "[]uint8",
    "duration": "v1.Duration",
    "fields": "v1.FieldsV1",
    "intorstring": "intstr.IntOrString",
    "json": "v1.JSON",
    "microtime": "v1.MicroTime",
    "quantity": "resource.Quantity",
    "raw": "runtime.RawExtension",
    "schema": "v1.JSONSchemaProps",
    "time": "v1.Time",
}


def go_name(kind_of_type: str) -> str:
    """A type as Go's messages name it: ``[]v1.Container``, ``map[string]string``."""
    bare = kind_of_type.removeprefix("*").removeprefix("items")
    if bare.startswith("[]"):
        return f"[]{go_name(bare[2:])}"
    if bare.startswith("map:"):
        return f"map[string]{go_name(bare[4:])}"
    if bare.startswith("#"):
        _, package, name = f".{bare[1:]}".rsplit(".", 2)
        return f"{package}.{name}"
    word, _, named = bare.partition("=")
    return named or _GO_WORDS.get(word, word)
