from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp import web

from tests.unit.controlplane.server.serving import (
    CONFIGMAPS,
    DEPLOYMENTS,
    MERGE,
    PODS,
    Http,
    configmap,
    made,
    pod,
    running,
    served,
)
from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError, expired, too_many_requests, unauthorized
from tmc_syncer.controlplane.server.extensions import Invocation
from tmc_syncer.controlplane.server.faults import Cut, Faults, FaultyRequest
from tmc_syncer.controlplane.storage.watch import Event


@pytest.mark.parametrize(
    ("method", "path", "code", "is_text"),
    [
        ("GET", "/foo", 404, True),
        ("GET", "/apis/foo.io/v1/foos", 404, True),
        ("GET", "/api/v2/pods", 404, False),
        ("GET", "/api/v1/foos", 404, False),
        ("GET", "/apis/apps/v9/deployments", 404, False),
        ("GET", "/api/v1/namespaces/default/foos/x", 404, False),
        ("GET", f"{CONFIGMAPS}/x/y", 404, False),
        ("GET", f"{CONFIGMAPS}/x/status", 404, False),
        ("GET", "/api//v1/namespaces", 404, False),
        ("GET", "/api/v1/configmaps/x", 404, False),
        ("GET", "/api/v1/namespaces/default/nodes", 404, False),
        ("POST", "/api/v1/configmaps", 405, False),
        ("OPTIONS", CONFIGMAPS, 405, False),
        ("PUT", CONFIGMAPS, 405, False),
        ("POST", "/version", 405, False),
        ("GET", "/clusters/root/api/v1/pods", 403, False),
    ],
)
async def test_paths_and_methods_that_are_not_there(method: str, path: str, code: int, is_text: bool) -> None:
    async with served() as (_, http):
        reply = await http.ask(method, path)
        assert reply.code == code
        if is_text:
            assert reply.raw == b"404 page not found\n"
        else:
            assert reply.obj["kind"] == "Status"


async def test_a_head_has_no_body() -> None:
    async with served() as (_, http):
        reply = await http.ask("HEAD", f"{CONFIGMAPS}/a")
        assert (reply.code, reply.raw) == (405, b"")


# Logical clusters


async def test_logical_clusters_are_apart_and_can_be_read_together() -> None:
    plane = made(workspaces=True)
    plane.add_cluster("one", "root:one")
    plane.add_cluster("two")
    async with running(plane) as http:
        for cluster, name in (("one", "a"), ("root:one", "b"), ("two", "a")):
            created = await http.make(f"/clusters/{cluster}{CONFIGMAPS}", configmap(name))
            assert created["metadata"]["annotations"] == {"kcp.io/cluster": cluster.removeprefix("root:")}
        everything = await http.ask("GET", "/clusters/*/api/v1/configmaps")
        found = [
            (i["metadata"]["annotations"]["kcp.io/cluster"], i["metadata"]["name"])
            for i in everything.obj["items"]
        ]
        assert found == [("one", "a"), ("one", "b"), ("two", "a")]
        assert (await http.ask("GET", CONFIGMAPS)).obj["items"] == []
        assert plane.cluster_url("one") == f"{plane.url}/clusters/one"
        async with http.events("/clusters/*/api/v1/configmaps?watch=1&labelSelector=x%3Dy") as events:
            await http.ask(
                "PATCH", f"/clusters/two{CONFIGMAPS}/a", {"metadata": {"labels": {"x": "y"}}}, MERGE
            )
            event = await events.next()
            assert event["object"]["metadata"]["annotations"] == {"kcp.io/cluster": "two"}


