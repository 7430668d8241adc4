from __future__ import annotations

import asyncio

import pytest

from tmc_syncer.controlplane.server import alarm as module
from tmc_syncer.controlplane.server.alarm import Alarm
from tmc_syncer.engine.env import ManualClock


class Bell:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.alarm = Alarm(self.clock)
        self.rung: list[str] = []

    def at(self, moment: float, name: str) -> module.Deadline:
        return self.alarm.at(moment, lambda: self.rung.append(name))


async def test_deadlines_ring_in_their_order_whatever_order_they_came_in() -> None:
    bell = Bell()
    for moment, name in ((30, "c"), (10, "a"), (20, "b"), (10, "a2")):
        bell.at(moment, name)
    await bell.clock.run_for(9.9)
    assert bell.rung == []
    await bell.clock.run_for(10.2)
    assert bell.rung == ["a", "a2", "b"]
    await bell.clock.run_for(100)
    assert bell.rung == ["a", "a2", "b", "c"]
    await bell.alarm.close()


async def test_a_cancelled_deadline_does_not_ring() -> None:
    bell = Bell()
    bell.at(5, "kept")
    bell.at(3, "not").cancel()
    await bell.clock.run_for(10)
    assert bell.rung == ["kept"]
    await bell.alarm.close()


async def test_a_moment_that_has_passed_rings_soon() -> None:
    bell = Bell()
    await bell.clock.run_for(10)
    bell.at(3, "late")
    await bell.clock.run_for(0)
    assert bell.rung == ["late"]
    bell.at(20, "next")
    await bell.clock.run_for(20)
    assert bell.rung == ["late", "next"]
    await bell.alarm.close()


async def test_an_action_may_ask_for_an_earlier_deadline() -> None:
    bell = Bell()
    bell.at(50, "far")

    def action() -> None:
        bell.rung.append("first")
        bell.at(12, "second")

    bell.alarm.at(10, action)
    await bell.clock.run_for(60)
    assert bell.rung == ["first", "second", "far"]
    await bell.alarm.close()


async def test_nothing_rings_after_the_end() -> None:
    bell = Bell()
    bell.at(5, "never")
    await bell.alarm.close()
    await bell.alarm.close()
    await bell.clock.run_for(10)
    assert bell.rung == []
    assert len(asyncio.all_tasks()) == 1


async def test_cancelled_deadlines_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_AT", 10)
    bell = Bell()
    for number in range(1000):
        bell.at(1000 + number, "no").cancel()
    bell.at(1, "yes")
    assert len(bell.alarm._heap) <= 20
    await bell.clock.run_for(2)
    assert bell.rung == ["yes"]
    await bell.alarm.close()
