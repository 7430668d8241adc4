from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tmc_syncer.engine.env import LoopClock, ManualClock, SystemClock, real_env, rfc3339, rfc3339_micro


async def test_the_system_clock_is_the_machines():
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert abs(datetime.now(UTC) - clock.now()) < timedelta(seconds=60)


@pytest.mark.looptime
async def test_the_loop_clock_is_the_loops():
    clock = LoopClock(datetime(2026, 5, 1, tzinfo=UTC))
    began, now = clock.monotonic(), clock.now()
    await clock.sleep(3600)
    assert clock.monotonic() == began + 3600
    assert clock.now() == now + timedelta(hours=1)


def test_a_manual_clock_stands_still_until_it_is_moved():
    clock = ManualClock(100.0)
    now = clock.now()
    assert clock.monotonic() == 100.0
    clock.advance(60)
    assert clock.monotonic() == 160.0
    assert clock.now() == now + timedelta(minutes=1)


async def test_sleepers_wake_in_the_order_of_their_deadlines_each_at_its_moment():
    clock = ManualClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("slow", 5, 1))
        group.create_task(sleeper("quick", 2, 3))
        group.create_task(sleeper("at once", 0, 1))
        await clock.run_for(4)
        assert woken == [("at once", 0.0), ("quick", 2.0), ("quick", 4.0)]
        await clock.run_for(10)
    assert woken[3:] == [("slow", 5.0), ("quick", 6.0)]
    assert clock.monotonic() == 14.0


async def test_a_cancelled_sleeper_is_passed_over():
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    clock.advance(10)
    assert clock.monotonic() == 10.0


def test_a_seed_repeats_dice_and_ids():
    one, two = real_env(7), real_env(7)
    assert one.rng.random() == two.rng.random()
    assert one.new_id() == two.new_id() != one.new_id()
    assert real_env().new_id() != real_env().new_id()
    assert len(real_env().new_id()) == len(one.new_id()) == 36


def test_times_are_written_as_kubernetes_writes_them():
    moment = datetime(2026, 11, 22, 12, 50, 3, 4005, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-11-22T10:50:03Z"
    assert rfc3339_micro(moment) == "2026-11-22T10:50:03.004005Z"