async def test_the_name_of_the_cluster_cannot_be_forged_or_owned() -> None:
    plane = made(workspaces=True)
    plane.add_cluster("one")
    async with running(plane) as http:
        path = f"/clusters/one{CONFIGMAPS}"
        await http.make(path, configmap("a", annotations={"kcp.io/cluster": "two", "x": "y"}))
        changed = await http.ask(
            "PATCH", f"{path}/a", {"metadata": {"annotations": {"kcp.io/cluster": "two"}}}, MERGE
        )
        assert changed.obj["metadata"]["annotations"] == {"kcp.io/cluster": "one", "x": "y"}
        owned = changed.obj["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:annotations"]
        assert owned == {".": {}, "f:x": {}}
        same = await http.ask("PUT", f"{path}/a", changed.obj)
        assert same.version == changed.version


async def test_unknown_clusters_and_single_objects_of_all_clusters_are_refused() -> None:
    plane = made(workspaces=True)
    async with running(plane) as http:
        assert (await http.ask("GET", "/clusters/none/api/v1/configmaps")).code == 403
        assert (await http.ask("GET", "/clusters/none/version")).code == 403
        assert (await http.ask("GET", f"/clusters/*{CONFIGMAPS}")).code == 400
        assert (await http.ask("POST", f"/clusters/*{CONFIGMAPS}", configmap("a"))).code == 400


async def test_a_workspace_has_no_machines() -> None:
    async with served(workspaces=True) as (_, http):
        assert (await http.ask("GET", "/api/v1/nodes")).code == 404
        assert (await http.ask("GET", DEPLOYMENTS)).code == 200


# Who asks


class Doorman:
    """Lets nobody in without a name, and gives nobody anything but configmaps."""

    def __init__(self) -> None:
        self.asked: list[Attributes] = []

    def user(self, request: web.BaseRequest) -> User:
        name = request.headers.get("X-Name")
        if name is None:
            raise unauthorized()
        return User(name)

    def check(self, request: web.BaseRequest, user: User, attributes: Attributes) -> User:
        self.asked.append(attributes)
        if attributes.path is None and attributes.resource != "configmaps":
            raise refusal(user, attributes)
        return user


async def test_who_asks_is_asked_before_anything_else() -> None:
    async with served() as (plane, http):
        doorman = Doorman()
        plane.api.gate = doorman
        assert (await http.ask("GET", "/api/v1/foos")).obj["reason"] == "Unauthorized"
        name = {"X-Name": "ann"}
        refused = await http.ask("GET", "/api/v1/secrets", headers=name)
        assert (refused.code, refused.message) == (
            403,
            'secrets is forbidden: User "ann" cannot list resource "secrets" in API group "" at the cluster scope',
        )
        assert (await http.ask("GET", CONFIGMAPS, headers=name)).code == 200
        async with http.events(
            f"{CONFIGMAPS}?watch=1&fieldSelector=metadata.name%3Dx&timeoutSeconds=1", name
        ):
            pass
        assert doorman.asked[-2:] == [
            Attributes("root", "list", "", "v1", "configmaps", "", "default", ""),
            Attributes("root", "watch", "", "v1", "configmaps", "", "default", "x"),
        ]
        await http.ask("GET", "/readyz", headers=name)
        assert doorman.asked[-1] == Attributes("root", "get", path="/readyz")


# Extensions


async def test_other_parts_serve_subresources() -> None:
    async def log(invocation: Invocation) -> web.StreamResponse:
        call = invocation.call()
        assert (call.name, call.namespace, invocation.verb, invocation.tail) == (
            "web",
            "default",
            "get",
            "more/x",
        )
        return web.Response(text="hello")

    async def fail(invocation: Invocation) -> web.StreamResponse:
        raise ApiError(418, "Teapot", "short and stout")

    async with served() as (plane, http):
        plane.extensions.add("pods", "log", log)
        plane.extensions.add("pods", "exec", fail)
        await http.make(PODS, pod("web"))
        assert (await http.ask("GET", f"{PODS}/web/log/more/x")).raw == b"hello"
        assert (await http.ask("POST", f"{PODS}/web/exec")).message == "short and stout"
        assert (await http.ask("GET", "/api/v1/pods/web/log")).code == 404


