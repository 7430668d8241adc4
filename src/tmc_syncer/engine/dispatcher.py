"""`ConcurrencyLimit`: how many reconciles may be in flight, by the server's feedback (semantics.md, "Numbers"). Pure.

The limit starts at 16 and moves between 4 and 64 (`workers` caps it):
- a throttled request (429, or any reply with Retry-After) halves it;
- so does a window of requests whose mean latency is over `OVERLOADED` times the best recent one: the server does not get
  more done with more at once, it only queues them;
- it grows by one per window while all slots were taken and latency stays under `CALM` times the best.

A window is as many observations as the limit has slots (at least 16). After a halving nothing counts for a second: what
comes back then was sent before it. The best latency decays upwards, and a latency that a halving did not cure becomes the
new normal, so that neither a lucky window nor another mix of requests keeps the limit down.

Whoever sends requests calls `observe` with their durations; the controller reports throttling by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LARGEST_LIMIT", "SMALLEST_LIMIT", "START_LIMIT", "ConcurrencyLimit"]

START_LIMIT = 16
SMALLEST_LIMIT = 4
LARGEST_LIMIT = 64

MIN_WINDOW = 16
"""Fewer observations say nothing: a mean of four is moved by one slow disk."""

OVERLOADED = 3.0
"""Twice is what another kind of request costs on the same idle server (performance.md); three times is load."""

CALM = 1.5
"""Above this, more requests at once mostly wait for each other."""

DECAY = 1.02
"""By which the best latency grows in each window; it forgets half of a lucky one in 35 windows."""

COOLDOWN_SECONDS = 1.0
"""After a halving: replies to what was sent before it still come."""


@dataclass(slots=True)
class _Window:
    count: int = 0
    total: float = 0.0
    saturated: bool = False


class ConcurrencyLimit:
    """See the module docstring. `workers` is the user's cap (at least 1); it bounds the start and the floor as well."""

    def __init__(
        self,
        workers: int = LARGEST_LIMIT,
        *,
        start: int = START_LIMIT,
        smallest: int = SMALLEST_LIMIT,
        largest: int = LARGEST_LIMIT,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self.largest = min(workers, largest)
        self.smallest = min(smallest, self.largest)
        self.limit = max(self.smallest, min(start, self.largest))
        self.halvings = 0
        self._window = _Window()
        self._best: float | None = None
        self._quiet_until = float("-inf")

    def observe(self, seconds: float, now: float, *, throttled: bool = False, in_flight: int = 0) -> None:
        """One request came back after `seconds`, at `now` (monotonic); `in_flight` were running when it did.

        An `in_flight` of 0 means that the caller does not know: it counts as if all slots were taken.
        """
        if now < self._quiet_until:
            return
        if throttled:
            self._halve(now)
            return
        window = self._window
        window.count += 1
        window.total += seconds
        window.saturated = window.saturated or in_flight == 0 or in_flight >= self.limit
        if window.count >= max(MIN_WINDOW, self.limit):
            self._judge(window, now)

    def throttled(self, now: float) -> None:
        """The server asked for fewer requests."""
        self.observe(0.0, now, throttled=True)

    def _judge(self, window: _Window, now: float) -> None:
        mean = window.total / window.count
        self._window = _Window()
        best = mean if self._best is None else min(mean, self._best * DECAY)
        self._best = best
        if mean > OVERLOADED * best:
            # If it was our load, half of it takes half the time. If it stays as it is, it was not, and is the new normal.
            self._best = mean / 2
            self._halve(now)
        elif window.saturated and mean <= CALM * best:
            self.limit = min(self.largest, self.limit + 1)

    def _halve(self, now: float) -> None:
        self.limit = max(self.smallest, self.limit // 2)
        self.halvings += 1
        self._window = _Window()
        self._quiet_until = now + COOLDOWN_SECONDS
