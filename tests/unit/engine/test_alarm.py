from __future__ import annotations

import asyncio

import pytest

from tmc_syncer.engine.alarm import Alarm
from tmc_syncer.engine.env import LoopClock

pytestmark = pytest.mark.looptime


class Bell:
    """An alarm in its group, and the time."""

    def __init__(self):
        self.clock = LoopClock()
        self.began = self.clock.monotonic()

    async def __aenter__(self):
        self.group = asyncio.TaskGroup()
        await self.group.__aenter__()
        self.alarm = Alarm(self.clock, self.group, "alarm")
        return self

    async def __aexit__(self, *exception):
        self.alarm.close()
        await self.group.__aexit__(*exception)

    async def wait(self, seconds):
        await self.alarm.wait(seconds)
        return self.clock.monotonic() - self.began


async def test_it_waits_for_its_time():
    async with Bell() as bell:
        assert await bell.wait(5.0) == 5.0
        assert await bell.wait(2.0) == 7.0


async def test_a_ring_ends_the_wait():
    async with Bell() as bell:
        asyncio.get_running_loop().call_later(3.0, bell.alarm.ring)
        assert await bell.wait(None) == 3.0
        asyncio.get_running_loop().call_later(1.0, bell.alarm.ring)
        assert await bell.wait(100.0) == 4.0


async def test_a_ring_before_the_wait_is_not_lost_and_counts_once():
    async with Bell() as bell:
        bell.alarm.ring()
        bell.alarm.ring()
        assert await bell.wait(9.0) == 0.0
        assert await bell.wait(9.0) == 9.0


async def test_an_earlier_time_replaces_the_timer_and_a_later_one_lets_it_ring_early():
    async with Bell() as bell:
        asyncio.get_running_loop().call_later(1.0, bell.alarm.ring)
        assert await bell.wait(100.0) == 1.0
        asyncio.get_running_loop().call_later(1.0, bell.alarm.ring)
        assert await bell.wait(4.0) == 2.0
        assert await bell.wait(50.0) == 5.0
        assert await bell.wait(50.0) == 55.0


async def test_closing_twice_is_closing():
    async with Bell() as bell:
        asyncio.get_running_loop().call_later(1.0, bell.alarm.ring)
        await bell.wait(100.0)
        bell.alarm.close()
    assert len(asyncio.all_tasks()) == 1
