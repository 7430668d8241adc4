"""`WorkQueue`: the keys that one controller has to look at. It holds names, never events; the caller passes the time.

- A key that is ready is ready once, however often it is added.
- A key that was handed out (`get`) and is added again becomes ready at `done`: no key is ever worked on twice at once, and no
  change is lost.
- `add_after` makes a key ready later; of several such promises the earliest holds.
- `retry` counts a failure and makes the key ready after a wait that doubles, from 5 ms to 1000 s; `forget` ends the count.

A small queue of its own: the control plane shares nothing with the agent that it tests. Pure.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["WorkQueue"]

FIRST_RETRY_SECONDS = 0.005
"""client-go's first wait after a failure."""

LONGEST_RETRY_SECONDS = 1000.0
"""client-go's longest wait."""

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """See the module. `on_change` is called when something became ready or the next moment to look may be another."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._on_change = on_change
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._tickets = itertools.count()
        self._failures: dict[K, int] = {}

    def add(self, key: K) -> None:
        """`key` needs a look now."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = None
            self._on_change()

    def add_after(self, key: K, seconds: float, now: float) -> None:
        """`key` needs a look in `seconds`."""
        if seconds <= 0:
            self.add(key)
            return
        when = now + seconds
        if key in self._due and self._due[key] <= when:
            return
        self._due[key] = when
        heapq.heappush(self._heap, (when, next(self._tickets), key))
        self._on_change()

    def retry(self, key: K, now: float) -> float:
        """`key` failed; returns the seconds until it is ready again."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        seconds = min(FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 32), LONGEST_RETRY_SECONDS)
        self.add_after(key, seconds, now)
        return seconds

    def forget(self, key: K) -> None:
        """`key` succeeded."""
        self._failures.pop(key, None)

    def get(self, now: float) -> K | None:
        """The next key, or None; call `done` with it afterwards."""
        while self._heap and self._heap[0][0] <= now:
            when, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == when:
                del self._due[key]
                self.add(key)
        if not self._ready:
            return None
        key, _ = self._ready.popitem(last=False)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """`key` was looked at. Raises `KeyError` when it was not handed out."""
        self._working.remove(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def next_due(self) -> float | None:
        """When (monotonic) the next waiting key becomes ready; None when none waits."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        """How many keys are ready."""
        return len(self._ready)

    def failures(self, key: K) -> int:
        """Failures of `key` in a row."""
        return self._failures.get(key, 0)
