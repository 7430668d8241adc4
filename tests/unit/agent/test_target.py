"""The SyncTarget controller: when the finalizer of a SyncTarget that is being deleted may go, and what it is worth.

While it stays the agent stays too; without it nobody would take the copies away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.agent.apiserver import Object
from tests.unit.agent.worlds import (
    CLUSTER,
    FINALIZER,
    KEY,
    NAMESPACE,
    TARGET,
    Cache,
    TestWorld,
    _synced,
    record,
    running_world,
)
from tmc_syncer.agent.reporter import Reporter
from tmc_syncer.agent.target import TargetController
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.engine.store import Store

PATH = "/apis/workload.kcp.io/v1alpha1/synctargets/east"
OURS = "workload.kcp.io/syncer"
DELETED = "2026-01-01T00:00:00Z"
GADGETS = ResourceInfo(GVR("example.com", "v1", "gadgets"), "Gadget", namespaced=False)
GADGET: Object = {
    "name": "one",
    "uid": "copy",
    "resourceVersion": "9",
    "labels": {"internal.workload.kcp.io/cluster": KEY},
    "annotations": {
        "kcp.io/namespace-locator": Locator(TARGET, CLUSTER).encode(),
        "workload.kcp.io/source-uid": "u",
        "workload.kcp.io/source-name": "/one",
    },
}


@dataclass
class Target:
    """A world with its SyncTarget, and the part under test."""

    world: TestWorld
    cache: Cache
    controller: TargetController

    def put(self, *, cached: bool = True, **metadata: Any) -> Object:
        """Put the SyncTarget upstream, and into the cache."""
        metadata = {"name": "east", "uid": "target-uid", **metadata}
        kind = {"apiVersion": "workload.kcp.io/v1alpha1", "kind": "SyncTarget"}
        obj = self.world.upstream.put(PATH, {**kind, "metadata": metadata, "spec": {}})
        if cached:
            self.cache.store.put(record(obj, CLUSTER))
        return obj

    async def finalize(self) -> None:
        known = self.controller.record
        assert known is not None
        await self.controller._finalize(known)

    @property
    def finalizers(self) -> list[str] | None:
        """The finalizers of the SyncTarget; None when it is gone."""
        obj = self.world.upstream.objects.get(PATH)
        return None if obj is None else obj["metadata"].get("finalizers") or []


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with running_world() as world:
        cache = Cache(Store(world.clock.monotonic))
        controller = TargetController(world.world, cache, lambda: None)  # type: ignore[arg-type]
        yield Target(world, cache, controller)


def empty(target: Target) -> None:
    """No namespace of ours stands downstream."""
    target.world.world.downstream_namespaces.store.remove(Key("", "", NAMESPACE), 0)


async def test_a_live_target_gets_our_finalizer_beside_those_of_others(target: Target) -> None:
    target.put(finalizers=["example.com/other"])

    await target.finalize()

    assert target.finalizers == ["example.com/other", OURS]


async def test_a_target_of_which_nothing_is_left_goes(target: Target) -> None:
    empty(target)
    target.put(deletionTimestamp=DELETED, finalizers=[OURS])

    await target.finalize()

    assert target.finalizers is None


@pytest.mark.parametrize(
    "left",
    ["copy", "source", "namespace", "terminating namespace", "stale cache", "types", "lease"],
)
async def test_a_target_stays_while_something_of_it_is_left_or_may_be(target: Target, left: str) -> None:
    shared: Any = target.world.world
    if left not in ("namespace", "terminating namespace"):
        empty(target)
    match left:
        case "copy":
            gadgets = shared.types[GADGETS.gvr] = _synced(target.world.clock, GADGETS)
            gadgets.downstream_store.put(record({"metadata": GADGET}))
        case "source":
            target.world.up(finalizers=[FINALIZER])
        case "terminating namespace":
            key = Key("", "", NAMESPACE)
            meta = {"name": NAMESPACE, "uid": f"uid-{NAMESPACE}", "resourceVersion": "9"}
            known = shared.downstream_namespaces.store.get(key).meta.annotations
            meta |= {"annotations": known, "deletionTimestamp": DELETED}
            shared.downstream_namespaces.store.put(record({"metadata": meta}))
        case "stale cache":
            shared.upstream_namespaces.heard = False
        case "types":
            shared.types_settled = lambda: False
        case "lease":
            shared.types.clear()
            target.world.lease[0] = False
        case _:
            pass
    target.put(deletionTimestamp=DELETED, finalizers=[OURS])

    await target.finalize()

    assert target.finalizers == [OURS]


@pytest.mark.parametrize("deleting", [False, True])
async def test_a_target_that_took_the_old_ones_place_keeps_its_finalizers(
    target: Target, deleting: bool
) -> None:
    empty(target)
    before = [OURS] if deleting else []
    gone: dict[str, Any] = {"deletionTimestamp": DELETED} if deleting else {}
    target.put(finalizers=before, **gone)
    target.put(cached=False, uid="another", finalizers=before)

    await target.finalize()

    assert target.finalizers == before


# ---- its status --------------------------------------------------------------------------------------------


def reporter(target: Target) -> Reporter:
    types: Any = SimpleNamespace(problems={})
    return Reporter(target.world.world, target.controller, types, 1.0, lambda: None)


async def test_the_status_of_a_target_is_written(target: Target) -> None:
    target.put()

    await reporter(target).report()

    assert target.world.upstream.objects[PATH]["status"]["connected"] is True


async def test_without_the_lease_no_status_is_written(target: Target) -> None:
    target.put()
    target.world.lease[0] = False

    await reporter(target).report()

    assert "status" not in target.world.upstream.objects[PATH]


async def test_the_status_is_not_written_onto_a_target_that_took_the_old_ones_place(target: Target) -> None:
    target.put()
    target.put(cached=False, uid="another")

    await reporter(target).report()

    assert "status" not in target.world.upstream.objects[PATH]
