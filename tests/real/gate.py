"""A gate between an agent and its servers: writes of a kind wait there until a test has changed the world under them.

`Gate` is the counting proxy with one more control: `close` keeps *requests* back (its `hold` keeps answers back). So a
lost race is no luck: the agent has decided, its request waits, the test changes what it was decided about, `open` lets it go.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from tmc_syncer.testing.agent_writes import WriteKind
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.counting_proxy import CountingProxy
from tmc_syncer.testing.forwarding import Forward

__all__ = ["Gate"]


class Gate(CountingProxy):
    """A proxy in front of both clusters for ``user``; `waiting` counts the requests that wait at it."""

    def __init__(self, scratch: Path, upstream: ControlPlane, downstream: ControlPlane, user: str) -> None:
        """Prepare; everything passes."""
        super().__init__(scratch, {"upstream": upstream, "downstream": downstream}, user)
        self.waiting = 0
        self._kind: WriteKind | None = None
        self._name = ""
        self._opened = asyncio.Event()

    def close(self, kind: WriteKind, name: str) -> None:
        """From now on keep back each write of this kind whose path names the object `name`."""
        self._loop.call_soon_threadsafe(self._set, kind, name)

    def open(self) -> None:
        """Let all through again."""
        self._loop.call_soon_threadsafe(self._set, None, "")

    def _set(self, kind: WriteKind | None, name: str) -> None:
        self._kind, self._name = kind, name
        self._opened.set()
        self._opened = asyncio.Event()

    async def _write(self, kind: WriteKind, request: web.BaseRequest, forward: Forward) -> web.StreamResponse:
        self.waiting += 1
        try:
            while kind is self._kind and self._name in request.path.split("/"):
                await self._opened.wait()
        finally:
            self.waiting -= 1
        return await super()._write(kind, request, forward)
