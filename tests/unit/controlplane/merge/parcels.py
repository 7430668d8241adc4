"""A custom type with every kind of list and map, for the tests of schemas and merging."""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.schema.structural import schema_of_crd

Object = dict[str, Any]

NESTED: Object = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "integer"},
        "deep": {"type": "object", "properties": {"x": {"type": "boolean"}, "y": {"type": "string"}}},
    },
}
ITEM: Object = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "value": {"type": "integer"},
        "filled": {"type": "string", "default": "full"},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "options": {"type": "object", "additionalProperties": {"type": "string"}},
        "sub": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["id"],
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "integer"}, "v": {"type": "string"}},
            },
        },
    },
}
SPEC: Object = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "maximum": 3, "default": 1},
        "name": {"type": "string", "minLength": 1},
        "flag": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "settings": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "additionalProperties": {"type": "string"},
        },
        "nested": NESTED,
        "whole": {**NESTED, "x-kubernetes-map-type": "atomic"},
        "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "numbers": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port", "protocol"],
            "items": {
                "type": "object",
                "required": ["port"],
                "properties": {
                    "port": {"type": "integer"},
                    "protocol": {"type": "string", "default": "TCP"},
                    "name": {"type": "string"},
                },
            },
        },
        "items": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": ITEM,
        },
        "plain": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
        "parts": {"type": "array", "x-kubernetes-list-type": "atomic", "items": NESTED},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "half": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"known": {"type": "string"}},
        },
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "either": {"x-kubernetes-int-or-string": True},
        "map": {"type": "object", "additionalProperties": NESTED},
        "empty": {"type": "string", "nullable": True},
    },
}
STATUS: Object = {
    "type": "object",
    "properties": {
        "phase": {"type": "string"},
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
            },
        },
    },
}
STRUCTURAL: Object = {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}

GROUP, VERSION, KIND = "merge.example.com", "v1", "Parcel"
API_VERSION = f"{GROUP}/{VERSION}"
PARCEL = schema_of_crd(STRUCTURAL, group=GROUP, version=VERSION, kind=KIND, status=True)
NOW = "2024-01-01T00:00:00Z"
LATER = "2024-01-01T00:01:00Z"


def parcel(spec: Object | None = None, **metadata: Any) -> Object:
    """A custom object; `metadata` beside its name."""
    found: Object = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "p", **metadata}}
    return found if spec is None else {**found, "spec": spec}


def spec_schema(name: str) -> Any:
    """The node of one field of the spec."""
    assert PARCEL.mapping is not None
    spec = PARCEL.mapping.fields["spec"].mapping
    assert spec is not None
    return spec.fields[name]
