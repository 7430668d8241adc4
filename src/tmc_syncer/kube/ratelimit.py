"""A token bucket for `--qps/--burst`.

Off by default: the server's own feedback (429, latency) rules (semantics.md, "Numbers"). Pure but for the waiting,
which the given clock does.
"""

from __future__ import annotations

from tmc_syncer.kube.clock import Clock

__all__ = ["TokenBucket"]


class TokenBucket:
    """At most `burst` requests at once and `qps` per second in the long run; waiters go in order of arrival."""

    def __init__(self, qps: float, burst: int, *, clock: Clock) -> None:
        if qps <= 0 or burst < 1:
            raise ValueError("qps must be positive and burst at least 1")
        self._qps = qps
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()

    def reserve(self) -> float:
        """Take one token; the seconds to wait before using it (0 when one was there)."""
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._qps)
        self._filled_at = now
        self._tokens -= 1
        return 0.0 if self._tokens >= 0 else -self._tokens / self._qps

    async def take(self) -> None:
        """Wait for a token. A cancelled waiter gives its token back."""
        wait = self.reserve()
        if wait <= 0:
            return
        try:
            await self._clock.sleep(wait)
        except BaseException:
            self._tokens += 1
            raise
