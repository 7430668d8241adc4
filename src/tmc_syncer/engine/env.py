"""The environment that everything with a clock, dice or fresh ids is given: `Env(clock, rng, new_id)`.

Wall time, randomness and sleep are banned elsewhere by a lint rule. Whoever builds a process makes one Env with
`real_env()`; tests and the simulation pass another, and then a whole run is repeated by its seed.

- `SystemClock`: the machine's clocks.
- `LoopClock`: the running event loop's idea of time; virtual wherever the loop's time is (looptime, the simulation).
- `ManualClock`: stands still until `advance` moves it; for tests that hold every moment in their hands.

Deadlines and ages are differences of `monotonic()`, never of `now()`: a step of the wall clock changes nothing (F74).
A process that was stopped (SIGSTOP) sees the pause in `monotonic()`, so that everything it knew counts as old.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = [
    "Clock",
    "Env",
    "LoopClock",
    "ManualClock",
    "SystemClock",
    "real_env",
    "rfc3339",
    "rfc3339_micro",
]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What `now()` of a virtual clock says at its beginning."""


class Clock(Protocol):
    """Time as this code base knows it. `sleep` of zero or less gives the loop one turn."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Env:
    """Clock, dice and ids. `new_id` returns a fresh random UUID as text."""

    clock: Clock
    rng: random.Random
    new_id: Callable[[], str]


class SystemClock:
    """The machine's clocks. `monotonic` is the operating system's, not the loop's cached one: a blocked loop shows."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class LoopClock:
    """The time of the running event loop; `now()` is `epoch` when that time is 0. Usable only inside a loop."""

    def __init__(self, epoch: datetime = EPOCH) -> None:
        self._epoch = epoch

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until `advance`. Sleepers wake in the order of their deadlines, each at its own moment."""

    def __init__(self, start: float = 0.0, epoch: datetime = EPOCH) -> None:
        self._time = start
        self._epoch = epoch - timedelta(seconds=start)
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def monotonic(self) -> float:
        return self._time

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self._time)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._time + seconds, next(self._numbers), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` at once. What the woken tasks do happens at the end of it; see `run_for`."""
        self._move_to(self._time + seconds)

    async def run_for(self, seconds: float) -> None:
        """Move on by `seconds` from deadline to deadline, letting the woken tasks run at each (and sleep again)."""
        end = self._time + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._move_to(self._sleepers[0][0])
            await self._settle()
        self._move_to(end)
        await self._settle()

    def _move_to(self, moment: float) -> None:
        self._time = max(self._time, moment)
        while self._sleepers and self._sleepers[0][0] <= self._time:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    async def _settle(self) -> None:
        # A task that was woken may wake others; twenty turns of the loop are more than any chain in this code base.
        for _ in range(20):
            await asyncio.sleep(0)


def real_env(seed: int | None = None) -> Env:
    """The machine's clocks and random numbers. With a `seed`, dice and ids repeat; the clocks do not."""
    rng = random.Random(seed)  # noqa: S311  # jitter and names; nothing secret is drawn from it
    if seed is None:
        return Env(SystemClock(), rng, lambda: str(uuid.uuid4()))
    return Env(SystemClock(), rng, lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)))


def rfc3339(moment: datetime) -> str:
    """``2026-11-22T10:50:00Z``: metav1.Time, whole seconds. `moment` has a time zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(moment: datetime) -> str:
    """``2026-11-22T10:50:00.000000Z``: metav1.MicroTime, as Leases carry it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
