"""Which downstream namespaces go, and all that keeps one: what is not proven gone, not ours, or not seen to be empty."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.unit.agent.namespace_worlds import DELAY, DOWN, LOCATOR, UP, Namespaces
from tests.unit.agent.worlds import CLUSTER, KEY, NAMESPACE, running_world
from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.resources import Key
from tmc_syncer.api.synctarget_spec import RemovalPolicy
from tmc_syncer.downstream.brake import Cause
from tmc_syncer.engine.outcomes import DONE, RequeueAfter
from tmc_syncer.kube.discovery import Discovery
from tmc_syncer.kube.errors import ApiError, RetryClass


@pytest.fixture
async def built() -> AsyncIterator[Namespaces]:
    async with running_world() as world:
        yield Namespaces(world)


# ---- going -------------------------------------------------------------------------------------------------


async def test_a_namespace_goes_after_its_delay_when_its_upstream_is_proven_gone(built: Namespaces) -> None:
    built.lose()

    assert await built.reconcile() == RequeueAfter(DELAY)
    built.world.clock.advance(DELAY - 1)
    await built.reconcile()
    assert built.standing is not None

    built.world.clock.advance(1)
    assert await built.reconcile() is DONE
    assert built.standing is None
    assert built.world.upstream.reads == 1
    assert built.world.world.place(LOCATOR).record is None


async def test_a_namespace_that_comes_back_upstream_has_its_whole_delay_again(built: Namespaces) -> None:
    built.lose()
    await built.reconcile()
    built.world.clock.advance(DELAY)
    built.up()
    await built.reconcile()

    built.lose()
    await built.reconcile()

    assert built.standing is not None


async def test_a_namespace_whose_upstream_is_only_missing_from_the_cache_stays(built: Namespaces) -> None:
    built.lose(only_cached=True)

    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_an_answer_that_does_not_name_the_namespace_proves_nothing(
    built: Namespaces, status: int
) -> None:
    built.lose(only_cached=True)
    built.world.upstream.refused[UP] = status

    with pytest.raises(ApiError):
        await built.retire()

    assert built.standing is not None


async def test_a_namespace_stays_while_a_copy_stands_in_it(built: Namespaces) -> None:
    built.world.down()
    built.lose()

    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None
    assert built.reason == ""


@pytest.mark.parametrize("removal", ["of its upstream", "of the target"])
@pytest.mark.parametrize(
    "unknown",
    ["upstream", "downstream", "upstream namespaces", "downstream namespaces", "lease", "target", "types"],
)
async def test_a_namespace_stays_while_copies_may_stand_in_it_unseen(
    built: Namespaces, unknown: str, removal: str
) -> None:
    shared: Any = built.world.world
    if removal == "of the target":
        shared.target_deleting = True
    else:
        built.lose()
        await built.reconcile()
        built.world.clock.advance(DELAY)
    match unknown:
        case "upstream" | "downstream":
            getattr(built.world.synced, unknown).heard = False
        case "upstream namespaces":
            shared.upstream_namespaces.heard = False
        case "downstream namespaces":
            shared.downstream_namespaces.heard = False
        case "lease":
            shared.types.clear()  # what the types' freshness would tell, the controller has to ask by itself
            built.world.lease[0] = False
        case "target":
            shared.target_known = lambda _now: False
        case _:
            shared.types_settled = lambda: False

    assert isinstance(await built.reconcile(), RequeueAfter)

    assert built.standing is not None


@pytest.mark.parametrize("cache", ["upstream_namespaces", "downstream_namespaces"])
async def test_a_stale_cache_of_namespaces_keeps_them_also_when_no_type_is_synced(
    built: Namespaces, cache: str
) -> None:
    built.world.world.types.clear()
    built.lose()
    await built.reconcile()
    built.world.clock.advance(DELAY)
    getattr(built.world.world, cache).heard = False

    assert isinstance(await built.reconcile(), RequeueAfter)

    assert built.standing is not None


async def test_a_type_that_a_server_refuses_to_us_is_named_as_what_keeps_a_namespace(
    built: Namespaces,
) -> None:
    built.lose()
    built.world.synced.downstream.heard = False  # type: ignore[attr-defined]
    built.world.synced.downstream.health.refused = True

    await built.retire()

    assert built.reason == "TypesNotWatched"


async def test_a_tripped_brake_holds_namespaces_too(built: Namespaces) -> None:
    built.lose()
    clock = built.world.clock
    built.world.world.brake.engage(Cause.UPSTREAM_RESTORED, copies=0, wall=clock.now())

    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None


OURS = {"internal.workload.kcp.io/cluster": KEY}


def copy_of(name: str) -> dict[str, str]:
    return {"workload.kcp.io/source-uid": "u", "workload.kcp.io/source-name": f"shop/{name}"}


FOREIGN: dict[str, Callable[[Namespaces], None]] = {
    "a pod": lambda built: built.put("pods", "theirs"),
    "a pod on the second page": lambda built: _pods(built, 3),
    "another's configmap": lambda built: built.put("configmaps", "theirs"),
    "a copy's clone": lambda built: built.put("configmaps", "b", labels=OURS, annotations=copy_of("a")),
    "without our label": lambda built: built.put("configmaps", "a", annotations=copy_of("a")),
    "without a source uid": lambda built: built.put(
        "configmaps", "a", labels=OURS, annotations={"workload.kcp.io/source-name": "shop/a"}
    ),
    "owned by another": lambda built: built.put("pods", "theirs", ownerReferences=[{"uid": "elsewhere"}]),
}


def _pods(built: Namespaces, count: int) -> None:
    built.world.downstream.page_size = count - 1
    for number in range(count):
        owners = [] if number == count - 1 else [{"uid": "uid-settings"}]
        built.put("pods", f"web-{number}", ownerReferences=owners)
    built.world.down(cached=False)


@pytest.mark.parametrize("what", FOREIGN)
async def test_a_namespace_in_which_something_foreign_lives_stays(built: Namespaces, what: str) -> None:
    FOREIGN[what](built)
    built.lose()

    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None
    assert built.reason == "NamespaceNotEmpty"


@pytest.mark.parametrize("removal", ["of its upstream", "of the target"])
async def test_a_namespace_goes_once_what_kept_it_is_gone(built: Namespaces, removal: str) -> None:
    built.put("pods", "theirs")
    built.lose()
    await built.retire()
    assert built.reason == "NamespaceNotEmpty"

    del built.world.downstream.objects[f"{DOWN}/pods/theirs"]
    built.world.world.target_deleting = removal == "of the target"
    await built.reconcile()

    assert built.standing is None
    assert built.reason == ""


async def test_what_the_cluster_makes_itself_or_from_our_copies_keeps_no_namespace(built: Namespaces) -> None:
    built.put("serviceaccounts", "default")
    built.put("configmaps", "kube-root-ca.crt")
    built.put("podmetrics", "of-a-pod")  # cannot be deleted, so it goes with something else
    built.world.downstream.refused[f"{DOWN}/bindings"] = 403
    built.put("configmaps", "leaving", labels=OURS, annotations=copy_of("leaving"))
    built.put("pods", "web", uid="pod", ownerReferences=[{"uid": "uid-leaving"}])
    built.put("configmaps", "of-the-pod", ownerReferences=[{"uid": "pod"}])
    built.lose()

    await built.retire()

    assert built.standing is None


async def test_a_type_that_cannot_be_listed_keeps_the_namespace(built: Namespaces) -> None:
    built.world.downstream.refused[f"{DOWN}/pods"] = 403
    built.lose()

    await built.retire()

    assert built.standing is not None
    assert built.reason == "NamespaceNotEmpty"


async def test_a_server_that_fails_to_list_is_asked_again(built: Namespaces) -> None:
    built.world.downstream.refused[f"{DOWN}/pods"] = 503
    built.lose()

    with pytest.raises(ApiError):
        await built.retire()

    assert built.standing is not None


@pytest.mark.parametrize("status", [404, 405])
async def test_a_type_that_is_not_there_any_more_keeps_no_namespace(built: Namespaces, status: int) -> None:
    built.world.downstream.refused[f"{DOWN}/pods"] = status
    built.lose()

    await built.retire()

    assert built.standing is None


async def test_a_server_that_does_not_know_all_its_types_keeps_the_namespace(built: Namespaces) -> None:
    built.discovery = Discovery(built.discovery.resources, {}, complete=False)
    built.lose()

    await built.retire()

    assert built.standing is not None


async def test_a_namespace_of_another_target_is_not_deleted(built: Namespaces) -> None:
    built.no_copy()
    other = Locator(TargetReference(CLUSTER, "west", "u"), CLUSTER, "shop").encode()
    built.down(annotations={"kcp.io/namespace-locator": other})
    built.lose()

    await built.retire()

    assert built.standing is not None


@pytest.mark.parametrize("removal", ["of its upstream", "of the target"])
async def test_a_namespace_is_told_from_another_of_the_same_version_by_its_uid(
    built: Namespaces, removal: str
) -> None:
    _remove(built, removal)
    other = built.down(cached=False, uid="another")
    other["metadata"]["resourceVersion"] = _cached_version(built)

    with pytest.raises(ApiError) as refused:
        await built.retire()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert built.standing == other


@pytest.mark.parametrize("removal", ["of its upstream", "of the target"])
async def test_a_namespace_that_changed_meanwhile_is_not_deleted_unseen(
    built: Namespaces, removal: str
) -> None:
    _remove(built, removal)
    changed = built.down(cached=False, annotations={"owner": "somebody"})

    with pytest.raises(ApiError):
        await built.retire()

    assert built.standing == changed


def _remove(built: Namespaces, removal: str) -> None:
    if removal == "of the target":
        built.world.world.target_deleting = True
    else:
        built.lose()


def _cached_version(built: Namespaces) -> str:
    known = built.world.world.downstream_namespaces.store.get(Key("", "", NAMESPACE))
    assert known is not None
    return known.meta.resource_version


@pytest.mark.parametrize("removal", ["of its upstream", "of the target"])
@pytest.mark.parametrize("event", ["a copy", "the lease", "the lease without types", "a cache"])
async def test_what_happens_while_the_servers_are_asked_is_seen_before_a_namespace_goes(
    built: Namespaces, event: str, removal: str
) -> None:
    _remove(built, removal)

    def move(path: str) -> None:
        if path != f"{DOWN}/pods":
            return
        match event:
            case "a copy":
                built.world.down()
            case "the lease" | "the lease without types":
                built.world.lease[0] = False
            case _:
                built.world.world.downstream_namespaces.heard = False  # type: ignore[attr-defined]

    if event == "the lease without types":  # whose freshness would tell
        built.world.world.types.clear()
    built.world.downstream.after_read = move
    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None


async def test_an_upstream_that_comes_back_while_the_census_is_taken_keeps_its_namespace(
    built: Namespaces,
) -> None:
    built.lose()
    built.world.downstream.after_read = lambda _path: built.up(cached=False)

    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None


async def test_a_brake_that_trips_while_the_census_is_taken_holds(built: Namespaces) -> None:
    built.lose()
    brake, clock = built.world.world.brake, built.world.clock

    def trip(_path: str) -> None:
        brake.engage(Cause.UPSTREAM_RESTORED, copies=0, wall=clock.now())

    built.world.downstream.after_read = trip
    assert isinstance(await built.retire(), RequeueAfter)

    assert built.standing is not None


# ---- with the target ---------------------------------------------------------------------------------------


async def test_with_its_target_an_empty_namespace_goes_at_once(built: Namespaces) -> None:
    built.world.world.target_deleting = True

    assert await built.reconcile() is DONE

    assert built.standing is None


async def test_with_its_target_a_namespace_goes_only_after_its_copies(built: Namespaces) -> None:
    built.world.world.target_deleting = True
    built.world.down()

    assert isinstance(await built.reconcile(), RequeueAfter)

    assert built.standing is not None


@pytest.mark.parametrize("why", ["something foreign", "orphan"])
async def test_a_namespace_that_stays_behind_is_nobodys(built: Namespaces, why: str) -> None:
    await built.reconcile()
    _leave(built, why)

    assert await built.reconcile() is DONE

    assert built.standing is not None
    assert not built.standing["metadata"]["annotations"]
    assert set(built.standing["metadata"]["labels"]) == {"pod-security.kubernetes.io/enforce"}
    assert built.world.world.place(LOCATOR).record is None


@pytest.mark.parametrize("why", ["something foreign", "orphan"])
@pytest.mark.parametrize("change", ["of place", "of content"])
async def test_our_marks_are_not_taken_off_another_namespace(
    built: Namespaces, change: str, why: str
) -> None:
    _leave(built, why)
    version = _cached_version(built)
    other = built.down(cached=False, uid="another" if change == "of place" else f"uid-{NAMESPACE}")
    if change == "of place":
        other["metadata"]["resourceVersion"] = version

    with pytest.raises(ApiError) as refused:
        await built.reconcile()

    assert refused.value.retry_class is RetryClass.CONFLICT
    assert built.standing == other


def _leave(built: Namespaces, why: str) -> None:
    built.world.world.target_deleting = True
    if why == "orphan":
        built.set_spec(on_removal=RemovalPolicy.ORPHAN)
    else:
        built.put("pods", "theirs")
