"""Installing a type: it is made, brought up to date, or left alone, and a newer one is never taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.agent.apiserver import Object, Server
from tmc_syncer.agent.installation import CrdError, install_crd
from tmc_syncer.api.manifests import SCHEMA_REVISION, crd_objects
from tmc_syncer.engine.env import ManualClock
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.connection import Connection
from tmc_syncer.kube.transport import Transport

CRD = crd_objects()[0]
PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD['metadata']['name']}"
SERVED = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
OURS = CRD["metadata"]["annotations"][SCHEMA_REVISION]


class Crds(Server):
    """A server that serves each type at once, and counts its generations."""

    def put(self, path: str, obj: Object) -> Object:
        before = self.objects.get(path, {})
        changed = before.get("spec") != obj.get("spec")
        generation = before.get("metadata", {}).get("generation", 0) + int(changed)
        return super().put(path, {**obj, **SERVED, "metadata": {**obj["metadata"], "generation": generation}})

    def install(self, revision: str, **metadata: Any) -> Object:
        """Some version of tmc-syncer installed its type."""
        annotations = {SCHEMA_REVISION: revision}
        meta = {"name": CRD["metadata"]["name"], "annotations": annotations, **metadata}
        return self.put(PATH, {"metadata": meta, "spec": {"revision": revision}})

    @property
    def spec(self) -> Any:
        return self.objects[PATH]["spec"]


@pytest.fixture
async def server() -> AsyncIterator[Crds]:
    async with Crds().running() as running:
        assert isinstance(running, Crds)
        yield running


async def install(server: Server) -> str:
    async with Transport(Connection(server.url), user_agent="test") as transport:
        return await install_crd(Client(transport), CRD, ManualClock())


async def test_a_type_is_made_and_the_second_time_left_as_it_is(server: Crds) -> None:
    assert await install(server) == "created"
    assert server.spec == CRD["spec"]
    assert await install(server) == "unchanged"


async def test_an_older_type_is_brought_up_to_date_and_keeps_what_others_noted_on_it(server: Crds) -> None:
    old = server.install("0", labels={"note": "x"})

    assert await install(server) == "updated"

    assert server.spec == CRD["spec"]
    assert server.objects[PATH]["metadata"]["labels"] == {"note": "x"}
    assert server.objects[PATH]["metadata"]["uid"] == old["metadata"]["uid"]


async def test_a_newer_type_is_not_taken_back(server: Crds) -> None:
    newer = str(int(OURS) + 1)
    server.install(newer)

    with pytest.raises(CrdError):
        await install(server)

    assert server.spec == {"revision": newer}


@pytest.mark.parametrize("place", ["the same", "another's"])
async def test_a_newer_type_that_comes_meanwhile_is_not_taken_back(server: Crds, place: str) -> None:
    old = server.install("0")
    newer = str(int(OURS) + 1)

    def move(_path: str) -> None:
        server.after_read = lambda _path: None
        obj = server.install(newer, **({"uid": "another"} if place == "another's" else {}))
        if place == "another's":  # after a restore of etcd it can have the very version that we saw
            obj["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]

    server.after_read = move
    with pytest.raises(CrdError):
        await install(server)

    assert server.spec == {"revision": newer}
