"""What a server says of itself: discovery in both forms, version, health, OpenAPI documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.objects import GROUP
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, like

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
KUBECTL = f"{AGGREGATED},{AGGREGATED.replace('v=v2', 'v=v2beta1')},application/json"


def resources(server: Server, path: str) -> dict[str, JsonObject]:
    return {item["name"]: item for item in server.get(path).ok()["resources"]}


def groups(server: Server, path: str = "/apis") -> dict[str, JsonObject]:
    answer = server.get(path, accept=AGGREGATED).ok()
    return {item["metadata"].get("name", ""): item for item in answer["items"]}


# The old form


def test_the_core_versions(server: Server) -> None:
    body = server.get("/api").ok()
    assert (body["kind"], body["versions"]) == ("APIVersions", ["v1"])


def test_the_groups(server: Server) -> None:
    body = server.get("/apis").ok()
    assert (body["kind"], body["apiVersion"]) == ("APIGroupList", "v1")
    found = {item["name"]: item for item in body["groups"]}
    expected = {"rbac.authorization.k8s.io", "apiextensions.k8s.io", "coordination.k8s.io", GROUP}
    assert expected <= found.keys()
    assert found["rbac.authorization.k8s.io"]["preferredVersion"] == {
        "groupVersion": "rbac.authorization.k8s.io/v1",
        "version": "v1",
    }


def test_one_group(server: Server) -> None:
    body = server.get("/apis/coordination.k8s.io").ok()
    assert (body["kind"], body["name"]) == ("APIGroup", "coordination.k8s.io")
    assert {"groupVersion": "coordination.k8s.io/v1", "version": "v1"} in body["versions"]


def test_resources_of_the_core_group(server: Server) -> None:
    body = server.get("/api/v1").ok()
    assert (body["kind"], body["groupVersion"]) == ("APIResourceList", "v1")
    found = resources(server, "/api/v1")
    assert found["configmaps"] == {
        "name": "configmaps",
        "singularName": "configmap",
        "namespaced": True,
        "kind": "ConfigMap",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["cm"],
        "storageVersionHash": like(".+"),
    }
    assert found["namespaces"]["namespaced"] is False
    assert "deletecollection" not in found["namespaces"]["verbs"]
    assert found["namespaces/status"]["verbs"] == ["get", "patch", "update"]


@pytest.mark.needs("workloads")
def test_resources_of_the_apps_group(server: Server) -> None:
    found = resources(server, "/apis/apps/v1")
    assert found["deployments"]["shortNames"] == ["deploy"]
    assert found["deployments"]["categories"] == ["all"]
    scale = found["deployments/scale"]
    assert (scale["kind"], scale["group"], scale["version"]) == ("Scale", "autoscaling", "v1")
    assert {"daemonsets", "replicasets", "statefulsets", "deployments/status"} <= found.keys()
    assert "daemonsets/scale" not in found


@pytest.mark.needs("workloads")
def test_subresources_of_pods(server: Server) -> None:
    found = resources(server, "/api/v1")
    assert (found["pods/eviction"]["kind"], found["pods/eviction"]["group"]) == ("Eviction", "policy")
    assert found["pods/log"]["verbs"] == ["get"]
    assert {"pods/exec", "pods/portforward", "pods/attach", "pods/ephemeralcontainers"} <= found.keys()


def test_resources_of_a_custom_group(server: Server) -> None:
    found = resources(server, f"/apis/{GROUP}/v1")
    assert found["widgets"] == {
        "name": "widgets",
        "singularName": "widget",
        "namespaced": True,
        "kind": "Widget",
        "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        "shortNames": ["wdg"],
        "categories": ["contract"],
        "storageVersionHash": like(".+"),
    }
    assert found["widgets/status"]["verbs"] == ["get", "patch", "update"]
    assert found["widgets/scale"]["group"] == "autoscaling"
    assert found["gizmos"]["namespaced"] is False
    assert "gadgets/status" not in found


def test_reviews_can_only_be_created(server: Server) -> None:
    found = resources(server, "/apis/authorization.k8s.io/v1")
    assert found["subjectaccessreviews"]["verbs"] == ["create"]
    assert found["localsubjectaccessreviews"]["namespaced"] is True


def test_of_several_versions_the_preferred_is_first(server: Server) -> None:
    body = server.get(f"/apis/{GROUP}").ok()
    assert [item["version"] for item in body["versions"]] == ["v2", "v1"]
    assert body["preferredVersion"]["version"] == "v2"


# The aggregated form


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_everything_comes_at_once_for_those_who_ask(server: Server, path: str) -> None:
    answer = server.get(path, accept=KUBECTL)
    assert answer.content_type == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    assert answer.ok()["kind"] == "APIGroupDiscoveryList"
    assert answer.body["apiVersion"] == "apidiscovery.k8s.io/v2"


def test_the_aggregated_form_has_what_kubectl_reads(server: Server) -> None:
    (core,) = groups(server, "/api").values()
    (version,) = core["versions"]
    found = {item["resource"]: item for item in version["resources"]}
    maps = found["configmaps"]
    assert maps["responseKind"] == {"group": "", "version": "", "kind": "ConfigMap"}
    assert (maps["scope"], maps["singularResource"], maps["shortNames"]) == (
        "Namespaced",
        "configmap",
        ["cm"],
    )
    assert set(maps["verbs"]) == {
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    }
    assert found["namespaces"]["scope"] == "Cluster"
    assert {"status", "finalize"} <= {item["subresource"] for item in found["namespaces"]["subresources"]}


def test_the_aggregated_form_has_custom_types(server: Server) -> None:
    versions = {item["version"]: item for item in groups(server)[GROUP]["versions"]}
    assert versions.keys() == {"v1", "v2"}
    found = {item["resource"]: item for item in versions["v1"]["resources"]}
    widgets = found["widgets"]
    assert (widgets["shortNames"], widgets["categories"]) == (["wdg"], ["contract"])
    scale = next(item for item in widgets["subresources"] if item["subresource"] == "scale")
    assert scale["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def test_both_forms_list_the_same_types(server: Server) -> None:
    for name, group in groups(server).items():
        for version in group["versions"]:
            old = {
                item["name"]
                for item in server.get(f"/apis/{name}/{version['version']}").ok()["resources"]
                if "/" not in item["name"]
            }
            assert {item["resource"] for item in version["resources"]} == old, (name, version["version"])


def test_discovery_that_has_not_changed_need_not_be_sent_again(server: Server) -> None:
    first = server.request("GET", "/apis", headers={"Accept": AGGREGATED})
    tag = first.headers["ETag"]
    assert tag
    again = server.request("GET", "/apis", headers={"Accept": AGGREGATED, "If-None-Match": tag})
    assert (again.status, again.body) == (304, b"")


# Version and health


def test_the_version(server: Server) -> None:
    body = server.get("/version").ok()
    assert body["major"] == "1"
    assert body["minor"] == like(r"\d+\+?")
    assert body["gitVersion"] == like(r"v1\.\d+\.\d+.*")
    assert {"gitCommit", "goVersion", "platform"} <= body.keys()


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
def test_health_is_a_word(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.content_type.startswith("text/plain")


def test_readiness_in_detail(server: Server) -> None:
    answer = server.get("/readyz", verbose="true")
    assert answer.status == 200
    assert b"[+]ping ok" in answer.body
    assert answer.body.endswith(b"readyz check passed\n")


def test_the_paths_are_listed(server: Server) -> None:
    paths = server.get("/").ok()["paths"]
    assert {"/api", "/api/v1", "/apis", "/version", "/openapi/v2", "/openapi/v3"} <= set(paths)


# OpenAPI


def test_the_third_version_is_an_index_of_documents(server: Server) -> None:
    index = documents(server)
    assert {"api/v1", "apis/rbac.authorization.k8s.io/v1", f"apis/{GROUP}/v1"} <= index.keys()
    assert index["api/v1"]["serverRelativeURL"] == like(r".*/openapi/v3/api/v1\?hash=.+")


def documents(server: Server) -> dict[str, JsonObject]:
    """The index, which is JSON although its content type does not say so."""
    body = server.get("/openapi/v3").ok()
    found: dict[str, JsonObject] = (body if isinstance(body, dict) else json.loads(body))["paths"]
    return found


def document(server: Server, name: str) -> dict[str, Any]:
    url = documents(server)[name]["serverRelativeURL"]
    body: dict[str, Any] = server.get(url[url.index("/openapi/") :]).ok()
    return body


def test_a_document_says_how_a_type_is_patched(server: Server) -> None:
    patch = document(server, "api/v1")["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert "fieldValidation" in {item["name"] for item in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_a_custom_type_is_not_patched_strategically(server: Server) -> None:
    path = f"/apis/{GROUP}/v1/namespaces/{{namespace}}/widgets/{{name}}"
    patch = document(server, f"apis/{GROUP}/v1")["paths"][path]["patch"]
    content = patch["requestBody"]["content"].keys()
    assert "application/merge-patch+json" in content
    assert "application/strategic-merge-patch+json" not in content


def test_a_document_has_the_schema_of_a_custom_type(server: Server) -> None:
    schemas = document(server, f"apis/{GROUP}/v1")["components"]["schemas"]
    schema = schemas["com.example.contract.v1.Widget"]
    kind = {"group": GROUP, "version": "v1", "kind": "Widget"}
    assert kind in schema["x-kubernetes-group-version-kind"]
    assert schema["properties"]["spec"]["properties"]["size"]["type"] == "integer"


@pytest.mark.needs("workloads")
def test_a_document_has_the_merge_keys_of_lists(server: Server) -> None:
    schemas = document(server, "api/v1")["components"]["schemas"]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["x-kubernetes-patch-strategy"] == "merge"
    assert containers["x-kubernetes-patch-merge-key"] == "name"


def test_the_second_version_is_there_in_protobuf(server: Server) -> None:
    wanted = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = server.get("/openapi/v2", accept=wanted)
    assert answer.status == 200
    assert isinstance(answer.body, bytes)
    assert answer.content_type == wanted.replace("@", ".")
