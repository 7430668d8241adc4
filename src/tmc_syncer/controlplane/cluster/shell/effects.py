"""What a running script wants from outside: to print, to wait, to read. And what it knows: `Machine`.

Scripts are generators of effects (`Steps`): whoever drives one does what it asks and sends the answer back in (bytes for an `Input`,
nothing else). So the same script runs in an exec, with a client on the other side, and as the main program of a container,
whose output is worked out only when somebody reads the log. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tmc_syncer.controlplane.cluster.shell.files import Files

__all__ = ["LOG", "STDERR", "STDOUT", "Effect", "Exit", "Input", "Machine", "Output", "Pause", "Steps"]

STDOUT, STDERR = 1, 2
LOG = 3
"""The log of the container, whoever writes to it (``/proc/1/fd/1``)."""


@dataclass(frozen=True, slots=True)
class Output:
    """Print."""

    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Input:
    """Read what there is; the answer is empty at the end."""


Effect = Output | Pause | Input
Steps = Generator[Effect, bytes, int]


class Exit(Exception):
    """The script ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code & 0xFF


@dataclass(slots=True)
class Machine:
    """The container that a script runs in."""

    files: Files
    hostname: str = "localhost"
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    prompts: bool = False
    """Whether a shell that reads its commands asks for them: somebody sits at a terminal."""
    now: Callable[[], datetime] = lambda: datetime(2026, 1, 1, tzinfo=UTC)
