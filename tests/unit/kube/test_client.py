"""The verbs against a real server on loopback that tells what was asked and answers what it is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.unit.kube.servers import serving
from tests.unit.kube.types import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube import streams
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.kube.errors import ApiError, PathError, RetryClass, TransportError, TransportFault


def thing(name: str = "web", **metadata: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "a", "uid": "u1", "resourceVersion": "7"} | metadata
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 1}}


class Server:
    """Keeps what was asked; `reply` and `status` are what it answers."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.reply: Any = thing()
        self.status = 200

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            {
                "line": f"{request.method} {request.raw_path.partition('?')[0]}",
                "query": dict(request.query),
                "accept": request.headers["Accept"],
                "type": request.headers.get("Content-Type", ""),
                "body": json.loads(body) if body else None,
            }
        )
        data = self.reply if isinstance(self.reply, bytes) else json.dumps(self.reply).encode()
        return web.Response(body=data, status=self.status)

    @property
    def last(self) -> dict[str, Any]:
        return self.asked[-1]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    async with serving(server) as wire:
        yield Client(wire)


WEB = "/apis/apps/v1/namespaces/a/deployments/web"


async def test_get_asks_for_the_present_state_of_one_object(server: Server, client: Client) -> None:
    record = await client.get(DEPLOYMENTS, "a", "web")
    assert (record.meta.uid, record.field("spec"), record.cluster) == ("u1", {"replicas": 1}, "")
    assert server.last == {
        "line": f"GET {WEB}",
        "query": {},
        "accept": "application/json",
        "type": "",
        "body": None,
    }
    await client.get(DEPLOYMENTS, "a", "web", metadata_only=True, timeout=5)
    assert server.last["accept"].startswith("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,")
    await client.get(NAMESPACES, "", "a")
    assert server.last["line"] == "GET /api/v1/namespaces/a"


async def test_get_of_what_is_not_there_is_proof_of_absence_only_when_the_server_says_so(
    server: Server, client: Client
) -> None:
    server.status = 404
    server.reply = {
        "kind": "Status",
        "reason": "NotFound",
        "code": 404,
        "details": {"group": "apps", "kind": "deployments", "name": "web"},
    }
    with pytest.raises(ApiError) as caught:
        await client.get(DEPLOYMENTS, "a", "web")
    assert caught.value.is_not_found_of(DEPLOYMENTS, "web")
    server.reply = b"404 page not found"
    with pytest.raises(ApiError) as caught:
        await client.get(DEPLOYMENTS, "a", "web")
    assert not caught.value.is_not_found_of(DEPLOYMENTS, "web")
    assert caught.value.retry_class is RetryClass.TRANSIENT


async def test_a_page_is_asked_for_with_all_that_was_given(server: Server, client: Client) -> None:
    server.reply = {"metadata": {"resourceVersion": "9"}, "items": [thing("a"), thing("b")]}
    page = await client.list_page(
        DEPLOYMENTS,
        namespace="a",
        label_selector="x=y",
        field_selector="metadata.name=web",
        limit=50,
        continue_token="c/+=",
        resource_version="5",
        match="NotOlderThan",
    )
    assert [record.meta.name for record in page.records] == ["a", "b"]
    assert server.last["line"] == "GET /apis/apps/v1/namespaces/a/deployments"
    assert server.last["query"] == {
        "labelSelector": "x=y",
        "fieldSelector": "metadata.name=web",
        "limit": "50",
        "continue": "c/+=",
        "resourceVersion": "5",
        "resourceVersionMatch": "NotOlderThan",
    }
    await client.list_page(DEPLOYMENTS, limit=0, metadata_only=True)
    assert server.last["query"] == {}
    assert "as=PartialObjectMetadataList;" in server.last["accept"]