async def test_what_nobody_foresaw_is_an_internal_error_and_reported() -> None:
    async def fail(invocation: Invocation) -> web.StreamResponse:
        raise ZeroDivisionError("odd")

    told: list[str] = []
    async with served() as (plane, http):
        plane._report = lambda error, what: told.append(what)
        plane.extensions.add("pods", "log", fail)
        reply = await http.ask("GET", f"{PODS}/web/log")
        assert (reply.code, reply.message) == (500, "Internal error occurred: ZeroDivisionError: odd")
        assert told == [f"GET {PODS}/web/log"]
        assert [str(error) for error, _ in plane.failures] == ["odd"]
        plane.failures.clear()
        assert (await http.ask("GET", "/livez")).code == 200


# Faults


class Script(Faults):
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.error: Exception | None = None
        self.after: Exception | None = None
        self.wait: asyncio.Event | None = None

    async def before(self, request: FaultyRequest) -> None:
        self.calls.append(f"{request.verb} {request.resource} {request.namespace}/{request.name}")
        if self.wait is not None:
            await self.wait.wait()
        if self.error is not None:
            raise self.error

    async def committed(self, request: FaultyRequest) -> None:
        self.calls.append("committed")
        if self.after is not None:
            raise self.after

    async def events(self, request: FaultyRequest, events: Sequence[Event]) -> Sequence[Event]:
        if self.after is not None:
            raise self.after
        return events

    def ended(self, request: FaultyRequest, code: int) -> None:
        self.calls.append(f"ended {code}")


async def test_a_fault_may_delay_and_refuse_a_request() -> None:
    async with served() as (plane, http):
        faults = Script()
        plane.set_faults(faults)
        faults.wait = asyncio.Event()
        slow = asyncio.create_task(http.ask("POST", CONFIGMAPS, configmap("a")))
        await asyncio.sleep(0.02)
        assert not slow.done()
        faults.wait.set()
        assert (await slow).code == 201
        assert faults.calls == ["create configmaps default/", "committed", "ended 201"]
        for error in (too_many_requests("slow down", 3), expired("gone")):
            faults.error = error
            reply = await http.ask("GET", f"{CONFIGMAPS}?watch=1")
            assert (reply.code, reply.message) == (error.code, error.message)
        assert faults.calls[-1] == "ended 410"
        assert (await http.ask("GET", "/livez")).code == 200, "faults are for resources"


async def cut(http: Http, method: str, path: str, body: object = None) -> None:
    with pytest.raises(aiohttp.ClientError):
        await http.ask(method, path, body)


async def test_a_fault_may_cut_the_connection_before_and_after_the_commit() -> None:
    async with served() as (plane, http):
        faults = Script()
        plane.set_faults(faults)
        faults.error = Cut()
        await cut(http, "POST", CONFIGMAPS, configmap("a"))
        assert faults.calls == ["create configmaps default/", "ended 0"]
        assert plane.local().get("configmaps", "a", "default") is None
        faults.error, faults.after = None, Cut()
        await cut(http, "POST", CONFIGMAPS, configmap("b"))
        assert plane.local().get("configmaps", "b", "default") is not None
        faults.after = ApiError(504, "Timeout", "late")
        reply = await http.ask("POST", CONFIGMAPS, configmap("c"))
        assert (reply.code, plane.local().count("configmaps", "default")) == (504, 2)


async def test_a_fault_may_cut_a_watch() -> None:
    async with served() as (plane, http):
        faults = Script()
        plane.set_faults(faults)
        async with http.events(f"{CONFIGMAPS}?watch=1") as events:
            await http.make(CONFIGMAPS, configmap("a"))
            await events.take(1)
            faults.after = Cut()
            plane.local().create("configmaps", configmap("b", namespace="default"))
            with pytest.raises(aiohttp.ClientError):
                await events.rest()
        assert plane.watching.open == 0
