from __future__ import annotations

import asyncio

from tmc_syncer.engine.turns import Turns


async def test_time_is_counted_from_the_first_question_of_a_turn():
    turns = Turns()
    assert turns.spent(10.0) == 0.0
    assert turns.spent(10.5) == 0.5
    await asyncio.sleep(0)
    assert turns.spent(20.0) == 0.0


async def test_tasks_of_one_turn_share_it():
    turns = Turns()
    seen = []

    async def worker(now: float) -> None:
        seen.append(turns.spent(now))

    async with asyncio.TaskGroup() as group:
        group.create_task(worker(1.0))
        group.create_task(worker(4.0))
    assert seen == [0.0, 3.0]


async def test_the_count_tells_whether_an_await_suspended():
    turns = Turns()

    async def immediate() -> None:
        pass

    turns.spent(0.0)
    before = turns.count
    await immediate()
    assert turns.count == before
    await asyncio.sleep(0)
    assert turns.count == before + 1
