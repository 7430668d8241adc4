"""`Alarm`: moments of many, waited for by one task: bookmarks and ends of watches.

A thousand watches have a thousand deadlines, but need no task each: they are in one heap, and one task sleeps until the next. Time comes
from the injected clock only. A deadline that comes before the one slept for wakes the task by starting it anew. Cancelled
deadlines stay in the heap until their time, or until they are most of it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from tmc_syncer.controlplane.clock import Clock

__all__ = ["Alarm", "Deadline"]

SWEEP_AT = 512
"""Entries from which on a heap of mostly cancelled deadlines is cleared of them."""


class Deadline:
    """A moment that has been asked for; `cancel` forgets it."""

    __slots__ = ("action", "moment")

    def __init__(self, moment: float, action: Callable[[], None]) -> None:
        self.moment = moment
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """The action will not happen."""
        self.action = None


class Alarm:
    """See the module. `close` ends the task; nothing rings afterwards."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self._until = 0.0
        self._sweep_at = SWEEP_AT

    def at(self, moment: float, action: Callable[[], None]) -> Deadline:
        """Call `action` at a moment of the clock's `monotonic`, soon if it has passed."""
        deadline = Deadline(moment, action)
        heapq.heappush(self._heap, (moment, next(self._numbers), deadline))
        if len(self._heap) >= self._sweep_at:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._sweep_at = max(SWEEP_AT, 2 * len(self._heap))
        if self._task is None or self._task.done() or moment < self._until:
            self._restart()
        return deadline

    async def close(self) -> None:
        """Stop."""
        self._heap.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _restart(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._until = self._heap[0][0]
        self._task = asyncio.get_running_loop().create_task(self._run(), name="control plane alarm")

    async def _run(self) -> None:
        while self._heap:
            self._until = self._heap[0][0]
            wait = self._until - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
            now = self._clock.monotonic()
            while self._heap and self._heap[0][0] <= now:
                action = heapq.heappop(self._heap)[2].action
                if action is not None:
                    action()
