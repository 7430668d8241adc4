"""The type controller: when a type counts as gone from the physical cluster."""

from __future__ import annotations

from typing import Any

from tests.unit.agent.worlds import CONFIG_MAPS, TestWorld, running_world
from tmc_syncer.agent.types import TypeController
from tmc_syncer.kube.discovery import Discovery

SERVED = Discovery({CONFIG_MAPS.gvr: CONFIG_MAPS}, {}, complete=True)
MISSING = Discovery({}, {}, complete=True)
SILENT = Discovery({}, {}, complete=False)


async def after(*answers: Discovery) -> list[bool]:
    """Whether ConfigMaps count as absent downstream, after each of these answers to a discovery."""
    async with running_world() as world:
        controller = of(world)
        found = []
        for controller.downstream in answers:
            controller._count_absences()
            controller._look_downstream(CONFIG_MAPS.gvr, world.synced)
            controller._look_downstream(
                CONFIG_MAPS.gvr, world.synced
            )  # looks are more frequent than discoveries
            found.append(world.synced.absent_downstream)
    return found


def of(world: TestWorld) -> TypeController:
    nothing: Any = None
    return TypeController(world.world, nothing, nothing, 60.0, frozenset(), nothing)


async def test_one_discovery_without_a_type_proves_nothing_and_two_do() -> None:
    assert await after(SERVED, MISSING, MISSING) == [False, False, True]
    assert await after(SERVED, MISSING, SERVED, MISSING) == [False, False, False, False]


async def test_a_discovery_that_is_not_complete_says_nothing_of_what_it_does_not_show() -> None:
    assert await after(SERVED, SILENT, SILENT, SILENT) == [False, False, False, False]
    assert await after(MISSING, SILENT, MISSING) == [False, False, True]


async def test_a_type_that_is_served_again_is_back_at_once() -> None:
    assert await after(MISSING, MISSING, SERVED) == [False, True, False]
