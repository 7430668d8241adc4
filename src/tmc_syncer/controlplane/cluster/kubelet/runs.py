"""`Run`: one start of a container: its program, when it began and ended, and its log.

The log is worked out when somebody looks: `catch_up` lets the program print everything until now. It is a ring of bounded length; a
program that nobody has looked at for long skips what would have been dropped anyway. Lines can be added from outside too
(an access log). `next_line` is when the program will print next, for those who follow. Pure: the present is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tmc_syncer.controlplane.cluster.kubelet.programs import Program
from tmc_syncer.controlplane.cluster.shell.effects import STDERR, Input, Machine, Output, Pause

__all__ = ["Line", "Run"]

MAX_LINES = 5000
"""Lines that are kept; a kubelet keeps 10 MB."""

MAX_LINE = 16 * 1024
"""Bytes of a line; longer ones are broken, as container runtimes do."""

MAX_STEPS = 20_000
"""What a program does in one look; beyond it, it is moved to the present."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log, without its end."""

    number: int
    time: datetime
    stream: str
    text: bytes


class Run:
    """See the module."""

    def __init__(self, program: Program, machine: Machine, started: datetime, restarts: int = 0) -> None:
        self.program = program
        self.machine = machine
        self.started = started
        self.restarts = restarts
        self.ended: datetime | None = None
        self.lines: deque[Line] = deque(maxlen=MAX_LINES)
        self._steps = program.steps(machine)
        self._at: datetime | None = started
        self._partial: dict[str, bytes] = {}
        self._count = 0
        self._answer: bytes | None = None
        self.listeners: set[Callable[[], None]] = set()
        """Called when a line is printed from outside, or the run ends."""

    @property
    def count(self) -> int:
        """How many lines there have been."""
        return self._count

    def end(self, now: datetime) -> None:
        """The program was stopped, or has ended."""
        self.catch_up(now)
        for stream in list(self._partial):
            self._put(now, stream, self._partial.pop(stream))
        self.ended = now
        self._at = None
        self._tell()

    def add(self, now: datetime, text: bytes, stream: str = "stdout") -> None:
        """Print something from outside."""
        self.catch_up(now)
        self._print(now, stream, text)
        self._tell()

    def next_line(self) -> datetime | None:
        """When the program does something next, None when never."""
        return self._at

    def catch_up(self, now: datetime) -> None:
        """Let the program do what it would have done by now."""
        budget = MAX_STEPS
        while self._at is not None and self._at <= now:
            budget -= 1
            if budget == 0:
                self._at = now + timedelta(microseconds=1)
                return
            try:
                effect = next(self._steps) if self._answer is None else self._steps.send(self._answer)
            except StopIteration:
                self._at = None
                return
            self._answer = b""
            if isinstance(effect, Output):
                self._print(self._at, "stderr" if effect.stream == STDERR else "stdout", effect.data)
            elif isinstance(effect, Pause):
                self._at = _later(self._at, effect.seconds)
            elif isinstance(effect, Input):
                self._answer = b""

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener()

    def _print(self, time: datetime, stream: str, data: bytes) -> None:
        left = self._partial.pop(stream, b"") + data
        while True:
            line, newline, rest = left.partition(b"\n")
            if newline and len(line) <= MAX_LINE:
                self._put(time, stream, line)
                left = rest
            elif len(left) > MAX_LINE:
                self._put(time, stream, left[:MAX_LINE])
                left = left[MAX_LINE:]
            else:
                break
        if left:
            self._partial[stream] = left

    def _put(self, time: datetime, stream: str, text: bytes) -> None:
        self.lines.append(Line(self._count, time, stream, text))
        self._count += 1


def _later(time: datetime, seconds: float) -> datetime | None:
    try:
        return time + timedelta(seconds=seconds)
    except OverflowError:
        return None
