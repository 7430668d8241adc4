"""`Persistence`: group commit: what one turn of the loop wrote becomes one transaction, in a worker thread.

Writes go to memory first, where everybody inside the process sees them at once; nobody outside may be told before they are on
disk. So an answer waits for `settled` (everything written so far), and a watch for `durable` (what it is about to
send). While one transaction is under way the next collects; a busy server pays one flush for many writes.

When the disk fails nothing is acknowledged any more: every waiter gets the `DiskFailure`, and so does `on_failure`, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tmc_syncer.controlplane.storage.database import Batch, Database
from tmc_syncer.controlplane.storage.failures import DiskFailure
from tmc_syncer.controlplane.storage.records import Change
from tmc_syncer.controlplane.storage.store import Store

__all__ = ["Persistence"]


class Persistence:
    """Keeps `store` in `database`, from now on: loads it first. `close` writes what is left."""

    def __init__(
        self, store: Store, database: Database, *, on_failure: Callable[[DiskFailure], None] | None = None
    ) -> None:
        try:
            database.load(store)
        except BaseException:
            database.close()
            raise
        self._store = store
        self._database = database
        self._on_failure = on_failure
        self._written = store.revision
        self._batch = Batch()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._executor: ThreadPoolExecutor | None = None
        self._running: asyncio.Task[None] | None = None
        self._failure: DiskFailure | None = None
        store.on_change = self._changed
        store.on_drop = self._dropped

    async def settled(self) -> None:
        """Until everything written so far is on disk. Raises `DiskFailure`."""
        await self.durable(self._store.revision)

    async def durable(self, revision: int) -> None:
        """Until a revision is on disk. Raises `DiskFailure`."""
        if self._written >= revision:
            return
        if self._failure is not None:
            raise self._failure
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((revision, waiter))
        self._start()
        await waiter

    async def close(self) -> None:
        """Write what is left and close the file."""
        try:
            if self._failure is None:
                await self.settled()
            if self._running is not None:
                await self._running
        finally:
            self._store.on_change = self._store.on_drop = None
            if self._executor is not None:
                self._executor.shutdown()
            self._database.close()

    def _changed(self, collection: str, change: Change) -> None:
        self._batch.changes.append((collection, change))
        self._start()

    def _dropped(self, collection: str, change: Change) -> None:
        del collection
        if change.previous is not None:
            self._batch.dropped.append(change.previous.revision)
        if change.deleted:
            self._batch.dropped.append(change.revision)

    def _start(self) -> None:
        if self._running is not None or self._failure is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # before the loop runs; the first request starts the writing
        self._running = loop.create_task(self._write(), name="control plane persistence")

    async def _write(self) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "control-plane-disk")
        try:
            while self._batch.changes or self._batch.dropped:
                batch, self._batch = self._batch, Batch()
                batch.revision, batch.compacted = self._store.revision, self._store.compacted
                await asyncio.get_running_loop().run_in_executor(self._executor, self._database.commit, batch)
                self._written = batch.revision
                self._release()
        except DiskFailure as failure:
            self._failure = failure
            self._release()
            if self._on_failure is not None:
                self._on_failure(failure)
        finally:
            self._running = None

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for revision, waiter in waiting:
            if waiter.done():
                continue
            if revision <= self._written:
                waiter.set_result(None)
            elif self._failure is not None:
                waiter.set_exception(self._failure)
            else:
                self._waiting.append((revision, waiter))
