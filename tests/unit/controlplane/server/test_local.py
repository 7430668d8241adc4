from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.controlplane.server.serving import configmap, definition, deployment, made, pod
from tmc_syncer.controlplane.server import local as module
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.local import Local


def there(name: str, **more: Any) -> dict[str, Any]:
    return configmap(name, namespace="default", **more)


@pytest.fixture
def local() -> Local:
    return made().local(manager="me")


def test_objects_are_made_read_changed_and_deleted(local: Local) -> None:
    given = there("a", annotations={"x": "y"})
    created = local.create("configmaps", given)
    assert given == there("a", annotations={"x": "y"})
    assert created["metadata"]["managedFields"][0]["manager"] == "me"
    assert local.get("configmaps", "a", "default") == created
    changed = local.update("configmaps", {**created, "data": {"k": "w"}}, manager="other")
    assert changed["data"] == {"k": "w"}
    with pytest.raises(ApiError, match="the object has been modified"):
        local.update("configmaps", created)
    patched = local.patch("configmaps", "a", "default", {"data": {"x": "y"}})
    assert patched["data"] == {"k": "w", "x": "y"}
    assert local.revision == int(patched["metadata"]["resourceVersion"])
    with pytest.raises(ApiError):
        local.delete("configmaps", "a", "default", uid="other")
    local.delete("configmaps", "a", "default", uid=created["metadata"]["uid"])
    assert local.get("configmaps", "a", "default") is None


def test_status_is_written_apart(local: Local) -> None:
    local.create("deployments.apps", deployment("web", namespace="default"))
    local.patch_status("deployments.apps", "web", "default", {"status": {"replicas": 1}})
    live = local.get("deployments.apps", "web", "default")
    assert live is not None
    after = local.update_status("deployments.apps", {**live, "spec": {}, "status": {"replicas": 2}})
    assert (after["status"], after["spec"]["replicas"]) == ({"replicas": 2}, 1)


def test_a_pod_may_be_deleted_at_once(local: Local) -> None:
    local.create("pods", pod("p", "n1", namespace="default"))
    local.delete("pods", "p", "default")
    live = local.get("pods", "p", "default")
    assert live is not None
    assert live["metadata"]["deletionGracePeriodSeconds"] == 30
    local.delete("pods", "p", "default", grace_seconds=0)
    assert local.get("pods", "p", "default") is None


def test_lists_are_of_a_namespace_or_all_and_may_be_chosen_from(local: Local) -> None:
    local.create("namespaces", {"metadata": {"name": "shop"}})
    for name, namespace in (("a", "default"), ("b", "default"), ("c", "shop")):
        local.create("configmaps", configmap(name, namespace=namespace))
    assert [obj["metadata"]["name"] for obj in local.list("configmaps")] == ["a", "b", "c"]
    assert [obj["metadata"]["name"] for obj in local.list("configmaps", "shop")] == ["c"]
    chosen = local.list("configmaps", "default", lambda obj: obj["metadata"]["name"] > "a")
    assert [obj["metadata"]["name"] for obj in chosen] == ["b"]
    assert (local.count("configmaps"), local.count("configmaps", "shop")) == (3, 1)


def test_types_that_are_not_served_are_not_found(local: Local) -> None:
    assert local.serves("pods")
    assert not local.serves("widgets.example.com")
    with pytest.raises(ApiError) as refused:
        local.list("widgets.example.com")
    assert refused.value.code == 404
    local.create("customresourcedefinitions.apiextensions.k8s.io", definition())
    assert local.serves("widgets.example.com")


async def collected(local: Local, resource: str, found: list[tuple[str, str]], namespace: str = "") -> None:
    async for event_type, obj in local.watch(resource, namespace):
        found.append((event_type, obj["metadata"]["name"]))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_tells_what_stands_and_then_each_change(local: Local) -> None:
    local.create("configmaps", there("a"))
    found: list[tuple[str, str]] = []
    task = asyncio.create_task(collected(local, "configmaps", found))
    await settle()
    assert found == [("ADDED", "a")]
    local.create("configmaps", there("b"))
    local.patch("configmaps", "a", "default", {"data": {"x": "y"}})
    local.delete("configmaps", "b", "default")
    await settle()
    assert found[1:] == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    await ended(task)
    assert list(local._store.collection("configmaps").watches()) == []


async def test_a_watch_of_a_namespace_hears_of_no_other(local: Local) -> None:
    local.create("namespaces", {"metadata": {"name": "shop"}})
    found: list[tuple[str, str]] = []
    task = asyncio.create_task(collected(local, "configmaps", found, "shop"))
    await settle()
    local.create("configmaps", there("a"))
    local.create("configmaps", configmap("b", namespace="shop"))
    await settle()
    assert found == [("ADDED", "b")]
    await ended(task)


async def test_a_watch_that_fell_behind_tells_the_difference() -> None:
    local = made(history=10).local()
    for name in ("kept", "changed", "deleted", "replaced"):
        local.create("configmaps", there(name))
    events: AsyncIterator[tuple[str, dict[str, Any]]] = local.watch("configmaps")
    found = [(await anext(events))[1]["metadata"]["name"] for _ in range(4)]
    assert found == ["changed", "deleted", "kept", "replaced"]
    await asyncio.sleep(0)
    local.patch("configmaps", "changed", "default", {"data": {"x": "y"}})
    for name in ("deleted", "replaced"):
        local.delete("configmaps", name, "default")
    local.create("configmaps", there("replaced"))
    for number in range(20):
        local.create("configmaps", there(f"n{number:02}"))
    told = [await anext(events) for _ in range(24)]
    assert [(event_type, obj["metadata"]["name"]) for event_type, obj in told[:5]] == [
        ("DELETED", "deleted"),
        ("MODIFIED", "changed"),
        ("ADDED", "n00"),
        ("ADDED", "n01"),
        ("ADDED", "n02"),
    ]
    assert [(event_type, obj["metadata"]["name"]) for event_type, obj in told[-2:]] == [
        ("DELETED", "replaced"),
        ("ADDED", "replaced"),
    ]
    local.delete("configmaps", "kept", "default")
    assert (await anext(events))[0] == "DELETED"
    await events.aclose()  # type: ignore[attr-defined]


def test_what_is_decoded_is_shared_and_bounded(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    local.create("configmaps", there("a"))
    assert local.get("configmaps", "a", "default") is local.get("configmaps", "a", "default")
    monkeypatch.setattr(module, "VIEWS", 2)
    for number in range(5):
        local.create("configmaps", there(f"b{number}"))
        local.get("configmaps", f"b{number}", "default")
    assert len(local._views._views) <= 2
