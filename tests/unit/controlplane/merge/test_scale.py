from __future__ import annotations

from tmc_syncer.controlplane.merge.ownership import track_update
from tmc_syncer.controlplane.merge.scale import REPLICAS, to_parent, to_scale
from tmc_syncer.controlplane.schema.documents import schema_of

PATHS = {"apps/v1": REPLICAS}
TIME = "2024-01-01T00:00:00Z"
OWNED = {"f:spec": {"f:replicas": {}}}


def entry(manager, fields=None, operation="Update", version="apps/v1", **more):
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        "time": TIME,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields or OWNED,
        **more,
    }


LABELS = {"f:metadata": {"f:labels": {"f:a": {}}}}


def test_a_scale_shows_who_owns_the_replicas():
    entries = [
        entry("a", {"f:spec": {"f:paused": {}, "f:replicas": {}}}),
        entry("b", LABELS),
        entry("c", version="apps/v0"),
    ]
    assert to_scale(entries, PATHS) == [entry("a", version="autoscaling/v1")]
    assert to_scale(None, PATHS) == []
    assert to_scale(entries, {"apps/v1": None}) == []


def test_who_loses_the_replicas_on_the_scale_loses_them_on_the_parent():
    entries = [entry("a", {"f:spec": {"f:paused": {}, "f:replicas": {}}}), entry("b"), entry("c", LABELS)]
    scaled = [entry("h", version="autoscaling/v1", subresource="scale")]
    assert to_parent(entries, scaled, PATHS, "apps/v1") == [
        {key: value for key, value in entry("h", subresource="scale").items() if key != "time"},
        entry("a", {"f:spec": {"f:paused": {}}}),
        entry("c", LABELS),
    ]


def test_an_applier_that_keeps_the_replicas_keeps_its_entry():
    fields = {"f:spec": {"f:paused": {}, "f:replicas": {}}}
    entries = [entry("a", fields, "Apply")]
    assert to_parent(entries, to_scale(entries, PATHS), PATHS, "apps/v1") == entries


def test_entries_of_versions_that_are_gone_go_and_those_of_versions_without_scale_stay():
    entries = [entry("a", version="apps/v0"), entry("b", version="apps/v2")]
    paths = {"apps/v1": REPLICAS, "apps/v2": None}
    assert to_parent(entries, [], paths, "apps/v1") == [entry("b", version="apps/v2")]


def test_an_applier_of_the_scale_keeps_the_time_of_its_entry_on_the_parent():
    entries = [entry("a", LABELS, "Apply", subresource="scale")]
    scaled = [entry("a", None, "Apply", "autoscaling/v1", subresource="scale")]
    assert to_parent(entries, scaled, PATHS, "apps/v1") == [entry("a", None, "Apply", subresource="scale")]


def test_what_a_scale_owns_beside_the_replicas_does_not_come_back():
    assert to_parent([], [entry("a", LABELS, version="autoscaling/v1")], PATHS, "apps/v1") == []
    assert to_parent([], [entry("a", version="autoscaling/v1")], {"apps/v1": None}, "apps/v1") == []


def test_a_write_of_a_scale_comes_back_to_its_parent():
    entries = [entry("a")]
    scale = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d", "uid": "u", "managedFields": to_scale(entries, PATHS)},
        "spec": {"replicas": 1},
        "status": {"replicas": 1},
    }
    written = track_update(
        scale,
        {**scale, "spec": {"replicas": 2}},
        manager="h",
        schema=schema_of("autoscaling", "v1", "Scale"),
        api_version="autoscaling/v1",
        subresource="scale",
        now=TIME,
    )
    (only,) = to_parent(entries, written["metadata"]["managedFields"], PATHS, "apps/v1")
    assert (only["manager"], only["subresource"], only["apiVersion"]) == ("h", "scale", "apps/v1")
