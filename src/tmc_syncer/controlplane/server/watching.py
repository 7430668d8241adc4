"""A watch over HTTP: initial events, then what changes, bookmarks, and the end.

    resourceVersion   sendInitialEvents   starts with
    not set or 0      not said            ADDED for all that is there, then what follows
    N                 not said, or false  what follows N
    not set           false               what follows the present
    any               true                ADDED for all that is there, a bookmark that says so, then what follows

A version older than the window is an ERROR event 410 in the stream (as kube-apiserver: once authorized, a watch fails by an
event), and so is falling behind it later. A watch ends by itself after `timeoutSeconds`, else after half an hour to an hour. With
bookmarks allowed one comes about every minute, and one shortly before the end, so that the client can go on from there.

An idle watch costs a future and an entry in the alarm's heap. A reader that does not read is cut off after `WRITE_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.alarm import Alarm, Deadline
from tmc_syncer.controlplane.server.encoding import encode_json
from tmc_syncer.controlplane.server.errors import ApiError, expired, too_large_version
from tmc_syncer.controlplane.server.faults import Cut
from tmc_syncer.controlplane.server.identity import Rng
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.listing import Selection
from tmc_syncer.controlplane.server.options import ListOptions
from tmc_syncer.controlplane.server.preconditions import version_given
from tmc_syncer.controlplane.server.shapes import Shaper
from tmc_syncer.controlplane.storage.records import Compacted
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.storage.watch import ADDED, Event, Watch

__all__ = ["Interfere", "WatchRequest", "Watching"]

BOOKMARK_SECONDS = 60.0
"""Between bookmarks, less up to a tenth, so that they do not all come at once."""

LAST_BOOKMARK_SECONDS = 2.0
"""How long before its end a watch sends its last bookmark."""

LEAST_TIMEOUT_SECONDS = 1800
"""Of a watch that says nothing: this, and at random up to as much again (kube-apiserver's --min-request-timeout)."""

WRITE_SECONDS = 60.0
"""How long a client may not read while there is something for it."""

INITIAL = 512
"""Initial events in one write."""

Interfere = Callable[[Sequence[Event]], Awaitable[Sequence[Event]]]


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """One watch to serve. `revision` replaces the present (a fault), `interfere` changes what is sent (a fault)."""

    kind: Kind
    selection: Selection
    options: ListOptions
    shaper: Shaper
    revision: int | None = None
    interfere: Interfere | None = None


class Spring:
    """What wakes one waiting watch: events, an alarm, or the stop of the server."""

    __slots__ = ("_future", "bookmark", "ended")

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None
        self.bookmark = False
        self.ended = False

    def wake(self) -> None:
        """Something happened."""
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def end(self) -> None:
        """The watch is over."""
        self.ended = True
        self.wake()

    def ring(self) -> None:
        """A bookmark is due."""
        self.bookmark = True
        self.wake()

    async def wait(self) -> None:
        """Until something happened."""
        self._future = asyncio.get_running_loop().create_future()
        try:
            await self._future
        finally:
            self._future = None


class Watching:
    """Serves the watches of one server; `durable` waits until a revision is on disk."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rng: Rng,
        durable: Callable[[int], Awaitable[None]] | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._durable = durable
        self._alarm = Alarm(clock)
        self._open: set[Spring] = set()
        self._stopped = False

    async def close(self) -> None:
        """End all watches; their clients see a complete answer."""
        self._stopped = True
        for spring in tuple(self._open):
            spring.end()
        await self._alarm.close()

    @property
    def open(self) -> int:
        """How many watches are open."""
        return len(self._open)

    async def serve(self, request: WatchRequest, response: web.StreamResponse) -> None:
        """Send the whole stream; `response` has been prepared."""
        try:
            watch, initial, since = self._start(request)
        except ApiError as error:
            await self._write(response, _error_line(error))
            return
        spring = Spring()
        self._open.add(spring)
        if self._stopped:
            spring.end()
        timer = self._alarm.at(self._clock.monotonic() + self._timeout(request.options), spring.end)
        bookmark: Deadline | None = None
        try:
            watch.on_ready = spring.wake
            await self._initial(request, response, initial, since)
            if request.options.bookmarks:
                bookmark = self._next_bookmark(spring, timer)
            while not spring.ended:
                events = watch.take()
                if events:
                    await self._send(request, response, events)
                if watch.behind:
                    await self._write(response, _error_line(_too_old(since, self._store.compacted)))
                    return
                if not watch.idle():
                    continue
                if spring.bookmark:
                    spring.bookmark = False
                    await self._write(response, request.shaper.bookmark(self._store.revision))
                    bookmark = self._next_bookmark(spring, timer)
                if watch.idle() and not spring.ended:
                    await spring.wait()
        finally:
            self._open.discard(spring)
            watch.close()
            timer.cancel()
            if bookmark is not None:
                bookmark.cancel()

    # How it starts

    def _start(self, request: WatchRequest) -> tuple[Watch, list[Event], int]:
        options, store = request.options, self._store
        collection = store.collection(request.kind.collection)
        prefix, match = request.selection.prefix, request.selection.match
        now = store.revision if request.revision is None else request.revision
        given = version_given(options.resource_version) or 0
        whole = options.send_initial_events or (options.send_initial_events is None and not given)
        if whole and given > store.revision:
            raise too_large_version(given, store.revision)
        since = now if whole or not given else given
        try:
            watch = collection.watch(prefix, since, match)
            if not whole:
                return watch, [], since
            page = collection.page(prefix, store.revision, revision=request.revision, match=match)
        except Compacted:
            raise _too_old(since, store.compacted) from None
        return watch, [Event(ADDED, record, record.revision) for record in page.records], since

    async def _initial(
        self, request: WatchRequest, response: web.StreamResponse, initial: Sequence[Event], since: int
    ) -> None:
        for start in range(0, len(initial), INITIAL):
            await self._send(request, response, initial[start : start + INITIAL])
        if request.options.send_initial_events and request.options.bookmarks:
            if self._durable is not None:
                await self._durable(since)
            await self._write(response, request.shaper.bookmark(since, initial=True))

    def _timeout(self, options: ListOptions) -> float:
        if options.timeout_seconds:
            return float(options.timeout_seconds)
        return LEAST_TIMEOUT_SECONDS * (1 + self._rng.random())

    def _next_bookmark(self, spring: Spring, timer: Deadline) -> Deadline:
        now = self._clock.monotonic()
        moment = now + BOOKMARK_SECONDS * (1 - self._rng.random() / 10)
        last = timer.moment - LAST_BOOKMARK_SECONDS
        return self._alarm.at(last if now < last < moment else moment, spring.ring)

    # What is sent

    async def _send(
        self, request: WatchRequest, response: web.StreamResponse, events: Sequence[Event]
    ) -> None:
        if self._durable is not None:
            await self._durable(events[-1].revision)
        if request.interfere is not None:
            events = await request.interfere(events)
        if events:
            await self._write(response, request.shaper.events(events))

    @staticmethod
    async def _write(response: web.StreamResponse, data: bytes) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(data)
        except TimeoutError:
            raise Cut from None


def _too_old(asked: int, oldest: int) -> ApiError:
    return expired(f"too old resource version: {asked} ({oldest})")


def _error_line(error: ApiError) -> bytes:
    return encode_json({"type": "ERROR", "object": error.to_object()}) + b"\n"
