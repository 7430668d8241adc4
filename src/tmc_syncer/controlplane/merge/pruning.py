"""Unknown fields of objects: which there are, and custom resources without them.

`unknown_fields` lists the paths that kube-apiserver's strict decoding reports (``spec.template.bogus``, ``spec.containers[0].bogus``), for
built-in kinds in the order of the object, for custom resources sorted. `prune` is a custom resource as it is read: fields that its
structural schema does not know are gone, and nulls that nothing allows or fills; metadata, also those of embedded resources, are what Go's
ObjectMeta makes of them. Below ``x-kubernetes-preserve-unknown-fields`` everything stays that no schema speaks of.

`prune` raises `ApiError` 400 for metadata that Go cannot read. Duplicate fields are the decoder's business. Source:
k8s.io/apiextensions-apiserver/pkg/apiserver/schema (pruning, objectmeta, defaulting/prunenulls.go). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tmc_syncer.controlplane.schema.documents import OBJECT_META, component
from tmc_syncer.controlplane.schema.gotypes import Untypeable, typed
from tmc_syncer.controlplane.schema.node import ABSENT, Schema
from tmc_syncer.controlplane.server.errors import bad_request

__all__ = ["prune", "unknown_fields"]

_IMPLIED = frozenset({"apiVersion", "kind", "metadata"})


def unknown_fields(obj: dict[str, Any], schema: Schema | None) -> list[str]:
    """The paths of the fields that the schema does not know."""
    if schema is None:
        return []
    if not schema.custom:
        return list(_unknown(obj, schema, ""))
    if schema.structural is None:
        return []
    below = {name: value for name, value in obj.items() if name not in _IMPLIED}
    return [
        *_unknown_metadata(obj, ""),
        *sorted(_unpruned(below, schema.structural, "")),
        *sorted(_unknown_inside(below, schema.structural, "")),
    ]


def _unknown_metadata(obj: dict[str, Any], path: str) -> Iterator[str]:
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        yield from _unknown(metadata, component(OBJECT_META), f"{path}metadata")


def _unknown(value: Any, schema: Schema, path: str) -> Iterator[str]:
    """Fields that no Go struct has."""
    if isinstance(value, dict) and schema.mapping is not None and not schema.scalar:
        for name, item in value.items():
            at = f"{path}.{name}" if path else name
            child = schema.mapping.child(name)
            if child is None:
                yield at
            else:
                yield from _unknown(item, child, at)
    elif isinstance(value, list) and schema.array is not None and not schema.scalar:
        for index, item in enumerate(value):
            yield from _unknown(item, schema.array.items, f"{path}[{index}]")


def _unpruned(value: Any, schema: Schema | None, path: str, *, preserved: bool = False) -> Iterator[str]:
    """Fields that pruning takes away. `preserved`: a list around the value keeps what is unknown in its items."""
    preserved = preserved or (schema is not None and schema.facts.preserve)
    if isinstance(value, list):
        items = _items_of(schema)
        if preserved and items is None:
            return
        for index, item in enumerate(value):
            yield from _unpruned(item, items, f"{path}[{index}]", preserved=preserved)
    elif isinstance(value, dict):
        for name, item in value.items():
            if schema is not None and schema.facts.embedded and name in _IMPLIED:
                continue
            at = f"{path}.{name}" if path else name
            child, known = _child_of(schema, name)
            if known:
                yield from _unpruned(item, child, at)
            elif not preserved:
                yield at


def _unknown_inside(value: Any, schema: Schema, path: str) -> Iterator[str]:
    """Unknown fields in the metadata of embedded resources."""
    if isinstance(value, list):
        items = _items_of(schema)
        for index, item in enumerate(value if items is not None else ()):
            assert items is not None
            yield from _unknown_inside(item, items, f"{path}[{index}]")
    elif isinstance(value, dict):
        if schema.facts.embedded:
            yield from _unknown_metadata(value, f"{path}.")
        for name, item in value.items():
            child, _ = _child_of(schema, name)
            if child is not None:
                yield from _unknown_inside(item, child, f"{path}.{name}" if path else name)


def _items_of(schema: Schema | None) -> Schema | None:
    if schema is None or schema.array is None or not schema.array.declared:
        return None
    return schema.array.items


def _child_of(schema: Schema | None, name: str) -> tuple[Schema | None, bool]:
    """What the schema says of a field, and whether it knows the field at all."""
    mapping = schema.mapping if schema is not None else None
    if mapping is None:
        return None, False
    if name in mapping.fields:
        return mapping.fields[name], True
    if isinstance(mapping.additional, Schema):
        return mapping.additional, True
    return None, mapping.additional is not None


def prune(obj: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The custom resource as the server reads it. An object of another type is returned as it is."""
    if schema is None or not schema.custom:
        return obj
    found = dict(obj)
    if schema.structural is not None:
        implied = {name: value for name, value in obj.items() if name in _IMPLIED}
        rest = {name: value for name, value in obj.items() if name not in _IMPLIED}
        found = {**implied, **_pruned(rest, schema.structural)}
    if "metadata" in found:
        found["metadata"] = _metadata(found["metadata"])
    return found


def _metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad_request("json: cannot unmarshal metadata into Go value of type v1.ObjectMeta")
    try:
        return typed(value, component(OBJECT_META))
    except Untypeable as error:
        raise bad_request(str(error)) from None


def _pruned(value: Any, schema: Schema | None, *, preserved: bool = False) -> Any:
    preserved = preserved or (schema is not None and schema.facts.preserve)
    if isinstance(value, list):
        items = _items_of(schema)
        if preserved and items is None:
            return value
        kept = [_pruned(item, items, preserved=preserved) for item in value]
        return value if all(a is b for a, b in zip(kept, value, strict=True)) else kept
    if not isinstance(value, dict):
        return value
    embedded = schema is not None and schema.facts.embedded
    found: dict[str, Any] = {}
    for name, item in value.items():
        child, known = _child_of(schema, name)
        if embedded and name in _IMPLIED:
            found[name] = _metadata(item) if name == "metadata" else item
        elif known:
            if item is not None or not _drops_null(child):
                found[name] = _pruned(item, child)
        elif preserved:
            found[name] = item
    unchanged = len(found) == len(value) and all(
        found.get(name, ABSENT) is item for name, item in value.items()
    )
    return value if unchanged else found


def _drops_null(schema: Schema | None) -> bool:
    """Whether a null goes: it is not allowed, and no default takes its place."""
    return schema is not None and not schema.facts.nullable and schema.facts.default in (ABSENT, None)
