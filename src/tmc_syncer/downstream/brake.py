"""The deletion brake: many planned deletions at once are a mistake until somebody says otherwise.

It counts the deletions that a target plans (rows 3 and 11 of table 1), except those that somebody plainly asked
for (a deletionTimestamp on the object or its namespace, a single DELETED event of a watch, an eviction, a
deleted SyncTarget): these are not brought here at all. A planned deletion first settles: `SETTLE_SECONDS` long, and
until every key that was due when it was planned has been looked at, so that a changed selector or a surprising list
is counted whole before the first copy goes; without that the first fifth of the copies would be gone before the
brake knows. More than ``max(10, 20 % of the copies)``, planned or gone within `WINDOW_SECONDS`, trip it: pruning
pauses, the SyncTarget says why, everything else goes on. A restored upstream trips it whatever the count (`engage`).

It ends when no deletion is planned any more (`clear_if_idle`: the cause was mended), or when a person releases
it with a time later than the trip: then exactly what was planned at that moment goes, and nothing else.

Pure state machine; times are monotonic seconds, given by the caller, except the wall-clock times of trip and
release, which are compared with each other only.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from tmc_syncer.api.resources import GVR, Key

__all__ = ["SETTLE_SECONDS", "Brake", "Cause", "Permission", "Trip"]

SETTLE_SECONDS = 2.0
WINDOW_SECONDS = 60.0
MINIMUM_DELETIONS = 10
SHARE_OF_COPIES = 0.2

_NEVER = float("-inf")

Item = tuple[GVR, Key]


class Cause(Enum):
    """Why deletions are planned: what a person has to look at."""

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
class _Plan:
    """One deletion: planned since when and why, whether it still is, and when it last got its permission."""

    since: float
    cause: Cause
    pending: bool = True
    went: float = _NEVER


@dataclass(slots=True)
class Brake:
    """One brake guards one target."""

    trip: Trip | None = None
    _plans: dict[Item, _Plan] = field(default_factory=dict)
    _went: deque[tuple[float, Item]] = field(default_factory=deque)  # permissions, oldest first
    _released: set[Item] = field(default_factory=set)  # what a person let go
    _released_at: datetime | None = None

    def ask(  # facts of one deletion, all by keyword
        self,
        item: Item,
        *,
        cause: Cause,
        copies: int,
        backlog: Callable[[], float],
        now: float,
        wall: datetime,
    ) -> Permission:
        """Whether the deletion of one copy may go on. Asking twice for one object counts once.

        Args:
            item: type and key of the copy's upstream object.
            cause: why it is to be deleted.
            copies: how many copies this target has in all.
            backlog: for how many seconds the longest-waiting key has been due for a look; asked only when it matters.
            now: monotonic seconds.
            wall: wall-clock time, for the condition.
        """
        if item in self._released:
            return Permission.GO
        self._expire(now)
        plan = self._plans.setdefault(item, _Plan(now, cause))
        if not plan.pending:
            plan.since, plan.pending = now, True
        plan.cause = cause
        if self.trip is not None:
            self.trip = replace(self.trip, planned=max(self.trip.planned, len(self._plans)))
            return Permission.HELD
        if len(self._plans) > max(MINIMUM_DELETIONS, SHARE_OF_COPIES * copies):
            self.trip = Trip(wall, self._main_cause(), len(self._plans), copies)
            return Permission.HELD
        age = now - plan.since
        if age < SETTLE_SECONDS or backlog() > age:
            return Permission.WAIT
        plan.went = now
        self._went.append((now, item))
        return Permission.GO

    def engage(self, cause: Cause, *, copies: int, wall: datetime) -> None:
        """Trip at once, whatever the count (a restored upstream); what was released before that is held again."""
        if self.trip is None or self.trip.cause is not cause:
            self.trip = Trip(wall, cause, len(self._plans), copies)
            self._released.clear()

    def release(self, at: datetime) -> bool:
        """A person releases it, by an annotation of time `at`; True when that ended a trip.

        What is planned now goes. A time older than the trip does nothing, nor does one that was seen before: the
        annotation stays on the SyncTarget, and must not release what trips later.
        """
        if at == self._released_at:
            return False
        self._released_at = at
        if self.trip is None or at < self.trip.since:
            return False
        self.trip = None
        self._released |= {item for item, plan in self._plans.items() if plan.pending}
        self._plans.clear()
        self._went.clear()
        return True

    def withdraw(self, item: Item) -> None:
        """No deletion is planned for the object: it lives again, or is done with. What went counts for its minute."""
        self._released.discard(item)
        plan = self._plans.get(item)
        if plan is None:
            return
        plan.pending = False
        if plan.went == _NEVER:
            del self._plans[item]

    def clear_if_idle(self) -> bool:
        """End by itself once no deletion is planned any more: the cause is gone. True when it just ended.

        A restored upstream never ends by itself: what is missing from it stays missing.
        """
        if self.trip is None or self.trip.cause is Cause.UPSTREAM_RESTORED:
            return False
        if any(plan.pending for plan in self._plans.values()):
            return False
        self.trip = None
        return True

    def _main_cause(self) -> Cause:
        """The cause that most of the deletions share."""
        counts = Counter(plan.cause for plan in self._plans.values())
        return counts.most_common(1)[0][0]

    def _expire(self, now: float) -> None:
        """Stop counting what went more than a window ago."""
        while self._went and now - self._went[0][0] > WINDOW_SECONDS:
            went, item = self._went.popleft()
            plan = self._plans.get(item)
            if plan is None or plan.went != went:
                continue  # released meanwhile, or it went again
            plan.went = _NEVER
            if not plan.pending:
                del self._plans[item]
