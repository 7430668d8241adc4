"""What `tmc target remove` writes, against a server that holds preconditions: nothing of anybody else is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.agent.apiserver import Object, Server
from tests.unit.agent.worlds import CONFIG_MAPS, record
from tmc_syncer.cli import removal
from tmc_syncer.cli.stripping import strip_record
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.connection import Connection
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.kube.transport import Transport

PATH = "/api/v1/namespaces/shop/configmaps/settings"
OURS, LABEL = "workload.kcp.io/syncer-KEY", "state.workload.kcp.io/KEY"
THEIRS = "example.com/other"


class Shop:
    """One object on a server, which may change while it is stripped."""

    def __init__(self, server: Server, client: Client) -> None:
        self.server = server
        self.client = client

    def put(self, finalizers: list[str], **metadata: Any) -> Object:
        meta = {"name": "settings", "namespace": "shop", "finalizers": finalizers, **metadata}
        return self.server.put(PATH, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})

    async def strip(self, seen: Object) -> bool:
        """Let the object go, as it was seen in a list."""
        return await strip_record(self.client, CONFIG_MAPS, record(seen), OURS, LABEL)

    @property
    def metadata(self) -> Object:
        meta: Object = self.server.objects[PATH]["metadata"]
        return meta


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with (
        Server().running() as server,
        Transport(Connection(server.url), user_agent="test") as transport,
    ):
        yield Shop(server, Client(transport))


async def test_only_our_finalizer_and_label_are_taken_off(shop: Shop) -> None:
    seen = shop.put([THEIRS, OURS], labels={LABEL: "Sync", "app": "web"})

    assert await shop.strip(seen)

    assert shop.metadata["finalizers"] == [THEIRS]
    assert shop.metadata["labels"] == {"app": "web"}
    assert not await shop.strip(shop.server.objects[PATH])


async def test_anothers_finalizer_is_not_lost_to_a_race(shop: Shop) -> None:
    seen = shop.put([OURS, THEIRS])
    shop.put([THEIRS, OURS])

    assert await shop.strip(seen)

    assert shop.metadata["finalizers"] == [THEIRS]


async def test_an_object_that_took_the_old_ones_place_is_left_alone(shop: Shop) -> None:
    seen = shop.put([OURS], labels={LABEL: "Sync"})
    shop.put([OURS], labels={LABEL: "Sync"}, uid="another")

    assert not await shop.strip(seen)

    assert shop.metadata["finalizers"] == [OURS]
    assert shop.metadata["labels"] == {LABEL: "Sync"}


async def test_an_object_that_is_gone_is_fine(shop: Shop) -> None:
    seen = shop.put([OURS])
    del shop.server.objects[PATH]

    assert not await shop.strip(seen)


async def test_an_object_that_goes_while_it_is_looked_at_again_is_fine(shop: Shop) -> None:
    seen = shop.put([OURS, THEIRS])
    shop.put([THEIRS, OURS])
    shop.server.after_read = lambda _path: void(shop.server.objects.pop(PATH))

    assert not await shop.strip(seen)


async def test_an_object_that_changes_faster_than_it_can_be_patched_is_told(shop: Shop) -> None:
    seen = shop.put([OURS, THEIRS])
    turn = [0]

    def change(_path: str = "") -> None:
        turn[0] += 1
        shop.put([OURS, f"{THEIRS}-{turn[0]}"])

    change()
    shop.server.after_read = change
    with pytest.raises(ApiError) as refused:
        await shop.strip(seen)

    assert refused.value.status == 409
    assert OURS in shop.metadata["finalizers"]


def void(_: object) -> None:
    """Nothing."""


async def test_a_target_that_took_the_old_ones_place_is_not_deleted(shop: Shop) -> None:
    path = "/apis/workload.kcp.io/v1alpha1/synctargets/east"
    seen = shop.server.put(path, {"metadata": {"name": "east"}})
    shop.server.put(path, {"metadata": {"name": "east", "uid": "another"}})

    with pytest.raises(removal.RemovalError):
        await removal._delete(shop.client, record(seen))
    assert path in shop.server.objects

    await removal._delete(shop.client, record(shop.server.objects[path]))
    assert path not in shop.server.objects
