"""Pipes between commands: where their output goes and where their input comes from.

`captured` runs steps with standard output going into a buffer, `routed` with streams going to files or to each other, `Inlet` is a
standard input: some bytes that are there, and then, if it is live, what the outside sends. All are generators of effects. Pure.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from tmc_syncer.controlplane.cluster.shell.effects import STDERR, STDOUT, Effect, Input, Output, Steps
from tmc_syncer.controlplane.cluster.shell.files import FileError, Files

__all__ = ["DISCARD", "Inlet", "Routes", "captured", "routed"]

MAX_CAPTURED = 1024 * 1024
"""Bytes that a pipe or a substitution holds."""

DISCARD = 0
"""The stream that goes nowhere."""

Routes = Mapping[int, int | str]
"""Where a stream goes: to another one, or to the file of this path."""


class Inlet:
    """See the module."""

    def __init__(self, data: bytes = b"", *, live: bool = False) -> None:
        self._data = data
        self._live = live

    def read(self) -> Generator[Effect, bytes, bytes]:
        """Some bytes, none at the end."""
        if self._data or not self._live:
            data, self._data = self._data, b""
            return data
        return (yield Input())

    def line(self) -> Generator[Effect, bytes, bytes]:
        """A line with its end, or what is left; what follows it stays for the next reader."""
        found = b""
        while b"\n" not in found:
            data = yield from self.read()
            if not data:
                return found
            found += data
        line, newline, self._data = found.partition(b"\n")
        return line + newline


def captured(steps: Steps) -> Generator[Effect, bytes, tuple[int, bytes]]:
    """Run with standard output going into a buffer; the exit code and the output."""
    data, answer = b"", b""
    try:
        effect = next(steps)
        while True:
            if isinstance(effect, Output) and effect.stream == STDOUT:
                data = (data + effect.data)[:MAX_CAPTURED]
                answer = b""
            else:
                answer = yield effect
            effect = steps.send(answer)
    except StopIteration as stopped:
        return int(stopped.value), data


def routed(steps: Steps, routes: Routes, files: Files) -> Steps:
    """Run with streams going elsewhere."""
    answer = b""
    try:
        effect = next(steps)
        while True:
            if isinstance(effect, Output) and effect.stream in routes:
                answer = b""
                yield from _delivered(effect.data, routes[effect.stream], files)
            else:
                answer = yield effect
            effect = steps.send(answer)
    except StopIteration as stopped:
        return int(stopped.value)


def _delivered(data: bytes, target: int | str, files: Files) -> Generator[Effect, bytes, None]:
    if isinstance(target, str):
        try:
            files.write(target, data, append=True)
        except FileError as error:
            yield Output(STDERR, f"sh: write error: {error}\n".encode())
    elif target != DISCARD:
        yield Output(target, data)
