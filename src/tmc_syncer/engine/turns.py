"""`Turns`: how long this turn of the event loop has been ours, and whether a new one has begun. A thin asyncio shell.

Work that never suspends (ten thousand reconciles that find nothing to do) would hold the loop for as long as it lasts;
asking `spent` between two pieces of it tells when to let go. All that share one object share one turn, however many tasks
they are. `count` differs after an await that really suspended, and is the same after one that did not.
"""

from __future__ import annotations

import asyncio

__all__ = ["Turns"]


class Turns:
    """Counts the turns of the running loop in which somebody asked."""

    def __init__(self) -> None:
        self.count = 0
        self._began: float | None = None

    def spent(self, now: float) -> float:
        """Seconds between the first question of this turn and `now` (monotonic)."""
        if self._began is None:
            self._began = now
            # Runs in the next turn of the loop, before whatever is woken later than this moment.
            asyncio.get_running_loop().call_soon(self._over)
        return now - self._began

    def _over(self) -> None:
        self.count += 1
        self._began = None