async def test_a_page_that_is_too_large_is_asked_for_in_a_small_size(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_REPLY_BYTES", 3 << 20)

    async def answer(request: web.Request) -> web.Response:
        items = [thing(str(n), annotations={"x": "x" * 100_000}) for n in range(int(request.query["limit"]))]
        return web.json_response({"metadata": {"resourceVersion": "9", "continue": "next"}, "items": items})

    async with serving(answer) as wire:
        page = await Client(wire).list_page(DEPLOYMENTS, limit=100)
        assert (len(page.records), page.continue_token) == (20, "next")
        monkeypatch.setattr(streams, "MAX_REPLY_BYTES", 1 << 20)
        with pytest.raises(TransportError) as caught:
            await Client(wire).list_page(DEPLOYMENTS, limit=100)
        assert caught.value.fault is TransportFault.TOO_LARGE


async def test_an_apply_says_who_applies_and_whether_by_force(server: Server, client: Client) -> None:
    record = await client.apply(DEPLOYMENTS, "a", "web", {"metadata": {"resourceVersion": "1"}})
    assert record.meta.resource_version == "7"
    assert server.last == {
        "line": f"PATCH {WEB}",
        "query": {"fieldManager": "syncer", "force": "false"},
        "accept": "application/json",
        "type": "application/apply-patch+yaml",
        "body": {"metadata": {"resourceVersion": "1"}},
    }
    await client.apply(
        DEPLOYMENTS,
        "a",
        "web",
        b'{"a":1}',
        force=True,
        subresource="status",
        dry_run=True,
        field_manager="a b",
    )
    assert server.last["line"] == f"PATCH {WEB}/status"
    assert server.last["query"] == {"fieldManager": "a b", "force": "true", "dryRun": "All"}
    assert server.last["body"] == {"a": 1}


async def test_a_refused_apply_names_the_contested_fields(server: Server, client: Client) -> None:
    server.status = 409
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "helm"', "field": ".spec.replicas"}
    ]
    server.reply = {"kind": "Status", "reason": "Conflict", "details": {"causes": causes}}
    with pytest.raises(ApiError) as caught:
        await client.apply(DEPLOYMENTS, "a", "web", {})
    assert [(c.manager, c.field_path) for c in caught.value.field_conflicts] == [("helm", ".spec.replicas")]
    assert "apply deployments.apps a/web" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [
        (PatchType.JSON, [{"op": "test", "path": "/a", "value": 1}], "application/json-patch+json"),
        (PatchType.MERGE, {"status": {}}, "application/merge-patch+json"),
        (PatchType.STRATEGIC, {"status": {}}, "application/strategic-merge-patch+json"),
    ],
)
async def test_patches(server: Server, client: Client, kind: PatchType, body: Any, content_type: str) -> None:
    await client.patch(DEPLOYMENTS, "a", "web", body, patch_type=kind, subresource="status")
    assert server.last["line"] == f"PATCH {WEB}/status"
    assert (server.last["type"], server.last["body"]) == (content_type, body)
    assert server.last["query"] == {"fieldManager": "syncer"}


async def test_a_failed_test_of_a_json_patch_is_a_conflict_and_of_a_merge_patch_there_is_none(
    server: Server, client: Client
) -> None:
    server.status, server.reply = 422, {"kind": "Status", "reason": "Invalid", "message": "rejected"}
    classes = []
    for kind in (PatchType.JSON, PatchType.MERGE):
        with pytest.raises(ApiError) as caught:
            await client.patch(DEPLOYMENTS, "a", "web", b"[]", patch_type=kind, field_manager="m")
        classes.append(caught.value.retry_class)
    assert classes == [RetryClass.CONFLICT, RetryClass.TERMINAL]


async def test_create_and_replace(server: Server, client: Client) -> None:
    server.status = 201
    assert (await client.create(DEPLOYMENTS, "a", thing())).meta.name == "web"
    assert (server.last["line"], server.last["type"]) == (
        "POST /apis/apps/v1/namespaces/a/deployments",
        "application/json",
    )
    await client.create(NAMESPACES, "", thing(), field_manager="m")
    assert (server.last["line"], server.last["query"]) == ("POST /api/v1/namespaces", {"fieldManager": "m"})
    server.status = 200
    await client.replace(DEPLOYMENTS, "a", "web", thing(), subresource="status")
    assert server.last["line"] == f"PUT {WEB}/status"
    assert server.last["body"] == thing()


async def test_a_delete_carries_its_preconditions_and_tells_whether_something_is_left(
    server: Server, client: Client
) -> None:
    server.reply = thing(deletionTimestamp="2026-11-22T12:00:00Z")
    waiting = await client.delete(
        DEPLOYMENTS,
        "a",
        "web",
        uid="u1",
        resource_version="7",
        propagation="Foreground",
        grace_period_seconds=0,
    )
    assert waiting is not None
    assert server.last["line"] == f"DELETE {WEB}"
    assert server.last["body"] == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "u1", "resourceVersion": "7"},
        "propagationPolicy": "Foreground",
        "gracePeriodSeconds": 0,
    }
    server.reply = {"kind": "Status", "status": "Success"}
    assert await client.delete(DEPLOYMENTS, "a", "web") is None
    assert server.last["body"] == {"apiVersion": "v1", "kind": "DeleteOptions"}
    await client.delete(DEPLOYMENTS, "a", "web", uid="u1")
    assert server.last["body"]["preconditions"] == {"uid": "u1"}


