"""A reverse proxy between an agent and its API servers that counts the agent's writes and can kill it at one of them.

It works on whole requests: it ends TLS with the server's own certificate (so the agent's kubeconfig trusts it), and sends
each request on as the same user, with the agent's Authorization header and, where it has one, its client certificate.
One proxy serves both sides; it lives in a thread with an event loop of its own, from ``with`` to the end of the block.

* `strike` arms it: at the n-th write of a kind the process is killed, at one of the moments of `Moment`.
* `hold` keeps the answers to writes back, so that a test has requests in flight for as long as it likes.

A strike fires at most once; `strikes` tells what was hit. All public methods may be called from any thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

from tmc_syncer.testing.agent_writes import WriteKind, kind_of
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.forwarding import Forward, client_context, open_session, server_context

__all__ = ["CountingProxy", "Hit", "Moment", "Strike"]

_START_SECONDS = 10.0


class Moment(StrEnum):
    """When the process dies, seen from the write that it dies at. At all but the last its request is in flight."""

    BEFORE_FORWARD = "the request never reached the server"
    LATE = "the request reaches the server some time after the death"
    BEFORE_REPLY = "the server did it, nothing of its answer came back"
    DURING_REPLY = "half of the answer came back"
    AFTER_REPLY = "the whole answer came back"


@dataclass(frozen=True)
class Strike:
    """One kill: at the ``nth`` write of ``kind`` since it was armed; a LATE request goes on ``late_seconds`` later."""

    pid: int
    kind: WriteKind
    nth: int
    moment: Moment
    late_seconds: float = 0.0


@dataclass(frozen=True)
class Hit:
    """A strike that took place, at which request, and how many writes were in flight when the process died."""

    strike: Strike
    method: str
    target: str
    in_flight: int

    def __str__(self) -> str:
        """One line for the output of a test."""
        strike = self.strike
        return f"{strike.kind} #{strike.nth}, {strike.moment}, {self.in_flight} in flight: {self.method} {self.target}"


class CountingProxy:
    """A proxy in front of ``sides`` (name → server) for the user ``user``; ``scratch`` is an existing folder.

    ``with_certificate`` presents the user's client certificate to the servers; without it the Authorization header alone
    says who asks.
    """

    def __init__(
        self, scratch: Path, sides: Mapping[str, ControlPlane], user: str, *, with_certificate: bool = True
    ) -> None:
        """Prepare; nothing listens yet."""
        self.hits: list[Hit] = []
        self.counts: Counter[WriteKind] = Counter()
        self.held = 0
        """How many answers are being held back."""
        self.late = 0
        """How many requests of dead processes are still to be sent on."""
        self.urls: dict[str, str] = {}
        self._sides = dict(sides)
        self._contexts = {
            name: client_context(cluster, user if with_certificate else "", scratch)
            for name, cluster in sides.items()
        }
        self._in_flight = 0
        self._strike: Strike | None = None
        self._countdown = 0
        self._held_kinds: frozenset[WriteKind] = frozenset()
        self._late_tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="counting proxy", daemon=True)
        self._listening = threading.Event()
        self._ended, self._released = asyncio.Event(), asyncio.Event()

    # From outside

    def __enter__(self) -> Self:
        """Listen; `urls` is filled."""
        self._thread.start()
        if not self._listening.wait(_START_SECONDS):
            raise RuntimeError("the proxy does not listen")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_START_SECONDS)

    def strike(self, strike: Strike) -> None:
        """Arm; it replaces a strike that has not hit."""
        self._loop.call_soon_threadsafe(self._arm, strike)

    def hold(self, kinds: Collection[WriteKind] = frozenset(WriteKind)) -> None:
        """From now on keep the answers to these writes back; the server does what they ask for."""
        self._loop.call_soon_threadsafe(self._set_hold, frozenset(kinds))

    def release(self) -> None:
        """Let all answers through again."""
        self.hold(())

    # In the thread

    def _arm(self, strike: Strike) -> None:
        self._strike, self._countdown = strike, strike.nth

    def _set_hold(self, kinds: frozenset[WriteKind]) -> None:
        self._held_kinds = kinds
        self._released.set()  # whoever waits looks again, and waits again where its kind is still held
        self._released = asyncio.Event()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        async with open_session() as session:
            runners = [await self._listen(side, session) for side in self._sides]
            self._listening.set()
            await self._ended.wait()
            for runner in runners:
                await runner.cleanup()
            for task in self._late_tasks:
                task.cancel()

    async def _listen(self, side: str, session: aiohttp.ClientSession) -> web.ServerRunner:
        origin, context = self._sides[side].url, self._contexts[side]

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            body = await request.content.read()
            forward = Forward(session, origin, context, request, body)
            kind = kind_of(request.method, request.raw_path, request.content_type, body)
            try:
                return await (
                    forward.stream(request) if kind is None else self._write(kind, request, forward)
                )
            except ConnectionResetError:  # the process died, or its server did
                return web.Response(status=502)

        # The watches of a process that died must not stay open: a handler is cancelled with its connection.
        runner = web.ServerRunner(web.Server(handle, handler_cancellation=True), shutdown_timeout=0.1)
        await runner.setup()
        serving = server_context(self._sides[side])
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving).start()
        self.urls[side] = f"https://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    async def _write(self, kind: WriteKind, request: web.BaseRequest, forward: Forward) -> web.StreamResponse:
        self._in_flight += 1
        self.counts[kind] += 1
        try:
            strike = self._due(kind)
            if strike is None:
                answer = await forward.send()
                await self._wait_while_held(kind)
                return answer.response()
            return await self._carry_out(strike, request, forward)
        finally:
            self._in_flight -= 1

    def _due(self, kind: WriteKind) -> Strike | None:
        """The strike that hits this write, if one does."""
        strike = self._strike
        if strike is None or strike.kind is not kind:
            return None
        self._countdown -= 1
        if self._countdown:
            return None
        self._strike = None
        return strike

    async def _wait_while_held(self, kind: WriteKind) -> None:
        self.held += 1
        try:
            while kind in self._held_kinds:
                await self._released.wait()
        finally:
            self.held -= 1

    async def _carry_out(
        self, strike: Strike, request: web.BaseRequest, forward: Forward
    ) -> web.StreamResponse:
        if strike.moment in (Moment.BEFORE_FORWARD, Moment.LATE):
            self._kill(strike, request)
            if strike.moment is Moment.LATE:
                self._send_late(forward, strike.late_seconds)
            return web.Response(status=503)
        answer = await forward.send()
        if strike.moment is Moment.BEFORE_REPLY:
            self._kill(strike, request)
            return web.Response(status=503)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(answer.body)
        await response.prepare(request)
        if strike.moment is Moment.DURING_REPLY:
            await response.write(answer.body[: len(answer.body) // 2])
            self._kill(strike, request)
            return response
        await response.write(answer.body)
        await response.write_eof()
        self._kill(strike, request)
        return response

    def _kill(self, strike: Strike, request: web.BaseRequest) -> None:
        answered = strike.moment is Moment.AFTER_REPLY
        self.hits.append(Hit(strike, request.method, request.raw_path, self._in_flight - answered))
        os.kill(strike.pid, signal.SIGKILL)

    def _send_late(self, forward: Forward, seconds: float) -> None:
        async def send() -> None:
            await asyncio.sleep(seconds)
            await forward.send()

        self.late += 1
        task = self._loop.create_task(send(), name="late request")
        self._late_tasks.add(task)
        task.add_done_callback(self._sent_late)

    def _sent_late(self, task: asyncio.Task[None]) -> None:
        self._late_tasks.discard(task)
        self.late -= 1
