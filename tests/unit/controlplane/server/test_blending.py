from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import (
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    WIDGETS,
    kind_of,
)
from tmc_syncer.controlplane.server.blending import blend
from tmc_syncer.controlplane.types.registry import Type


def blended(served: Type, subresource: str, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    before = {**old, "metadata": dict(old["metadata"])}
    made = blend(kind_of(served), subresource, new, old)
    assert old == before
    return made


OLD: dict[str, Any] = {"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"n": 1}, "status": {"s": 1}}
NEW: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"x": "2"}, "annotations": {"k": "v"}},
    "spec": {"n": 2},
    "status": {"s": 2},
}


def test_a_write_of_an_object_leaves_its_status() -> None:
    assert blended(DEPLOYMENTS, "", dict(NEW), OLD) == {**NEW, "status": {"s": 1}}
    assert "status" not in blended(DEPLOYMENTS, "", dict(NEW), {"metadata": {}})
    assert blended(CONFIGMAPS, "", dict(NEW), OLD) == NEW


@pytest.mark.parametrize(
    ("served", "metadata"),
    [
        (NODES, NEW["metadata"]),
        (DEPLOYMENTS, {**NEW["metadata"], "labels": {"x": "1"}}),
        (WIDGETS, {**OLD["metadata"], "managedFields": []}),
    ],
)
def test_a_write_of_the_status_leaves_the_rest(served: Type, metadata: dict[str, Any]) -> None:
    assert blended(served, "status", dict(NEW), OLD) == {**OLD, "status": {"s": 2}, "metadata": metadata}


def test_a_status_may_be_taken_away() -> None:
    assert "status" not in blended(NODES, "status", {"metadata": {}}, OLD)


def test_labels_that_were_not_there_do_not_come_with_a_status() -> None:
    assert blended(DEPLOYMENTS, "status", dict(NEW), {"metadata": {}})["metadata"] == {
        "name": "a",
        "annotations": {"k": "v"},
    }


def test_a_kubelet_does_not_change_owners_with_the_status_of_a_pod() -> None:
    old = {"metadata": {"ownerReferences": [1]}}
    assert blended(PODS, "status", {"metadata": {"ownerReferences": []}}, old)["metadata"] == old["metadata"]


def test_finalize_changes_the_finalizers_of_a_namespace() -> None:
    old = {"metadata": {}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}}
    made = blended(NAMESPACES, "finalize", {"metadata": {"labels": {}}, "spec": {}, "status": {}}, old)
    assert made == {"metadata": {"labels": {}}, "spec": {}, "status": {"phase": "Terminating"}}
    made = blended(NAMESPACES, "finalize", {"metadata": {}, "spec": {"finalizers": ["a"]}}, old)
    assert made["spec"] == {"finalizers": ["a"]}


def test_an_approval_changes_the_conditions() -> None:
    old = {"metadata": {}, "status": {"certificate": "c", "conditions": [1]}}
    new = {"metadata": {}, "status": {"certificate": "x", "conditions": [2]}}
    assert blended(PODS, "approval", new, old)["status"] == {"certificate": "c", "conditions": [2]}


def test_ephemeral_containers_are_added_alone() -> None:
    old = {"metadata": {}, "spec": {"containers": [1]}}
    new = {"metadata": {}, "spec": {"containers": [2], "ephemeralContainers": [3]}}
    assert blended(PODS, "ephemeralcontainers", new, old)["spec"] == {
        "containers": [1],
        "ephemeralContainers": [3],
    }


def test_a_resize_changes_resources_alone() -> None:
    old = {
        "metadata": {},
        "spec": {"containers": [{"name": "a", "image": "i", "resources": {"r": 1}}, {"name": "b"}]},
    }
    new = {"metadata": {}, "spec": {"containers": [{"name": "a", "image": "j", "resources": {"r": 2}}]}}
    assert blended(PODS, "resize", new, old)["spec"] == {
        "containers": [{"name": "a", "image": "i", "resources": {"r": 2}}, {"name": "b"}]
    }
