from __future__ import annotations

from typing import Any

from tests.unit.controlplane.server.serving import made


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


def test_a_cluster_begins_with_namespaces_roles_and_the_service_of_the_api() -> None:
    local = made().local()
    assert names(local.list("namespaces")) == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert "cluster-admin" in names(local.list("clusterroles.rbac.authorization.k8s.io"))
    assert local.list("clusterrolebindings.rbac.authorization.k8s.io")
    service = local.get("services", "kubernetes", "default")
    assert service is not None
    assert service["spec"]["clusterIP"] == "10.96.0.1"


def test_a_workspace_begins_with_one_namespace_and_roles() -> None:
    plane = made(workspaces=True)
    plane.add_cluster("one")
    local = plane.local("one")
    assert names(local.list("namespaces")) == ["default"]
    assert local.get("services", "kubernetes", "default") is None
    assert local.list("clusterroles.rbac.authorization.k8s.io")


def test_what_is_there_is_left_alone() -> None:
    plane = made()
    local = plane.local()
    local.patch(
        "clusterroles.rbac.authorization.k8s.io", "view", "", {"metadata": {"labels": {"mine": "yes"}}}
    )
    before = plane.store.revision
    plane.add_cluster("root")
    assert plane.store.revision == before
