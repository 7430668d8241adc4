from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from tests.unit.controlplane.storage.records import PODS, delete, put
from tmc_syncer.controlplane.storage.database import Batch, Database
from tmc_syncer.controlplane.storage.failures import BrokenDatabase, DiskFailure
from tmc_syncer.controlplane.storage.persistence import Persistence
from tmc_syncer.controlplane.storage.store import Store


class SlowDatabase(Database):
    """Writes when it is let, fails when it is told to; counts."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, "store")
        self.let = threading.Event()
        self.let.set()
        self.batches: list[int] = []
        self.fails = False

    def commit(self, batch: Batch) -> None:
        assert self.let.wait(10)
        if self.fails:
            raise DiskFailure("full", hint="")
        self.batches.append(len(batch.changes))
        super().commit(batch)


def reloaded(directory: Path) -> Store:
    database, store = Database(directory, "store"), Store()
    database.load(store)
    database.close()
    return store


async def test_what_is_settled_is_on_disk(tmp_path: Path) -> None:
    store = Store()
    persistence = Persistence(store, SlowDatabase(tmp_path))
    put(store, "c/a/x")
    await persistence.settled()
    await persistence.settled()
    await persistence.close()
    assert reloaded(tmp_path).collection(PODS).live == store.collection(PODS).live


async def test_the_writes_of_one_turn_are_one_transaction(tmp_path: Path) -> None:
    store, database = Store(), SlowDatabase(tmp_path)
    persistence = Persistence(store, database)

    async def write(key: str) -> None:
        put(store, key)
        await persistence.settled()

    await asyncio.gather(*(write(f"c/a/{number}") for number in range(20)))
    assert database.batches == [20]
    await persistence.close()


async def test_while_one_transaction_runs_the_next_collects(tmp_path: Path) -> None:
    store, database = Store(), SlowDatabase(tmp_path)
    persistence = Persistence(store, database)
    database.let.clear()
    put(store, "c/a/first")
    await asyncio.sleep(0.02)
    for number in range(5):
        put(store, f"c/a/{number}")
    first = asyncio.create_task(persistence.durable(1))
    last = asyncio.create_task(persistence.settled())
    await asyncio.sleep(0.02)
    assert not first.done()
    database.let.set()
    await first
    await last
    assert database.batches == [1, 5]
    await persistence.close()


async def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    store = Store(history=1)
    persistence = Persistence(store, SlowDatabase(tmp_path))
    put(store, "c/a/x")
    put(store, "c/a/x")
    delete(store, "c/a/x")
    put(store, "c/a/y")
    await persistence.close()
    again = reloaded(tmp_path)
    assert (again.revision, list(again.collection(PODS).live)) == (4, ["c/a/y"])
    put(store, "c/a/z")  # after the end nothing is written any more, and nothing fails


def test_writes_before_the_loop_runs_are_written_by_the_first_who_waits(tmp_path: Path) -> None:
    store = Store()
    persistence = Persistence(store, SlowDatabase(tmp_path))
    put(store, "c/a/x")

    async def run() -> None:
        await persistence.settled()
        await persistence.close()

    asyncio.run(run())
    assert reloaded(tmp_path).revision == 1


async def test_a_failing_disk_fails_every_waiter_and_is_told_once(tmp_path: Path) -> None:
    store, database = Store(), SlowDatabase(tmp_path)
    told: list[DiskFailure] = []
    persistence = Persistence(store, database, on_failure=told.append)
    put(store, "c/a/x")
    await persistence.settled()
    database.fails = True
    put(store, "c/a/y")
    waiting = [asyncio.create_task(persistence.settled()) for _ in range(3)]
    for waiter in waiting:
        with pytest.raises(DiskFailure):
            await waiter
    with pytest.raises(DiskFailure):
        await persistence.settled()
    assert len(told) == 1
    await persistence.close()
    assert reloaded(tmp_path).revision == 1


async def test_a_failure_that_nobody_listens_for_is_still_seen_by_waiters(tmp_path: Path) -> None:
    store, database = Store(), SlowDatabase(tmp_path)
    persistence = Persistence(store, database)
    database.fails = True
    put(store, "c/a/y")
    with pytest.raises(DiskFailure):
        await persistence.settled()
    await persistence.close()


async def test_a_waiter_that_gave_up_disturbs_nobody(tmp_path: Path) -> None:
    store, database = Store(), SlowDatabase(tmp_path)
    persistence = Persistence(store, database)
    database.let.clear()
    put(store, "c/a/x")
    impatient = asyncio.create_task(persistence.settled())
    patient = asyncio.create_task(persistence.settled())
    await asyncio.sleep(0.01)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    database.let.set()
    await patient
    await persistence.close()


def test_a_database_that_cannot_be_read_is_not_kept_open(tmp_path: Path) -> None:
    database = Database(tmp_path, "store")
    database._connection.execute("DELETE FROM position")
    with pytest.raises(BrokenDatabase):
        Persistence(Store(), database)
    Database(tmp_path, "store").close()
