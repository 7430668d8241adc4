"""Built-in objects as kube-apiserver's Go types hold and write them.

The server reads a built-in object into Go structs and writes it back from these, which changes it: unknown fields and nulls go,
empty values go where Go leaves them out, zero values come where Go always writes them, numbers become quantities, times get one
form. `typed` does that to an object; `zero` is the object of a kind before anything is in it. Both are what clients see and what
managedFields are computed from.

A value that a Go field cannot take raises `Untypeable` with encoding/json's message for the first such value. Source: the facts that
tools/record_schemas reads off the Go types. Pure; called for every body of a built-in kind, and after each patch. What does not
change stays the same object in memory.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from tmc_syncer.controlplane.schema.goscalars import Unreadable, json_form, read_scalar
from tmc_syncer.controlplane.schema.node import ABSENT, Schema

__all__ = ["Untypeable", "typed", "zero"]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_SCALAR_COMPONENTS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    f"{_META}.Time": "time",
    f"{_META}.MicroTime": "micro-time",
}
_ZEROS: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


class Untypeable(ValueError):
    """A value does not fit its Go type; the message is encoding/json's."""


class _Place(NamedTuple):
    """Where a value stands, for messages: the struct's name, the path of the field, its Go type."""

    struct: str
    path: str
    type: str

    def refuse(self, form: str) -> Untypeable:
        """The error for a value of this form."""
        return Untypeable(
            f"json: cannot unmarshal {form} into Go struct field {self.struct}.{self.path} of type {self.type}"
        )


@functools.cache
def zero(schema: Schema) -> dict[str, Any]:
    """What Go writes for the zero value of a struct; not to be changed."""
    found: dict[str, Any] = {}
    for name, field in _fields(schema).items():
        always = field.facts.go.always
        if always is not ABSENT:
            found[name] = zero(field) if always == {} else always
    return found


def typed(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The object as the server has it after reading. Raises `Untypeable`."""
    return _struct(value, schema, "")


def _fields(schema: Schema) -> Mapping[str, Schema]:
    return schema.mapping.fields if schema.mapping is not None else {}


def _struct(value: dict[str, Any], schema: Schema, path: str) -> dict[str, Any]:
    fields = _fields(schema)
    struct = schema.facts.component.rpartition(".")[2]
    found: dict[str, Any] = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None or item is None:
            continue
        go = field.facts.go
        read = _read(item, field, _Place(struct, f"{path}.{name}" if path else name, go.type))
        if read or go.kept or go.always is not ABSENT:
            found[name] = read
    for name, empty in zero(schema).items():
        if name not in found:
            found[name] = empty
    same = len(found) == len(value) and all(found.get(name, ABSENT) is item for name, item in value.items())
    return value if same else found


def _read(value: Any, schema: Schema, place: _Place) -> Any:
    kind = _SCALAR_COMPONENTS.get(schema.facts.component) or schema.facts.type
    if kind == "object":
        return _map(value, schema, place)
    if kind == "array":
        return _list(value, schema, place)
    try:
        return read_scalar(value, kind, schema.facts.format)
    except Unreadable as error:
        raise place.refuse(error.form) if error.form else Untypeable(str(error)) from error


def _map(value: Any, schema: Schema, place: _Place) -> Any:
    if not isinstance(value, dict):
        raise place.refuse(json_form(value))
    mapping = schema.mapping
    if mapping is None or schema.scalar:  # a RawExtension holds what it was given
        return value
    if mapping.fields:
        return _struct(value, schema, place.path)
    if not isinstance(mapping.additional, Schema):
        return value
    items = mapping.additional
    below = place._replace(type=place.type.partition("]")[2])
    read = {
        name: _zero_of(items) if item is None else _read(item, items, below) for name, item in value.items()
    }
    return value if all(read[name] is item for name, item in value.items()) else read


def _list(value: Any, schema: Schema, place: _Place) -> Any:
    if not isinstance(value, list):
        raise place.refuse(json_form(value))
    assert schema.array is not None
    items = schema.array.items
    below = place._replace(type=place.type.removeprefix("[]"))
    read = [_zero_of(items) if item is None else _read(item, items, below) for item in value]
    return value if all(a is b for a, b in zip(read, value, strict=True)) else read


def _zero_of(schema: Schema) -> Any:
    """What null becomes inside a list or a map."""
    if schema.mapping is not None and schema.mapping.fields:
        return zero(schema)
    return _ZEROS.get(schema.facts.type)
