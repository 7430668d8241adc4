"""A byte-level proxy on a loopback port, for partitions: it passes TCP through, or cuts, refuses, swallows, delays it.

It does not look into the bytes, so TLS goes through untouched (the servers' certificates hold for 127.0.0.1): give
its ``url`` to ``ControlPlane.kubeconfig(server=...)`` or ``AgentProcess(upstream_url=...)``. Whoever wants to count
requests takes ``testing.counting_proxy``.

One thread with an event loop of its own runs it, from ``with`` to the end of the block; all methods may be called from any
thread. What it does to connections changes at once, also for those that are open.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tmc_syncer.testing.ports import free_ports

__all__ = ["TcpProxy"]

_CHUNK = 64 * 1024
_START_SECONDS = 10.0


class TcpProxy:
    """Passes connections to ``127.0.0.1:port`` of the server at ``target`` (a URL); ``url`` is where it listens.

    ``connections`` counts those that were accepted, ``cuts`` those that `cut_after` ended.
    """

    def __init__(self, target: str) -> None:
        """Choose a port; nothing listens before ``with``."""
        parts = urlsplit(target)
        self._server = parts.hostname or "127.0.0.1", parts.port or 443
        (self.port,) = free_ports(1)
        self.url = f"{parts.scheme}://127.0.0.1:{self.port}"
        self.connections = 0
        self.cuts = 0
        self._cut_after: int | None = None
        self._cuts_left = 0
        self._delay = 0.0
        self._refusing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._open: set[asyncio.Task[None]] = set()
        # Made with the loop, in its thread.
        self._flowing: asyncio.Event
        self._stopping: asyncio.Event

    def __enter__(self) -> Self:
        """Start to listen. Raises ``OSError`` when that fails."""
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run()), name="tcp-proxy", daemon=True
        )
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise OSError(f"the proxy does not listen on port {self.port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut what is open and stop listening."""
        self._call(self._stopping.set)
        if self._thread is not None:
            self._thread.join(_START_SECONDS)

    def cut(self) -> None:
        """Reset every open connection, once; new ones pass."""
        self._call(self._cut_all)

    def cut_after(self, received: int, times: int) -> None:
        """Reset the next ``times`` connections as soon as each has passed on ``received`` bytes of the server's answers."""

        def arm() -> None:
            self._cut_after, self._cuts_left = received, times

        self._call(arm)

    def refuse(self) -> None:
        """Reset every open connection and each new one at once: a server that is down."""

        def begin() -> None:
            self._refusing = True
            self._cut_all()

        self._call(begin)

    def blackhole(self) -> None:
        """Pass nothing on any more, in no direction, without closing anything: a partition that drops packets."""
        self._call(self._flowing.clear)

    def delay(self, seconds: float) -> None:
        """Hold each piece of an answer back for ``seconds``."""

        def begin() -> None:
            self._delay = seconds

        self._call(begin)

    def heal(self) -> None:
        """Pass everything again, what a blackhole held back included."""

        def end() -> None:
            self._refusing, self._delay, self._cut_after = False, 0.0, None
            self._flowing.set()

        self._call(end)

    # Inside, in the proxy's thread

    def _call(self, change: Callable[[], object]) -> None:
        """Run ``change`` in the loop and wait until it is done."""
        assert self._loop is not None

        async def run() -> None:
            change()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(_START_SECONDS)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flowing, self._stopping = asyncio.Event(), asyncio.Event()
        self._flowing.set()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self._started.set()
        await self._stopping.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _cut_all(self) -> None:
        for task in self._open:
            task.cancel()

    async def _accepted(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        self._open.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._refusing:
                return
            await self._flowing.wait()
            server, upstream = await asyncio.open_connection(*self._server)
            async with asyncio.TaskGroup() as group:
                there = group.create_task(self._pass(client, upstream))
                back = group.create_task(self._pass_back(server, answers))
                await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # a cut is what this is for
        finally:
            self._open.discard(task)
            for writer in (answers, upstream):
                if writer is not None:
                    _reset(writer)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()

    async def _pass_back(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await source.read(_CHUNK):
            await self._flowing.wait()
            if self._delay:
                await asyncio.sleep(self._delay)
            limit = self._cut_after if self._cuts_left > 0 else None
            if limit is not None and passed + len(data) > limit:
                sink.write(data[: limit - passed])
                with contextlib.suppress(OSError):
                    await sink.drain()
                self._cuts_left -= 1
                self.cuts += 1
                return
            passed += len(data)
            sink.write(data)
            await sink.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset: the other end learns of it at once."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
