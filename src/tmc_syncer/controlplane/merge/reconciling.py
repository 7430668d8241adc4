"""Field sets of before a change of the schema, as they read after it.

`reconciled`: where a list or map is now owned as a whole, an owner of parts of it becomes the owner of all of it. The other direction
needs nothing: what was owned as a whole is a member, and a member it stays. Only schemas of custom resources change while objects
live. Source: structured-merge-diff/v6/typed, reconcile_schema.go. Pure.
"""

from __future__ import annotations

from tmc_syncer.controlplane.merge.fieldset import FieldSet
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["reconciled"]

_SELF = "."


def reconciled(fields: FieldSet, schema: Schema) -> FieldSet:
    """The set with each part of something atomic replaced by the whole; the same set when there is none."""
    found = fields
    for step, node in fields.items():
        if not node:
            continue
        child = _child(step, schema)
        if child is None:
            continue
        new = {} if _is_atomic(child) else reconciled(node, child)
        if new is not node:
            if found is fields:
                found = dict(fields)
            found[step] = new
    return found


def _child(step: str, schema: Schema) -> Schema | None:
    if schema.mapping is not None:  # a place without a type goes by its map side
        if not schema.mapping.fields and schema.scalar:
            return None  # what has no type has no list or map types either
        return schema.mapping.child(step[2:]) if step[0] == "f" else None
    if schema.array is not None and step != _SELF:
        return schema.array.items
    return None


def _is_atomic(schema: Schema) -> bool:
    if schema.mapping is not None:
        return schema.mapping.atomic
    return schema.array is not None and not schema.array.granular and not schema.scalar
