"""`WorkQueue`: which key is to be reconciled next. Pure; the caller passes the time. Semantics of client-go's queue:

- *dirty*: keys that need a look; adding one that is dirty already changes nothing (but its priority may rise).
- *processing*: keys handed out by `get` and not `done`. One that turns dirty meanwhile becomes ready at `done`, so no two
  reconciles of a key ever run at once, and no change is lost.
- *delayed*: keys to be added later. `add_after` is a promise to others and is always kept; a retry (`retry_after`,
  `add_rate_limited`) belongs to the key's last result and is void once the key is looked at for another reason.

Ready keys leave by priority (higher first), inside a priority in a fair round robin over `fairness(key)` (the workspace:
a noisy one delays the others by at most one key a turn), inside that in the order of arrival.

`add`, `get` and `done` are O(1) but for the heap of delayed keys. The queue holds names, never events.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from tmc_syncer.engine.backoff import Uniform, retry_seconds
from tmc_syncer.kube.errors import RetryClass

__all__ = ["WorkQueue"]

K = TypeVar("K", bound=Hashable)


class _Lane(Generic[K]):
    """The ready keys of one priority: one FIFO for each share of the fairness, taken in turns."""

    __slots__ = ("shares",)

    def __init__(self) -> None:
        self.shares: OrderedDict[Hashable, OrderedDict[K, None]] = OrderedDict()

    def push(self, share: Hashable, key: K) -> None:
        keys = self.shares.get(share)
        if keys is None:
            self.shares[share] = keys = OrderedDict()
        keys[key] = None

    def pop(self) -> K:
        share = next(iter(self.shares))
        keys = self.shares[share]
        key, _ = keys.popitem(last=False)
        if keys:
            self.shares.move_to_end(share)  # to the end of the round
        else:
            del self.shares[share]
        return key

    def leave(self, share: Hashable, key: K) -> None:
        keys = self.shares[share]
        del keys[key]
        if not keys:
            del self.shares[share]


class WorkQueue(Generic[K]):
    """See the module docstring.

    `fairness` maps a key to its share; `uniform(low, high)` are the dice of the retries' jitter. `on_ready` (may be set
    later) is called after a key became ready or the next delayed one changed: whoever waits should look again.
    """

    def __init__(
        self,
        *,
        fairness: Callable[[K], Hashable] | None = None,
        uniform: Uniform | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self.on_ready = on_ready
        self._fairness = fairness
        self._uniform: Uniform = uniform or (lambda _low, high: high)
        self._lanes: dict[int, _Lane[K]] = {}
        self._priorities: list[int] = []  # of the lanes that hold entries, highest first
        self._ready: dict[K, tuple[int, float]] = {}  # priority, since
        self._dirty_in_process: dict[K, tuple[int, float]] = {}  # priority, since
        self._processing: dict[K, int] = {}  # priority
        self._promised: dict[K, tuple[float, int]] = {}  # when, priority
        self._retries: dict[K, tuple[float, int]] = {}
        self._delayed: list[tuple[float, int, K, bool]] = []  # when, ticket, key, is a retry
        self._attempts: dict[K, int] = {}
        self._ticket = 0

    # Adding

    def add(self, key: K, now: float, priority: int = 0) -> None:
        """`key` needs a look. `now`: monotonic seconds."""
        if key in self._processing:
            before = self._dirty_in_process.get(key)
            if before is None:
                self._dirty_in_process[key] = (priority, now)
            elif priority > before[0]:
                self._dirty_in_process[key] = (priority, before[1])
            return
        ready = self._ready.get(key)
        if ready is None:
            self._push(key, priority, now)
        elif priority > ready[0]:
            self._lanes[ready[0]].leave(self._share(key), key)
            self._drop_empty(ready[0])
            self._push(key, priority, ready[1])

    def add_after(self, key: K, seconds: float, now: float, priority: int = 0) -> None:
        """Add `key` in `seconds`, whatever happens until then. The earliest of several promises holds."""
        self._delay(self._promised, key, seconds, now, priority, retry=False)

    def retry_after(self, key: K, seconds: float, now: float, priority: int = 0) -> None:
        """Look at `key` again in `seconds` unless it is looked at before. The newest call holds."""
        self._retries.pop(key, None)
        self._delay(self._retries, key, seconds, now, priority, retry=True)

    def add_rate_limited(
        self,
        key: K,
        retry_class: RetryClass | None,
        now: float,
        *,
        retry_after: float | None = None,
        priority: int = 0,
    ) -> float:
        """Count a failure of `key` and retry it after the wait of its class (None: our own error).

        Returns the seconds to wait. `retry_after` is what the server asked for; see `backoff.retry_seconds`.
        """
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        seconds = retry_seconds(retry_class, attempt, self._uniform, retry_after)
        self.retry_after(key, seconds, now, priority)
        return seconds

    # Taking

    def get(self, now: float) -> K | None:
        """The next key, which is processing from now on until `done`; None when none is ready."""
        if self._delayed and self._delayed[0][0] <= now:
            self.promote(now)
        if not self._priorities:
            return None
        priority = self._priorities[0]
        key = self._lanes[priority].pop()
        self._drop_empty(priority)
        del self._ready[key]
        self._retries.pop(key, None)
        self._processing[key] = priority
        return key

    def done(self, key: K, now: float) -> None:
        """`key` was processed; it becomes ready at once when it turned dirty meanwhile.

        Raises `KeyError` when it is not processing: a lost or doubled `done` must not pass unseen.
        """
        del self._processing[key]
        dirty = self._dirty_in_process.pop(key, None)
        if dirty is not None:
            self._push(key, dirty[0], min(now, dirty[1]))

    def forget(self, key: K) -> None:
        """`key` succeeded: its failures count no more, and a retry of it is void."""
        self._attempts.pop(key, None)
        self._retries.pop(key, None)

    # Looking

    def __len__(self) -> int:
        """How many keys are ready now (delayed ones that are due count from the next `get` on)."""
        return len(self._ready)

    def __contains__(self, key: K) -> bool:
        return key in self._ready or key in self._dirty_in_process

    @property
    def processing(self) -> tuple[K, ...]:
        """The keys that were handed out and are not done."""
        return tuple(self._processing)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._promised.keys() | self._retries.keys())

    def priority_of(self, key: K) -> int:
        """The priority with which a processing key was handed out; 0 for any other."""
        return self._processing.get(key, 0)

    def attempts(self, key: K) -> int:
        """Failures in a row of `key`."""
        return self._attempts.get(key, 0)

    def next_try(self, key: K) -> float | None:
        """When (monotonic seconds) a delayed `key` becomes ready by itself; None when it is not delayed."""
        times = [when[key][0] for when in (self._promised, self._retries) if key in when]
        return min(times, default=None)

    def next_wakeup(self, now: float) -> float | None:
        """Seconds until `get` can return something: 0 when a key is ready, None when nothing is waiting at all."""
        if self._ready:
            return 0.0
        self._drop_void()
        return max(0.0, self._delayed[0][0] - now) if self._delayed else None

    def oldest(self, now: float) -> float:
        """For how many seconds the longest-waiting ready key has been waiting; 0 when none is."""
        return now - min((since for _, since in self._ready.values()), default=now)

    # Inside

    def _push(self, key: K, priority: int, since: float) -> None:
        lane = self._lanes.get(priority)
        if lane is None:
            self._lanes[priority] = lane = _Lane()
            self._priorities.append(priority)
            self._priorities.sort(reverse=True)
        self._ready[key] = (priority, since)
        lane.push(self._share(key), key)
        if self.on_ready is not None:
            self.on_ready()

    def _share(self, key: K) -> Hashable:
        return None if self._fairness is None else self._fairness(key)

    def _drop_empty(self, priority: int) -> None:
        if not self._lanes[priority].shares:
            del self._lanes[priority]
            self._priorities.remove(priority)

    def _delay(
        self,
        delayed: dict[K, tuple[float, int]],
        key: K,
        seconds: float,
        now: float,
        priority: int,
        *,
        retry: bool,
    ) -> None:
        if seconds <= 0:
            self.add(key, now, priority)
            return
        when = now + seconds
        before = delayed.get(key)
        if before is not None:
            priority = max(priority, before[1])
            if before[0] <= when:
                delayed[key] = (before[0], priority)
                return
        delayed[key] = (when, priority)
        self._ticket += 1
        first = self._delayed[0][0] if self._delayed else math.inf
        heapq.heappush(self._delayed, (when, self._ticket, key, retry))
        if len(self._delayed) > 2 * (len(self._promised) + len(self._retries)) + 64:
            self._rebuild()
        if when < first and self.on_ready is not None:
            self.on_ready()

    def _is_void(self, entry: tuple[float, int, K, bool]) -> bool:
        when, _, key, retry = entry
        current = (self._retries if retry else self._promised).get(key)
        return current is None or current[0] != when

    def _drop_void(self) -> None:
        while self._delayed and self._is_void(self._delayed[0]):
            heapq.heappop(self._delayed)

    def _rebuild(self) -> None:
        """Drop what was superseded: a key that is retried often must not grow the heap."""
        self._delayed = [entry for entry in self._delayed if not self._is_void(entry)]
        heapq.heapify(self._delayed)

    def promote(self, now: float) -> None:
        """Make the delayed keys ready whose time has come (`get` does it by itself)."""
        while self._delayed and self._delayed[0][0] <= now:
            entry = heapq.heappop(self._delayed)
            if not self._is_void(entry):
                _, _, key, retry = entry
                _, priority = (self._retries if retry else self._promised).pop(key)
                self.add(key, now, priority)
