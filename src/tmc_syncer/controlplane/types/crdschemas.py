"""Whether the schema of a custom type is structural: every place has a type, and nothing is said in two ways.

Source: ``ValidateStructural`` and ``ValidateCustomResourceDefinitionOpenAPISchema`` of apiextensions-apiserver; the rules that people
meet are here: types, items, metadata, what nested value validations must not say, list types and their keys, patterns,
and defaults that break their own schema. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tmc_syncer.controlplane.merge.validation import validate as validate_value
from tmc_syncer.controlplane.schema.structural import schema_of_crd
from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes

__all__ = ["check_schema"]

Object = dict[str, Any]

TYPES = ("array", "boolean", "integer", "number", "object", "string")
LEVELS = {"root": "at the root", "item": "for specified array items", "field": "for specified object fields"}
MAX_DEPTH = 64
"""Levels of a schema; deeper ones are refused, so that no schema exhausts the stack."""

PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
EMBEDDED = "x-kubernetes-embedded-resource"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
FORBIDDEN = ("$ref", "definitions", "dependencies", "deprecated", "discriminator", "id", "patternProperties", "readOnly",
             "writeOnly", "xml", "additionalItems")  # fmt: skip
STRUCTURAL_ONLY = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    (LIST_KEYS, "must be empty to be structural"),
    (LIST_TYPE, "must be undefined to be structural"),
)  # fmt: skip
"""What must not stand below allOf, anyOf, oneOf and not."""

METADATA_WORDS = (
    "must not specify anything other than name and generateName, but metadata is implicitly specified"
)


def check_schema(path: str, schema: Object) -> list[Cause]:
    """A schema at the root of an object."""
    found = _check(path, schema, "root", 0)
    if not found:
        found = list(_check_defaults(path, schema))
    return found


def _check(path: str, schema: Object, level: str, depth: int) -> list[Cause]:
    if depth > MAX_DEPTH:
        return [causes.forbidden(path, f"must not be nested more than {MAX_DEPTH} levels")]
    found = [
        causes.forbidden(f"{path}.{field}", f"{field} is not supported")
        for field in FORBIDDEN
        if schema.get(field)
    ]
    found += _check_type(path, schema, level)
    found += _check_extensions(path, schema)
    items, properties, additional = (
        schema.get(name) for name in ("items", "properties", "additionalProperties")
    )
    if schema.get("type") == "array" and not items:
        found.append(causes.required(f"{path}.items", "must be specified"))
    if isinstance(items, dict):
        found += _check(f"{path}.items", items, "item", depth + 1)
    elif isinstance(items, list):
        found.append(causes.forbidden(f"{path}.items", "items must be a schema object and not an array"))
    for name, child in (properties or {}).items():
        if name == "metadata" and (level == "root" or schema.get(EMBEDDED)):
            found += _check_metadata(f"{path}.properties[metadata]", child, at_root=level == "root")
        else:
            found += _check(f"{path}.properties[{name}]", child, "field", depth + 1)
    if additional is not None:
        if level == "root":
            found.append(causes.forbidden(f"{path}.additionalProperties", "must not be used at the root"))
        if properties and additional:
            words = "additionalProperties and properties are mutual exclusive"
            found.append(causes.forbidden(f"{path}.additionalProperties", words))
        if isinstance(additional, dict):
            found += _check(f"{path}.additionalProperties", additional, "field", depth + 1)
    return found + _check_values(path, schema, depth, at_top=True)


def _check_type(path: str, schema: Object, level: str) -> list[Cause]:
    kind = schema.get("type", "")
    if not kind:
        if schema.get(EMBEDDED):
            return [
                causes.required(f"{path}.type", "must be object if x-kubernetes-embedded-resource is true")
            ]
        if schema.get(INT_OR_STRING) or schema.get(PRESERVE):
            return []
        return [causes.required(f"{path}.type", f"must not be empty {LEVELS[level]}")]
    if kind not in TYPES:
        return [causes.not_supported(f"{path}.type", kind, TYPES)]
    if level == "root" and kind != "object":
        return [causes.invalid(f"{path}.type", kind, "must be object at the root")]
    if schema.get(EMBEDDED) and kind != "object":
        return [
            causes.invalid(f"{path}.type", kind, "must be object if x-kubernetes-embedded-resource is true")
        ]
    return []


def _check_metadata(path: str, schema: Object, *, at_root: bool) -> list[Cause]:
    if schema.get("type", "") != "object":
        return [causes.invalid(f"{path}.type", schema.get("type", ""), "must be object")]
    allowed = {"type", "properties"} if at_root else schema.keys()
    if at_root and (
        schema.keys() - allowed or set(schema.get("properties") or ()) - {"name", "generateName"}
    ):
        return [causes.forbidden(path, METADATA_WORDS)]
    return []


def _check_extensions(path: str, schema: Object) -> list[Cause]:
    found: list[Cause] = []
    if schema.get(INT_OR_STRING):
        for other in (PRESERVE, EMBEDDED):
            if schema.get(other):
                words = "must be false if x-kubernetes-int-or-string is true"
                found.append(causes.invalid(f"{path}.{other}", True, words))
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not schema.get("properties"):
        words = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        found.append(causes.required(f"{path}.properties", words))
    return found + _check_list(path, schema)


def _check_list(path: str, schema: Object) -> list[Cause]:
    kind, keys = schema.get(LIST_TYPE), schema.get(LIST_KEYS) or []
    found: list[Cause] = []
    if schema.get("uniqueItems"):
        found.append(
            causes.forbidden(
                f"{path}.uniqueItems",
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            )
        )
    if kind is None:
        if keys:
            found.append(
                causes.invalid(
                    f"{path}.{LIST_TYPE}", None, "must be map if x-kubernetes-list-map-keys is non-empty"
                )
            )
        return found
    if schema.get("type") != "array":
        found.append(
            causes.invalid(
                f"{path}.type", schema.get("type", ""), "must be array if x-kubernetes-list-type is specified"
            )
        )
    if kind not in ("atomic", "set", "map"):
        found.append(causes.not_supported(f"{path}.{LIST_TYPE}", kind, ("atomic", "set", "map")))
    if kind == "map":
        found += _check_keys(path, schema, keys)
    elif keys:
        found.append(
            causes.invalid(
                f"{path}.{LIST_TYPE}", kind, "must be map if x-kubernetes-list-map-keys is non-empty"
            )
        )
    return found


def _check_keys(path: str, schema: Object, keys: list[str]) -> list[Cause]:
    found: list[Cause] = []
    items = schema.get("items") or {}
    if not keys:
        found.append(
            causes.required(f"{path}.{LIST_KEYS}", "must not be empty if x-kubernetes-list-type is map")
        )
    properties = items.get("properties") or {}
    for number, key in enumerate(keys):
        if key not in properties:
            words = "entries must all be names of item properties"
            found.append(causes.invalid(f"{path}.{LIST_KEYS}[{number}]", key, words))
        elif key not in (items.get("required") or ()) and "default" not in properties[key]:
            words = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            found.append(causes.required(f"{path}.items.properties[{key}].default", words))
    return found


def _check_values(path: str, schema: Object, depth: int, *, at_top: bool) -> list[Cause]:
    found: list[Cause] = []
    pattern = schema.get("pattern")
    if pattern:
        try:
            re.compile(pattern)
        except re.error as error:
            words = f"must be a valid regular expression, but isn't: {error}"
            found.append(causes.invalid(f"{path}.pattern", pattern, words))
    if not at_top:
        found += [
            causes.forbidden(f"{path}.{field}", words)
            for field, words in STRUCTURAL_ONLY
            if schema.get(field)
        ]
        for name, child in (schema.get("properties") or {}).items():
            if name == "metadata":
                words = "must not be specified in a nested context"
                found.append(causes.forbidden(f"{path}.properties[metadata]", words))
            found += _check_values(f"{path}.properties[{name}]", child, depth + 1, at_top=False)
        if isinstance(schema.get("items"), dict):
            found += _check_values(f"{path}.items", schema["items"], depth + 1, at_top=False)
    if depth > MAX_DEPTH:
        return found
    for junction in ("allOf", "anyOf", "oneOf"):
        for number, child in enumerate(schema.get(junction) or ()):
            if not (at_top and schema.get(INT_OR_STRING) and _names_only_type(child)):
                found += _check_values(f"{path}.{junction}[{number}]", child, depth + 1, at_top=False)
    if isinstance(schema.get("not"), dict):
        found += _check_values(f"{path}.not", schema["not"], depth + 1, at_top=False)
    return found


def _names_only_type(schema: Object) -> bool:
    """The one form of a nested type that is allowed: int-or-string says its two types in an anyOf."""
    if set(schema) == {"type"}:
        return schema["type"] in ("integer", "string")
    return set(schema) == {"anyOf"} and all(_names_only_type(child) for child in schema["anyOf"])


def _check_defaults(path: str, schema: Object) -> Iterator[Cause]:
    if "default" in schema:
        wrapped = {
            "type": "object",
            "properties": {"value": {key: value for key, value in schema.items() if key != "default"}},
        }
        for cause in validate_value({"value": schema["default"]}, schema_of_crd(wrapped)):
            # What the schema says of the value itself is named without a field there.
            below = cause.field.removeprefix("value")
            message = cause.message.replace(": value in body", ":  in body")
            yield Cause(cause.reason, message, f"{path}.default{below}")
    for name, child in (schema.get("properties") or {}).items():
        yield from _check_defaults(f"{path}.properties[{name}]", child)
    for field in ("items", "additionalProperties"):
        if isinstance(schema.get(field), dict):
            yield from _check_defaults(f"{path}.{field}", schema[field])
