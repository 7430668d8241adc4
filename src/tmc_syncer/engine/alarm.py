"""`Alarm`: one task waits until somebody rings or a time is over, by the injected clock. A thin asyncio shell.

`asyncio.timeout` would use the loop's time; a process is to wait by `Env.clock` only, so that a test may hold every moment
in its hands. The timer is one task of the group that the alarm is given, and is started anew only for an earlier time: a
wait that is over because of a ring leaves it running, and at worst it rings once too often.
"""

from __future__ import annotations

import asyncio

from tmc_syncer.engine.env import Clock

__all__ = ["Alarm"]

RESOLUTION_SECONDS = 0.001
"""The least that is slept: clocks of loops count in steps, and a wait for less than a step would end before its time."""


class Alarm:
    """For one waiting task. `ring` before `wait` is not lost; whoever ends the group calls `close` first."""

    def __init__(self, clock: Clock, group: asyncio.TaskGroup, name: str) -> None:
        self._clock = clock
        self._group = group
        self._name = name
        self._rung = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._due = 0.0

    def ring(self) -> None:
        """End the wait, or the next one."""
        self._rung.set()

    async def wait(self, seconds: float | None) -> None:
        """Return when rung, or after `seconds` (None: only when rung). May return early without a ring."""
        if seconds is not None and not self._rung.is_set():
            self._set_timer(self._clock.monotonic() + seconds)
        await self._rung.wait()
        self._rung.clear()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, due: float) -> None:
        if self._timer is not None and not self._timer.done() and self._due <= due:
            return
        self.close()
        self._due = due
        self._timer = self._group.create_task(self._sleep(due), name=self._name)

    async def _sleep(self, due: float) -> None:
        await self._clock.sleep(max(due - self._clock.monotonic(), RESOLUTION_SECONDS))
        self._rung.set()
