"""Time as this package needs it: the shape of `engine.env.Env`, and the real clock for whoever has no Env.

`kube` stands below `engine`, so it cannot import Env; it names the part that it uses as a protocol. A command
line tool that only loads a kubeconfig passes nothing and gets the system's clock. Simulations pass their own.
This is, beside `engine.env`, the only module that reads the system's clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "Environment", "SystemEnvironment"]


class Clock(Protocol):
    """What `engine.env.Clock` offers."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class Environment(Protocol):
    """The part of `engine.env.Env` that this package uses."""

    @property
    def clock(self) -> Clock: ...


class _SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()  # noqa: TID251  # see the module docstring

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # see the module docstring

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251  # see the module docstring


class SystemEnvironment:
    """An `Environment` with the system's clock."""

    def __init__(self) -> None:
        self.clock: Clock = _SystemClock()
