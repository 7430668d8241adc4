"""A blocked event loop is noticed as soon as it moves again, and forgotten after a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tmc_syncer.engine.env import ManualClock
from tmc_syncer.observability.watchdog import BEAT_SECONDS, BLOCK_SECONDS, MEMORY_SECONDS, LoopWatchdog


class Watched:
    """A running watchdog, its clock, and what it reported."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reported: list[float] = []
        self.dog = LoopWatchdog(self.clock, self.reported.append)


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    made = Watched()
    task = asyncio.create_task(made.dog.run())
    await made.clock.run_for(0)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_loop_that_turns_in_time_is_not_reported(watched: Watched) -> None:
    await watched.clock.run_for(600)
    assert watched.reported == []
    assert watched.dog.blocks == 0
    assert watched.dog.recent_block_seconds == 0


async def test_a_block_is_reported_with_its_length(watched: Watched) -> None:
    watched.clock.advance(BEAT_SECONDS + 3)
    await watched.clock.run_for(0)
    assert watched.reported == [pytest.approx(3)]
    assert watched.dog.recent_block_seconds == pytest.approx(3)
    assert watched.dog.blocks == 1
    assert watched.dog.longest_seconds == pytest.approx(3)


async def test_a_little_lateness_is_no_block(watched: Watched) -> None:
    watched.clock.advance(BEAT_SECONDS + BLOCK_SECONDS - 0.01)
    await watched.clock.run_for(0)
    assert watched.reported == []


async def test_a_block_is_forgotten_after_a_while_but_counted_for_ever(watched: Watched) -> None:
    watched.clock.advance(10)
    await watched.clock.run_for(MEMORY_SECONDS + 1)
    assert watched.dog.recent_block_seconds == 0
    watched.clock.advance(2)
    await watched.clock.run_for(0)
    assert watched.dog.blocks == 2
    assert watched.dog.longest_seconds > 9
