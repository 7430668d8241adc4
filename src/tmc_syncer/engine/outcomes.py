"""What a reconcile answers, and what the controller made of it. Pure.

A reconcile returns `DONE`, `RequeueAfter(seconds, reason)` or `Retry(error)`; raising an error is the same as returning
`Retry` of it. The controller turns that into an `Outcome` and hands it to its hook (journal, metrics).
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from tmc_syncer.kube.errors import RetryClass

__all__ = ["DONE", "Done", "Outcome", "RequeueAfter", "Result", "Retry", "Verdict"]

K = TypeVar("K", bound=Hashable)


class Done(msgspec.Struct, frozen=True):
    """The key is where it should be; the next change of an input wakes it."""


class RequeueAfter(msgspec.Struct, frozen=True):
    """Nothing failed, but look again in `seconds` (0: at once); `reason` is shown by `tmc explain`."""

    seconds: float
    reason: str = ""


class Retry(msgspec.Struct, frozen=True):
    """It failed; the class of `error` says how long the key waits."""

    error: Exception


Result = Done | RequeueAfter | Retry
DONE = Done()


class Verdict(Enum):
    """How one reconcile ended."""

    DONE = "done"
    REQUEUED = "requeued"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(msgspec.Struct, Generic[K], frozen=True):
    """How one reconcile of `key` ended.

    `attempts` counts the failures in a row, this one included. `retry_in` are the seconds until the key is looked at again
    by itself (None: only when an input changes); `retry_class` None with an `error` means a bug of ours.
    """

    key: K
    verdict: Verdict
    seconds: float
    attempts: int = 0
    retry_in: float | None = None
    reason: str = ""
    error: BaseException | None = None
    retry_class: RetryClass | None = None
