"""ServiceAccount ``default``: what is applied to it, when it is left alone, and that nothing is written twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tests.unit.agent.apiserver import Object
from tests.unit.agent.worlds import CLUSTER, NAMESPACE, TestWorld, _synced, record, running_world
from tmc_syncer.agent.default_account import ACCOUNTS, DefaultAccounts, holds
from tmc_syncer.agent.informers import Informers
from tmc_syncer.agent.synced_type import Item, SyncedType
from tmc_syncer.api.resources import Key, ResourceInfo
from tmc_syncer.api.synctarget_spec import RemovalPolicy
from tmc_syncer.downstream.applier import Applier
from tmc_syncer.downstream.brake import SETTLE_SECONDS
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.engine.store import Store

INFO = ResourceInfo(ACCOUNTS, "ServiceAccount", namespaced=True)
UP, DOWN = Key(CLUSTER, "shop", "default"), Key("", NAMESPACE, "default")
PATH = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"
SECRETS = [{"name": "registry"}]


class Watched:
    """The informer of the accounts, filled by the test."""

    name = "accounts"

    def __init__(self, store: Store) -> None:
        self.store = store
        self.heard = True
        self.running = False

    def fresh(self, now: float) -> bool:
        return self.heard

    async def run(self) -> None:
        self.running = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.running = False


@dataclass
class Accounts:
    """A world with the type, the part under test, and what it handed on."""

    world: TestWorld
    synced: SyncedType
    accounts: DefaultAccounts
    watched: Watched
    handed_on: list[Item] = field(default_factory=list)

    def up(self, secrets: list[Any] | None = None, **metadata: Any) -> None:
        body = account("shop", secrets, **metadata)
        self.synced.upstream_store.put(record(body, CLUSTER))

    def down(self, secrets: list[Any] | None = None, *, owned: bool = False, **metadata: Any) -> Object:
        obj = self.world.downstream.put(PATH, account(NAMESPACE, secrets, owned=owned, **metadata))
        self.watched.store.put(record(obj))
        return obj

    async def reconcile(self) -> Result:
        return await self.accounts.reconcile((ACCOUNTS, UP))

    @property
    def secrets(self) -> Any:
        return self.world.downstream.objects[PATH].get("imagePullSecrets")

    @property
    def writes(self) -> list[str]:
        return self.world.downstream.writes + self.world.upstream.writes


VERSIONS = iter(range(1000, 10_000))


def account(namespace: str, secrets: list[Any] | None, *, owned: bool = False, **metadata: Any) -> Object:
    meta = {"name": "default", "namespace": namespace, "uid": f"uid-of-{namespace}", **metadata}
    meta["resourceVersion"] = str(next(VERSIONS))
    if owned:
        meta["managedFields"] = [
            {"manager": "syncer", "operation": "Apply", "fieldsV1": {"f:imagePullSecrets": {}}}
        ]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta} | (
        {} if secrets is None else {"imagePullSecrets": secrets}
    )


@pytest.fixture
async def built() -> AsyncIterator[Accounts]:
    async with running_world() as world:
        watched = Watched(Store(world.clock.monotonic))

        class Opened(Informers):
            def open(self, *_args: Any, **_named: Any) -> Any:
                return watched

        handed_on: list[Item] = []

        async def others(item: Item) -> Result:
            handed_on.append(item)
            return DONE

        accounts = DefaultAccounts(
            world.world,
            world.observer,
            world.spec._interpreter,
            Applier(world.world.clusters.downstream),
            Opened(world.world.env, 600.0),
            lambda *_: None,
            others,
        )
        synced = _synced(world.clock, INFO)
        world.world.types[ACCOUNTS] = synced
        running = asyncio.create_task(accounts.run())
        await world.clock.run_for(1.0)
        yield Accounts(world, synced, accounts, watched, handed_on)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_pull_secrets_are_applied_with_the_uid_of_what_stands_and_nothing_else(built: Accounts) -> None:
    built.up(SECRETS, labels={"a": "1"})
    before = built.down()

    assert await built.reconcile() is DONE

    after = built.world.downstream.objects[PATH]
    assert after["imagePullSecrets"] == SECRETS
    assert set(after["metadata"]) == set(before["metadata"])
    assert built.writes == [f"PATCH {PATH}"]


async def test_what_is_as_wanted_costs_no_write(built: Accounts) -> None:
    built.up(SECRETS)
    built.down(SECRETS, owned=True)
    await built.reconcile()
    built.up()
    built.down()
    await built.reconcile()
    assert built.writes == []


async def test_a_new_account_of_another_uid_is_not_written_by_what_was_known_of_the_old_one(
    built: Accounts,
) -> None:
    built.up(SECRETS)
    built.down()
    built.world.downstream.put(PATH, account(NAMESPACE, None, uid="another"))

    with pytest.raises(Exception, match="immutable"):
        await built.reconcile()
    assert built.secrets is None


@pytest.mark.parametrize(
    "reason", ["none downstream", "deleting downstream", "deleting upstream", "gone upstream"]
)
async def test_an_account_that_comes_or_goes_is_left_alone(built: Accounts, reason: str) -> None:
    gone: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    if reason != "gone upstream":
        built.up(SECRETS, **(gone if reason == "deleting upstream" else {}))
    if reason != "none downstream":
        built.down(**(gone if reason == "deleting downstream" else {}))

    assert await built.reconcile() is DONE
    assert built.writes == []


async def test_an_account_in_a_namespace_that_is_not_ours_is_left_alone(built: Accounts) -> None:
    built.up(SECRETS)
    built.down()
    built.world.world.downstream_namespaces.store.remove(Key("", "", NAMESPACE), 99)
    assert await built.reconcile() is DONE
    assert built.writes == []


async def test_nothing_is_written_while_a_cache_is_stale(built: Accounts) -> None:
    built.up(SECRETS)
    built.down()
    built.watched.heard = False
    assert isinstance(await built.reconcile(), RequeueAfter)
    built.watched.heard = True
    built.world.lease[0] = False
    assert isinstance(await built.reconcile(), RequeueAfter)
    assert built.writes == []


async def test_a_paused_account_waits(built: Accounts) -> None:
    built.up(SECRETS, annotations={"workload.kcp.io/sync-paused": "true"})
    built.down()
    assert isinstance(await built.reconcile(), RequeueAfter)
    assert built.writes == []


async def test_an_account_that_is_not_selected_any_more_gives_back_what_we_applied_after_the_brake_was_asked(
    built: Accounts,
) -> None:
    built.up(SECRETS)
    built.down(SECRETS, owned=True)
    built.synced.leaving = True

    wait = await built.reconcile()
    assert isinstance(wait, RequeueAfter)
    assert built.writes == []
    built.world.clock.advance(SETTLE_SECONDS)
    await built.reconcile()
    assert built.writes == [f"PATCH {PATH}"]


async def test_a_target_that_leaves_its_objects_behind_leaves_this_one_too(built: Accounts) -> None:
    built.up(SECRETS)
    built.down(SECRETS, owned=True)
    built.synced.leaving = True
    world = built.world.world
    world.spec = msgspec.structs.replace(world.spec, on_removal=RemovalPolicy.ORPHAN)
    assert await built.reconcile() is DONE
    assert built.writes == []


async def test_every_other_object_is_handed_on(built: Accounts) -> None:
    other = ACCOUNTS, Key(CLUSTER, "shop", "builder")
    await built.accounts.reconcile(other)
    assert built.handed_on == [other]


async def test_a_change_downstream_makes_the_account_due_and_its_own_writes_do_not(built: Accounts) -> None:
    queue, now = built.world.world.objects, built.world.clock.monotonic()
    built.up(SECRETS)
    built.down()
    assert queue.get(now) == (ACCOUNTS, UP)
    queue.done((ACCOUNTS, UP), now)
    await built.reconcile()
    assert queue.get(now) is None


async def test_the_accounts_are_watched_as_long_as_their_type_is_synced(built: Accounts) -> None:
    assert built.watched.running
    del built.world.world.types[ACCOUNTS]
    await built.world.clock.run_for(1.0)
    assert not built.watched.running
    built.up(SECRETS)
    assert await built.reconcile() is DONE


@pytest.mark.parametrize(
    ("secrets", "owned", "wanted", "expected"),
    [
        (SECRETS, True, SECRETS, True),
        (SECRETS, False, SECRETS, False),
        ([{"name": "other"}], True, SECRETS, False),
        (None, False, SECRETS, False),
        (SECRETS, True, None, False),
        (SECRETS, False, None, True),
        (SECRETS, False, [], True),
        (None, False, None, True),
    ],
)
def test_ownership_is_told_by_our_entry_and_content_by_its_value(
    secrets: list[Any] | None, owned: bool, wanted: list[Any] | None, expected: bool
) -> None:
    assert holds(record(account(NAMESPACE, secrets, owned=owned)), wanted) is expected
