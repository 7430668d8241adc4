"""`Store`: everything one server keeps, under one increasing revision, with a window of its past.

Writes are synchronous and total: `put` and `delete` check the expected revision, make the next revision, and wake watches. The
caller builds the record, because the revision stands inside the encoded object: it asks for `next_revision` and hands the
record in before anything else can write (the store lives in one thread).

The window keeps the last `HISTORY` changes and at most `HISTORY_BYTES` of states that are no longer live; older revisions
are compacted, for reads and for watches alike (`Compacted`). `compact` does the same on order.

What is written is told to `on_change` before anybody is woken; the persistence collects it there. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tmc_syncer.controlplane.storage.collection import Collection
from tmc_syncer.controlplane.storage.records import Change, Mismatch, Record, Window

__all__ = ["HISTORY", "HISTORY_BYTES", "Store"]

HISTORY = 20_000
"""Changes in the window: some minutes of a busy server, 60 MB when each replaced 3 KB."""

HISTORY_BYTES = 128 * 1024 * 1024
"""Replaced states in the window: large objects shorten it before they fill the memory."""

Listener = Callable[[str, Change], None]


class Store:
    """See the module. `history` and `history_bytes` bound the window."""

    def __init__(self, *, history: int = HISTORY, history_bytes: int = HISTORY_BYTES) -> None:
        self.revision = 0
        self._window = Window()
        self.collections: dict[str, Collection] = {}
        self.on_change: Listener | None = None
        self.on_drop: Listener | None = None
        self._history = history
        self._history_bytes = history_bytes
        self._order: deque[Collection] = deque()
        self._bytes = 0

    @property
    def compacted(self) -> int:
        """The oldest revision that can still be asked for."""
        return self._window.compacted

    @property
    def next_revision(self) -> int:
        """The revision that the next write has to carry."""
        return self.revision + 1

    def collection(self, name: str) -> Collection:
        """The objects of one type; an empty one when there never were any."""
        found = self.collections.get(name)
        if found is None:
            found = self.collections[name] = Collection(name, self._window)
        return found

    def put(self, name: str, record: Record, *, expected: int | None = None) -> Change:
        """Create or replace. `expected` is the revision that must be there, 0 for none, None for whatever.

        Raises `Mismatch`.
        """
        collection = self.collection(name)
        previous = collection.live.get(record.key)
        self._check(record, previous, expected)
        return self._commit(collection, Change(record, previous))

    def delete(self, name: str, record: Record, *, expected: int | None = None) -> Change:
        """Remove. `record` is the last state, written with the revision of the deletion. Raises `Mismatch`."""
        collection = self.collection(name)
        previous = collection.live.get(record.key)
        if previous is None:
            raise Mismatch(record.key, None)
        self._check(record, previous, expected)
        return self._commit(collection, Change(record, previous, deleted=True))

    def compact(self, revision: int) -> None:
        """Forget the past before `revision`, which can still be read itself; a later one than the present is the present."""
        until = min(revision, self.revision)
        while self._order and self._order[0].changes_from(0, 1)[0].revision <= until:
            self._drop()
        self._window.compacted = max(until, self.compacted)

    def load(
        self,
        revision: int,
        compacted: int,
        live: dict[str, dict[str, Record]],
        log: list[tuple[str, Change]],
    ) -> None:
        """Take over what was kept on disk; the store is empty and nobody watches yet."""
        logs: dict[str, list[Change]] = {}
        for name, change in log:
            logs.setdefault(name, []).append(change)
        self.revision, self._window.compacted = revision, compacted
        for name in live.keys() | logs.keys():
            self.collection(name).load(live.get(name, {}), logs.get(name, []))
        for name, change in log:
            self._order.append(self.collection(name))
            self._bytes += _replaced(change)
        self._trim()

    def _check(self, record: Record, previous: Record | None, expected: int | None) -> None:
        if record.revision != self.next_revision:
            raise ValueError(f"a write with revision {record.revision} where {self.next_revision} is due")
        if expected is not None and expected != (0 if previous is None else previous.revision):
            raise Mismatch(record.key, previous)

    def _commit(self, collection: Collection, change: Change) -> Change:
        self.revision = change.revision
        self._order.append(collection)
        self._bytes += _replaced(change)
        if self.on_change is not None:
            self.on_change(collection.name, change)
        collection.add(change)
        self._trim()
        return change

    def _trim(self) -> None:
        if len(self._order) <= self._history and self._bytes <= self._history_bytes:
            return
        while len(self._order) > self._history or (self._bytes > self._history_bytes and self._order):
            self._window.compacted = self._drop()

    def _drop(self) -> int:
        collection = self._order.popleft()
        change = collection.drop_oldest()
        self._bytes -= _replaced(change)
        if self.on_drop is not None:
            self.on_drop(collection.name, change)
        return change.revision


def _replaced(change: Change) -> int:
    """Bytes that only the history keeps alive on account of this change."""
    gone = len(change.record.body) if change.deleted else 0
    return gone if change.previous is None else gone + len(change.previous.body)
