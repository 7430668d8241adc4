"""Time as this package needs it: the shape of `engine.env.Env`, and what is left of it without one.

`kube` stands below `engine`, so it cannot import Env; it names the part that it uses as a protocol. Without an Env
the running event loop gives the monotonic clock, and nobody gives the wall time: then the expiry of certificates
and logins is not foreseen, and a server's 401 has to tell it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol

__all__ = ["Clock", "Environment", "LoopClock"]


class Clock(Protocol):
    """What `engine.env.Clock` offers; `now` may not know."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime | None: ...

    async def sleep(self, seconds: float) -> None: ...


class Environment(Protocol):
    """The part of `engine.env.Env` that this package uses."""

    @property
    def clock(self) -> Clock: ...


class LoopClock:
    """The clock of the running event loop (virtual where that is)."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime | None:
        return None

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        over = asyncio.Event()
        timer = loop.call_later(seconds, over.set)
        try:
            await over.wait()
        finally:
            timer.cancel()
