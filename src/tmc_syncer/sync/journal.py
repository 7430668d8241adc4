"""The journal: what became of each object, for people: ``/statusz``, the SyncTarget's status, `tmc explain`.

It counts every object of every type and keeps a description (`ObjectState`) of those that are not plainly
synced. It decides nothing and is never read by a decision: state is derived from the servers each time. Losing
it costs nothing; after a restart it fills again.

Guarantees: counts are exact and maintained with each `note` and `forget` (no scan); descriptions are at most
`DETAIL_LIMIT`, and when that is not enough the least severe and oldest go first; a `note` that repeats what is
known allocates nothing. `revision` grows with each change that somebody could see, so that a reporter knows
without comparing.

Pure: times are monotonic seconds passed in by the caller, who also prints them as RFC 3339. Messages come from
the error tree, which never quotes the data of a Secret.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TypedDict

import msgspec

from tmc_syncer.api.resources import GVR, Key

__all__ = ["DETAIL_LIMIT", "Counts", "Details", "Journal", "ObjectState", "State"]

DETAIL_LIMIT = 10_000
"""Descriptions kept: about 5 MB. More than anybody reads; the counts stay exact beyond it."""
SNAPSHOT_LIMIT = 1_000  # objects of one /statusz answer (tunnel.md)
_MESSAGE_LIMIT = 300  # characters; the same bound as for the body of a server's error


class State(StrEnum):
    """What an object is at. The value is the word that people see."""

    SYNCED = "synced"
    FINISHED = "finished"
    PENDING = "pending"
    DELETING = "deleting"
    HELD = "held"
    EXCLUDED = "excluded"
    CONFLICT = "conflict"
    COLLISION = "collision"
    FAILED = "failed"


# state: (the count it belongs to, its severity; the highest is shown first and kept longest)
_TABLE = {
    State.SYNCED: ("synced", 0),
    State.FINISHED: ("synced", 0),
    State.EXCLUDED: ("excluded", 1),
    State.PENDING: ("pending", 2),
    State.DELETING: ("pending", 2),
    State.HELD: ("pending", 3),
    State.CONFLICT: ("failed", 4),
    State.COLLISION: ("failed", 4),
    State.FAILED: ("failed", 5),
}
_SEVERITIES = range(6)
_NEWS = 3  # held, or worse
_NOTEWORTHY = (5, 4, 3, 2)  # the severities that `worst` shows; below, nobody needs to act


class ObjectState(msgspec.Struct, frozen=True, gc=False):
    """What is known of one object. `since` and `next_try` are monotonic seconds; `row` is -1 where no row was hit."""

    gvr: GVR
    key: Key
    state: State
    code: str = ""
    reason: str = ""
    message: str = ""
    row: int = -1
    attempts: int = 0
    next_try: float | None = None
    since: float = 0.0

    @property
    def severity(self) -> int:
        """How much this object needs somebody, 0 not at all."""
        return _TABLE[self.state][1]


class Details(TypedDict, total=False):
    """What a `note` may say besides the state; see `ObjectState`."""

    code: str
    message: str
    next_try: float


class Counts(msgspec.Struct, gc=False):
    """How many objects of a type (or of all) are at what. Conflicts and collisions count as failed."""

    synced: int = 0
    pending: int = 0
    failed: int = 0
    excluded: int = 0


class Journal:
    """Remembers objects by (type, key). Not thread-safe; one event loop owns it.

    `on_news` is told of each object that somebody should know of, when its state, code or reason is new.
    """

    def __init__(self, detail_limit: int = DETAIL_LIMIT) -> None:
        self.revision = 0
        self.on_news: Callable[[ObjectState], None] = lambda _state: None
        self.details_dropped = 0
        self._detail_limit = detail_limit
        self._states: dict[GVR, dict[Key, State]] = {}
        self._counts: dict[GVR, Counts] = {}
        self._totals = Counts()
        self._details: tuple[dict[tuple[GVR, Key], ObjectState], ...] = tuple({} for _ in _SEVERITIES)
        self._detail_count = 0

    def note(  # noqa: PLR0913 - the fields of the description that it makes
        self,
        gvr: GVR,
        key: Key,
        state: State,
        *,
        now: float,
        code: str = "",
        reason: str = "",
        message: str = "",
        row: int = -1,
        attempts: int = 0,
        next_try: float | None = None,
    ) -> None:
        """Remember that the object is at `state`. `now` and `next_try` are monotonic seconds.

        A synced object without a reason keeps no description. `since` of a description stays while state, code
        and reason are the same.
        """
        states = self._states.get(gvr)
        if states is None:
            states = self._states[gvr] = {}
            self._counts[gvr] = Counts()
        old = states.get(key)
        if old is not state:
            states[key] = state
            self._count(gvr, old, -1)
            self._count(gvr, state, 1)
            self.revision += 1
        elif state is State.SYNCED and not reason:
            return
        previous = None if old is None else self._drop_detail(gvr, key, old)
        if state is State.SYNCED and not reason:
            return
        message = message[:_MESSAGE_LIMIT]
        told = None if previous is None else (previous.state, previous.code, previous.reason)
        is_news = told != (state, code, reason)
        since = now if previous is None or is_news else previous.since
        new = ObjectState(gvr, key, state, code, reason, message, row, attempts, next_try, since)
        if new != previous:
            self.revision += 1
        self._keep_detail(new)
        if is_news and new.severity >= _NEWS:
            self.on_news(new)

    def forget(self, gvr: GVR, key: Key) -> None:
        """The object is gone from both sides, or no longer ours to sync. Unknown ones are ignored."""
        state = self._states.get(gvr, {}).pop(key, None)
        if state is not None:
            self._count(gvr, state, -1)
            self._drop_detail(gvr, key, state)
            self.revision += 1

    def add_type(self, gvr: GVR) -> None:
        """Count a type from now on, so that it is shown with zeros before its first object."""
        if gvr not in self._states:
            self._states[gvr] = {}
            self._counts[gvr] = Counts()
            self.revision += 1

    def forget_type(self, gvr: GVR) -> None:
        """The type is no longer synced: all its objects are forgotten."""
        for key in list(self._states.get(gvr, ())):
            self.forget(gvr, key)
        if self._states.pop(gvr, None) is not None:
            del self._counts[gvr]
            self.revision += 1

    def get(self, gvr: GVR, key: Key) -> ObjectState | None:
        """What is known of one object; None when it was never noted. A plainly synced one has no details."""
        state = self._states.get(gvr, {}).get(key)
        if state is None:
            return None
        return self._details[_TABLE[state][1]].get((gvr, key)) or ObjectState(gvr, key, state)

    def types(self) -> tuple[GVR, ...]:
        """The types that are counted, sorted."""
        return tuple(sorted(self._counts))

    def counts(self, gvr: GVR) -> Counts:
        """A copy of the counts of one type; zeros for an unknown one."""
        return msgspec.structs.replace(self._counts.get(gvr) or Counts())

    def totals(self) -> Counts:
        """A copy of the counts over all types."""
        return msgspec.structs.replace(self._totals)

    def worst(self, n: int = 10) -> tuple[ObjectState, ...]:
        """The `n` objects that most need somebody: by severity, then attempts, then how long it lasts.

        Excluded and finished objects are never among them, nor those that merely wait for their first turn.
        """
        found: list[ObjectState] = []
        for severity in _NOTEWORTHY:
            group = (state for state in self._details[severity].values() if state.reason or state.attempts)
            found += heapq.nsmallest(
                n - len(found), group, key=lambda s: (-s.attempts, s.since, s.gvr, s.key)
            )
        return tuple(found)

    def snapshot(
        self, gvr: GVR | None = None, name: str | None = None, limit: int = SNAPSHOT_LIMIT
    ) -> tuple[ObjectState, ...]:
        """Descriptions, the most severe first, then sorted by type and key; at most `limit`.

        `gvr` with an empty version matches any version. `name` is an object's name, or ``namespace/name``.
        Plainly synced objects are included only when `name` is given.
        """
        wanted = sorted(self._matching(gvr, name), key=lambda s: (-s.severity, s.gvr, s.key))
        return tuple(wanted[:limit])

    def _matching(self, gvr: GVR | None, name: str | None) -> Iterator[ObjectState]:
        if name is None:
            for group in self._details:
                yield from (state for state in group.values() if _is_type(state.gvr, gvr))
            return
        for candidate, states in self._states.items():
            if _is_type(candidate, gvr):
                for key in states:
                    found = self.get(candidate, key) if _is_named(key, name) else None
                    if found is not None:
                        yield found

    def _count(self, gvr: GVR, state: State | None, step: int) -> None:
        if state is None:
            return
        field = _TABLE[state][0]
        for counts in (self._counts[gvr], self._totals):
            setattr(counts, field, getattr(counts, field) + step)

    def _drop_detail(self, gvr: GVR, key: Key, state: State) -> ObjectState | None:
        dropped = self._details[_TABLE[state][1]].pop((gvr, key), None)
        if dropped is not None:
            self._detail_count -= 1
        return dropped

    def _keep_detail(self, detail: ObjectState) -> None:
        self._details[detail.severity][detail.gvr, detail.key] = detail
        self._detail_count += 1
        if self._detail_count > self._detail_limit:
            least = next(group for group in self._details if group)
            del least[next(iter(least))]
            self._detail_count -= 1
            self.details_dropped += 1


def _is_type(gvr: GVR, wanted: GVR | None) -> bool:
    if wanted is None:
        return True
    return gvr == wanted or (
        not wanted.version and (gvr.group, gvr.resource) == (wanted.group, wanted.resource)
    )


def _is_named(key: Key, name: str) -> bool:
    return name in (key.name, f"{key.namespace}/{key.name}")
