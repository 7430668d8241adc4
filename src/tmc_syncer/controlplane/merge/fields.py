"""From an object to the set of its fields, by schema: what an apply configuration owns, and what a new value adds.

`fields_of` is the set of an apply configuration: its leaves, its list items, the keys of its maps. It is the fast way; where the
object does not fit the schema it raises `Misfit`, and `conformity.misfits` says in full what is wrong. `fields_present` is
the same for objects that are there already, duplicates in lists included. `whole` is the set that a value makes when it
appears or vanishes as one: all that is in it, containers too.

Source: structured-merge-diff/v6/typed, tofieldset.go and helpers.go. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.merge.fieldset import FieldSet
from tmc_syncer.controlplane.merge.steps import key_step, value_step
from tmc_syncer.controlplane.schema.node import ABSENT, ListOf, Schema

__all__ = ["Misfit", "fields_of", "fields_present", "fits_scalar", "item_problem", "item_step", "whole"]

_SELF = "."
_SCALARS = (str, int, float, bool)


class Misfit(Exception):
    """The object does not fit its schema; `conformity.misfits` says where."""


def item_step(item: Any, listing: ListOf) -> str | None:
    """The step of an item of a granular list, None when it has none (`item_problem` says why)."""
    if listing.kind == "set":
        return value_step(item) if isinstance(item, _SCALARS) else None
    if not isinstance(item, dict):
        return None
    if len(listing.keys) == 1:
        (name,) = listing.keys
        if name in item:
            return key_step({name: item[name]})
    key = {}
    for name in listing.keys:
        if name in item:
            key[name] = item[name]
        elif (default := _default(listing, name)) is not None:
            key[name] = default
    return key_step(key) if key else None


def _default(listing: ListOf, name: str) -> Any:
    mapping = listing.items.mapping
    field = mapping.fields.get(name) if mapping else None
    return None if field is None or field.facts.default is ABSENT else field.facts.default


def item_problem(item: Any, listing: ListOf) -> str:
    """Why an item of a granular list has no step."""
    if listing.kind == "set":
        if isinstance(item, dict):
            return "associative list without keys has an element that's a map type"
        if isinstance(item, list):
            return "not supported: associative list with lists as elements"
        return "associative list without keys has an element that's an explicit null"
    if item is None:
        return "associative list with keys may not have a null element"
    if not isinstance(item, dict):
        return "associative list with keys may not have non-map elements"
    keys = " ".join(f'"{key}"' for key in listing.keys)
    return (
        f"associative list with keys has an element that omits all key fields [{keys}] "
        "(and doesn't have default values for any key fields)"
    )


def fits_scalar(value: Any, schema: Schema) -> bool:
    """Whether a value that is neither a map, a list nor null is one of the schema's scalars."""
    match schema.scalar:
        case "string":
            return isinstance(value, str)
        case "numeric":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "untyped":
            return True
        case _:
            return False


def fields_of(configuration: dict[str, Any], schema: Schema) -> FieldSet:
    """The set of an apply configuration. Raises `Misfit`."""
    return _Walk(strict=True).below(configuration, schema) or {}


def fields_present(live: dict[str, Any], schema: Schema) -> FieldSet:
    """The set of an object that is there already. What does not fit the schema is left out."""
    return _Walk(strict=False).below(live, schema) or {}


class _Walk:
    """One walk. `below` gives the node of a value, None when the value itself leaves no trace."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def below(self, value: Any, schema: Schema) -> FieldSet | None:
        if isinstance(value, dict):
            if schema.mapping is None:
                return self._misfit(schema)
            return self._map(value, schema)
        if isinstance(value, list):
            if schema.array is None:
                return self._misfit(schema)
            return self._list(value, schema.array)
        if value is None:
            return _null(schema)
        if self._strict and not fits_scalar(value, schema):
            raise Misfit
        return {}

    def _misfit(self, schema: Schema) -> FieldSet | None:
        if self._strict:
            raise Misfit
        return _null(schema)

    def _map(self, value: dict[str, Any], schema: Schema) -> FieldSet | None:
        mapping = schema.mapping
        assert mapping is not None
        fields, extra = mapping.fields, mapping.extra
        if mapping.atomic:
            if self._strict:
                self._check_all(value, schema)
            return {}
        found: FieldSet = {}
        for name, item in value.items():
            child = fields.get(name)
            if child is not None:
                node = self.below(item, child)
                if node is None and (item is None or item == {}):
                    node = {}
            elif extra is not None:
                node = self.below(item, extra)
                if not node:
                    node = {}
                elif _SELF not in node:
                    node = {_SELF: {}, **node}
            elif self._strict:
                raise Misfit
            else:
                node = {}
            if node is not None:
                found[f"f:{name}"] = node
        return found or None

    def _check_all(self, value: dict[str, Any], schema: Schema) -> None:
        """Look at everything in a map that is owned as a whole, for `Misfit` alone."""
        assert schema.mapping is not None
        for name, item in value.items():
            child = schema.mapping.child(name)
            if child is None:
                raise Misfit
            self.below(item, child)

    def _list(self, value: list[Any], listing: ListOf) -> FieldSet | None:
        if not listing.granular:
            if self._strict:
                for item in value:
                    self.below(item, listing.items)
            return {}
        found: FieldSet = {}
        twice: set[str] = set()
        for item in value:
            step = item_step(item, listing)
            if step is None or step in found:
                if self._strict:
                    raise Misfit
                if step is not None:
                    twice.add(step)
                continue
            node = self.below(item, listing.items)
            found[step] = {_SELF: {}, **node} if node else {}
        for step in twice:
            found[step] = {}
        return found or None


def _null(schema: Schema) -> FieldSet | None:
    """Null fits everywhere; it is a leaf where a scalar may stand or where the whole is owned at once."""
    if schema.mapping is not None:
        return {} if schema.mapping.atomic else None
    if schema.scalar:
        return {}
    return {} if schema.array is None or not schema.array.granular else None


def whole(value: Any, schema: Schema) -> FieldSet:
    """The node of a value that appears or vanishes as one: everything in it is a member."""
    if isinstance(value, dict) and value and schema.mapping is not None and not schema.mapping.atomic:
        mapping = schema.mapping
        found: FieldSet = {_SELF: {}}
        for name, item in value.items():
            child = mapping.child(name)
            found[f"f:{name}"] = {} if child is None else whole(item, child)
        return found
    if isinstance(value, list) and value and schema.array is not None and schema.array.granular:
        listing = schema.array
        found = {_SELF: {}}
        for item in value:
            step = item_step(item, listing)
            if step is not None:
                found[step] = {} if step in found else whole(item, listing.items)
        return found if len(found) > 1 else {}
    return {}
