"""The SyncTarget CRD on a real API server: what it accepts, what it refuses with which sentence, what people see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.api.test_synctarget_validation import FULL
from tmc_syncer.api.manifests import crd_yaml
from tmc_syncer.api.synctarget import (
    Condition,
    SyncedResource,
    SyncedState,
    SyncTargetStatus,
    WorstObject,
    encode_status,
    parse_spec,
)
from tmc_syncer.testing.cluster import ControlPlane

PATH = "/apis/workload.kcp.io/v1alpha1/synctargets"
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def server(upstream: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with the CRD established; installed twice, because that has to be harmless."""
    for _ in range(2):
        upstream.apply_yaml(crd_yaml())
    upstream.kubectl("wait", "--for=condition=Established", "crd/synctargets.workload.kcp.io")
    yield upstream
    upstream.kubectl("delete", "synctargets", "-l", "test=crd", "--wait=false")


def create(server: ControlPlane, name: str, spec: Any) -> tuple[int, Any]:
    body = {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": name, "labels": {"test": "crd"}},
        "spec": spec,
    }
    return server.request("POST", f"{PATH}?fieldValidation=Strict", body)


def test_a_spec_that_uses_everything_is_accepted_and_read_back_as_the_agent_understands_it(
    server: ControlPlane,
) -> None:
    status, created = create(server, "crd-full", FULL)
    assert status == 201, created
    assert parse_spec(json.dumps(created["spec"]).encode()) == parse_spec(json.dumps(FULL).encode())


def test_defaults_are_filled_in_by_the_server_and_mean_the_same_to_the_agent(server: ControlPlane) -> None:
    status, created = create(server, "crd-defaults", {})
    assert status == 201, created
    assert created["spec"]["assignment"] == "All"
    assert parse_spec(json.dumps(created["spec"]).encode()) == parse_spec(b"{}")


@pytest.mark.parametrize(
    ("name", "spec", "sentence"),
    [
        ("a" * 64, {}, "a DNS label of at most 63 characters"),
        ("a.b", {}, "a DNS label of at most 63 characters"),
        ("bad", None, "spec"),
        ("bad", {"conflictPolicy": "Merge"}, 'supported values: "UpstreamWins"'),
        ("bad", {"assignment": "Some"}, "spec.assignment"),
        ("bad", {"evictAfter": "tomorrow"}, "spec.evictAfter"),
        ("bad", {"overrides": []}, 'unknown field "spec.overrides"'),
        ("bad", {"supportedAPIResources": [{"resource": "Pods"}]}, "spec.supportedAPIResources[0].resource"),
        ("bad", {"supportedAPIResources": [{"resource": "events"}]}, "this type is never synced"),
        (
            "bad",
            {"supportedAPIResources": [{"group": "workload.kcp.io", "resource": "synctargets"}]},
            "types of this group are never synced",
        ),
        (
            "bad",
            {"supportedAPIResources": [{"group": "rbac.authorization.k8s.io", "resource": "roles"}]},
            "clusterScoped: true",
        ),
        (
            "bad",
            {"supportedAPIResources": [{"resource": "pods"}, {"resource": "pods", "version": "v1"}]},
            "Duplicate value",
        ),
        (
            "bad",
            {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "operators In and NotIn need values",
        ),
        (
            "bad",
            {"fieldRules": [{"resource": "pods", "path": ".status.phase", "rule": "take"}]},
            "rules are not for identity and status",
        ),
        (
            "bad",
            {"fieldRules": [{"resource": "pods", "path": ".metadata.name", "rule": "take"}]},
            "only labels and annotations can have rules",
        ),
        (
            "bad",
            {"fieldRules": [{"resource": "pods", "path": ".spec.a", "rule": "grab"}]},
            "spec.fieldRules[0].rule",
        ),
    ],
)
def test_what_the_schema_can_see_is_refused_by_the_server(
    server: ControlPlane, name: str, spec: Any, sentence: str
) -> None:
    status, answer = create(server, name, spec)
    assert status in (400, 422), answer
    assert sentence in answer["message"]


def test_a_whole_status_is_accepted_through_the_subresource_and_shown_in_columns(
    server: ControlPlane,
) -> None:
    status, created = create(server, "crd-columns", {})
    assert status == 201, created
    report = SyncTargetStatus(
        connected=True,
        synced=41,
        failed=1,
        conditions=(Condition("Ready", "True", "Ready", "All parts are healthy.", NOW),),
        synced_resources=(
            SyncedResource(
                group="", version="v1", resource="pods", state=SyncedState.SYNCING, synced=41, pending=0, failed=1
            ),
        ),
        last_sync_time=NOW,
        last_syncer_heartbeat_time=NOW,
        worst_objects=(
            WorstObject(
                group="", version="v1", resource="pods", cluster="c", namespace="shop", name="web", state="failed",
                code="TMC-101", reason="Refused", message="no", attempts=3, next_try=NOW, since=NOW,
            ),
        ),
        syncer_version="0.1",
    )  # fmt: skip
    body = [{"op": "add", "path": "/status", "value": json.loads(encode_status(report))}]
    code, patched = server.request(
        "PATCH", f"{PATH}/crd-columns/status?fieldValidation=Strict", body, "application/json-patch+json"
    )
    assert code == 200, patched
    assert patched["status"] == json.loads(encode_status(report))
    header, row = server.kubectl("get", "synctargets", "crd-columns").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "SYNCED", "FAILED", "HEARTBEAT", "AGE"]
    assert row.split()[:4] == ["crd-columns", "True", "41", "1"]
    assert row.split()[4] != "<unknown>"


def test_a_status_cannot_be_slipped_in_with_the_spec(server: ControlPlane) -> None:
    body = {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": "crd-status", "labels": {"test": "crd"}},
        "spec": {},
        "status": {"connected": True},
    }
    status, created = server.request("POST", PATH, body)
    assert status == 201
    assert "status" not in created
