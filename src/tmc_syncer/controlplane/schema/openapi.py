"""Builds schema nodes from OpenAPI v3 schemas: components of a document, and structural schemas of CRDs.

`Components` holds named schemas and gives the node of each, built once; a reference is the node it refers to, so a schema
may contain itself. `node_of` builds one schema without references, as CRDs have them.

The rules are those of kube-openapi's schemaconv, which kube-apiserver uses to know who owns what: without a type a place admits
everything; an object without properties is free-form; `x-kubernetes-preserve-unknown-fields` makes all objects below admit other
keys; a list without a list type takes it from the patch strategy, else it is atomic; Quantity and RawExtension are not what
they seem. Called by `documents` and `structural`. Raises ``ValueError`` for list and map types that do not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tmc_syncer.controlplane.schema.node import (
    ABSENT,
    ANY_ATOMIC,
    DEDUCED,
    Facts,
    Go,
    ListOf,
    MapOf,
    Rules,
    Scalar,
    Schema,
)

__all__ = ["Components", "node_of"]

_PREFIX = "#/components/schemas/"
_PRIMITIVES: dict[str, Scalar] = {
    "integer": "numeric",
    "number": "numeric",
    "boolean": "boolean",
    "string": "string",
}
_PLAIN_FORMATS = ("", "byte")  # a string of any other format counts as untyped
_ODD = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Schema(scalar="untyped"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ANY_ATOMIC,
}
_NO_COMPONENTS: Mapping[str, Any] = {}


class Components:
    """Named schemas and their nodes. `go` has, for each component, what `tools/record_schemas` found in the Go types."""

    def __init__(self, schemas: Mapping[str, Any], go: Mapping[str, Any] = _NO_COMPONENTS) -> None:
        self._schemas = schemas
        self._go = go
        self._nodes: dict[str, Schema] = {}

    def node(self, name: str) -> Schema:
        """The node of a component; raises ``KeyError``."""
        found = self._nodes.get(name)
        return found if found is not None else self._build(name)

    def _build(self, name: str) -> Schema:
        schema = self._schemas[name]
        facts = replace(_facts(schema, self), component=name)
        if name in _ODD:
            node = replace(_ODD[name], facts=facts)
        elif schema.get("properties"):
            # Known before its fields are, so that these may lead back to it.
            fields: dict[str, Schema] = {}
            node = Schema(mapping=_mapping(schema, self, preserve=False, fields=fields), facts=facts)
            self._nodes[name] = node
            go = self._go.get(name, _NO_COMPONENTS)
            for key, child in schema["properties"].items():
                fields[key] = _with_go(node_of(child, self), key, go)
        else:
            node = replace(node_of(schema, self), facts=facts)
        self._nodes[name] = node
        return node


_NONE = Components({})


def node_of(schema: Mapping[str, Any], components: Components = _NONE, *, preserve: bool = False) -> Schema:
    """The node of an inline schema. `preserve`: a schema around it admits unknown keys in everything below."""
    reference = _reference(schema)
    if reference:
        return _referred(components.node(reference), schema, components)
    preserve = preserve or schema.get("x-kubernetes-preserve-unknown-fields") is True
    facts = _facts(schema, components)
    kind = schema.get("type", "")
    if kind == "object":
        return Schema(mapping=_mapping(schema, components, preserve=preserve), facts=facts)
    if kind == "array":
        return Schema(array=_array(schema, components, preserve=preserve), facts=facts)
    if kind:
        return Schema(scalar=_scalar(kind, schema.get("format", "")), facts=facts)
    return Schema(
        scalar="untyped",
        array=_array(schema, components, preserve=preserve),
        mapping=_mapping(schema, components, preserve=preserve),
        facts=facts,
    )


def _reference(schema: Mapping[str, Any]) -> str:
    """The component that a schema stands for: a reference, or one inside an allOf that adds a default and the like."""
    inner = schema.get("allOf", ())
    found = schema.get("$ref") or (inner[0].get("$ref") if len(inner) == 1 else None)
    return found.removeprefix(_PREFIX) if found else ""


def _referred(target: Schema, schema: Mapping[str, Any], components: Components) -> Schema:
    """The target with what the referring schema says itself; its fields are the same object, filled or not."""
    own = _facts(schema, components)
    facts = replace(
        target.facts, default=own.default, strategies=own.strategies, merge_key=own.merge_key, go=own.go
    )
    mapping, array = target.mapping, target.array
    relation = schema.get("x-kubernetes-map-type")
    if relation and mapping is not None:
        mapping = replace(mapping, atomic=_is_atomic(relation))
    return replace(target, mapping=mapping, array=array, facts=facts)


def _with_go(node: Schema, key: str, go: Mapping[str, Any]) -> Schema:
    if not go:
        return node
    known = Go(type=go["types"].get(key, ""), always=go["always"].get(key, ABSENT), kept=key in go["kept"])
    return replace(node, facts=replace(node.facts, go=known))


def _scalar(kind: str, form: str) -> Scalar:
    scalar = _PRIMITIVES.get(kind, "untyped")
    return "untyped" if scalar == "string" and form not in _PLAIN_FORMATS else scalar


def _mapping(
    schema: Mapping[str, Any],
    components: Components,
    *,
    preserve: bool,
    fields: dict[str, Schema] | None = None,
) -> MapOf:
    """The map side; with `fields` given, these are filled by the caller."""
    properties = schema.get("properties", {})
    if fields is None:
        fields = {name: node_of(child, components, preserve=preserve) for name, child in properties.items()}
    declared = schema.get("additionalProperties")
    additional: Schema | bool | None = declared if isinstance(declared, bool) else None
    if isinstance(declared, Mapping):
        additional = node_of(declared, components, preserve=preserve)
    extra = additional if isinstance(additional, Schema) else None
    if declared is True or (declared is None and (preserve or not properties)):
        extra = DEDUCED
    relation = schema.get("x-kubernetes-map-type")
    return MapOf(fields, extra, _is_atomic(relation) if relation else False, additional)


def _is_atomic(relation: str) -> bool:
    if relation not in ("atomic", "granular"):
        raise ValueError(f"unknown map type {relation}")
    return relation == "atomic"


def _array(schema: Mapping[str, Any], components: Components, *, preserve: bool) -> ListOf:
    items = schema.get("items")
    node = ANY_ATOMIC if items is None else node_of(items, components, preserve=preserve)
    declared = items is not None
    match schema.get("x-kubernetes-list-type"):
        case "atomic":
            return ListOf(node, declared=declared)
        case "set":
            return ListOf(node, "set", declared=declared)
        case "map":
            return ListOf(node, "map", tuple(schema["x-kubernetes-list-map-keys"]), declared)
        case None:
            strategies = _strategies(schema)
            key = schema.get("x-kubernetes-patch-merge-key")
            if "merge" not in strategies:
                return ListOf(node, declared=declared)
            return ListOf(node, "map", (key,), declared) if key else ListOf(node, "set", declared=declared)
        case unknown:
            raise ValueError(f"unknown list type {unknown}")


def _strategies(schema: Mapping[str, Any]) -> tuple[str, ...]:
    text = schema.get("x-kubernetes-patch-strategy", "")
    return tuple(text.split(",")) if text else ()


def _facts(schema: Mapping[str, Any], components: Components) -> Facts:
    return Facts(
        type=schema.get("type", ""),
        format=schema.get("format", ""),
        default=schema.get("default", ABSENT),
        enum=tuple(schema.get("enum", ())),
        required=tuple(schema.get("required", ())),
        nullable=schema.get("nullable") is True,
        preserve=schema.get("x-kubernetes-preserve-unknown-fields") is True,
        embedded=schema.get("x-kubernetes-embedded-resource") is True,
        int_or_string=schema.get("x-kubernetes-int-or-string") is True,
        strategies=_strategies(schema),
        merge_key=schema.get("x-kubernetes-patch-merge-key", ""),
        kinds=tuple(
            (kind["group"], kind["version"], kind["kind"])
            for kind in schema.get("x-kubernetes-group-version-kind", ())
        ),
        rules=_rules(schema, components),
    )


_LIMITS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusiveMinimum": "exclusive_minimum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_items",
    "maxItems": "max_items",
    "uniqueItems": "unique_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
}
_COMBINATIONS = {"allOf": "all_of", "anyOf": "any_of", "oneOf": "one_of"}


def _rules(schema: Mapping[str, Any], components: Components) -> Rules | None:
    found: dict[str, Any] = {name: schema[key] for key, name in _LIMITS.items() if key in schema}
    for key, name in _COMBINATIONS.items():
        if schema.get(key) and not _reference(schema):
            found[name] = tuple(node_of(inner, components) for inner in schema[key])
    if "not" in schema:
        found["none_of"] = node_of(schema["not"], components)
    return Rules(**found) if found else None
