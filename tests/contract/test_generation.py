"""metadata.generation: it counts changes of what a user wants, and nothing else; and who may write status and spec where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import (
    at,
    config_map,
    deployment,
    gadget,
    lease,
    named,
    pod,
    service,
    template,
    widget,
)
from tests.contract.servers import Server

SPEC = {"size": 2}


def generation(obj: dict[str, Any]) -> int | None:
    found: int | None = obj["metadata"].get("generation")
    return found


@pytest.mark.needs("workloads")
@pytest.mark.parametrize(
    ("resource", "kind", "spec"),
    [
        ("deployments", "Deployment", {}),
        ("replicasets", "ReplicaSet", {}),
        ("statefulsets", "StatefulSet", {"serviceName": "s"}),
        ("daemonsets", "DaemonSet", {}),
    ],
)
def test_a_workload_begins_with_1_and_counts_changes_of_its_spec(
    server: Server, namespace: str, resource: str, kind: str, spec: dict[str, Any]
) -> None:
    labels = {"app": "a"}
    full = {"selector": {"matchLabels": labels}, "template": template(labels), **spec}
    created = server.post(at(resource, namespace), {**named(kind, "a", "apps/v1"), "spec": full}).ok(201)
    assert generation(created) == 1
    path = at(resource, namespace, "a")
    change = {"spec": {"minReadySeconds": 5}}
    assert generation(server.patch(path, "merge", change).ok()) == 2
    assert generation(server.patch(path, "merge", change).ok()) == 2
    assert generation(server.patch(path, "merge", {"metadata": {"labels": {"x": "y"}}}).ok()) == 2
    assert (
        generation(server.patch(f"{path}/status", "merge", {"status": {"observedGeneration": 1}}).ok()) == 2
    )


@pytest.mark.needs("workloads")
def test_an_annotation_raises_the_generation_of_a_deployment(server: Server, namespace: str) -> None:
    server.post(at("deployments", namespace), deployment("a")).ok(201)
    change = {"metadata": {"annotations": {"x": "y"}}}
    assert generation(server.patch(at("deployments", namespace, "a"), "merge", change).ok()) == 2


@pytest.mark.needs("workloads")
@pytest.mark.parametrize(
    ("resource", "kind", "build"),
    [("statefulsets", "StatefulSet", {"serviceName": "s"}), ("daemonsets", "DaemonSet", {})],
)
def test_an_annotation_keeps_the_generation_of_other_workloads(
    server: Server, namespace: str, resource: str, kind: str, build: dict[str, Any]
) -> None:
    labels = {"app": "a"}
    spec = {"selector": {"matchLabels": labels}, "template": template(labels), **build}
    server.post(at(resource, namespace), {**named(kind, "a", "apps/v1"), "spec": spec}).ok(201)
    change = {"metadata": {"annotations": {"x": "y"}}}
    assert generation(server.patch(at(resource, namespace, "a"), "merge", change).ok()) == 1


@pytest.mark.needs("workloads")
def test_the_generation_is_the_servers_whatever_the_client_says(server: Server, namespace: str) -> None:
    created = server.post(at("deployments", namespace), deployment("a", generation=7)).ok(201)
    assert generation(created) == 1
    created["metadata"]["generation"] = 9
    assert generation(server.put(at("deployments", namespace, "a"), created).ok()) == 1


@pytest.mark.needs("workloads")
def test_scaling_counts(server: Server, namespace: str) -> None:
    server.post(at("deployments", namespace), deployment("a")).ok(201)
    path = at("deployments", namespace, "a")
    server.patch(f"{path}/scale", "merge", {"spec": {"replicas": 5}}).ok()
    assert generation(server.get(path).ok()) == 2


@pytest.mark.parametrize(
    ("resource", "obj"),
    [
        ("configmaps", config_map("a")),
        ("leases", lease("a")),
        pytest.param("services", service("a"), marks=pytest.mark.needs("workloads")),
    ],
)
def test_types_that_nobody_observes_have_no_generation(
    server: Server, namespace: str, resource: str, obj: dict[str, Any]
) -> None:
    assert generation(server.post(at(resource, namespace), obj).ok(201)) is None
    change = {"metadata": {"labels": {"x": "y"}}}
    assert generation(server.patch(at(resource, namespace, "a"), "merge", change).ok()) is None


@pytest.mark.needs("workloads")
def test_a_pod_counts_changes_of_its_spec(server: Server, namespace: str) -> None:
    assert generation(server.post(at("pods", namespace), pod("a")).ok(201)) == 1
    path = at("pods", namespace, "a")
    image = {"spec": {"containers": [{"name": "main", "image": "example.com/main:2"}]}}
    assert generation(server.patch(path, "strategic", image).ok()) == 2
    assert generation(server.patch(path, "merge", {"metadata": {"labels": {"x": "y"}}}).ok()) == 2


def test_a_custom_object_counts_everything_but_metadata_and_status(server: Server, widgets: str) -> None:
    path = f"{widgets}/a"
    assert generation(server.post(widgets, widget("a")).ok(201)) == 1
    assert generation(server.patch(path, "merge", {"spec": SPEC}).ok()) == 2
    assert generation(server.patch(path, "merge", {"spec": SPEC}).ok()) == 2
    assert generation(server.patch(path, "merge", {"metadata": {"annotations": {"x": "y"}}}).ok()) == 2
    assert generation(server.patch(path, "merge", {"status": {"phase": "Lost"}}).ok()) == 2
    assert generation(server.patch(f"{path}/status", "merge", {"status": {"phase": "Ready"}}).ok()) == 2
    assert generation(server.get(path).ok()) == 2


def test_a_custom_object_without_a_status_subresource_counts_its_status_too(
    server: Server, namespace: str
) -> None:
    path = at("gadgets", namespace, "a")
    created = server.post(at("gadgets", namespace), gadget("a", status={"phase": "New"})).ok(201)
    assert (generation(created), created["status"]) == (1, {"phase": "New"})
    changed = server.patch(path, "merge", {"status": {"phase": "Ready"}}).ok()
    assert (generation(changed), changed["status"]) == (2, {"phase": "Ready"})
    assert generation(server.patch(path, "merge", {"metadata": {"labels": {"x": "y"}}}).ok()) == 2


@pytest.mark.parametrize("resource", ["widgets", "gadgets"])
def test_a_deletion_that_waits_raises_the_generation(server: Server, namespace: str, resource: str) -> None:
    obj = {"widgets": widget("a"), "gadgets": gadget("a")}[resource]
    obj["metadata"]["finalizers"] = ["example.com/f"]
    server.post(at(resource, namespace), obj).ok(201)
    assert generation(server.delete(at(resource, namespace, "a")).ok()) == 2


@pytest.mark.needs("workloads")
def test_a_deletion_that_waits_raises_the_generation_of_a_deployment(server: Server, namespace: str) -> None:
    obj = deployment("a", finalizers=["example.com/f"])
    server.post(at("deployments", namespace), obj).ok(201)
    assert generation(server.delete(at("deployments", namespace, "a")).ok()) == 2


# Who may write what


def test_status_is_dropped_when_an_object_is_created(server: Server, widgets: str) -> None:
    created = server.post(widgets, {**widget("a"), "status": {"phase": "Ready"}}).ok(201)
    assert "status" not in created


def test_status_is_left_alone_when_an_object_is_replaced(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    reported = server.put(f"{widgets}/a/status", {**created, "status": {"phase": "Ready"}}).ok()
    reported["spec"]["size"], reported["status"] = 2, {"phase": "Lost"}
    replaced = server.put(f"{widgets}/a", reported).ok()
    assert (replaced["spec"]["size"], replaced["status"]) == (2, {"phase": "Ready"})


def test_writing_status_leaves_spec_alone(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    sent = {**created, "spec": {"size": 9}, "status": {"phase": "Ready"}}
    stored = server.put(f"{widgets}/a/status", sent).ok()
    assert (stored["spec"]["size"], stored["status"]) == (1, {"phase": "Ready"})
    assert server.get(f"{widgets}/a").ok() == stored


def test_writing_status_of_a_custom_object_leaves_labels_alone(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a", labels={"x": "y"})).ok(201)
    change = {"metadata": {"labels": {"x": "z"}}, "status": {"phase": "Ready"}}
    stored = server.patch(f"{widgets}/a/status", "merge", change).ok()
    assert stored["metadata"]["labels"] == {"x": "y"}
    assert stored["status"] == {"phase": "Ready"}


@pytest.mark.needs("workloads")
def test_status_and_spec_of_a_deployment_are_written_apart(server: Server, namespace: str) -> None:
    path = at("deployments", namespace, "a")
    created = server.post(at("deployments", namespace), {**deployment("a"), "status": {"replicas": 7}}).ok(
        201
    )
    assert created["status"] == {}
    both = {"spec": {"replicas": 3}, "status": {"replicas": 3}}
    stored = server.patch(path, "merge", both).ok()
    assert (stored["spec"]["replicas"], stored["status"]) == (3, {})
    both = {"spec": {"replicas": 4}, "status": {"replicas": 4}}
    stored = server.patch(f"{path}/status", "merge", both).ok()
    assert (stored["spec"]["replicas"], stored["status"]) == (3, {"replicas": 4})


def test_status_is_read_by_its_own_path(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    assert server.get(f"{widgets}/a/status").ok() == created


def test_status_of_nothing_is_not_found(server: Server, widgets: str) -> None:
    server.patch(f"{widgets}/none/status", "merge", {"status": {}}).refused(
        404,
        "NotFound",
        'widgets.contract.example.com "none" not found',
        {"name": "none", "group": "contract.example.com", "kind": "widgets"},
    )


def test_a_type_without_a_status_subresource_has_no_such_path(server: Server, namespace: str) -> None:
    server.post(at("gadgets", namespace), gadget("a")).ok(201)
    server.get(at("gadgets", namespace, "a", "status")).refused(
        404,
        "NotFound",
        'gadgets.contract.example.com "a" not found',
        {"name": "a", "group": "contract.example.com", "kind": "gadgets"},
    )
