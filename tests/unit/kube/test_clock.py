from __future__ import annotations

from datetime import UTC

from tmc_syncer.kube.clock import SystemEnvironment


async def test_the_systems_clock_goes_on() -> None:
    clock = SystemEnvironment().clock
    before, wall = clock.monotonic(), clock.now()
    await clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.now() > wall
    assert wall.tzinfo is UTC
