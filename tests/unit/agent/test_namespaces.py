"""The namespace controller against servers that hold preconditions: which namespaces come, and how they are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.agent.namespace_worlds import DELETED, DOWN, LOCATOR, SHOP, Namespaces
from tests.unit.agent.worlds import CLUSTER, CONFIG_MAPS, NAMESPACE, _synced, record, running_world
from tmc_syncer.agent.default_account import ACCOUNTS
from tmc_syncer.agent.namespaces import NAMESPACES
from tmc_syncer.api.locator import hashed_namespace
from tmc_syncer.api.resources import Key, ResourceInfo
from tmc_syncer.api.selectors import from_match
from tmc_syncer.engine.outcomes import DONE, RequeueAfter
from tmc_syncer.kube.errors import ApiError, RetryClass
from tmc_syncer.sync.journal import State


@pytest.fixture
async def built() -> AsyncIterator[Namespaces]:
    async with running_world() as world:
        yield Namespaces(world)


# ---- coming ------------------------------------------------------------------------------------------------


async def test_a_namespace_comes_with_the_first_object_that_wants_to_go_down(built: Namespaces) -> None:
    built.no_copy()
    built.world.up()

    assert await built.reconcile() is DONE

    assert built.standing is not None
    assert built.standing["metadata"]["annotations"]["kcp.io/namespace-locator"] == LOCATOR.encode()
    assert built.standing["metadata"]["annotations"]["workload.kcp.io/source-uid"] == "uid-shop"
    shared = built.world.world
    known = shared.place(LOCATOR).record
    assert known is not None
    assert known.meta.name == NAMESPACE
    assert shared.objects.get(shared.now()) == (CONFIG_MAPS.gvr, Key(CLUSTER, "shop", "settings"))


@pytest.mark.parametrize("missing", ["upstream_namespaces", "downstream_namespaces", "lease"])
async def test_no_namespace_comes_or_is_changed_while_a_cache_is_stale_or_the_lease_is_not_held(
    built: Namespaces, missing: str
) -> None:
    built.up(labels={"team": "blue"})
    built.world.up()
    if missing == "lease":
        built.world.lease[0] = False
    else:
        getattr(built.world.world, missing).heard = False

    before = built.standing
    assert isinstance(await built.reconcile(), RequeueAfter)
    assert built.standing == before

    built.no_copy()
    assert isinstance(await built.reconcile(), RequeueAfter)
    assert built.standing is None


@pytest.mark.parametrize("team", ["blue", "red"])
async def test_a_namespace_comes_only_when_its_own_labels_are_selected(built: Namespaces, team: str) -> None:
    built.no_copy()
    built.world.up()
    built.up(labels={"team": team})
    shared = built.world.world
    shared.rules = replace(shared.rules, namespace_selector=from_match({"team": "blue"}, []))

    await built.reconcile()

    assert (built.standing is not None) is (team == "blue")


@pytest.mark.parametrize(
    "wish",
    [
        "no object",
        "not selected",
        "being deleted",
        "type taken off",
        "type refused",
        "default account",
        "paused",
        "namespace goes",
    ],
)
async def test_a_namespace_that_no_object_wants_does_not_come(built: Namespaces, wish: str) -> None:
    built.no_copy()
    shared = built.world.world
    match wish:
        case "no object":
            pass
        case "not selected":
            built.world.up()
            shared.rules = replace(shared.rules, selector=from_match({"team": "other"}, []))
        case "being deleted":
            built.world.up(deletionTimestamp=DELETED, finalizers=["example.com/slow"])
        case "type taken off":
            built.world.up()
            built.world.synced.leaving = True
        case "type refused":
            built.world.up()
            built.world.synced.refused = "TwoWriters"
        case "default account":
            accounts = shared.types[ACCOUNTS] = _synced(
                built.world.clock, ResourceInfo(ACCOUNTS, "ServiceAccount", namespaced=True)
            )
            body = {"metadata": {"name": "default", "namespace": "shop", "uid": "u", "resourceVersion": "7"}}
            accounts.upstream_store.put(record(body, CLUSTER))
        case "paused":
            built.world.up()
            built.set_spec(paused=True)
        case _:
            built.world.up()
            built.up(deletionTimestamp=DELETED)

    assert await built.reconcile() is DONE

    assert built.standing is None


async def test_a_namespace_is_not_made_over_one_that_the_cache_does_not_show(built: Namespaces) -> None:
    built.no_copy()
    built.world.up()
    built.down(cached=False, annotations={"owner": "somebody"})

    assert isinstance(await built.reconcile(), RequeueAfter)

    assert built.standing is not None
    assert built.standing["metadata"]["annotations"] == {"owner": "somebody"}


async def test_beside_a_foreign_namespace_of_that_name_ours_gets_another_name(built: Namespaces) -> None:
    built.no_copy()
    built.world.up()
    foreign = built.down(annotations={"owner": "somebody"})

    await built.reconcile()

    ours = built.world.downstream.objects[f"/api/v1/namespaces/{hashed_namespace(LOCATOR)}"]
    assert ours["metadata"]["annotations"]["kcp.io/namespace-locator"] == LOCATOR.encode()
    assert built.standing == foreign


async def test_foreign_namespaces_under_both_names_are_left_alone(built: Namespaces) -> None:
    built.no_copy()
    built.world.up()
    names = NAMESPACE, hashed_namespace(LOCATOR)
    foreign = [built.down(name, annotations={"owner": "somebody"}) for name in names]

    assert isinstance(await built.reconcile(), RequeueAfter)
    assert built.reason == "Collision"
    for gone in (built.lose, lambda: setattr(built.world.world, "target_deleting", True)):
        gone()
        await built.retire()

    assert [built.world.downstream.objects.get(f"/api/v1/namespaces/{name}") for name in names] == foreign


async def test_a_namespace_that_terminates_is_waited_for(built: Namespaces) -> None:
    built.no_copy()
    built.world.up()
    going = built.down(deletionTimestamp=DELETED)

    assert await built.reconcile() is DONE

    assert built.standing == going


# ---- staying -----------------------------------------------------------------------------------------------


async def test_the_users_labels_follow_and_what_others_put_there_stays(built: Namespaces) -> None:
    built.down(labels={"of": "the-cluster"}, annotations=built.down()["metadata"]["annotations"])
    built.up(labels={"team": "blue"})

    await built.reconcile()

    assert built.standing is not None
    labels = built.standing["metadata"]["labels"]
    assert (labels["team"], labels["of"]) == ("blue", "the-cluster")


async def test_a_namespace_in_sync_costs_no_request(built: Namespaces) -> None:
    built.up(labels={"team": "blue"})
    await built.reconcile()
    obj = built.standing
    assert obj is not None
    fields: dict[str, dict[str, Any]] = {
        f"f:{part}": {f"f:{name}": {} for name in obj["metadata"][part]} for part in ("labels", "annotations")
    }
    entry = {"manager": "syncer", "operation": "Apply", "fieldsV1": {"f:metadata": fields}}
    others = [
        {"manager": "kubectl", "operation": "Apply", "fieldsV1": {}},
        {"manager": "syncer", "operation": "Update", "fieldsV1": {}},
        {"manager": "syncer", "operation": "Apply", "subresource": "status", "fieldsV1": {}},
    ]
    written = len(built.world.downstream.writes)

    built.down(**obj["metadata"], managedFields=[*others, entry])
    built.world.world.journal.note(NAMESPACES, SHOP, State.COLLISION, now=0.0, reason="Collision")
    await built.reconcile()
    assert len(built.world.downstream.writes) == written
    assert built.reason == ""

    del fields["f:labels"]["f:kcp.io/tenant-id"]  # somebody changed it: the field is his now
    built.down(**obj["metadata"], managedFields=[*others, entry])
    await built.reconcile()
    assert len(built.world.downstream.writes) == written + 1

    fields["f:labels"]["f:kcp.io/tenant-id"] = {}
    built.down(**obj["metadata"], managedFields=[*others, entry])
    built.up(labels={"team": "red"})
    await built.reconcile()
    assert built.standing is not None
    assert built.standing["metadata"]["labels"]["team"] == "red"


async def test_an_update_does_not_touch_a_namespace_that_took_the_old_ones_place(built: Namespaces) -> None:
    built.down(cached=False, uid="another", annotations={"owner": "somebody"})

    with pytest.raises(ApiError) as refused:
        await built.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert built.standing is not None
    assert built.standing["metadata"]["annotations"] == {"owner": "somebody"}


async def test_an_update_does_not_bring_back_a_namespace_that_is_gone(built: Namespaces) -> None:
    del built.world.downstream.objects[DOWN]

    with pytest.raises(ApiError):
        await built.reconcile()

    assert built.standing is None


async def test_a_paused_target_leaves_its_namespaces_as_they_are(built: Namespaces) -> None:
    before = built.standing
    built.up(labels={"team": "blue"})
    built.set_spec(paused=True)

    await built.reconcile()

    assert built.standing == before
