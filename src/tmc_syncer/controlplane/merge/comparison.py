"""What changed between two objects, field by field: removed, modified, added.

`compare` walks both objects along the schema. Parts that are the same object in memory are equal without a look, which
makes the comparison of an object with its own merge result cheap. A field that appears or vanishes counts with all that is
in it; a list or map that is owned as a whole is modified as a whole; an item that occurs twice is looked at like an atomic one.

Source: structured-merge-diff/v6/typed, compare.go. Pure; called for every write that managedFields have to follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.merge.fields import item_step, whole
from tmc_syncer.controlplane.merge.fieldset import FieldSet, Path, recursive_difference, union
from tmc_syncer.controlplane.schema.node import ListOf, MapOf, Schema

__all__ = ["NO_CHANGE", "Comparison", "compare", "same"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Three sets of fields without a common member."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet

    @property
    def set_anew(self) -> FieldSet:
        """What has another value now, or a value at all."""
        return union(self.modified, self.added)

    def without(self, fields: FieldSet) -> Comparison:
        """The comparison without these fields and what is below them."""
        if not fields:
            return self
        return Comparison(
            recursive_difference(self.removed, fields),
            recursive_difference(self.modified, fields),
            recursive_difference(self.added, fields),
        )


NO_CHANGE = Comparison({}, {}, {})


def same(left: Any, right: Any, *, loose: bool = False) -> bool:
    """Whether two JSON values are equal. `loose`: they may hold booleans where the other one has numbers."""
    if left is right:
        return True
    if left != right:
        return False
    return not loose or _same_forms(left, right)


def _same_forms(left: Any, right: Any) -> bool:
    """Whether two values that Python takes for equal have their booleans in the same places."""
    if isinstance(left, dict):
        return all(_same_forms(item, right[name]) for name, item in left.items())
    if isinstance(left, list):
        return all(map(_same_forms, left, right))
    return isinstance(left, bool) == isinstance(right, bool)


def compare(old: dict[str, Any], new: dict[str, Any], schema: Schema) -> Comparison:
    """What became of the old object."""
    if same(old, new, loose=schema.loose):
        return NO_CHANGE
    walk = _Walk(loose=schema.loose)
    walk.visit(old, new, schema, ())
    return Comparison(walk.removed, walk.modified, walk.added)


class _Walk:
    """One walk over two objects; the three sets grow by the path."""

    def __init__(self, *, loose: bool) -> None:
        self.removed: FieldSet = {}
        self.modified: FieldSet = {}
        self.added: FieldSet = {}
        self._loose = loose

    def visit(self, old: Any, new: Any, schema: Schema, path: Path) -> None:
        """Compare two values that are not equal. One that changed its form counts in both forms."""
        before, after = _form(old, schema), _form(new, schema)
        if before != after:
            self._visit_as(before, old, new, schema, path)
        self._visit_as(after, old, new, schema, path)

    def _visit_as(self, form: str, old: Any, new: Any, schema: Schema, path: Path) -> None:
        if form == "map":
            mapping = schema.mapping
            assert mapping is not None
            left, right = (value if isinstance(value, dict) else {} for value in (old, new))
            if not mapping.atomic and (left or right):
                self._visit_map(left, right, mapping, path)
                return
        elif form == "list":
            listing = schema.array
            assert listing is not None
            mine, others = (value if isinstance(value, list) else [] for value in (old, new))
            if listing.granular and (mine or others):
                self._visit_list(mine, others, listing, path)
                return
        _put(self.modified, path, {})

    def _visit_map(self, old: dict[str, Any], new: dict[str, Any], mapping: MapOf, path: Path) -> None:
        for name, after in new.items():
            child = mapping.child(name)
            if child is None:  # not of this schema: pruning takes it away, nobody owns it
                continue
            if name not in old:
                _put(self.added, (*path, f"f:{name}"), whole(after, child))
            elif not same(old[name], after, loose=self._loose):
                self.visit(old[name], after, child, (*path, f"f:{name}"))
        for name, before in old.items():
            if name not in new and (child := mapping.child(name)) is not None:
                _put(self.removed, (*path, f"f:{name}"), whole(before, child))

    def _visit_list(self, old: list[Any], new: list[Any], listing: ListOf, path: Path) -> None:
        before, after = _by_step(old, listing), _by_step(new, listing)
        for step in {**before, **after}:
            mine, others = before.get(step, ()), after.get(step, ())
            self._visit_items(mine, others, listing.items, (*path, step))

    def _visit_items(self, old: Sequence[Any], new: Sequence[Any], schema: Schema, path: Path) -> None:
        """Items with the same step; more than one on a side count as one that is owned as a whole."""
        if len(old) > 1 and len(new) > 1:
            if not same(old, new, loose=self._loose):
                _put(self.modified, path, {})
        elif len(old) > 1:
            if new:
                _put(self.added, path, whole(new[0], schema))
            _put(self.removed, path, {})
        elif len(new) > 1:
            if old:
                _put(self.removed, path, whole(old[0], schema))
            _put(self.added, path, {})
        elif not old:
            _put(self.added, path, whole(new[0], schema))
        elif not new:
            _put(self.removed, path, whole(old[0], schema))
        elif not same(old[0], new[0], loose=self._loose):
            self.visit(old[0], new[0], schema, path)


def _form(value: Any, schema: Schema) -> str:
    """Which side of the schema a value goes by; null and what does not fit go by the first one there is."""
    if isinstance(value, dict) and schema.mapping is not None:
        return "map"
    if isinstance(value, list) and schema.array is not None:
        return "list"
    if isinstance(value, str | int | float) and schema.scalar:
        return "scalar"
    if schema.mapping is not None:
        return "map"
    return "scalar" if schema.scalar else "list"


def _by_step(items: list[Any], listing: ListOf) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        step = item_step(item, listing)
        if step is not None:
            found.setdefault(step, []).append(item)
    return found


def _put(fields: FieldSet, path: Path, node: FieldSet) -> None:
    """Add a node where nothing is yet."""
    for step in path[:-1]:
        fields = fields.setdefault(step, {})
    fields[path[-1]] = node
