"""Targets in tables: what is fine is quiet, what is not stands out with its reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tmc_syncer.api.objects import Record, decode_record
from tmc_syncer.cli import target_tables
from tmc_syncer.cli.output import Cell, Table

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


def record(name: str = "eu-1", *, deleting: bool = False, **status: Any) -> Record:
    metadata = {
        "name": name,
        "uid": "u1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "x", "operation": "Apply", "fieldsV1": {"f:spec": {}}}],
    }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:05:00Z"
    spec = {"assignment": "All", "paused": False, "selector": {}, "supportedAPIResources": [{"resource": "pods"}],
            "namespaceSelector": {"matchLabels": {"a": "b"}}}  # fmt: skip
    body = {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": metadata,
        "spec": spec,
    }
    return decode_record(json.dumps({**body, "status": {"connected": True, **status}}).encode())


def plain(table: Table) -> list[list[str]]:
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in table.rows]


def styles(table: Table, column: int) -> list[str]:
    return [cell.style if isinstance(cell, Cell) else "" for cell in (row[column] for row in table.rows)]


BUSY: dict[str, Any] = {
    "synced": 3, "pending": 1, "failed": 2, "lastSyncerHeartbeatTime": "2026-01-01T00:09:30Z", "syncerVersion": "0.1",
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Down", "message": "no answer", "lastTransitionTime": "2026-01-01T00:05:00Z"},
        {"type": "DeletionBrake", "status": "False", "reason": "NotTripped"},
        {"type": "SpecValid", "status": "True", "reason": "SpecValid"},
    ],
    "syncedResources": [
        {"group": "apps", "version": "v1", "resource": "deployments", "state": "Syncing", "synced": 3, "pending": 0, "failed": 0},
        {"group": "", "version": "v1", "resource": "pods", "state": "Refused", "synced": 0, "pending": 1, "failed": 2, "reason": "TwoWriters"},
        {"group": "", "version": "v1", "resource": "secrets", "state": "Pending", "synced": 0, "pending": 0, "failed": 0},
    ],
    "worstObjects": [
        {"group": "", "version": "v1", "resource": "pods", "namespace": "shop", "name": "web", "state": "failed", "code": "TMC-101",
         "reason": "Refused", "message": "no", "attempts": 3, "nextTry": "2026-01-01T00:10:05Z"},
        {"group": "", "version": "v1", "resource": "nodes", "name": "n", "state": "held", "nextTry": "2026-01-01T00:00:00Z"},
        {"group": "", "version": "v1", "resource": "nodes", "name": "m", "state": "held", "nextTry": "soon"},
        {"group": "", "version": "v1", "resource": "nodes", "name": "k", "state": "held"},
    ],
}  # fmt: skip


def test_a_target_is_one_line() -> None:
    table = target_tables.targets([record(**BUSY), record("new"), record("old", deleting=True)], NOW)
    assert plain(table) == [
        ["eu-1", "False", "3", "1", "2", "30s", "0.1", "10m"],
        ["new", "Unknown", "0", "0", "0", "-", "-", "10m"],
        ["old", "Deleting", "0", "0", "0", "-", "-", "10m"],
    ]
    assert styles(table, 1) == ["bad", "warn", "warn"]
    assert styles(table, 4) == ["bad", "", ""]
    assert styles(
        target_tables.targets([record(conditions=[{"type": "Ready", "status": "True"}])], NOW), 1
    ) == ["good"]


def test_conditions_are_shown_all_or_only_those_that_are_not_as_they_should_be() -> None:
    everything = target_tables.conditions([record(**BUSY)], NOW)
    assert [row[1] for row in plain(everything)] == ["Ready", "DeletionBrake", "SpecValid"]
    assert styles(everything, 2) == ["bad", "good", "good"]
    bad = target_tables.conditions([record(**BUSY)], NOW, only_bad=True)
    assert plain(bad) == [["eu-1", "Ready", "False", "Down", "5m", "no answer"]]


def test_types_have_their_counts_and_reasons() -> None:
    table = target_tables.types([record(**BUSY)])
    assert plain(table) == [
        ["eu-1", "deployments.v1.apps", "Syncing", "3", "0", "0", ""],
        ["eu-1", "pods.v1", "Refused", "0", "1", "2", "TwoWriters"],
        ["eu-1", "secrets.v1", "Pending", "0", "0", "0", ""],
    ]
    assert styles(table, 2) == ["good", "bad", "warn"]


def test_troubles_name_the_object_as_kubectl_takes_it() -> None:
    assert plain(target_tables.troubles([record(**BUSY)], NOW)) == [
        ["eu-1", "pods/web -n shop", "failed", "Refused [TMC-101]", "3", "in 5s", "no"],
        ["eu-1", "nodes/n", "held", "", "0", "now", ""],
        ["eu-1", "nodes/m", "held", "", "0", "?", ""],
        ["eu-1", "nodes/k", "held", "", "0", "-", ""],
    ]


def test_a_summary_leaves_out_what_says_nothing() -> None:
    rows = dict(plain(target_tables.summary(record(**BUSY), NOW)))
    assert rows["Connected"] == "yes"
    assert rows["spec.assignment"] == "All"
    assert rows["spec.namespaceSelector"] == '{"matchLabels":{"a":"b"}}'
    assert {"spec.paused", "spec.selector", "spec.supportedAPIResources"} & rows.keys() == set()
    bare = decode_record(b'{"metadata":{"name":"x"}}')
    assert dict(plain(target_tables.summary(bare, NOW)))["Connected"] == "no"


def test_programs_get_whole_objects_without_managed_fields() -> None:
    listed = target_tables.objects_of([record(**BUSY)])
    (item,) = json.loads(json.dumps(listed))["items"]
    assert item["kind"] == "SyncTarget"
    assert "managedFields" not in item["metadata"]
    assert item["status"]["worstObjects"][0]["name"] == "web"
