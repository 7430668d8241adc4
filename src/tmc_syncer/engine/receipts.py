"""`Receipts`: which of our own writes the watch has not shown yet (lifecycle.md, "Freshness and the brake"). Pure.

A receipt is a key and the version from the reply. It is met as soon as the watch (or a list) of the same type on the same
server has come as far as that version: events of one type come in the order of their versions, so by then the write has
been shown, or is no longer what counts. A receipt that stays unmet for too long is for its owner to settle by a live GET.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from tmc_syncer.api.resources import Key

__all__ = ["MAX_RECEIPTS", "Receipts"]

MAX_RECEIPTS = 20_000
"""Receipts that may wait at a time: one per write until the watch catches up, so hundreds in practice. Beyond it the oldest
is dropped: its record stays protected by its version in the store, only the GET that would confirm it is lost."""


@dataclass(frozen=True, slots=True)
class _Receipt:
    version: int
    since: float


class Receipts:
    """At most one per key: the newest write's."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Receipt] = {}
        # Ordered by version. An entry whose key has a newer receipt, or none, is stale and skipped.
        self._order: list[tuple[int, Key]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: Key) -> bool:
        return key in self._waiting

    def leave(self, key: Key, version: int, now: float) -> None:
        """Our write to `key` got `version` at `now` (monotonic seconds)."""
        waiting = self._waiting
        waiting.pop(key, None)
        if len(waiting) >= MAX_RECEIPTS:
            del waiting[next(iter(waiting))]
        waiting[key] = _Receipt(version, now)
        heapq.heappush(self._order, (version, key))
        if len(self._order) > 2 * len(waiting) + 64:  # many writes to few keys while the watch stands still
            self._order = [(receipt.version, key) for key, receipt in waiting.items()]
            heapq.heapify(self._order)

    def meet(self, version: int) -> None:
        """The watch has come as far as `version`."""
        order, waiting = self._order, self._waiting
        while order and order[0][0] <= version:
            met, key = heapq.heappop(order)
            receipt = waiting.get(key)
            if receipt is not None and receipt.version == met:
                del waiting[key]

    def settle(self, key: Key) -> None:
        """What `key` is was learnt in another way."""
        self._waiting.pop(key, None)

    def unmet(self, now: float, deadline_seconds: float) -> tuple[Key, ...]:
        """The keys that have waited for `deadline_seconds` or longer, the oldest first."""
        late = []
        for key, receipt in self._waiting.items():
            if now - receipt.since < deadline_seconds:
                break
            late.append(key)
        return tuple(late)
