from __future__ import annotations

import asyncio

import pytest

from tests.unit.kube.clocks import StandingClock
from tmc_syncer.kube.ratelimit import TokenBucket


async def test_a_burst_goes_at_once_and_then_one_by_one() -> None:
    clock = StandingClock()
    bucket = TokenBucket(10, 3, clock=clock)
    assert [bucket.reserve() for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])


async def test_tokens_come_back_with_time_up_to_the_burst() -> None:
    clock = StandingClock()
    bucket = TokenBucket(10, 2, clock=clock)
    for _ in range(2):
        await bucket.take()
    began = clock.at
    await bucket.take()
    assert clock.at - began == pytest.approx(0.1)
    clock.advance(3600)
    assert [bucket.reserve() for _ in range(3)] == pytest.approx([0, 0, 0.1])


async def test_who_is_cancelled_while_waiting_gives_the_token_back() -> None:
    class Stuck(StandingClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    bucket = TokenBucket(1, 1, clock=Stuck())
    await bucket.take()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bucket.take())
        await asyncio.sleep(0)
        waiting.cancel()
    assert bucket.reserve() == pytest.approx(1.0)


@pytest.mark.parametrize(("qps", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_limits_that_would_stop_everything_are_refused(qps: float, burst: int) -> None:
    with pytest.raises(ValueError, match="qps"):
        TokenBucket(qps, burst, clock=StandingClock())
