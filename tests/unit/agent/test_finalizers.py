"""Our finalizer on upstream objects: onto exactly the object that was seen, and off it only after a proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.agent.worlds import FINALIZER, NAMESPACE, TestWorld, running_world
from tmc_syncer.kube.errors import ApiError, RetryClass

DELETED = "2026-01-01T00:00:00Z"
THEIRS = "example.com/theirs"
COPY, SOURCE = (
    f"/api/v1/namespaces/{NAMESPACE}/configmaps/settings",
    "/api/v1/namespaces/shop/configmaps/settings",
)


@pytest.fixture
async def world() -> AsyncIterator[TestWorld]:
    async with running_world() as built:
        yield built


def finalizers(world: TestWorld) -> list[str]:
    """Those of the upstream object as it stands."""
    source = world.source()
    assert source is not None
    return source["metadata"].get("finalizers") or []


@pytest.mark.parametrize("present", [[], [THEIRS]])
async def test_our_finalizer_is_not_put_on_an_object_that_took_the_old_ones_place(
    world: TestWorld, present: list[str]
) -> None:
    known: dict[str, Any] = {"finalizers": present} if present else {}  # an empty list is not even stored
    world.up(**known)
    world.up(cached=False, uid="another", **known)

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert finalizers(world) == present
    assert world.copies == {}


async def test_our_finalizer_is_not_put_on_an_object_whose_list_changed(world: TestWorld) -> None:
    world.up(finalizers=[THEIRS])
    world.up(cached=False, finalizers=[THEIRS, FINALIZER])  # an earlier agent of this target did it already

    with pytest.raises(ApiError):
        await world.reconcile()

    assert finalizers(world) == [THEIRS, FINALIZER]


async def test_another_controllers_finalizer_does_not_go_in_place_of_ours(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER, THEIRS])
    world.up(cached=False, deletionTimestamp=DELETED, finalizers=[THEIRS, FINALIZER])

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert finalizers(world) == [THEIRS, FINALIZER]


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_a_finalizer_stays_when_nobody_can_say_whether_the_copy_is_gone(
    world: TestWorld, status: int
) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down(cached=False)
    world.downstream.refused[COPY] = status

    with pytest.raises(ApiError):
        await world.reconcile()

    assert finalizers(world) == [FINALIZER]


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_a_copy_stays_when_nobody_can_say_whether_its_source_is_gone(
    world: TestWorld, status: int
) -> None:
    world.up(cached=False, finalizers=[FINALIZER])
    world.down()
    await world.reconcile()
    world.clock.advance(2.5)
    world.upstream.refused[SOURCE] = status

    with pytest.raises(ApiError):
        await world.reconcile()

    assert "settings" in world.copies


async def test_a_lease_that_is_lost_while_a_proof_is_asked_for_stops_the_deletion(world: TestWorld) -> None:
    world.down()
    await world.reconcile()
    world.clock.advance(2.5)

    def lose(_path: str) -> None:
        world.lease[0] = False

    world.upstream.after_read = lose
    await world.reconcile()

    assert world.upstream.reads == 1
    assert "settings" in world.copies


async def test_a_lease_that_is_lost_while_a_proof_is_asked_for_keeps_the_finalizer(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])

    def lose(_path: str) -> None:
        world.lease[0] = False

    world.downstream.after_read = lose
    await world.reconcile()

    assert finalizers(world) == [FINALIZER]
