from __future__ import annotations

import asyncio

import pytest

from tmc_syncer.kube.clock import LoopClock


async def test_the_loops_clock_goes_on_and_knows_no_wall_time() -> None:
    clock = LoopClock()
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.009
    assert clock.now() is None


async def test_sleeping_can_be_cancelled() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(LoopClock().sleep(600), 0.01)