@pytest.mark.parametrize(("namespace", "name"), [("a", ""), ("", "web"), ("a", "../b"), ("a/b", "web")])
async def test_nothing_is_sent_for_a_name_that_would_address_something_else(
    server: Server, client: Client, namespace: str, name: str
) -> None:
    for call in (
        client.get(DEPLOYMENTS, namespace, name),
        client.delete(DEPLOYMENTS, namespace, name),
        client.apply(DEPLOYMENTS, namespace, name, {}),
        client.replace(DEPLOYMENTS, namespace, name, {}),
        client.patch(DEPLOYMENTS, namespace, name, {}, patch_type=PatchType.MERGE),
    ):
        with pytest.raises(PathError):
            await call
    assert server.asked == []


@pytest.mark.parametrize("reply", [b"", b"<html>", b'{"metadata":{"name":"w'])
async def test_a_garbled_success_is_an_error(server: Server, client: Client, reply: bytes) -> None:
    server.reply = reply
    with pytest.raises(TransportError) as caught:
        await client.apply(DEPLOYMENTS, "a", "web", {})
    assert caught.value.fault is TransportFault.GARBLED


async def test_raw_requests_go_below_the_prefix_and_any_status_comes_back(server: Server) -> None:
    server.status = 418
    async with serving(server) as wire:
        client = Client(wire, prefix="/clusters/root:a")
        reply = await client.raw(
            "POST", "/version", query=[("a", "b")], body=b"{}", content_type="x/y", accept="z/w"
        )
    assert reply.status == 418
    assert server.last["line"] == "POST /clusters/root:a/version"
    assert (server.last["query"], server.last["accept"], server.last["type"]) == ({"a": "b"}, "z/w", "x/y")


async def test_every_reply_is_told_and_so_is_none(server: Server) -> None:
    told: list[tuple[str, str, str, int]] = []

    def tell(side: str, verb: str, info: ResourceInfo, status: int) -> None:
        told.append((side, verb, info.kind, status))

    async with serving(server) as wire:
        client = Client(wire, side="upstream", on_reply=tell)
        await client.get(DEPLOYMENTS, "a", "web")
        server.status = 500
        with pytest.raises(ApiError):
            await client.apply(DEPLOYMENTS, "a", "web", {})
        with pytest.raises(ApiError):
            async with client.watch(DEPLOYMENTS, timeout_seconds=1):
                pass
    assert told == [
        ("upstream", "get", "Deployment", 200),
        ("upstream", "apply", "Deployment", 500),
        ("upstream", "watch", "Deployment", 500),
    ]


async def test_a_request_without_an_answer_is_told_as_zero() -> None:
    told: list[int] = []

    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serving(cut) as wire:
        client = Client(wire, on_reply=lambda *reply: told.append(reply[3]))
        with pytest.raises(TransportError):
            await client.apply(DEPLOYMENTS, "a", "web", {})
        with pytest.raises(TransportError):
            async with client.watch(DEPLOYMENTS, timeout_seconds=1):
                pytest.fail("there is no answer")
    assert told == [0, 0]


async def test_clusters_of_one_server_share_its_transport(server: Server) -> None:
    async with serving(server, path="/clusters/root:home") as wire:
        home = Client(wire, cluster="c0", field_manager="m")
        away = home.with_cluster("/clusters/c1", "c1")
        assert (await home.get(DEPLOYMENTS, "a", "web")).cluster == "c0"
        assert server.last["line"] == f"GET /clusters/root:home{WEB}"
        assert (await away.patch(DEPLOYMENTS, "a", "web", {}, patch_type=PatchType.MERGE)).cluster == "c1"
        assert server.last["line"] == f"PATCH /clusters/c1{WEB}"
        assert server.last["query"] == {"fieldManager": "m"}


async def test_below_a_wildcard_each_object_tells_its_cluster(server: Server) -> None:
    items = [
        thing("a", annotations={"kcp.io/cluster": "c1"}),
        thing("b", annotations={"kcp.io/cluster": "c2"}),
    ]
    server.reply = {"metadata": {"resourceVersion": "9"}, "items": items}
    async with serving(server, path="/services/apiexport/p/e") as wire:
        page = await Client(wire, prefix="/clusters/*").list_page(CONFIG_MAPS)
    assert [record.cluster for record in page.records] == ["c1", "c2"]
    assert server.last["line"] == "GET /services/apiexport/p/e/clusters/*/api/v1/configmaps"
