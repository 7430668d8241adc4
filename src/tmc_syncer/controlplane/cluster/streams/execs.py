"""exec and attach over a WebSocket: a client and a shell, or a client and the log of a container's program.

exec runs the command in the simulated container; attach shows what its program prints from now on, or, where the program is a shell that
waits for input (``kubectl run -it``), is that shell: when it ends, so does the container. With a terminal, the line discipline is on this
side and everything printed comes as one stream. Older clients that ask for SPDY are refused as a server without it refuses them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tmc_syncer.controlplane.cluster.kubelet.kubelet import Kubelet
from tmc_syncer.controlplane.cluster.kubelet.programs import is_interactive
from tmc_syncer.controlplane.cluster.kubelet.runs import Run
from tmc_syncer.controlplane.cluster.runtime.timers import Timers
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.shell.effects import STDERR, STDOUT, Machine
from tmc_syncer.controlplane.cluster.shell.interpreter import Shell
from tmc_syncer.controlplane.cluster.streams import channels
from tmc_syncer.controlplane.cluster.streams.processes import Process
from tmc_syncer.controlplane.cluster.streams.sockets import open_socket, until_first
from tmc_syncer.controlplane.cluster.streams.targets import Ask, container_of, must_have_node, pod_of
from tmc_syncer.controlplane.cluster.streams.terminal import Terminal, shown
from tmc_syncer.controlplane.server.errors import bad_request, internal

__all__ = ["Execs"]

Object = dict[str, Any]

WRITE_SECONDS = 30.0


class Execs:
    """The handlers of ``pods/exec`` and ``pods/attach``."""

    def __init__(self, world: World, kubelet: Kubelet, timers: Timers) -> None:
        self._world = world
        self._kubelet = kubelet
        self._timers = timers

    def _open(self, ask: Ask) -> tuple[Object, str, Object, Machine, Run]:
        pod = pod_of(self._world.client, ask)
        name = container_of(pod, ask.get("container"))
        must_have_node(pod)
        opened = self._kubelet.open(pod, name)
        if opened is None or opened[2].ended is not None:
            raise internal(f'unable to upgrade connection: container not found ("{name}")')
        container, machine, run = opened
        return pod, name, container, machine, run

    async def exec(self, ask: Ask) -> web.StreamResponse:
        """Run a command. Raises `ApiError`."""
        _, _, _, machine, run = self._open(ask)
        words = list(ask.all("command"))
        if not words:
            raise bad_request("you must specify at least 1 command for the pod")
        socket = await open_socket(ask.request, channels.PROTOCOLS)
        machine.prompts = ask.flag("tty")
        machine.environment["TERM"] = "xterm"
        await _Client(socket, ask).run(
            lambda send: Process(Shell(machine).command(words), self._world.clock, send, run)
        )
        return socket

    async def attach(self, ask: Ask) -> web.StreamResponse:
        """Join a container's program. Raises `ApiError`."""
        pod, name, container, machine, run = self._open(ask)
        socket = await open_socket(ask.request, channels.PROTOCOLS)
        client = _Client(socket, ask)
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        if ask.flag("stdin") and container.get("stdin") and (not words or is_interactive(words)):
            machine.prompts = ask.flag("tty")
            code = await client.run(
                lambda send: Process(Shell(machine).command(["sh"]), self._world.clock, send, run),
                tells_code=False,
            )
            if code is not None:
                self._kubelet.finish(pod, name, code)
        else:
            await client.watch(self._follow, run)
        return socket

    async def _follow(self, client: _Client, run: Run) -> None:
        """Send what the program prints, until it ends."""
        run.catch_up(self._world.now())
        seen = run.count
        changed = asyncio.Event()
        run.listeners.add(changed.set)
        try:
            while run.ended is None:
                next_line = run.next_line()
                moment = None
                if next_line is not None:
                    left = (next_line - self._world.now()).total_seconds()
                    moment = self._world.clock.monotonic() + max(0.0, left)
                changed.clear()
                await self._timers.wait(changed, moment)
                run.catch_up(self._world.now())
                for line in [line for line in run.lines if line.number >= seen]:
                    stream = STDERR if line.stream == "stderr" else STDOUT
                    await client.send(stream, line.text + b"\n")
                seen = run.count
        finally:
            run.listeners.discard(changed.set)


class _Client:
    """One WebSocket with its channels."""

    def __init__(self, socket: web.WebSocketResponse, ask: Ask) -> None:
        self._socket = socket
        self._protocol = socket.ws_protocol or channels.PROTOCOLS[-1]
        self._tty = ask.flag("tty")
        self._stdin = ask.flag("stdin")
        self._wanted = {
            STDOUT: ask.flag("stdout") or self._tty,
            STDERR: ask.flag("stderr") and not self._tty,
        }
        self._terminal = Terminal() if self._tty else None

    async def send(self, stream: int, data: bytes) -> None:
        """Output of the program."""
        if self._tty:
            stream, data = STDOUT, shown(data)
        if self._wanted.get(stream) and data:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._socket.send_bytes(channels.output(stream, data))

    async def run(self, make: Callable[..., Process], *, tells_code: bool = True) -> int | None:
        """Run a process for the client; its code, None when the client left before.

        Who is attached learns the code from the pod, not from the stream: `tells_code` is false.
        """
        process = make(self.send)
        if not self._stdin:
            process.end_input()
        code = await until_first(process.wait(), self._listen(process))
        if code is not None:
            await self._finish(code if tells_code else 0)
        return code

    async def watch(self, follow: Callable[..., Any], run: Run) -> None:
        """Show a program to the client until one of them ends."""

        async def to_end() -> int:
            await follow(self, run)
            return 0

        if await until_first(to_end(), self._listen(None)) is not None:
            await self._finish(0)

    async def _finish(self, code: int) -> None:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(WRITE_SECONDS):
                await self._socket.send_bytes(channels.status(code))
                await self._socket.close(code=1000)

    async def _listen(self, process: Process | None) -> None:
        """Take what the client sends, until it leaves."""
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY or process is None:
                continue
            match channels.read(message.data, self._protocol):
                case channels.Given(data):
                    await self._type(process, data)
                case channels.EndOfInput():
                    process.end_input()
                case _:
                    pass

    async def _type(self, process: Process, data: bytes) -> None:
        if self._terminal is None:
            await process.feed(data)
            return
        typed = self._terminal.type(data)
        if typed.echo:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._socket.send_bytes(channels.output(STDOUT, typed.echo))
        if typed.data:
            await process.feed(typed.data)
        if typed.interrupted:
            process.interrupt()
        if typed.ended:
            process.end_input()
