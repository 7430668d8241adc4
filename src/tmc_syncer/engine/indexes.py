"""`Indexes`: keys grouped by the values of functions over their records, kept along with a store. Pure.

The store asks for a `plan` before it changes a record and carries it out after: a function that raises leaves everything
as it was. Keys come in the order of their arrival under a value, so that a seeded run repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key

__all__ = ["IndexFunction", "Indexes", "Plan"]

IndexFunction = Callable[[Record], Iterable[str]]
"""The values of a record; it must depend on nothing but the record."""

_Groups = dict[str, dict[Key, None]]
Plan = list[tuple[_Groups, tuple[str, ...], tuple[str, ...]]]
"""What one change of a record means for each index: the groups, the values before, the values after."""


class Indexes:
    """Named indexes over one store."""

    def __init__(self) -> None:
        self._indexes: dict[str, tuple[IndexFunction, _Groups]] = {}

    def add(self, name: str, function: IndexFunction, records: Iterable[Record]) -> None:
        """A new index over `records`. Raises `ValueError` when the name is taken."""
        if name in self._indexes:
            raise ValueError(f"index {name!r} exists")
        groups: _Groups = {}
        for record in records:
            _move(groups, record.key, (), tuple(function(record)))
        self._indexes[name] = (function, groups)

    def plan(self, old: Record | None, new: Record | None) -> Plan:
        """The moves that replacing `old` by `new` takes."""
        moves: Plan = []
        for function, groups in self._indexes.values():
            before = () if old is None else tuple(function(old))
            after = () if new is None else tuple(function(new))
            if before != after:
                moves.append((groups, before, after))
        return moves

    def carry_out(self, plan: Plan, key: Key) -> None:
        """Move `key` as planned."""
        for groups, before, after in plan:
            _move(groups, key, before, after)

    def keys(self, name: str, value: str) -> tuple[Key, ...]:
        """The keys with `value`. Raises `KeyError` for an unknown index."""
        return tuple(self._indexes[name][1].get(value, ()))

    def size(self, name: str, value: str) -> int:
        """How many keys have `value`."""
        return len(self._indexes[name][1].get(value, ()))

    def values(self, name: str) -> tuple[str, ...]:
        """All values that some key has."""
        return tuple(self._indexes[name][1])


def _move(groups: _Groups, key: Key, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    for value in before:
        if value not in after:
            members = groups[value]
            del members[key]
            if not members:
                del groups[value]
    for value in after:
        groups.setdefault(value, {})[key] = None
