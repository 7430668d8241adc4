"""OpenAPI v3 documents, one for each group and version: paths from the types, components as recorded or as a definition says.

Built-in kinds have the components of the real server with their descriptions and merge keys. A custom type has its own schema, with
the fields that every object has, and a list; where it has no schema it is just an object. What both refer to (metadata, delete
options, status, patches) is in every document, so that each stands alone. `document_of` makes bytes; whoever calls keeps
them. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from tmc_syncer.controlplane.schema.documents import documents, recorded_version
from tmc_syncer.controlplane.types.openapipaths import META, SchemaName, paths_of
from tmc_syncer.controlplane.types.registry import Object, Type

__all__ = ["document_name", "document_of"]

PREFIX = "#/components/schemas/"
KIND = "x-kubernetes-group-version-kind"
SOURCE_OF_META = "apis/apps/v1"
"""A recorded document that has all components of metadata and of scales."""

SCALE = "io.k8s.api.autoscaling.v1.Scale"
METADATA_WORDS = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"


def document_name(made: Type) -> str:
    """The document that a type is in: ``api/v1``, ``apis/apps/v1``."""
    return f"apis/{made.group}/{made.version}" if made.group else f"api/{made.version}"


def document_of(types: Sequence[Type]) -> bytes:
    """The document of types that share group and version."""
    name = document_name(types[0])
    components = dict(_recorded(name) if name in documents() else _shared())
    for kind in ("DeleteOptions", "WatchEvent"):
        if f"{META}.{kind}" in components:
            components[f"{META}.{kind}"] = _in_group(components[f"{META}.{kind}"], types[0], kind)
    for made in types:
        if made.custom:
            components |= _custom(made)
    whole = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": recorded_version()},
        "paths": paths_of(types, _names(components)),
        "components": {"schemas": components},
    }
    return msgspec.json.encode(whole)


@cache
def _recorded(name: str) -> Object:
    return documents(descriptions=True)[name]


@cache
def _shared() -> Object:
    """Components that any document refers to."""
    found = _recorded(SOURCE_OF_META)
    wanted = [
        SCALE,
        *(f"{META}.{kind}" for kind in ("DeleteOptions", "ListMeta", "ObjectMeta", "Patch", "Status")),
    ]
    reached: Object = {}
    while wanted:
        name = wanted.pop()
        if name not in reached:
            reached[name] = found[name]
            wanted += _references(found[name])
    return {name: reached[name] for name in sorted(reached)}


def _in_group(component: Object, made: Type, kind: str) -> Object:
    """A component that every group has under its own name."""
    core = [{"group": "", "version": "v1", "kind": kind}]
    own = [{"group": made.group, "version": made.version, "kind": kind}]
    return {**component, KIND: core if not made.group else core + own}


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"].removeprefix(PREFIX)] if isinstance(value.get("$ref"), str) else []
        return own + _references(list(value.values()))
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []


def _names(components: Object) -> SchemaName:
    known: dict[tuple[str, str, str], str] = {}
    for name, component in components.items():
        for kind in component.get(KIND) or ():
            known[kind["group"], kind["version"], kind["kind"]] = name

    def name_of(group: str, version: str, kind: str) -> str | None:
        return known.get((group, version, kind))

    return name_of


# Custom types


def _custom(made: Type) -> Object:
    """The components of a custom type and its list."""
    prefix = ".".join((*reversed(made.group.split(".")), made.version))
    whole = {"type": "object"} if made.structural is None else _whole(made.structural)
    items = {
        "type": "array",
        "description": f"List of {made.resource}. More info: {CONVENTIONS}",
        "items": _reference(f"{prefix}.{made.kind}"),
    }
    listed = _with_type(
        {
            "description": f"{made.list_kind} is a list of {made.kind}",
            "type": "object",
            "required": ["items"],
            "properties": {"items": items, "metadata": _reference(f"{META}.ListMeta")},
        }
    )
    return {
        f"{prefix}.{made.kind}": {**whole, KIND: [_kind(made, made.kind)]},
        f"{prefix}.{made.list_kind}": {**listed, KIND: [_kind(made, made.list_kind)]},
    }


def _kind(made: Type, kind: str) -> Object:
    return {"group": made.group, "version": made.version, "kind": kind}


def _reference(name: str, words: str = "") -> Object:
    found: Object = {"allOf": [{"$ref": f"{PREFIX}{name}"}]}
    return {**found, "description": words} if words else found


def _type_fields() -> Object:
    known = _recorded(SOURCE_OF_META)[f"{META}.Status"]["properties"]
    return {"apiVersion": known["apiVersion"], "kind": known["kind"]}


def _with_type(schema: Object) -> Object:
    return {**schema, "properties": {**(schema.get("properties") or {}), **_type_fields()}}


def _whole(structural: Object) -> Object:
    """The schema of a whole object; what it says of metadata only restricts these, and is not published."""
    found = _embedded(structural)
    return _with_type({**found, "properties": {**(found.get("properties") or {}), "metadata": _metadata()}})


def _metadata() -> Object:
    return _reference(f"{META}.ObjectMeta", METADATA_WORDS)


def _embedded(schema: Any) -> Object:
    """The schema, where whole objects are embedded with the fields that these have."""
    found = dict(schema)
    for field in ("items", "additionalProperties"):
        if isinstance(found.get(field), dict):
            found[field] = _embedded(found[field])
    if found.get("properties"):
        found["properties"] = {name: _embedded(child) for name, child in found["properties"].items()}
    if not found.get("x-kubernetes-embedded-resource"):
        return found
    required = found.get("required") or []
    missing = [name for name in ("kind", "apiVersion") if name not in required]
    properties = {**(found.get("properties") or {}), **_type_fields(), "metadata": _metadata()}
    return {**found, "properties": properties, "required": [*required, *missing]}
