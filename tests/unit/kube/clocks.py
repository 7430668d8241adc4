"""A clock that stands until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StandingClock:
    """Monotonic and wall time move together; sleeping moves them."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.wall = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.at += seconds
        self.wall += timedelta(seconds=seconds)
