"""Discovery against a real server on loopback; see test_discovery_documents for the documents themselves."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from tests.unit.kube.servers import serving
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery import Discovery, assemble, discover
from tmc_syncer.kube.discovery_documents import Group, Version
from tmc_syncer.kube.errors import ApiError, RetryClass, TransportError


def info(group: str, version: str, resource: str, kind: str = "", singular: str = "") -> ResourceInfo:
    return ResourceInfo(GVR(group, version, resource), kind, namespaced=True, singular=singular)


DEPLOYMENTS = info("apps", "v1", "deployments", "Deployment", "deployment")
PODS = info("", "v1", "pods", "Pod", "pod")


def some_types() -> Discovery:
    batch = [
        Version(v, ((info("batch", v, "cronjobs", "CronJob", "cronjob"), ("cj",)),))
        for v in ("v1", "v1beta1")
    ]
    return assemble(
        [
            Group("", (Version("v1", ((PODS, ("po",)), (info("", "v1", "events", "Event"), ("ev",)))),)),
            Group("apps", (Version("v1", ((DEPLOYMENTS, ("deploy",)),)),)),
            Group("batch", tuple(batch)),
            Group("events.k8s.io", (Version("v1", ((info("events.k8s.io", "v1", "events", "Event"), ("ev",)),)),)),
            Group("metrics.k8s.io", (), failed=True),
        ]
    )  # fmt: skip


def test_a_type_is_found_by_its_version_or_by_the_preferred_one() -> None:
    types = some_types()
    assert types.find(GVR("apps", "v1", "deployments")) == DEPLOYMENTS
    assert types.find(GVR("apps", "", "deployments")) == DEPLOYMENTS
    found = types.find(GVR("batch", "", "cronjobs"))
    assert found is not None
    assert found.gvr.version == "v1"
    old = types.find(GVR("batch", "v1beta1", "cronjobs"))
    assert old is not None
    assert old.gvr.version == "v1beta1"
    assert types.find(GVR("apps", "v2", "deployments")) is None
    assert types.find(GVR("", "", "deployments")) is None


def test_a_group_that_failed_makes_the_whole_incomplete() -> None:
    types = some_types()
    assert not types.complete
    assert types.failed_groups == {"metrics.k8s.io"}
    assert assemble([]).complete


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("deployments", "deployments.apps"),
        ("Deployment", "deployments.apps"),
        ("deploy", "deployments.apps"),
        ("deploymnts", "deployments.apps"),
        ("deployments.extensions", "deployments.apps"),
        ("deployment.ap", "deployments.apps"),
        ("po", "pods"),
        ("pod", "pods"),
        ("cronjob.batch", "cronjobs.batch"),
    ],
)
def test_near_misses_are_suggested(text: str, first: str) -> None:
    assert some_types().suggest(text)[0] == first


def test_suggestions_are_few_distinct_and_none_for_nonsense() -> None:
    assert some_types().suggest("events") == ["events", "events.events.k8s.io"]
    assert some_types().suggest("xyzzy") == []
    assert some_types().suggest("") == []


def aggregated(*groups: dict[str, Any]) -> web.Response:
    document = {"kind": "APIGroupDiscoveryList", "items": list(groups)}
    return web.json_response(document)


def group(name: str, *resources: dict[str, Any], freshness: str = "Current") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "versions": [{"version": "v1", "freshness": freshness, "resources": list(resources)}],
    }


def entry(resource: str, kind: str) -> dict[str, Any]:
    return {"resource": resource, "responseKind": {"kind": kind}, "scope": "Namespaced"}


async def test_aggregated_discovery_takes_two_requests() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.path, "as=APIGroupDiscoveryList" in request.headers["Accept"]))
        if request.path.endswith("/api"):
            return aggregated(group("", entry("pods", "Pod")))
        return aggregated(
            group("apps", entry("deployments", "Deployment")), group("stale.io", freshness="Stale")
        )

    async with serving(answer) as transport:
        types = await discover(Client(transport, prefix="/clusters/root:a"))
    assert asked == [("/clusters/root:a/api", True), ("/clusters/root:a/apis", True)]
    assert set(types.resources) == {GVR("", "v1", "pods"), GVR("apps", "v1", "deployments")}
    assert types.failed_groups == {"stale.io"}


CLASSIC: dict[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {"name": "apps", "versions": [{"version": "v1"}]},
            {"name": "broken.io", "versions": [{"version": "v1"}]},
            {"name": "odd.io", "versions": [{"version": "v1"}]},
        ],
    },
    "/apis/apps/v1": {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
    "/apis/odd.io/v1": {"kind": "odd"},
}


async def test_classic_discovery_keeps_what_it_can_read_and_names_what_it_cannot() -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path not in CLASSIC:
            return web.Response(status=503, text="no endpoints available")
        return web.json_response(CLASSIC[request.path])

    async with serving(answer) as transport:
        types = await discover(Client(transport))
    assert set(types.resources) == {GVR("", "v1", "pods"), GVR("apps", "v1", "deployments")}
    assert types.failed_groups == {"broken.io", "odd.io"}
    assert not types.complete


async def test_a_server_whose_roots_cannot_be_read_is_an_error_and_not_an_empty_world() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=503, text="starting")

    async with serving(refuse) as transport:
        with pytest.raises(ApiError) as caught:
            await discover(Client(transport))
    assert caught.value.retry_class is RetryClass.TRANSIENT
    assert "/api" in str(caught.value)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>login</html>", content_type="text/html")

    async with serving(page) as transport:
        with pytest.raises(TransportError):
            await discover(Client(transport))
