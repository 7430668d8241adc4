"""Notices that the event loop was blocked: somebody computed, or called something blocking, for too long.

`LoopWatchdog.run` sleeps a short interval and measures how late it wakes. A loop that is blocked cannot say so
while it is; the report comes right after, which is enough for the component "event loop" of ``/statusz``, for a
WARNING and for finding the culprit with a profiler. (``/healthz`` needs no watchdog: it is answered by the same
loop, so a probe that gets no answer has its answer.)

A process that was stopped and continued looks the same and is reported the same: what it knew is as old.
The clock is injected; there is no thread.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.engine.env import Clock

__all__ = ["LoopWatchdog"]

BEAT_SECONDS = 0.25
"""Between two beats. Four wake-ups a second cost nothing and see every block that a person would notice."""
BLOCK_SECONDS = 0.5
"""Lateness that counts as a block: a heartbeat or lease renewal begins to be in danger at some seconds."""
MEMORY_SECONDS = 60.0
"""How long a block keeps the component degraded."""


class LoopWatchdog:
    """Measures lateness. `on_block` is called with the seconds of each block, right after it."""

    def __init__(self, clock: Clock, on_block: Callable[[float], None]) -> None:
        self.blocks = 0
        self.longest_seconds = 0.0
        self._clock = clock
        self._on_block = on_block
        self._last: tuple[float, float] | None = None

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            before = self._clock.monotonic()
            await self._clock.sleep(BEAT_SECONDS)
            now = self._clock.monotonic()
            late = now - before - BEAT_SECONDS
            if late >= BLOCK_SECONDS:
                self.blocks += 1
                self.longest_seconds = max(self.longest_seconds, late)
                self._last = (now, late)
                self._on_block(late)

    @property
    def recent_block_seconds(self) -> float:
        """Length of the last block if it ended within `MEMORY_SECONDS`, else 0."""
        if self._last is None or self._clock.monotonic() - self._last[0] > MEMORY_SECONDS:
            return 0.0
        return self._last[1]
