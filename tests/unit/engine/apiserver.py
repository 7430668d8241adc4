"""An API server's list and watch of one type, in memory and in virtual time, with the faults of real ones.

It keeps a log of events ordered by version, pages its lists from a snapshot, sends bookmarks once a minute, ends watches
at their timeout, and knows WatchList. What goes wrong is set by attributes, or by calling `cut` and `kill`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.engine.records import record
from tests.unit.engine.watching import Event, bookmark, refusing
from tmc_syncer.api.objects import Record
from tmc_syncer.kube.errors import TransportError, TransportFault

BOOKMARK_SECONDS = 60.0


@dataclass
class Page:
    records: list[Record]
    resource_version: str
    continue_token: str = ""


@dataclass(eq=False)
class Stream:
    """One open watch: what is still to be sent, or an error to end it with; None ends it in good order."""

    lines: asyncio.Queue[Event | Exception | None] = field(default_factory=asyncio.Queue)
    dead: bool = False  # half-open: nothing more arrives, not even the end
    after: int = 0  # a real server says nothing, not even a bookmark, before its version is past this


class ApiServer:
    def __init__(self) -> None:
        self.version = 100
        self.objects: dict[str, Record] = {}
        self.log: list[tuple[int, Event]] = []
        self.compacted = 0
        self.streams: set[Stream] = set()
        self.snapshots: dict[str, tuple[list[Record], str, int]] = {}
        self.requests: Counter[str] = Counter()
        self.lists: list[dict] = []
        self.watches: list[dict] = []
        # faults
        self.knows_watch_list = True
        self.ignores_watch_list = False
        self.sends_bookmarks = True
        self.closes_at_once = False
        self.fail_list: Callable[[dict], Exception | None] = lambda asked: None
        self.fail_watch: Callable[[dict], Exception | None] = lambda asked: None
        self.lose: Callable[[Event], bool] = lambda event: False
        self.list_version: Callable[[], str] = lambda: str(self.version)
        self.latency = 0.0

    # The world

    def put(self, name: str, **meta) -> Record:
        self.version += 1
        kind = "MODIFIED" if name in self.objects else "ADDED"
        stored = self.objects[name] = record(name, self.version, **meta)
        self._tell(Event(kind, stored))
        return stored

    def delete(self, name: str) -> None:
        self.version += 1
        gone = self.objects.pop(name)
        self._tell(Event("DELETED", record(name, self.version, uid=gone.meta.uid)))

    def compact(self) -> None:
        """Forget all events: watches from before now get 410."""
        self.compacted = self.version
        self.snapshots.clear()

    def restore(self, objects: dict[str, Record], version: int) -> None:
        """Bring back an old state, with its version counter."""
        self.objects, self.version, self.log, self.compacted = dict(objects), version, [], 0

    def _tell(self, event: Event) -> None:
        self.log.append((self.version, event))
        if not self.lose(event):
            for stream in self.streams:
                if self.version > stream.after:
                    stream.lines.put_nowait(event)

    def send(self, line: Event | Exception | None) -> None:
        """Send something to every open watch."""
        for stream in self.streams:
            stream.lines.put_nowait(line)

    def cut(self) -> None:
        self.send(TransportError("connection reset", fault=TransportFault.BROKEN))

    def kill(self) -> None:
        """Make the open connections half-open."""
        for stream in self.streams:
            stream.dead = True

    def names(self) -> dict[str, int]:
        return {name: stored.version for name, stored in self.objects.items()}

    # Requests

    async def list_page(self, *, limit, continue_token, resource_version, match) -> Page:
        asked = {"limit": limit, "token": continue_token, "version": resource_version, "match": match}
        self.requests["list"] += 1
        self.lists.append(asked)
        await asyncio.sleep(self.latency)
        if error := self.fail_list(asked):
            raise error
        if continue_token:
            if continue_token not in self.snapshots:
                raise refusing(410)
            records, version, start = self.snapshots.pop(continue_token)
        else:
            if resource_version and int(resource_version) > self.version:
                raise refusing(504, too_large=True)
            records, version, start = list(self.objects.values()), self.list_version(), 0
        end = len(records) if limit == 0 else start + limit
        token = ""
        if end < len(records):
            token = f"{version}/{end}"
            self.snapshots[token] = (records, version, end)
        return Page(records[start:end], version, token)

    @asynccontextmanager
    async def watch(self, *, resource_version, timeout_seconds, send_initial_events):
        asked = {"version": resource_version, "timeout": timeout_seconds, "initial": send_initial_events}
        self.requests["watch"] += 1
        self.watches.append(asked)
        await asyncio.sleep(self.latency)
        if error := self.fail_watch(asked):
            raise error
        if send_initial_events and not self.knows_watch_list:
            raise refusing(422, terminal=True)
        stream = Stream()
        if send_initial_events:
            if resource_version and int(resource_version) > self.version:
                raise refusing(504, too_large=True)
            for stored in self.objects.values():
                stream.lines.put_nowait(Event("ADDED", stored))
            if not self.ignores_watch_list:
                stream.lines.put_nowait(bookmark(self.list_version(), end=True))
        else:
            assert resource_version, "a watch from the empty version shows what nobody listed"
            stream.after = int(resource_version)
            if int(resource_version) < self.compacted:
                raise refusing(410)
            for version, event in self.log:
                if version > int(resource_version):
                    stream.lines.put_nowait(event)
        if self.closes_at_once:
            stream.lines.put_nowait(None)
        self.streams.add(stream)
        try:
            yield self._lines(stream, asyncio.get_running_loop().time() + timeout_seconds)
        finally:
            self.streams.discard(stream)

    async def _lines(self, stream: Stream, end: float) -> AsyncIterator[Event]:
        time = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout(min(BOOKMARK_SECONDS, max(0.0, end - time()))):
                    line = await stream.lines.get()
            except TimeoutError:
                if stream.dead:
                    await asyncio.Event().wait()
                if time() >= end:
                    return
                if self.sends_bookmarks and self.version >= stream.after:
                    yield bookmark(self.version)
                continue
            if stream.dead:
                await asyncio.Event().wait()
            if line is None:
                return
            if isinstance(line, Exception):
                raise line
            yield line
