"""`Collection`: the objects of one type of one server, their recent history, and who watches them.

Live objects are in a dictionary by key, with the keys sorted beside it (lists are in the order of etcd's keys: by cluster,
namespace and name, as bytes). History is the list of changes, oldest first. A state of the past is computed from the present by
taking back what changed since, so a read of an old revision costs as much as has changed, and the present costs nothing.

Every key below a prefix is one range of the sorted keys; a prefix is "", ``cluster/``, ``cluster/namespace/`` or a whole key.
Only the `Store` writes here. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tmc_syncer.controlplane.storage.records import Change, Compacted, Record, Window
from tmc_syncer.controlplane.storage.watch import Match, Watch

__all__ = ["Collection", "Page"]

LAST = "\U0010ffff"
"""Sorts behind every character a key may have."""

TRIM_AT = 1024
"""Dropped changes that may stay at the head of the list before they are cut off; makes dropping one cheap on average."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: `after` is the key to go on behind, empty at the end; `remaining` is how many keys follow."""

    records: list[Record]
    revision: int
    after: str = ""
    remaining: int = 0


class Collection:
    """See the module. `name` is the type's name in the store, for example ``deployments.apps``."""

    def __init__(self, name: str, window: Window) -> None:
        self.name = name
        self._window = window
        self.live: dict[str, Record] = {}
        self._keys: list[str] = []
        self._log: list[Change] = []
        self._start = 0
        self._watches: dict[str, list[Watch]] = {}

    @property
    def compacted(self) -> int:
        """The oldest revision that can still be asked for."""
        return self._window.compacted

    # Reading

    def get(self, key: str, revision: int | None = None) -> Record | None:
        """The object now, or as it was at `revision`. Raises `Compacted`."""
        if revision is None:
            return self.live.get(key)
        for change in self._since(revision):
            if change.record.key == key:
                return change.previous
        return self.live.get(key)

    def page(
        self,
        prefix: str,
        now: int,
        *,
        revision: int | None = None,
        after: str = "",
        limit: int = 0,
        match: Match | None = None,
    ) -> Page:
        """A list below `prefix`, at `revision` or at the present one `now`. Raises `Compacted`.

        `after` is the key behind which the list goes on; a `limit` of 0 is none. A filter does not change where a page
        ends being counted: `remaining` counts keys, as etcd does.
        """
        if revision is None:
            live: dict[str, Record] = self.live
            keys, first, last = self._range(self._keys, prefix, after)
        else:
            live, past = self._past(revision)
            keys, first, last = self._range(past, prefix, after)
            now = revision
        if not limit and match is None:
            return Page([live[key] for key in islice(keys, first, last)], now)
        found: list[Record] = []
        for position in range(first, last):
            record = live[keys[position]]
            if match is None or match(record):
                found.append(record)
                if len(found) == limit:
                    left = last - position - 1
                    return Page(found, now, keys[position] if left else "", left)
        return Page(found, now)

    def count(self, prefix: str = "") -> int:
        """How many objects are below `prefix`."""
        _, first, last = self._range(self._keys, prefix, "")
        return last - first

    def changes_from(self, revision: int, limit: int) -> Sequence[Change]:
        """At most `limit` changes, beginning with the one of `revision` or the first later one."""
        first = bisect_left(self._log, revision, lo=self._start, key=_revision)
        return self._log[first : first + limit]

    # Watching

    def watch(self, prefix: str, since: int, match: Match | None = None) -> Watch:
        """A watch of what changes after `since`. Raises `Compacted`."""
        if since < self.compacted:
            raise Compacted(since, self.compacted)
        watch = Watch(self, prefix, match, since)
        self._watches.setdefault(prefix, []).append(watch)
        return watch

    def forget(self, watch: Watch) -> None:
        """A watch that nobody reads any more."""
        watches = self._watches.get(watch.prefix, [])
        if watch in watches:
            watches.remove(watch)
            if not watches:
                del self._watches[watch.prefix]

    def watches(self) -> Iterator[Watch]:
        """Every watch that is open."""
        for watches in self._watches.values():
            yield from watches

    # Writing; for the store alone

    def add(self, change: Change) -> None:
        """Make a change. The caller has checked it, and its revision is later than all others."""
        record = change.record
        key = record.key
        if change.deleted:
            del self.live[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            if change.previous is None:
                insort(self._keys, key)
            self.live[key] = record
        self._log.append(change)
        if self._watches:
            self._wake(key, record.revision)

    def load(self, records: dict[str, Record], log: list[Change]) -> None:
        """Take over what was kept on disk."""
        self.live, self._keys = records, sorted(records)
        self._log, self._start = log, 0

    def drop_oldest(self) -> Change:
        """Forget the oldest change of the history, which there is."""
        change = self._log[self._start]
        self._start += 1
        if self._start >= TRIM_AT and self._start * 2 >= len(self._log):
            del self._log[: self._start]
            self._start = 0
        return change

    def _wake(self, key: str, revision: int) -> None:
        cluster, _, rest = key.partition("/")
        prefixes = ["", f"{cluster}/", key]
        if "/" in rest:
            prefixes.append(f"{cluster}/{rest.partition('/')[0]}/")
        for prefix in prefixes:
            for watch in self._watches.get(prefix, ()):
                watch.wake(revision)

    # The past

    def _since(self, revision: int) -> Iterator[Change]:
        """The changes after `revision`, oldest first."""
        if revision < self.compacted:
            raise Compacted(revision, self.compacted)
        first = bisect_right(self._log, revision, lo=self._start, key=_revision)
        return islice(self._log, first, None)

    def _past(self, revision: int) -> tuple[dict[str, Record], list[str]]:
        before: dict[str, Record | None] = {}
        for change in self._since(revision):
            before.setdefault(change.record.key, change.previous)
        if not before:
            return self.live, self._keys
        live = dict(self.live)
        for key, record in before.items():
            if record is None:
                live.pop(key, None)
            else:
                live[key] = record
        if live.keys() == self.live.keys():
            return live, self._keys
        return live, sorted(live)

    @staticmethod
    def _range(keys: list[str], prefix: str, after: str) -> tuple[list[str], int, int]:
        first = bisect_right(keys, after) if after else bisect_left(keys, prefix)
        if prefix and not prefix.endswith("/"):
            first = max(first, bisect_left(keys, prefix))
            return keys, first, max(first, bisect_right(keys, prefix))
        return keys, first, max(first, bisect_right(keys, prefix + LAST))


def _revision(change: Change) -> int:
    return change.revision
