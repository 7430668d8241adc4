"""The deletion brake: many planned deletions at once are a mistake until somebody says otherwise.

It counts the deletions that a target plans (rows 3 and 11 of table 1), except those that somebody plainly asked
for (a deletionTimestamp on the object or its namespace, a single DELETED event of a watch, an eviction, a
deleted SyncTarget): these are not brought here at all. A planned deletion first waits for `SETTLE_SECONDS`, so
that a changed selector or a surprising list is counted whole before the first copy goes; without that the first
fifth of the copies would be gone before the brake knows. More than ``max(10, 20 % of the copies)`` within
`WINDOW_SECONDS` trips it: pruning pauses, the SyncTarget says why, everything else goes on. A restored upstream
trips it whatever the count (`engage`).

It ends when no deletion is planned any more (`clear_if_idle`: the cause was mended), or when a person releases
it with a time later than the trip. After a release deletions go through for `RELEASE_SECONDS`.

Pure state machine; times are monotonic seconds, given by the caller, except the wall-clock times of trip and
release, which are compared with each other only.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from tmc_syncer.api.resources import GVR, Key

__all__ = ["SETTLE_SECONDS", "Brake", "Cause", "Permission", "Trip"]

SETTLE_SECONDS = 2.0
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


class Permission(Enum):
    """The answer for one planned deletion. `WAIT`: it is counted; ask again after `SETTLE_SECONDS`."""

    GO = "go"
    WAIT = "wait"
    HELD = "held"


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
    """One brake guards one target. `cause_hint` is what the next trip is put down to."""

    trip: Trip | None = None
    cause_hint: Cause = Cause.UNKNOWN
    # Since when each deletion is planned (it settles from then on); when it was last asked for (it counts for a minute
    # from then on); and which of these went through: they count although nothing is planned for them any more.
    _planned: dict[Item, float] = field(default_factory=dict)
    _counted: OrderedDict[Item, float] = field(default_factory=OrderedDict)
    _passed: set[Item] = field(default_factory=set)
    _released_until: float = float("-inf")
    _released_at: datetime | None = None

    def ask(self, item: Item, *, copies: int, now: float, wall: datetime) -> Permission:
        """Whether the deletion of one copy may go on. Asking twice for one object counts once.

        Args:
            item: type and key of the copy's upstream object.
            copies: how many copies this target has in all.
            now: monotonic seconds.
            wall: wall-clock time, for the condition.
        """
        if now < self._released_until:
            return Permission.GO
        planned_at = self._planned.setdefault(item, now)
        self._counted[item] = now
        self._counted.move_to_end(item)
        self._expire(now)
        if self.trip is not None:
            self.trip = replace(self.trip, planned=max(self.trip.planned, len(self._counted)))
            return Permission.HELD
        if len(self._counted) > max(MINIMUM_DELETIONS, SHARE_OF_COPIES * copies):
            self.trip = Trip(wall, self.cause_hint, len(self._counted), copies)
            return Permission.HELD
        if now - planned_at < SETTLE_SECONDS:
            return Permission.WAIT
        self._passed.add(item)
        return Permission.GO

    def engage(self, cause: Cause, *, copies: int, wall: datetime) -> None:
        """Trip at once, whatever the count (a restored upstream); a release before that does not count any more."""
        if self.trip is None or self.trip.cause is not cause:
            self.trip = Trip(wall, cause, len(self._counted), copies)
            self._released_until = float("-inf")

    def release(self, at: datetime, *, now: float) -> bool:
        """A person releases it, by an annotation of time `at`; True when that ended a trip.

        A time older than the trip does nothing, nor does one that was used before.
        """
        if self.trip is None or at < self.trip.since or at == self._released_at:
            return False
        self.trip = None
        self.cause_hint = Cause.UNKNOWN
        self._planned.clear()
        self._counted.clear()
        self._passed.clear()
        self._released_at = at
        self._released_until = now + RELEASE_SECONDS
        return True

    def withdraw(self, item: Item) -> None:
        """The object needs no deletion any more (it is live again): it no longer counts, unless it already went."""
        self._planned.pop(item, None)
        if item not in self._passed:
            self._counted.pop(item, None)

    def done(self, item: Item) -> None:
        """The copy is gone. What was deleted within the window goes on counting."""
        self._planned.pop(item, None)

    def clear_if_idle(self) -> bool:
        """End by itself once no deletion is planned any more: the cause is gone. True when it just ended.

        A restored upstream never ends by itself: what is missing from it stays missing.
        """
        if self.trip is None or self._planned or self.trip.cause is Cause.UPSTREAM_RESTORED:
            return False
        self.trip = None
        self.cause_hint = Cause.UNKNOWN
        return True

    def _expire(self, now: float) -> None:
        while self._counted:
            item, asked_at = next(iter(self._counted.items()))
            if now - asked_at <= WINDOW_SECONDS:
                return
            del self._counted[item]
            self._passed.discard(item)
