"""The status controller against servers that hold preconditions: which status is brought up, and onto which object."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from tests.unit.agent.apiserver import Object
from tests.unit.agent.worlds import (
    CLUSTER,
    CONFIG_MAPS,
    KEY,
    NAMESPACE,
    TARGET,
    TestWorld,
    _synced,
    record,
    running_world,
)
from tmc_syncer.agent.status import StatusController
from tmc_syncer.agent.synced_type import SyncedType
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.kube.errors import ApiError, RetryClass

DELETED = "2026-01-01T00:00:00Z"
SETTINGS = Key(CLUSTER, "shop", "settings")
GADGETS = ResourceInfo(GVR("example.com", "v1", "gadgets"), "Gadget", namespaced=False)
JOBS = ResourceInfo(GVR("batch", "v1", "jobs"), "Job", namespaced=True, subresources=frozenset({"status"}))
JOB = Key(CLUSTER, "shop", "once")
JOB_PATH = "/apis/batch/v1/namespaces/shop/jobs/once"
COMPLETE = {
    "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}],
    "succeeded": 1,
}


@pytest.fixture
async def world() -> AsyncIterator[TestWorld]:
    async with running_world() as built:
        yield built


def copy(world: TestWorld, status: Object, **metadata: Any) -> None:
    """Put a copy with that status downstream, and into the cache."""
    obj = world.down(cached=False, **metadata)
    obj["status"] = status
    world.synced.downstream_store.put(record(obj))


def status(world: TestWorld) -> Any:
    """The status that stands upstream; None when there is none."""
    source = world.source()
    assert source is not None
    return source.get("status")


async def reconcile(world: TestWorld) -> Result:
    return await world.status.reconcile((CONFIG_MAPS.gvr, SETTINGS))


async def test_the_status_of_a_copy_comes_up_and_replaces_what_was_there(world: TestWorld) -> None:
    stale = world.up(cached=False)
    stale["status"] = {"phase": "Pending", "reason": "NoNode"}
    world.synced.upstream_store.put(record(stale, CLUSTER))
    copy(world, {"phase": "Running"})

    assert await reconcile(world) is DONE

    assert status(world) == {"phase": "Running"}
    known = world.synced.upstream_store.get(SETTINGS)
    assert known is not None
    assert known.field("status") == {"phase": "Running"}


async def test_a_status_that_upstream_has_already_costs_no_request(world: TestWorld) -> None:
    world.up()
    copy(world, {"phase": "Running"})
    await reconcile(world)
    written, reads = list(world.upstream.writes), world.upstream.reads
    world.clock.advance(1)

    await reconcile(world)

    assert (world.upstream.writes, world.upstream.reads) == (written, reads)


async def test_a_copy_without_a_status_takes_none_away(world: TestWorld) -> None:
    known = world.up(cached=False)
    known["status"] = {"phase": "Running"}
    world.synced.upstream_store.put(record(known, CLUSTER))
    world.down()

    await reconcile(world)

    assert status(world) == {"phase": "Running"}


async def test_a_status_is_not_written_onto_an_object_that_took_the_old_ones_place(world: TestWorld) -> None:
    world.up()
    copy(world, {"phase": "Running"})
    world.up(cached=False, uid="another")

    with pytest.raises(ApiError) as refused:
        await reconcile(world)

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert status(world) is None


@pytest.mark.parametrize(
    "missing", ["upstream", "downstream", "upstream_namespaces", "downstream_namespaces", "target", "lease"]
)
async def test_no_status_is_written_while_any_cache_is_stale_or_the_lease_is_not_held(
    world: TestWorld, missing: str
) -> None:
    world.up()
    copy(world, {"phase": "Running"})
    shared: Any = world.world
    match missing:
        case "upstream" | "downstream":
            getattr(world.synced, missing).heard = False
        case "upstream_namespaces" | "downstream_namespaces":
            getattr(shared, missing).heard = False
        case "target":
            shared.target_known = lambda _now: False
        case _:
            world.lease[0] = False

    assert await reconcile(world) is DONE

    assert status(world) is None
    assert world.synced.waiting_status == {SETTINGS}


@pytest.mark.parametrize("who", ["target", "namespace", "object"])
async def test_a_paused_object_gets_no_status(world: TestWorld, who: str) -> None:
    paused: dict[str, Any] = {"annotations": {"workload.kcp.io/sync-paused": "true"}}
    world.up(**(paused if who == "object" else {}))
    copy(world, {"phase": "Running"})
    match who:
        case "target":
            world.world.spec = msgspec.structs.replace(world.world.spec, paused=True)
        case "namespace":
            body = {"metadata": {"name": "shop", "uid": "uid-shop", "resourceVersion": "9", **paused}}
            world.world.upstream_namespaces.store.put(record(body, CLUSTER))
        case _:
            pass

    assert await reconcile(world) is DONE

    assert status(world) is None


FOREIGN: dict[str, Object] = {
    "without marks": {"labels": {}, "annotations": {}},
    "of another target": {"labels": {"internal.workload.kcp.io/cluster": "another"}},
    "of another name": {
        "annotations": {
            "workload.kcp.io/source-uid": "uid-settings",
            "workload.kcp.io/source-name": "shop/other",
        }
    },
    "a controller's": {"ownerReferences": [{"uid": "somebody", "controller": True}]},
}


@pytest.mark.parametrize("whose", FOREIGN)
async def test_the_status_of_a_foreign_object_is_not_shown(world: TestWorld, whose: str) -> None:
    world.up()
    copy(world, {"phase": "Running"}, **FOREIGN[whose])

    assert await reconcile(world) is DONE

    assert status(world) is None


async def test_the_status_of_an_object_in_a_foreign_namespace_is_not_shown(world: TestWorld) -> None:
    world.up()
    copy(world, {"phase": "Running"})
    store = world.world.downstream_namespaces.store
    foreign = {"metadata": {"name": NAMESPACE, "uid": f"uid-{NAMESPACE}", "resourceVersion": "9"}}
    store.put(record(foreign))
    # It has the readable name; what would go to the hashed one stands under neither.
    hashed = world.world.place(world.world.locator(world.synced, SETTINGS)).name
    obj = world.down(cached=False)
    obj["metadata"]["namespace"], obj["status"] = hashed, {"phase": "Running"}
    world.synced.downstream_store.put(record(obj))
    store.put(record({"metadata": {"name": hashed, "uid": "foreign", "resourceVersion": "9"}}))

    assert await reconcile(world) is DONE

    assert status(world) is None


@pytest.mark.parametrize("deleting", [False, True])
async def test_the_status_of_a_copy_that_was_made_for_another_uid_is_not_shown(
    world: TestWorld, deleting: bool
) -> None:
    world.up(uid="another")
    copy(world, {"phase": "Running"}, **({"deletionTimestamp": DELETED} if deleting else {}))

    assert await reconcile(world) is DONE

    assert status(world) is None


@pytest.mark.parametrize("what", ["the copy", "the namespace"])
async def test_a_copy_that_terminates_still_shows_its_status(world: TestWorld, what: str) -> None:
    world.up()
    copy(world, {"phase": "Stopping"}, **({"deletionTimestamp": DELETED} if what == "the copy" else {}))
    if what == "the namespace":
        store = world.world.downstream_namespaces.store
        ours = store.get(Key("", "", NAMESPACE))
        assert ours is not None
        meta = msgspec.structs.replace(ours.meta, deletion_timestamp=DELETED, resource_version="9")
        store.put(msgspec.structs.replace(ours, meta=meta))

    await reconcile(world)

    assert status(world) == {"phase": "Stopping"}


@pytest.mark.parametrize("missing", ["object", "copy", "type"])
async def test_without_an_object_a_copy_or_a_type_there_is_nothing_to_bring(
    world: TestWorld, missing: str
) -> None:
    world.synced.status_written[SETTINGS] = -1.0  # what is remembered of one that was there
    world.synced.ended[SETTINGS] = record(job_copy(COMPLETE))
    world.up(cached=missing != "object")
    if missing != "copy":
        copy(world, {"phase": "Running"})
    if missing == "type":
        world.world.types.clear()

    assert await reconcile(world) is DONE

    assert status(world) is None
    if missing == "object":
        assert (world.synced.status_written, world.synced.ended) == ({}, {})


async def test_a_cluster_scoped_copy_is_told_by_its_own_locator(world: TestWorld) -> None:
    gadgets = world.world.types[GADGETS.gvr] = _synced(world.clock, GADGETS)
    path = "/apis/example.com/v1/gadgets/{}"
    locators = {"ours": Locator(TARGET, CLUSTER).encode(), "theirs": Locator(TARGET, "other").encode()}
    for name, locator in locators.items():
        body: Object = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": name}}
        gadgets.upstream_store.put(record(world.upstream.put(path.format(name), body), CLUSTER))
        marks = {
            "kcp.io/namespace-locator": locator,
            "workload.kcp.io/source-uid": f"uid-{name}",
            "workload.kcp.io/source-name": f"/{name}",
        }
        meta = {"name": name, "uid": "copy", "resourceVersion": "9", "annotations": marks}
        gadgets.downstream_store.put(record({"metadata": meta, "status": {"phase": "Running"}}))
        await world.status.reconcile((GADGETS.gvr, Key(CLUSTER, "", name)))

    assert world.upstream.objects[path.format("ours")]["status"] == {"phase": "Running"}
    assert "status" not in world.upstream.objects[path.format("theirs")]


async def test_a_namespace_that_the_cache_does_not_show_pauses_nothing(world: TestWorld) -> None:
    world.up()
    copy(world, {"phase": "Running"})
    world.world.upstream_namespaces.store.remove(Key(CLUSTER, "", "shop"), 0)

    await reconcile(world)

    assert status(world) == {"phase": "Running"}


async def test_what_happens_within_a_moment_is_brought_up_together(world: TestWorld) -> None:
    world.up()
    copy(world, {"phase": "1"})
    await reconcile(world)
    copy(world, {"phase": "2"})

    wait = await reconcile(world)
    assert isinstance(wait, RequeueAfter)
    assert 0 < wait.seconds <= 0.1
    assert status(world) == {"phase": "1"}

    copy(world, {"phase": "3"})
    world.clock.advance(0.1)
    await reconcile(world)
    assert status(world) == {"phase": "3"}


@pytest.mark.parametrize(("in_sync", "shown"), [(True, 1), (False, None)])
async def test_a_generation_counts_as_observed_only_when_the_copy_holds_it(
    world: TestWorld, in_sync: bool, shown: int | None
) -> None:
    world.up()
    copy(world, {"observedGeneration": 7, "phase": "Running"}, generation=7)
    controller = StatusController(world.world, world.spec._interpreter, lambda *_: in_sync)

    await controller.reconcile((CONFIG_MAPS.gvr, SETTINGS))

    assert status(world)["phase"] == "Running"
    assert status(world).get("observedGeneration") == shown


# ---- what ended --------------------------------------------------------------------------------------------


def ended_job(world: TestWorld, **source: Any) -> SyncedType:
    """A Job upstream whose copy finished and was removed."""
    jobs = world.world.types[JOBS.gvr] = _synced(world.clock, JOBS)
    meta = {"name": "once", "namespace": "shop", "generation": 1, **source}
    obj = world.upstream.put(JOB_PATH, {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta})
    jobs.upstream_store.put(record(obj, CLUSTER))
    jobs.ended[JOB] = record(job_copy(COMPLETE))
    return jobs


def job_copy(status: Object) -> Object:
    marks = {"workload.kcp.io/source-uid": "uid-once", "workload.kcp.io/source-name": "shop/once"}
    labels = {"internal.workload.kcp.io/cluster": KEY}
    meta = {"name": "once", "namespace": NAMESPACE, "uid": "copy", "resourceVersion": "50"}
    return {"metadata": {**meta, "labels": labels, "annotations": marks}, "status": status}


async def test_a_job_whose_copy_is_gone_ends_as_the_copy_did(world: TestWorld) -> None:
    jobs = ended_job(world)

    await world.status.reconcile((JOBS.gvr, JOB))

    assert world.upstream.objects[JOB_PATH]["status"]["succeeded"] == 1
    await world.status.reconcile((JOBS.gvr, JOB))
    assert jobs.ended == {}


async def test_a_job_of_another_uid_does_not_end_with_its_predecessor(world: TestWorld) -> None:
    ended_job(world, uid="another")

    await world.status.reconcile((JOBS.gvr, JOB))

    assert "status" not in world.upstream.objects[JOB_PATH]


async def test_a_copy_that_stands_says_more_than_one_that_ended(world: TestWorld) -> None:
    jobs = ended_job(world)
    jobs.downstream_store.put(record(job_copy({"active": 1})))

    await world.status.reconcile((JOBS.gvr, JOB))

    assert world.upstream.objects[JOB_PATH]["status"] == {"active": 1}
    assert jobs.ended == {}
