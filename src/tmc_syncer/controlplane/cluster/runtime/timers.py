"""`Timers`: one task that wakes others at their moments, for all controllers and streams of a cluster.

A thousand waits need no thousand tasks: they are in one heap, and one task sleeps until the first of them. What is due within `SLACK_SECONDS` is
due: clocks that count in microseconds (a simulation's) may never come to exactly the float that was asked for. Time comes from the
clock only. After `close` nothing rings any more.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

from tmc_syncer.controlplane.clock import Clock

__all__ = ["SLACK_SECONDS", "Timer", "Timers"]

SLACK_SECONDS = 1e-5
"""Ten ticks of a clock that counts in microseconds."""

SWEEP_AT = 1024
"""Entries from which on a heap of mostly cancelled timers is cleared of them."""


class Timer:
    """A moment that has been asked for; `cancel` forgets it."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """The action will not happen."""
        self.action = None


class Timers:
    """See the module."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._tickets = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self._until = 0.0
        self._sweep_at = SWEEP_AT

    def at(self, moment: float, action: Callable[[], None]) -> Timer:
        """Call `action` at a moment of the clock's `monotonic`, soon if it has passed."""
        timer = Timer(action)
        heapq.heappush(self._heap, (moment, next(self._tickets), timer))
        if len(self._heap) >= self._sweep_at:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._sweep_at = max(SWEEP_AT, 2 * len(self._heap))
        if self._task is None or self._task.done() or moment < self._until:
            self._start()
        return timer

    async def wait(self, event: asyncio.Event, moment: float | None) -> None:
        """Wait for an event, or for a moment (None: for the event only)."""
        timer = None if moment is None else self.at(moment, event.set)
        try:
            await event.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def close(self) -> None:
        """Stop."""
        self._heap.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _start(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._until = self._heap[0][0]
        self._task = asyncio.get_running_loop().create_task(self._run(), name="cluster timers")

    async def _run(self) -> None:
        while self._heap:
            self._until = self._heap[0][0]
            wait = self._until - self._clock.monotonic()
            if wait > SLACK_SECONDS:
                await self._clock.sleep(wait)
            due = self._clock.monotonic() + SLACK_SECONDS
            while self._heap and self._heap[0][0] <= due:
                action = heapq.heappop(self._heap)[2].action
                if action is not None:
                    action()
