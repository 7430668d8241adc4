"""Waiting for a state of the world, with a deadline.

Tests of real servers cannot use virtual time, and what they wait for happens in other processes. This is the one
place that sleeps real time. It is for tests and for the test bed itself, not for product code.

``eventually`` asks again until the answer is true and returns that answer; an ``AssertionError`` of the question counts
as "not yet", every other exception ends the wait at once, so that a programming error never costs the whole timeout.
``steady`` is its opposite: the answer must stay true for a while ("and nothing is written any more").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tmc_syncer.testing.errors import NotInTime

__all__ = ["eventually", "steady"]

T = TypeVar("T")


def eventually(
    question: Callable[[], T],
    timeout: float = 30.0,
    *,
    interval: float = 0.1,
    message: str = "",
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """Ask until the answer is true, and return it.

    ``timeout`` and ``interval`` are seconds; ``message`` names the awaited state in the error; exceptions of the
    classes in ``ignoring`` count as "not yet", as ``AssertionError`` does. The question is asked at least once, and
    once more at the deadline. Raises ``NotInTime`` with the last answer or error.
    """
    retried: tuple[type[Exception], ...] = (AssertionError, *ignoring)
    deadline = time.monotonic() + timeout
    while True:
        last_ask = time.monotonic() >= deadline
        error: Exception | None = None
        answer: T | None = None
        try:
            answer = question()
            if answer:
                return answer
        except retried as caught:
            error = caught
        if last_ask:
            seen = (
                f"the last error was: {error}"
                if error is not None
                else f"the last answer was {answer!r:.2000}"
            )
            raise NotInTime(f"{message or 'not true'} within {timeout:g} s; {seen}") from error
        time.sleep(max(0.0, min(interval, deadline - time.monotonic())))


def steady(question: Callable[[], T], duration: float, *, interval: float = 0.1, message: str = "") -> T:
    """Ask during ``duration`` seconds, expect a true answer each time, and return the last one.

    Raises ``NotInTime`` at the first answer that is not true; exceptions of the question pass through.
    """
    deadline = time.monotonic() + duration
    while True:
        last_ask = time.monotonic() >= deadline
        answer = question()
        if not answer:
            raise NotInTime(
                f"{message or 'did not stay true'} for {duration:g} s; the answer was {answer!r:.2000}"
            )
        if last_ask:
            return answer
        time.sleep(max(0.0, min(interval, deadline - time.monotonic())))
