"""`Watch`: a cursor over the history of one collection, for one client.

A watch has no queue of its own: history is kept once, in the collection, and a watch remembers from where on it has to read.
While it has read everything that concerns it, it is *idle*, and as new as the store itself, however long ago its last
event was. The first change below its prefix wakes it (`on_ready`); `take` then reads on. So replaying the past and
following the present are one thing, nothing is lost or doubled between them, and an idle watch costs nothing.

The window of history is the bound: a watch that did not read before the window left it behind is `behind`, and its client has
to list again. Filters see the previous state too: what leaves a selector is DELETED, what enters it is ADDED. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tmc_syncer.controlplane.storage.records import Change, Record

if TYPE_CHECKING:
    from tmc_syncer.controlplane.storage.collection import Collection

__all__ = ["ADDED", "DELETED", "MODIFIED", "Event", "Match", "Watch"]

Match = Callable[[Record], bool]

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"

BATCH = 512
"""Changes that one `take` looks at, at most: a long replay lets others run in between."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """What a client is told. The version to show is `revision`; the record of an object that left a selector is older."""

    type: str
    record: Record
    revision: int


class Watch:
    """A cursor; made by `Collection.watch`. `on_ready` is called when an idle watch has something to read."""

    __slots__ = ("_collection", "_floor", "_match", "_next", "behind", "on_ready", "prefix")

    def __init__(self, collection: Collection, prefix: str, match: Match | None, since: int) -> None:
        self._collection = collection
        self._match = match
        self._floor = since
        self._next: int | None = since + 1
        self.prefix = prefix
        self.behind = False
        self.on_ready: Callable[[], None] | None = None

    def idle(self) -> bool:
        """Whether everything that concerns this watch has been taken."""
        return self._next is None

    @property
    def waiting_since(self) -> int | None:
        """The first revision that may not have been read, None when idle."""
        return self._next

    def wake(self, revision: int) -> None:
        """Something below the prefix changed; called by the collection."""
        if self._next is None and revision > self._floor:
            self._next = revision
            if self.on_ready is not None:
                self.on_ready()

    def take(self) -> list[Event]:
        """The next events in order; an empty list says neither end nor idle (a filter may have left nothing).

        Sets `behind` and returns nothing when the window has left this watch.
        """
        if self._next is None or self.behind:
            return []
        if self._next <= self._collection.compacted:
            self.behind = True
            return []
        changes = self._collection.changes_from(self._next, BATCH)
        if len(changes) < BATCH:
            self._next = None
        else:
            self._next = changes[-1].revision + 1
        return self._events(changes)

    def close(self) -> None:
        """Stop being woken."""
        self._collection.forget(self)

    def _events(self, changes: Sequence[Change]) -> list[Event]:
        prefix, match = self.prefix, self._match
        whole = bool(prefix) and not prefix.endswith("/")
        events: list[Event] = []
        for change in changes:
            key = change.record.key
            if not key.startswith(prefix) or (whole and key != prefix):
                continue
            kind = _plain(change) if match is None else _filtered(change, match)
            if kind is not None:
                left = kind == DELETED and not change.deleted and change.previous is not None
                record = change.previous if left and change.previous is not None else change.record
                events.append(Event(kind, record, change.revision))
        return events


def _plain(change: Change) -> str:
    if change.deleted:
        return DELETED
    return ADDED if change.previous is None else MODIFIED


def _filtered(change: Change, match: Match) -> str | None:
    before = change.previous is not None and match(change.previous)
    after = not change.deleted and match(change.record)
    if after:
        return MODIFIED if before else ADDED
    return DELETED if before else None
