from __future__ import annotations

import json
from typing import Any

import pytest

from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.discovery_documents import (
    Group,
    Version,
    parse_aggregated,
    parse_group_list,
    parse_resource_list,
    parse_versions,
)
from tmc_syncer.kube.errors import TransportError, TransportFault


def aggregated(*groups: dict[str, Any]) -> bytes:
    document = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "items": list(groups),
    }
    return json.dumps(document).encode()


DEPLOYMENT = {
    "resource": "deployments",
    "responseKind": {"group": "", "version": "", "kind": "Deployment"},
    "scope": "Namespaced",
    "singularResource": "deployment",
    "verbs": ["get", "list"],
    "shortNames": ["deploy"],
    "categories": ["all"],
    "subresources": [{"subresource": "status", "verbs": ["get"]}, {"subresource": "scale", "verbs": ["get"]}],
}
DEPLOYMENTS = ResourceInfo(
    GVR("apps", "v1", "deployments"),
    "Deployment",
    namespaced=True,
    singular="deployment",
    verbs=frozenset({"get", "list"}),
    subresources=frozenset({"status", "scale"}),
)


def test_an_aggregated_document_gives_groups_versions_and_types_in_their_order() -> None:
    body = aggregated(
        {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "freshness": "Current", "resources": [DEPLOYMENT]}]},
        {"versions": [{"version": "v1", "resources": [{"resource": "nodes", "scope": "Cluster"}]}]},
        {"metadata": {"name": "empty"}, "versions": None},
        {"metadata": {"name": "hollow"}, "versions": [{"version": "v1", "resources": None}]},
    )  # fmt: skip
    nodes = ResourceInfo(GVR("", "v1", "nodes"), "", namespaced=False)
    assert parse_aggregated(body) == [
        Group("apps", (Version("v1", ((DEPLOYMENTS, ("deploy",)),)),)),
        Group("", (Version("v1", ((nodes, ()),)),)),
        Group("empty", ()),
        Group("hollow", (Version("v1", ()),)),
    ]
    assert parse_aggregated(b'{"kind":"APIGroupDiscoveryList","items":null}') == []


def test_a_group_served_from_memory_counts_as_failed_and_keeps_its_types() -> None:
    stale = {"version": "v1", "freshness": "Stale", "resources": [DEPLOYMENT]}
    groups = parse_aggregated(aggregated({"metadata": {"name": "apps"}, "versions": [stale]}))
    assert groups is not None
    assert groups[0].failed
    assert groups[0].versions[0].resources[0][0] == DEPLOYMENTS


@pytest.mark.parametrize("kind", ["APIVersions", "APIGroupList"])
def test_a_classic_document_is_told_apart(kind: str) -> None:
    assert parse_aggregated(json.dumps({"kind": kind}).encode()) is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"kind":"APIGroupDiscoveryList","items":[{"versions":[{}]}]}']
)
def test_a_document_that_cannot_be_read_is_a_garbled_reply(body: bytes) -> None:
    with pytest.raises(TransportError, match="aggregated discovery") as caught:
        parse_aggregated(body)
    assert caught.value.fault is TransportFault.GARBLED


def test_the_classic_documents_name_versions_with_the_preferred_one_first() -> None:
    assert parse_versions(b'{"kind":"APIVersions","versions":["v1"]}', "/api") == ["v1"]
    groups = [
        {
            "name": "batch",
            "versions": [{"version": "v1beta1"}, {"version": "v1"}],
            "preferredVersion": {"version": "v1"},
        },
        {"name": "odd", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v9"}},
        {"name": "plain", "versions": [{"version": "v2"}]},
    ]
    body = json.dumps({"kind": "APIGroupList", "groups": groups}).encode()
    assert parse_group_list(body, "/apis") == [
        ("batch", "v1"),
        ("batch", "v1beta1"),
        ("odd", "v1"),
        ("plain", "v2"),
    ]
    assert parse_group_list(b'{"groups":null}', "/apis") == []


def test_a_classic_resource_list_gives_types_with_their_subresources() -> None:
    entries = [
        {"name": "deployments/status", "kind": "Deployment", "namespaced": True},
        {
            "name": "deployments",
            "singularName": "deployment",
            "kind": "Deployment",
            "namespaced": True,
            "verbs": ["get", "list"],
            "shortNames": ["deploy"],
        },
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
        {"name": "plain", "kind": "Plain", "namespaced": False},
    ]
    body = json.dumps({"kind": "APIResourceList", "resources": entries}).encode()
    plain = ResourceInfo(GVR("apps", "v1", "plain"), "Plain", namespaced=False)
    assert parse_resource_list(body, "apps", "v1", "/apis/apps/v1") == Group(
        "apps", (Version("v1", ((DEPLOYMENTS, ("deploy",)), (plain, ()))),)
    )
    assert parse_resource_list(b'{"resources":null}', "apps", "v1", "x") == Group(
        "apps", (Version("v1", ()),)
    )


def test_a_classic_document_that_cannot_be_read_is_named() -> None:
    with pytest.raises(TransportError, match="/apis/apps/v1"):
        parse_resource_list(b"{}", "apps", "v1", "/apis/apps/v1")
    with pytest.raises(TransportError, match="/api "):
        parse_versions(b"<html>", "/api")
