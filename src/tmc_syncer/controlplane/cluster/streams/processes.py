"""Running a script for a client: what it prints goes out, what the client sends goes in, its pauses take their time.

`Process` drives the effects of a shell. Output goes to `send` (stream and bytes), to the log of the container where the script says so; input comes
from `feed` and ends with `end_input`. Only so much input waits to be read. A process runs for an hour at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.cluster.kubelet.runs import Run
from tmc_syncer.controlplane.cluster.shell.effects import LOG, Exit, Input, Output, Pause, Steps

__all__ = ["Process"]

LONGEST_SECONDS = 3600.0
"""How long a process may pause in all; then it is killed."""

MAX_WAITING = 4 * 1024 * 1024
"""Bytes of input that nobody has read yet; a client that sends more is not read from until some are."""

MAX_EFFECTS = 1_000_000
KILLED, INTERRUPTED = 137, 130


class Process:
    """See the module."""

    def __init__(
        self, steps: Steps, clock: Clock, send: Callable[[int, bytes], Awaitable[None]], run: Run
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._send = send
        self._run = run
        self._input = bytearray()
        self._ended = False
        self._interrupted = False
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self.reading = False
        """Whether it waits for input."""

    async def feed(self, data: bytes) -> None:
        """Input from the client; waits while too much is unread."""
        await self._room.wait()
        self._input += data
        if len(self._input) >= MAX_WAITING:
            self._room.clear()
        self._ready.set()

    def end_input(self) -> None:
        """The client sends no more."""
        self._ended = True
        self._ready.set()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self._interrupted = True
        self._ready.set()

    async def wait(self) -> int:
        """Run to the end; the exit code."""
        left, answer, started = LONGEST_SECONDS, b"", False
        try:
            for _ in range(MAX_EFFECTS):
                effect = self._steps.send(answer) if started else next(self._steps)
                started, answer = True, b""
                if isinstance(effect, Output):
                    if effect.stream == LOG:
                        self._run.add(self._clock.now(), effect.data)
                    else:
                        await self._send(effect.stream, effect.data)
                elif isinstance(effect, Pause):
                    seconds = min(effect.seconds, left)
                    left -= seconds
                    if await self._pause(seconds):
                        return INTERRUPTED
                    if left <= 0:
                        return KILLED
                elif isinstance(effect, Input):
                    answer = await self._take()
        except StopIteration as stopped:
            return int(stopped.value)
        except Exit as ended:
            return ended.code
        finally:
            self._steps.close()
        return KILLED

    async def _pause(self, seconds: float) -> bool:
        """Wait; whether it was interrupted."""
        end = self._clock.monotonic() + seconds
        while not self._interrupted and (left := end - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(left, 0.25))
        interrupted, self._interrupted = self._interrupted, False
        return interrupted

    async def _take(self) -> bytes:
        self.reading = True
        while not (self._input or self._ended or self._interrupted):
            self._ready.clear()
            await self._ready.wait()
        self.reading = False
        if self._interrupted:
            self._interrupted = False
            return b"\n"  # the line that was being typed is given up
        data = bytes(self._input)
        self._input.clear()
        self._room.set()
        return data
