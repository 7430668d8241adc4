"""Logs of containers over HTTP: text, in pieces while it is followed, to the end of the container's run.

The log is that of the present run, or with ``previous`` of the one before. A follower gets each line at its time: the handler sleeps until the
program prints next, or until somebody else writes or ends the run. A client that does not read is cut off.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from aiohttp import web

from tmc_syncer.controlplane.cluster.kubelet.kubelet import Kubelet
from tmc_syncer.controlplane.cluster.kubelet.runs import Run
from tmc_syncer.controlplane.cluster.runtime.timers import Timers
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.streams.lines import Limit, Selection
from tmc_syncer.controlplane.cluster.streams.targets import (
    Ask,
    container_of,
    must_have_node,
    pod_of,
    waits,
)
from tmc_syncer.controlplane.server.errors import bad_request

__all__ = ["Logs"]

WRITE_SECONDS = 30.0
"""How long a reader may take to take a piece."""

BATCH = 500
"""Lines in one piece."""

HEADERS = {"Content-Type": "text/plain", "Cache-Control": "no-cache, private"}


class Logs:
    """The handler of ``pods/log``."""

    def __init__(self, world: World, kubelet: Kubelet, timers: Timers) -> None:
        self._world = world
        self._kubelet = kubelet
        self._timers = timers

    async def serve(self, ask: Ask) -> web.StreamResponse:
        """Answer one request. Raises `ApiError`."""
        pod = pod_of(self._world.client, ask)
        name = container_of(pod, ask.get("container"))
        now = self._world.now()
        selection = Selection.of(ask, now)
        must_have_node(pod)
        if ask.flag("previous"):
            opened = self._kubelet.open(pod, name)
            run = self._kubelet.previous(pod, name)
            if opened is None or run is None:
                where = f'container "{name}" in pod "{ask.name}"'
                raise bad_request(f"previous terminated {where} not found")
        else:
            opened = self._kubelet.open(pod, name)
            if opened is None:
                raise waits(pod, name)
            run = opened[2]
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(ask.request)
        await self._send(response, run, selection, follow=ask.flag("follow"))
        await response.write_eof()
        return response

    async def _send(
        self, response: web.StreamResponse, run: Run, selection: Selection, *, follow: bool
    ) -> None:
        limit = Limit(selection.limit)
        run.catch_up(self._world.now())
        seen = run.count
        await self._write(response, [selection.shown(line) for line in selection.first(run.lines)], limit)
        if not follow:
            return
        changed = asyncio.Event()
        run.listeners.add(changed.set)
        try:
            while not limit.reached:
                run.catch_up(self._world.now())
                fresh = [line for line in run.lines if line.number >= seen]
                seen = run.count
                wanted = [selection.shown(line) for line in fresh if selection.wants(line)]
                await self._write(response, wanted, limit)
                if run.ended is not None:
                    return
                changed.clear()
                if run.count == seen:
                    await self._timers.wait(changed, self._moment(run.next_line()))
        finally:
            run.listeners.discard(changed.set)

    def _moment(self, time: datetime | None) -> float | None:
        """A wall time as a moment of the monotonic clock."""
        if time is None:
            return None
        left = (time - self._world.now()).total_seconds()
        return self._world.clock.monotonic() + max(0.0, left)

    @staticmethod
    async def _write(response: web.StreamResponse, pieces: list[bytes], limit: Limit) -> None:
        for at in range(0, len(pieces), BATCH):
            data = limit.cut(b"".join(pieces[at : at + BATCH]))
            if data:
                async with asyncio.timeout(WRITE_SECONDS):
                    await response.write(data)
