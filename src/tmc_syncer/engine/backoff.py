"""How long a failed thing waits: the ladders of semantics.md, "Errors and retries". Pure.

| failure | wait |
|---|---|
| our own error (a bug, an assertion) | 5 ms → 1000 s, doubling, jittered |
| the server's (Transient, Gone, NamespaceTerminating) | 0.8 s → 30 s, doubling, jittered |
| Conflict | at once, `FAST_RETRIES` times with growing breath, then the server's ladder |
| Terminal | 10 min, jittered, unless a change of input comes first |
| any with ``Retry-After`` | that, plus jitter, never less |

Jitter is always drawn downwards from the rung (half to whole), but upwards for ``Retry-After``, which is a promise.
The dice come as a function `uniform(low, high)`. The retry class `None` stands for an error of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tmc_syncer.kube.errors import RetryClass

__all__ = [
    "FAST_RETRIES",
    "MAX_RETRY_AFTER_SECONDS",
    "OWN",
    "SERVER",
    "TERMINAL_SECONDS",
    "Ladder",
    "Uniform",
    "failure_of",
    "retry_bounds",
    "retry_seconds",
]

Uniform = Callable[[float, float], float]

TERMINAL_SECONDS = 600.0
"""A refusal that only a change of input cures is tried again this late, for the input that we cannot watch."""

FAST_RETRIES = 5
"""Conflicts of one key in a row that are looked at again at once; more means that somebody fights over it."""

MAX_RETRY_AFTER_SECONDS = 1000.0
"""A server that asks for more has a wrong clock or ill will; the longest wait of anything is this."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Waits that double from `first` to `cap` seconds."""

    first: float
    cap: float

    def rung(self, attempt: int) -> float:
        """Seconds before the try that follows failure number `attempt` (1 is the first), without jitter."""
        # 2**63 is beyond every cap; the bound keeps a counter that ran for months from building huge numbers.
        return min(self.cap, self.first * 2.0 ** min(max(attempt, 1) - 1, 63))

    def bounds(self, attempt: int) -> tuple[float, float]:
        """Between which waits the dice choose: half of the rung and all of it."""
        rung = self.rung(attempt)
        return rung / 2, rung


OWN = Ladder(0.005, 1000.0)
SERVER = Ladder(0.8, 30.0)


def retry_bounds(
    retry_class: RetryClass | None, attempt: int, retry_after: float | None = None
) -> tuple[float, float]:
    """Least and most seconds to wait after failure number `attempt` (1 is the first) in a row.

    `retry_class` None is an error of our own. `retry_after` are the seconds that the server asked for.
    """
    if retry_after is not None:
        asked = min(max(retry_after, 0.0), MAX_RETRY_AFTER_SECONDS)
        # Everybody was told the same second: spread over a quarter of the wait, at least half a second (F33).
        return asked, asked + max(0.5, asked / 4)
    if retry_class is None:
        return OWN.bounds(attempt)
    if retry_class is RetryClass.TERMINAL:
        return 0.9 * TERMINAL_SECONDS, TERMINAL_SECONDS
    if retry_class is RetryClass.CONFLICT:
        if attempt > FAST_RETRIES:
            return SERVER.bounds(attempt - FAST_RETRIES)
        return OWN.bounds(attempt - 1) if attempt > 1 else (0.0, 0.0)
    return SERVER.bounds(attempt)


def retry_seconds(
    retry_class: RetryClass | None, attempt: int, uniform: Uniform, retry_after: float | None = None
) -> float:
    """Seconds to wait: a throw of the dice `uniform(low, high)` between the `retry_bounds`."""
    return uniform(*retry_bounds(retry_class, attempt, retry_after))


def failure_of(error: BaseException) -> tuple[RetryClass | None, float | None]:
    """The retry class of an error (None: our own) and the seconds that the server asked to wait, if it did.

    Any layer's error may say its class: a property `retry_class`, and `retry_after` where a server gave one.
    """
    retry_class = getattr(error, "retry_class", None)
    if not isinstance(retry_class, RetryClass):
        return None, None
    retry_after = getattr(error, "retry_after", None)
    return retry_class, retry_after if isinstance(retry_after, int | float) else None
