"""Copies that stay behind (``onRemoval: Orphan``): they lose our marks, and no other object does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.agent.worlds import FINALIZER, TestWorld, running_world
from tmc_syncer.agent.target import rules_of
from tmc_syncer.api.synctarget_spec import RemovalPolicy, SyncTargetSpec
from tmc_syncer.kube.errors import ApiError, RetryClass


@pytest.fixture
async def world() -> AsyncIterator[TestWorld]:
    """A target that is being deleted and leaves its objects behind, with one object and its copy."""
    async with running_world(SyncTargetSpec(on_removal=RemovalPolicy.ORPHAN)) as built:
        shared = built.world
        shared.target_deleting = True
        shared.rules = rules_of(
            shared.target, shared.spec, shared.rules.filters, shared.clusters.cluster, leaving="TargetDeleted"
        )
        built.up(finalizers=[FINALIZER])
        built.down()
        yield built


async def test_a_copy_that_stays_behind_is_nobodys_and_its_source_is_let_go(world: TestWorld) -> None:
    await world.reconcile()

    assert "settings" in world.copies
    copy = world.copies["settings"]
    assert copy["data"] == {"colour": "green"}
    assert not copy["metadata"]["labels"]
    assert not copy["metadata"]["annotations"]
    source = world.source()
    assert source is not None
    assert not source["metadata"]["finalizers"]


async def test_our_marks_are_not_taken_off_an_object_that_took_the_copys_place(world: TestWorld) -> None:
    # After a restore of etcd another object can have the very resourceVersion that we saw.
    version = world.copies["settings"]["metadata"]["resourceVersion"]
    other = world.down(cached=False, uid="another")
    other["metadata"]["resourceVersion"] = version

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert world.copies["settings"] == other


async def test_our_marks_are_not_taken_off_a_copy_that_changed_meanwhile(world: TestWorld) -> None:
    changed = world.down(cached=False, finalizers=["example.com/other"])

    with pytest.raises(ApiError):
        await world.reconcile()

    assert world.copies["settings"] == changed


async def test_a_source_is_not_let_go_while_its_copy_keeps_our_marks(world: TestWorld) -> None:
    world.down(cached=False, finalizers=["example.com/other"])

    with pytest.raises(ApiError):
        await world.reconcile()

    source = world.source()
    assert source is not None
    assert source["metadata"]["finalizers"] == [FINALIZER]
