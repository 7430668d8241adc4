"""`Run`: one command of the shell while it runs, and what commands are made of: printing, failing, reading all of their input.

All are generators of effects. Nothing here is a command. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from tmc_syncer.controlplane.cluster.shell.effects import STDERR, STDOUT, Effect, Machine, Output, Steps

__all__ = ["LONGEST_SLEEP_SECONDS", "Run", "duration", "everything", "failed", "printed"]

LONGEST_SLEEP_SECONDS = 10.0 * 365 * 86_400
"""``sleep infinity``: ten years. An exec is cut off much earlier by who serves it."""

MAX_INPUT = 1024 * 1024
"""Bytes that a command reads at most where it needs all of its input."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Run:
    """One command: the machine, its arguments, its input (a generator that returns some bytes, none at the end)."""

    machine: Machine
    arguments: list[str]
    read: Callable[[], Generator[Effect, bytes, bytes]]

    def path(self, name: str) -> str:
        """A path as the machine sees it."""
        return self.machine.files.resolve(name, self.machine.folder)


def printed(text: str) -> Generator[Effect, bytes, None]:
    """Write to standard output."""
    yield Output(STDOUT, text.encode())


def failed(message: str, code: int = 1) -> Steps:
    """Write to standard error, and fail."""
    yield Output(STDERR, f"{message}\n".encode())
    return code


def everything(run: Run) -> Generator[Effect, bytes, bytes]:
    """The whole input."""
    found = b""
    while data := (yield from run.read()):
        found += data
        if len(found) > MAX_INPUT:
            break
    return found[:MAX_INPUT]


def duration(word: str) -> float | None:
    """The seconds of ``5``, ``0.5``, ``2m`` or ``infinity``; None when it is none of these."""
    if word in ("infinity", "inf"):
        return LONGEST_SLEEP_SECONDS
    unit = _UNITS.get(word[-1:], 1)
    digits = word[:-1] if word[-1:] in _UNITS else word
    if not digits.replace(".", "", 1).isdigit() or not digits.isascii():
        return None
    return min(float(digits) * unit, LONGEST_SLEEP_SECONDS)
