"""The deletion brake: many planned deletions at once are a mistake until somebody says otherwise.

It counts the deletions that a target plans (rows 3 and 11 of table 1) over a sliding minute, except those that
the owner plainly asked for (a deletionTimestamp was seen on the object, its namespace or its workspace; a
single DELETED event of a selector-less watch; an eviction). More than ``max(10, 20 % of the copies)`` in a
minute trips it: pruning pauses, the SyncTarget says why, and everything else goes on. A restored upstream (a
list older than one seen before) trips it whatever the count.

It ends when the planned deletions go away by themselves (`clear_if_idle`: the cause was mended), or when a
person releases it: an annotation with a time later than the trip. After a release the same deletions are let
through, for `RELEASE_SECONDS`.

Pure state machine; times are monotonic seconds, given by the caller, except the two wall-clock times of trip
and release, which are compared with each other only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from tmc_syncer.api.resources import GVR, Key

__all__ = ["Brake", "Cause", "Trip"]

WINDOW_SECONDS = 60.0
MINIMUM_DELETIONS = 10
SHARE_OF_COPIES = 0.2
RELEASE_SECONDS = 600.0

Item = tuple[GVR, Key]


class Cause(Enum):
    """Why the deletions were planned, as far as it is known."""

    RELIST = "Relist"
    SELECTOR_CHANGED = "SelectorChanged"
    TYPES_SHORTENED = "TypeListShortened"
    UPSTREAM_RESTORED = "UpstreamRestored"
    UNKNOWN = "MassDeletion"


@dataclass(frozen=True, slots=True)
class Trip:
    """An engaged brake: since when (wall clock), why, how many deletions were planned of how many copies."""

    since: datetime
    cause: Cause
    planned: int
    copies: int

    def message(self) -> str:
        """One sentence for the SyncTarget's condition, with what to do."""
        return (
            f"{self.planned} deletions were planned within a minute, of {self.copies} copies ({self.cause.value}); "
            "nothing is deleted until the cause is gone or it is released with `tmc target release-brake NAME`."
        )


@dataclass(slots=True)
class Brake:
    """One brake guards one target. Callers ask `allows` right before each deletion that is not exempt."""

    trip: Trip | None = None
    cause_hint: Cause = Cause.UNKNOWN
    _planned: OrderedDict[Item, float] = field(default_factory=OrderedDict)
    _released_until: float = 0.0
    _released_at: datetime | None = None

    def allows(self, item: Item, *, copies: int, now: float, wall: datetime) -> bool:
        """Whether the deletion may go on. Counts it as planned; asking twice for one object counts once.

        Args:
            item: type and key of the copy's upstream object.
            copies: how many copies this target has in all.
            now: monotonic seconds.
            wall: wall-clock time, for the condition.
        """
        if now < self._released_until:
            return True
        self._planned[item] = now
        self._planned.move_to_end(item)
        self._expire(now)
        if self.trip is not None:
            self.trip = replace(self.trip, planned=max(self.trip.planned, len(self._planned)))
            return False
        if len(self._planned) > max(MINIMUM_DELETIONS, SHARE_OF_COPIES * copies):
            self.trip = Trip(wall, self.cause_hint, len(self._planned), copies)
            return False
        return True

    def engage(self, cause: Cause, *, copies: int, wall: datetime) -> None:
        """Trip at once, whatever the count (a restored upstream)."""
        if self.trip is None:
            self.trip = Trip(wall, cause, 0, copies)
            self._released_until = 0.0

    def release(self, at: datetime, *, now: float) -> bool:
        """A person releases it, by an annotation of time `at`. One older than the trip, or seen before, does nothing."""
        if self._released_at is not None and at <= self._released_at:
            return False
        if self.trip is None or at < self.trip.since:
            return False
        self.trip = None
        self._planned.clear()
        self._released_at = at
        self._released_until = now + RELEASE_SECONDS
        self.cause_hint = Cause.UNKNOWN
        return True

    def withdraw(self, item: Item) -> None:
        """The object needs no deletion any more (it is live again): it no longer counts."""
        self._planned.pop(item, None)

    def clear_if_idle(self, *, held: int) -> bool:
        """End by itself once nothing is held back any more: the cause is gone. True when it just ended."""
        if self.trip is None or held or self._planned or self.trip.cause is Cause.UPSTREAM_RESTORED:
            return False
        self.trip = None
        self.cause_hint = Cause.UNKNOWN
        return True

    def _expire(self, now: float) -> None:
        if self.trip is not None:
            return
        while self._planned:
            item, planned_at = next(iter(self._planned.items()))
            if now - planned_at <= WINDOW_SECONDS:
                return
            del self._planned[item]
