"""The spec controller against servers that hold preconditions: what is never deleted, overwritten or lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.agent.worlds import (
    CLUSTER,
    DEPLOYMENTS,
    FINALIZER,
    KEY,
    NAMESPACE,
    TestWorld,
    _synced,
    running_world,
)
from tmc_syncer.api.resources import Key
from tmc_syncer.engine.outcomes import DONE
from tmc_syncer.kube.errors import ApiError, RetryClass

DELETED = "2026-01-01T00:00:00Z"


@pytest.fixture
async def world() -> AsyncIterator[TestWorld]:
    async with running_world() as built:
        yield built


async def test_a_new_object_gets_its_finalizer_and_its_copy_in_one_pass(world: TestWorld) -> None:
    world.up()

    assert await world.reconcile() is DONE

    source = world.source()
    assert source is not None
    assert source["metadata"]["finalizers"] == [FINALIZER]
    copy = world.copies["settings"]
    assert copy["data"] == {"colour": "green"}
    assert copy["metadata"]["annotations"]["workload.kcp.io/source-uid"] == "uid-settings"


async def test_an_object_in_sync_costs_no_request(world: TestWorld) -> None:
    world.up()
    await world.reconcile()
    # The reply of a real server carries our entry; this one keeps none, so the second look applies once more.
    requests = world.upstream.reads + world.downstream.reads

    await world.reconcile()

    assert world.upstream.reads + world.downstream.reads == requests


@pytest.mark.parametrize(
    "missing", ["upstream", "downstream", "upstream namespaces", "downstream namespaces", "target", "lease"]
)
async def test_nothing_is_written_while_any_cache_is_stale_or_the_lease_is_not_held(
    world: TestWorld, missing: str
) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down()
    match missing:
        case "upstream":
            world.synced.upstream.heard = False  # type: ignore[attr-defined]
        case "downstream":
            world.synced.downstream.heard = False  # type: ignore[attr-defined]
        case "upstream namespaces":
            world.world.upstream_namespaces.heard = False  # type: ignore[attr-defined]
        case "downstream namespaces":
            world.world.downstream_namespaces.heard = False  # type: ignore[attr-defined]
        case "target":
            world.world.target_known = lambda _now: False
        case _:
            world.lease[0] = False

    assert await world.reconcile() is DONE

    assert "settings" in world.copies
    assert world.writes == []
    assert world.synced.waiting == {Key(CLUSTER, "shop", "settings")}


async def test_an_object_that_is_only_missing_from_the_cache_keeps_its_copy(world: TestWorld) -> None:
    world.up(cached=False, finalizers=[FINALIZER])
    world.down()
    world.world.saw_deletion((world.synced.gvr, Key(CLUSTER, "shop", "settings")))

    await world.reconcile()

    assert "settings" in world.copies


async def test_an_object_that_is_proven_gone_loses_its_copy(world: TestWorld) -> None:
    world.down()
    world.world.saw_deletion((world.synced.gvr, Key(CLUSTER, "shop", "settings")))

    await world.reconcile()

    assert world.copies == {}
    assert world.upstream.reads == 1


async def test_a_deleting_object_loses_its_copy_first_and_its_finalizer_then(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down()

    await world.reconcile()

    assert world.copies == {}
    assert world.source() is None
    assert [(write.side, write.verb) for write in world.writes] == [
        ("downstream", "delete"),
        ("upstream", "remove-finalizer"),
    ]


async def test_a_finalizer_stays_while_a_copy_stands_that_the_cache_does_not_show(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER, "example.com/other"])
    world.down(cached=False, finalizers=["example.com/slow"], deletionTimestamp=DELETED)

    await world.reconcile()

    source = world.source()
    assert source is not None
    assert FINALIZER in source["metadata"]["finalizers"]


async def test_a_copy_that_was_replaced_meanwhile_is_not_deleted(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down()
    world.down(cached=False, uid="another")

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert world.copies["settings"]["metadata"]["uid"] == "another"


async def test_a_copy_is_told_from_another_object_of_the_same_version_by_its_uid(world: TestWorld) -> None:
    # After a restore of etcd another object can have the very resourceVersion that we saw.
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    version = world.down()["metadata"]["resourceVersion"]
    other = world.down(cached=False, uid="another")
    other["metadata"]["resourceVersion"] = version

    with pytest.raises(ApiError):
        await world.reconcile()

    assert world.copies["settings"]["metadata"]["uid"] == "another"


async def test_a_copy_that_changed_meanwhile_is_not_deleted_unseen(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down()
    world.down(cached=False, labels={"somebody": "else"})

    with pytest.raises(ApiError):
        await world.reconcile()

    assert world.copies["settings"]["metadata"]["labels"] == {"somebody": "else"}


async def test_a_foreign_object_under_the_copys_name_is_left_alone(world: TestWorld) -> None:
    world.up(finalizers=[FINALIZER])
    world.down(cached=False, labels={}, annotations={"owner": "somebody"})

    await world.reconcile()

    assert world.copies["settings"]["metadata"]["annotations"] == {"owner": "somebody"}
    state = world.world.journal.get(world.synced.gvr, Key(CLUSTER, "shop", "settings"))
    assert state is not None
    assert state.reason == "Collision"


async def test_a_foreign_object_in_the_cache_is_not_deleted_with_its_namesake(world: TestWorld) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down(annotations={"owner": "somebody"})

    await world.reconcile()

    assert "settings" in world.copies
    assert world.source() is None


async def test_an_update_does_not_touch_an_object_that_took_the_copys_place(world: TestWorld) -> None:
    world.up(finalizers=[FINALIZER])
    world.down()
    world.down(cached=False, uid="another", annotations={"owner": "somebody"})

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert world.copies["settings"]["metadata"]["annotations"] == {"owner": "somebody"}


async def test_an_update_does_not_bring_back_a_copy_that_is_gone(world: TestWorld) -> None:
    world.up(finalizers=[FINALIZER])
    world.down()
    del world.downstream.objects[f"/api/v1/namespaces/{NAMESPACE}/configmaps/settings"]

    with pytest.raises(ApiError):
        await world.reconcile()

    assert world.copies == {}


async def test_another_controllers_finalizer_is_not_lost_to_a_race(world: TestWorld) -> None:
    world.up()
    world.up(cached=False, finalizers=["example.com/first"])

    with pytest.raises(ApiError) as refused:
        await world.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    source = world.source()
    assert source is not None
    assert source["metadata"]["finalizers"] == ["example.com/first"]


async def test_our_finalizer_is_not_taken_off_an_object_that_took_the_old_ones_place(
    world: TestWorld,
) -> None:
    world.up(deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.up(cached=False, uid="another", finalizers=[FINALIZER])

    with pytest.raises(ApiError):
        await world.reconcile()

    source = world.source()
    assert source is not None
    assert source["metadata"]["finalizers"] == [FINALIZER]


async def test_many_deletions_that_nobody_asked_for_are_held_before_the_first_copy_goes(
    world: TestWorld,
) -> None:
    names = [f"settings-{number}" for number in range(12)]
    for name in names:
        world.down(name)

    for _ in range(3):
        for name in names:
            await world.reconcile(name)
        world.clock.advance(2.5)

    assert set(world.copies) == set(names)
    assert world.world.brake.trip is not None


async def test_a_few_deletions_that_nobody_asked_for_go_after_they_were_counted(world: TestWorld) -> None:
    world.down()

    await world.reconcile()
    assert "settings" in world.copies
    world.clock.advance(2.5)
    await world.reconcile()

    assert world.copies == {}


async def test_a_paused_object_is_not_written_but_its_deletion_is_honoured(world: TestWorld) -> None:
    paused = {"workload.kcp.io/sync-paused": "true"}
    world.up(annotations=paused)
    await world.reconcile()
    assert world.writes == []

    world.up(annotations=paused, deletionTimestamp=DELETED, finalizers=[FINALIZER])
    world.down()
    await world.reconcile()

    assert world.copies == {}


@pytest.mark.parametrize("allowed", [False, True])
async def test_an_object_whose_status_has_another_writer_is_not_begun_and_what_was_begun_goes_on(
    world: TestWorld, allowed: bool
) -> None:
    world.synced.gvr = DEPLOYMENTS.gvr  # ConfigMaps have no status; the rule looks at the type's name only
    world.world.types[DEPLOYMENTS.gvr] = world.synced
    world.synced.two_writers_allowed = allowed
    entry = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}
    world.up("begun", finalizers=[FINALIZER], managedFields=[entry])
    world.up("new", managedFields=[entry])
    world.up("later")

    for name in ("new", "later", "begun"):
        await world.spec.reconcile((DEPLOYMENTS.gvr, Key(CLUSTER, "shop", name)))

    assert set(world.copies) == ({"begun", "new", "later"} if allowed else {"begun"})
    assert ("kube-controller-manager" in world.synced.refused) is not allowed
    for name in ("new", "later"):
        assert bool((world.source(name) or {})["metadata"].get("finalizers")) is allowed


async def test_a_record_is_never_changed_by_its_transformation(world: TestWorld) -> None:
    world.up(labels={"a": "1"})
    await world.reconcile()
    key = Key(CLUSTER, "shop", "settings")
    stored = world.synced.upstream_store.get(key)
    assert stored is not None
    before = stored.to_object()

    world.down(labels={"internal.workload.kcp.io/cluster": KEY, "b": "2"})
    await world.reconcile()

    assert stored.to_object() == before


async def test_a_type_that_scales_waits_for_what_is_known_of_autoscalers(world: TestWorld) -> None:
    scaled = _synced(world.clock, DEPLOYMENTS)
    assert world.world.fresh(scaled)

    world.world.autoscaling_known = lambda _now: False

    assert not world.world.fresh(scaled)
    assert world.world.fresh(world.synced)
