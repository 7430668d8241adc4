from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.unit.kube.servers import serving
from tmc_syncer.api.errors import UsageError
from tmc_syncer.kube.errors import ApiError, KubeError, RetryClass
from tmc_syncer.kube.upstreams import CLUSTER_NAME_LENGTH, open_upstream


def answering(replies: dict[str, Any]) -> Any:
    """A server that knows some paths: an object, or a number for a refusal by a Status."""

    async def answer(request: web.Request) -> web.Response:
        reply = replies.get(request.path)
        if reply is None:
            return web.Response(status=404, text="404 page not found")
        if isinstance(reply, int):
            return web.json_response({"kind": "Status", "code": reply, "reason": "X"}, status=reply)
        return web.json_response(reply)

    return answer


def kube_system(uid: str) -> dict[str, Any]:
    return {"/api/v1/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": uid}}}


def logical_cluster(name: str) -> dict[str, Any]:
    return {"metadata": {"name": "cluster", "annotations": {"kcp.io/cluster": name} if name else {}}}


async def test_a_plain_cluster_is_named_after_its_own_identity() -> None:
    names = []
    for uid in ("0c2e5be4-6d0e-4a3c-9be5-5ac6a34bba2c", "0c2e5be4-6d0e-4a3c-9be5-5ac6a34bba2c", "another"):
        async with serving(answering(kube_system(uid))) as wire:
            upstream = await open_upstream(wire, "kubernetes")
            names.append(upstream.cluster)
            assert upstream.client.cluster == upstream.cluster
            assert upstream.client.prefix == ""
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == CLUSTER_NAME_LENGTH
    assert names[0].isalnum()


async def test_a_name_that_was_given_is_taken_without_asking() -> None:
    async with serving(answering({})) as wire:
        upstream = await open_upstream(wire, "kubernetes", cluster_name="prod-eu", field_manager="m")
    assert upstream.cluster == "prod-eu"
    assert upstream.client.field_manager == "m"
    assert upstream.readers() == (upstream.client,)
    assert upstream.writer("prod-eu") is upstream.client
    with pytest.raises(KubeError, match="not 'other'"):
        upstream.writer("other")


@pytest.mark.parametrize("name", ["A", "a/b", "-a", "a-", "a" * 64, "a_b", "root:a"])
async def test_a_name_that_cannot_stand_in_namespaces_is_refused(name: str) -> None:
    async with serving(answering({})) as wire:
        with pytest.raises(UsageError, match="cannot be a cluster's name"):
            await open_upstream(wire, "kubernetes", cluster_name=name)


async def test_without_the_right_to_see_kube_system_a_name_is_asked_for() -> None:
    async with serving(answering({"/api/v1/namespaces/kube-system": 403})) as wire:
        with pytest.raises(UsageError, match="--cluster-name"):
            await open_upstream(wire, "kubernetes")
    async with serving(answering({"/api/v1/namespaces/kube-system": 503})) as wire:
        with pytest.raises(ApiError) as caught:
            await open_upstream(wire, "kubernetes")
    assert caught.value.retry_class is RetryClass.TRANSIENT


LOGICAL = "/clusters/root:team-a/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
SPACES = "/clusters/root:team-a/api/v1/namespaces"


async def test_a_workspace_tells_its_logical_cluster() -> None:
    async with serving(answering({LOGICAL: logical_cluster("2x1abc")})) as wire:
        upstream = await open_upstream(wire, "workspace", workspace="root:team-a")
    assert (upstream.cluster, upstream.client.cluster) == ("2x1abc", "2x1abc")
    assert upstream.client.prefix == "/clusters/root:team-a"


async def test_the_workspace_in_the_kubeconfig_is_the_default() -> None:
    async with serving(answering({LOGICAL: logical_cluster("2x1abc")}), path="/clusters/root:team-a") as wire:
        upstream = await open_upstream(wire, "workspace")
    assert (upstream.cluster, upstream.client.prefix) == ("2x1abc", "/clusters/root:team-a")


async def test_a_workspace_that_is_named_wins_over_the_kubeconfigs() -> None:
    async with serving(answering({LOGICAL: logical_cluster("2x1abc")}), path="/clusters/root:other") as wire:
        upstream = await open_upstream(wire, "workspace", workspace="root:team-a")
    assert upstream.client.prefix == "/clusters/root:team-a"


async def test_who_may_not_see_the_logical_cluster_reads_a_namespace() -> None:
    page = {"metadata": {"resourceVersion": "1"}, "items": [logical_cluster("2x1abc")]}
    async with serving(answering({LOGICAL: 403, SPACES: page})) as wire:
        assert (await open_upstream(wire, "workspace", workspace="root:team-a")).cluster == "2x1abc"
    page["items"] = []
    async with serving(answering({LOGICAL: 403, SPACES: page})) as wire:
        with pytest.raises(ApiError) as caught:
            await open_upstream(wire, "workspace", workspace="root:team-a")
    assert caught.value.status == 403


async def test_a_workspace_that_cannot_be_read_just_now_is_worth_another_try() -> None:
    async with serving(answering({LOGICAL: 503})) as wire:
        with pytest.raises(ApiError) as caught:
            await open_upstream(wire, "workspace", workspace="root:team-a")
    assert caught.value.retry_class is RetryClass.TRANSIENT


async def test_a_server_without_workspaces_is_told_apart() -> None:
    async with serving(answering({})) as wire:
        with pytest.raises(KubeError, match="kubernetes mode"):
            await open_upstream(wire, "workspace", workspace="root:team-a")
    async with serving(answering({LOGICAL: logical_cluster("")})) as wire:
        with pytest.raises(KubeError, match="does not say which logical cluster"):
            await open_upstream(wire, "workspace", workspace="root:team-a")


async def test_what_cannot_be_meant_is_refused() -> None:
    async with serving(answering({})) as wire:
        with pytest.raises(UsageError, match="not a kind of upstream"):
            await open_upstream(wire, "magic")
        with pytest.raises(UsageError, match="No workspace is given"):
            await open_upstream(wire, "workspace")
        with pytest.raises(KubeError):
            await open_upstream(wire, "workspace", workspace="../x")
