"""Which part of the old object a part of the new one was, for ratcheting.

A field of an object was the field of that name; an item of a list with keys was the item with these keys; other items cannot be told. `settled` says
whether a part did not change, where lists with keys may be in another order. Source: k8s.io/apiserver/pkg/cel/common, equality.go. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.schema.node import ABSENT, ListOf, Schema

__all__ = ["correlated_field", "correlated_item", "settled"]


def correlated_field(old: Any, name: str) -> Any:
    """What the field was; ABSENT where that is unknown."""
    return old.get(name, ABSENT) if isinstance(old, dict) else ABSENT


def correlated_item(old: Any, item: Any, listing: ListOf) -> Any:
    """What the item was; ABSENT where that is unknown."""
    if listing.kind != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return ABSENT
    wanted = _key(item, listing)
    if wanted is None:
        return ABSENT
    return next(
        (other for other in old if isinstance(other, dict) and _key(other, listing) == wanted), ABSENT
    )


def _key(item: dict[str, Any], listing: ListOf) -> list[Any] | None:
    """The values of all keys, None when one is missing or no scalar."""
    values = [item.get(name) for name in listing.keys]
    return values if all(isinstance(value, str | int | float) for value in values) else None


def settled(old: Any, new: Any, schema: Schema) -> bool:
    """Whether a part is what it was. What the schema does not speak of cannot be told."""
    if old is None or new is None:
        return old is new
    if isinstance(old, list) and isinstance(new, list):
        array = schema.array
        if array is None or array.kind != "map":
            return bool(old == new)
        return len(old) == len(new) and all(
            (before := correlated_item(old, item, array)) is not ABSENT and settled(before, item, array.items)
            for item in new
        )
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(
            (child := _child(schema, name)) is not None and settled(old[name], item, child)
            for name, item in new.items()
        )
    return type(old) is type(new) and bool(old == new)


def _child(schema: Schema, name: str) -> Schema | None:
    mapping = schema.mapping
    if mapping is None:
        return None
    additional = mapping.additional if isinstance(mapping.additional, Schema) else None
    return mapping.fields.get(name, additional)
