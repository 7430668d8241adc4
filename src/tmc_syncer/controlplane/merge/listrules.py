"""Keys of lists in a custom resource: no two items of a set are equal, no two items of a list with keys have the same keys.

`list_causes` walks the whole object. An item without any of its keys counts as one with no key. Source:
k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype. Pure; called by `validation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tmc_syncer.controlplane.merge.causes import duplicate, invalid
from tmc_syncer.controlplane.merge.gotext import go_sorted_json
from tmc_syncer.controlplane.schema.node import ListOf, Schema
from tmc_syncer.controlplane.server.errors import Cause

__all__ = ["list_causes"]


def list_causes(obj: dict[str, Any], structural: Schema) -> list[Cause]:
    """What is wrong with the lists of an object."""
    return list(_below(obj, structural, ""))


def _below(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if isinstance(value, dict) and schema.mapping is not None:
        for name, item in value.items():
            if name in schema.mapping.fields:
                yield from _below(item, schema.mapping.fields[name], f"{path}.{name}" if path else name)
            elif isinstance(schema.mapping.additional, Schema):
                yield from _below(item, schema.mapping.additional, f"{path}[{name}]")
    elif isinstance(value, list) and schema.array is not None:
        yield from _items(value, schema.array, path)
        if schema.array.declared:
            for index, item in enumerate(value):
                yield from _below(item, schema.array.items, f"{path}[{index}]")


def _items(items: list[Any], listing: ListOf, path: str) -> Iterator[Cause]:
    if listing.kind == "atomic":
        return
    keys = items
    if listing.kind == "map":
        for index, item in enumerate(items):
            if item is not None and not isinstance(item, dict):
                yield invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")
                return
        keys = [{name: item[name] for name in listing.keys if name in item} if item else {} for item in items]
    seen: dict[str, int] = {}
    for index, key in enumerate(keys):
        text = go_sorted_json(key)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:  # only the first repetition is told
            yield duplicate(f"{path}[{index}]", key)
