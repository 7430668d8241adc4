"""Time as the control plane needs it: the shape of a clock, given from outside.

The control plane shares no code with the syncer, so it names what it uses as a protocol; `engine.env.Clock` fits it,
and so does the clock of a simulation. Wall time is for what users read (creationTimestamp), monotonic time for waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["Clock", "timestamp"]


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Wall time, with a time zone."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes times."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
