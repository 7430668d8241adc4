"""`Counters`: how many objects of each type are synced, pending, failed or excluded. Pure.

Whoever knows an object's state (the journal) tells each change with `move`: two integer additions. Nothing is counted by
looking at all objects. `snapshot` is what the status reporter writes into the SyncTarget and ``/statusz`` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import msgspec

from tmc_syncer.api.resources import GVR

__all__ = ["Counters", "SyncState", "TypeCounts"]


class SyncState(Enum):
    """Where one object stands."""

    SYNCED = "synced"  # the table ended in row 6, 13 or 16
    PENDING = "pending"  # not yet looked at, or waiting for something
    FAILED = "failed"  # the last attempt failed, or a condition needs a person
    EXCLUDED = "excluded"  # a filter keeps it out


class TypeCounts(msgspec.Struct, frozen=True):
    """One type at one moment. `last_sync`: when an object last became synced; `connected`: both sides are watched."""

    gvr: GVR
    synced: int = 0
    pending: int = 0
    failed: int = 0
    excluded: int = 0
    last_sync: datetime | None = None
    connected: bool = False

    @property
    def total(self) -> int:
        """All objects of the type that are known."""
        return self.synced + self.pending + self.failed + self.excluded


@dataclass(slots=True)
class _Type:
    counts: dict[SyncState, int] = field(default_factory=lambda: dict.fromkeys(SyncState, 0))
    last_sync: datetime | None = None
    connected: bool = False


class Counters:
    """The counts of all types of one agent. A type is known from its first mention until `drop`."""

    def __init__(self) -> None:
        self._types: dict[GVR, _Type] = {}

    def move(self, gvr: GVR, old: SyncState | None, new: SyncState | None, now: datetime) -> None:
        """One object of `gvr` went from `old` (None: it was not known) to `new` (None: it is gone).

        Becoming synced, or staying so after a write, is a sync at `now`.
        """
        kept = self._type(gvr)
        if old is not None:
            kept.counts[old] -= 1
        if new is not None:
            kept.counts[new] += 1
        if new is SyncState.SYNCED:
            kept.last_sync = now

    def connect(self, gvr: GVR, *, connected: bool) -> None:
        """The informers of `gvr` are fresh on both sides, or are not."""
        self._type(gvr).connected = connected

    def drop(self, gvr: GVR) -> None:
        """`gvr` is not synced any more."""
        self._types.pop(gvr, None)

    def snapshot(self) -> tuple[TypeCounts, ...]:
        """The counts of all types, in the order of their names."""
        return tuple(
            TypeCounts(
                gvr,
                **{state.value: count for state, count in kept.counts.items()},
                last_sync=kept.last_sync,
                connected=kept.connected,
            )
            for gvr, kept in sorted(self._types.items())
        )

    def total(self, state: SyncState) -> int:
        """How many objects of all types are in `state`."""
        return sum(kept.counts[state] for kept in self._types.values())

    def _type(self, gvr: GVR) -> _Type:
        kept = self._types.get(gvr)
        if kept is None:
            kept = self._types[gvr] = _Type()
        return kept
