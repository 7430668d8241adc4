"""Taking fields out of an object: what an applier owned and does not apply any more.

`without` removes the members of a set with all below them. A map or list that loses everything becomes null, as the server has it
before it cleans up (`pruning` and `typed` drop such nulls). `abandoned` removes from a merge result what the applier's last set had
and nobody owns now: a field goes only if it was in that set, so what others put below it stays.

Source: structured-merge-diff/v6, typed/remove.go, fieldpath/set.go (EnsureNamedFieldsAreMembers), merge/update.go (prune). Pure.
What is not removed stays the same object in memory.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.merge.fields import fields_present, item_step
from tmc_syncer.controlplane.merge.fieldset import (
    FieldSet,
    difference,
    intersection,
    is_member,
    union,
)
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["abandoned", "is_reopened", "with_named_parents", "without"]

_SELF = "."


def without(value: Any, fields: FieldSet, schema: Schema) -> Any:
    """The value without these fields."""
    if not fields:
        return value
    if isinstance(value, dict) and schema.mapping is not None:
        mapping = schema.mapping
        kept: dict[str, Any] = {}
        if not mapping.atomic:
            for name, item in value.items():
                node = fields.get(f"f:{name}")
                if node is None:
                    kept[name] = item
                elif not is_member(node):
                    child = mapping.child(name)
                    kept[name] = item if child is None else without(item, node, child)
        return _unchanged_or(value, kept)
    if isinstance(value, list) and schema.array is not None:
        listing = schema.array
        left: list[Any] = []
        if listing.granular:
            for item in value:
                node = fields.get(item_step(item, listing) or "")
                if node is None:
                    left.append(item)
                elif not is_member(node):
                    left.append(without(item, node, listing.items))
        same = len(left) == len(value) and all(a is b for a, b in zip(left, value, strict=True))
        return value if same and value else (left or None)
    return value if schema.scalar and not isinstance(value, dict | list) else None


def _unchanged_or(value: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any] | None:
    if value and len(kept) == len(value) and all(kept[name] is item for name, item in value.items()):
        return value
    return kept or None


def with_named_parents(fields: FieldSet, schema: Schema | None) -> FieldSet:
    """The set with each field of a struct that has members below. List items and keys of maps are not added."""
    found: FieldSet = {}
    mapping = schema.mapping if schema is not None else None
    array = schema.array if schema is not None else None
    for step, node in fields.items():
        if not node:
            found[step] = node
            continue
        child: Schema | None = None
        is_named = False
        if step[0] == "f" and mapping is not None:
            child = mapping.child(step[2:])
            is_named = step[2:] in mapping.fields
        elif step[0] == "k" and array is not None:
            child = array.items
        below = with_named_parents(node, child)
        found[step] = {_SELF: {}, **below} if is_named and _SELF not in below else below
    return found


def is_reopened(value: Any, fields: FieldSet, schema: Schema) -> bool:
    """Whether a leaf of the set, which was empty when it was applied, has content now that is owned part by part."""
    if isinstance(value, dict) and schema.mapping is not None:
        if not fields:
            return bool(value) and not schema.mapping.atomic
        for step, node in fields.items():
            item = value.get(step[2:]) if step[0] == "f" else None
            child = schema.mapping.child(step[2:]) if item else None
            if child is not None and is_reopened(item, node, child):
                return True
    elif isinstance(value, list) and schema.array is not None and schema.array.granular:
        if not fields:
            return bool(value)
        for item in value:
            node = fields.get(item_step(item, schema.array) or "")
            if node and is_reopened(item, node, schema.array.items):
                return True
    return False


def abandoned(merged: dict[str, Any], last: FieldSet, managed: FieldSet, schema: Schema) -> dict[str, Any]:
    """The merge result without what is only in the applier's last set.

    Args:
        merged: the live object with the new configuration.
        last: what the applier owned before.
        managed: what anybody owns now, the applier's new set included.
        schema: of the version that `last` is in.
    """
    last = with_named_parents(last, schema)
    everything = with_named_parents(fields_present(merged, schema), schema)
    held = with_named_parents(managed, schema)

    def present(value: Any) -> FieldSet:
        return with_named_parents(fields_present(value or {}, schema), schema)

    pruned = present(without(merged, last, schema))
    owned_again = without(merged, difference(everything, union(pruned, held)), schema)
    gone = intersection(difference(everything, present(owned_again)), last)
    left: dict[str, Any] = without(merged, gone, schema)
    return left
