"""Defaults of a custom resource, from the structural schema of its CRD.

`default` fills in each field that has a default and is not there, or is null where null is not allowed, and goes on below what it filled in.
A default never makes a new object around itself. To be called after `pruning.prune`. Source:
k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting. Pure; what does not change stays the same object in memory.
"""

from __future__ import annotations

import copy
from typing import Any

from tmc_syncer.controlplane.schema.node import ABSENT, Schema

__all__ = ["default"]


def default(obj: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The custom resource with its defaults; an object of another type is returned as it is."""
    if schema is None or schema.structural is None:
        return obj
    filled: dict[str, Any] = _filled(obj, schema.structural)
    return filled


def _filled(value: Any, schema: Schema) -> Any:
    if isinstance(value, dict) and schema.mapping is not None:
        return _filled_map(value, schema)
    if isinstance(value, list) and schema.array is not None and schema.array.declared:
        items = schema.array.items
        found = [_filled(_in_place_of_null(item, items), items) for item in value]
        return value if all(a is b for a, b in zip(found, value, strict=True)) else found
    return value


def _filled_map(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    assert schema.mapping is not None
    mapping, found = schema.mapping, value
    for name, child in mapping.fields.items():
        if child.facts.default is ABSENT or child.facts.default is None:
            continue
        if name not in value or (value[name] is None and not child.facts.nullable):
            found = dict(value) if found is value else found
            found[name] = copy.deepcopy(child.facts.default)
    for name, item in list(found.items()):
        below = mapping.fields.get(name)
        if below is None and isinstance(mapping.additional, Schema):
            below, item = mapping.additional, _in_place_of_null(item, mapping.additional)  # noqa: PLW2901
        if below is None:
            continue
        new = _filled(item, below)
        if new is not found[name]:
            found = dict(value) if found is value else found
            found[name] = new
    return found


def _in_place_of_null(item: Any, schema: Schema) -> Any:
    """The default where null is not allowed, in a list or among other keys of a map; null again without one."""
    if item is not None or schema.facts.nullable or schema.facts.default is ABSENT:
        return item
    return copy.deepcopy(schema.facts.default)
