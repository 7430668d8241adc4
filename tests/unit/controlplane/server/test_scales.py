from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.serving import (
    APPLY,
    DEFINITIONS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE,
    STRATEGIC,
    TABLE,
    definition,
    deployment,
    served,
)

SCALE = f"{DEPLOYMENTS}/web/scale"


def scale(replicas: int | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "web", "namespace": "default", **metadata},
        "spec": {} if replicas is None else {"replicas": replicas},
    }


async def test_a_scale_is_a_view_of_its_parent() -> None:
    async with served() as (_, http):
        made = await http.make(DEPLOYMENTS, deployment("web", 3))
        await http.ask("PATCH", f"{DEPLOYMENTS}/web/status", {"status": {"replicas": 2}}, MERGE)
        found = await http.ask("GET", SCALE)
        assert found.obj["spec"] == {"replicas": 3}
        assert found.obj["status"] == {"replicas": 2, "selector": "app=web"}
        assert found.obj["metadata"]["uid"] == made["metadata"]["uid"]
        assert "managedFields" not in found.obj["metadata"]
        table = await http.ask("GET", SCALE, headers=TABLE)
        assert table.obj["rows"][0]["cells"][:3] == ["web", 3, 2]
        assert (await http.ask("GET", f"{DEPLOYMENTS}/none/scale")).code == 404
        assert (await http.ask("POST", SCALE, scale(1))).code == 405


@pytest.mark.parametrize(
    ("method", "query", "body", "headers"),
    [
        ("PUT", "", scale(5), None),
        ("PATCH", "", {"spec": {"replicas": 5}}, MERGE),
        ("PATCH", "", {"spec": {"replicas": 5}}, STRATEGIC),
        ("PATCH", "", [{"op": "replace", "path": "/spec/replicas", "value": 5}], JSON_PATCH),
        ("PATCH", "?fieldManager=test&force=true", scale(5), APPLY),
    ],
)
async def test_every_write_of_a_scale_changes_its_parent(
    method: str, query: str, body: Any, headers: Any
) -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web"))
        reply = await http.ask(method, SCALE + query, body, headers)
        assert (reply.code, reply.obj["spec"]) == (200, {"replicas": 5})
        parent = (await http.ask("GET", f"{DEPLOYMENTS}/web")).obj
        assert (parent["spec"]["replicas"], parent["metadata"]["generation"]) == (5, 2)
        assert parent["metadata"]["resourceVersion"] == reply.version
        assert ("test", "scale") in [
            (entry["manager"], entry.get("subresource")) for entry in parent["metadata"]["managedFields"]
        ]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            scale(-1),
            422,
            'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than',
        ),
        (scale(1, resourceVersion="1"), 409, "the object has been modified"),
        (deployment("web"), 400, "cannot be handled as a Scale"),
        ({**scale(1), "metadata": {"name": "other"}}, 400, "does not match the name on the URL"),
    ],
)
async def test_what_is_no_scale_is_refused(body: Any, code: int, message: str) -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web"))
        reply = await http.ask("PUT", SCALE, body)
        assert reply.code == code
        assert message in reply.message


async def test_a_scale_without_a_number_is_zero() -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web", 3))
        assert (await http.ask("PUT", SCALE, scale())).obj["spec"] == {}
        assert (await http.ask("GET", f"{DEPLOYMENTS}/web")).obj["spec"]["replicas"] == 0


async def test_a_put_needs_no_content_type_and_may_be_dry() -> None:
    async with served() as (_, http):
        await http.make(DEPLOYMENTS, deployment("web"))
        dry = await http.ask("PUT", f"{SCALE}?dryRun=All", scale(7), {"Content-Type": ""})
        assert dry.obj["spec"] == {"replicas": 7}
        assert (await http.ask("GET", SCALE)).obj["spec"] == {"replicas": 1}


async def test_custom_types_scale_by_their_own_paths() -> None:
    paths = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}
    async with served() as (_, http):
        await http.make(DEFINITIONS, definition(subresources={"status": {}, "scale": paths}))
        base = "/apis/example.com/v1/namespaces/default/widgets"
        await http.make(
            base,
            {
                "apiVersion": "example.com/v1",
                "kind": "Widget",
                "metadata": {"name": "web"},
                "spec": {"size": 2},
            },
        )
        assert (await http.ask("GET", f"{base}/web/scale")).obj["spec"] == {"replicas": 2}
        await http.ask("PATCH", f"{base}/web/scale", {"spec": {"replicas": 4}}, MERGE)
        assert (await http.ask("GET", f"{base}/web")).obj["spec"]["size"] == 4
        refused = await http.ask("PATCH", f"{base}/web", {"spec": {"size": 5}}, STRATEGIC)
        assert refused.code == 415
