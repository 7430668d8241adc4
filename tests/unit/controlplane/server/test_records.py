from __future__ import annotations

import json

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, CONVERTED, PODS, Objects
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.records import MAX_OBJECT_BYTES, left


def test_what_is_put_is_found_with_its_version() -> None:
    objects = Objects()
    made = objects.put(PODS, "web", metadata={"labels": {"a": "b"}}, spec={"nodeName": "n1"})
    assert made["metadata"]["resourceVersion"] == "1"
    call = objects.call(PODS, "web")
    record = objects.shelf.require(call)
    assert record is objects.shelf.find(call)
    assert (record.key, record.revision, record.uid) == ("c/shop/web", 1, "uid-web")
    assert record.labels == {"a": "b"}
    assert record.fields == {"spec.nodeName": "n1"}
    assert objects.shelf.load(call.kind, record) == made


def test_common_fields_are_not_kept_beside_the_key() -> None:
    objects = Objects()
    objects.put(CONFIGMAPS, "a")
    record = objects.shelf.require(objects.call(CONFIGMAPS, "a"))
    assert (record.labels, record.fields) == (None, None)


def test_what_is_not_there_is_not_found() -> None:
    objects = Objects()
    assert objects.shelf.find(objects.call(PODS, "web")) is None
    with pytest.raises(ApiError, match='pods "web" not found'):
        objects.shelf.require(objects.call(PODS, "web"))


def test_a_deletion_has_a_version_of_its_own() -> None:
    objects = Objects()
    made = objects.put(PODS, "web")
    record, last = objects.shelf.remove(objects.call(PODS, "web"), made)
    assert record.revision == 2
    assert json.loads(b"{" + record.body)["metadata"]["resourceVersion"] == "2"
    assert last["metadata"]["resourceVersion"] == "1"
    assert objects.shelf.find(objects.call(PODS, "web")) is None


def test_a_draft_writes_nothing() -> None:
    objects = Objects()
    obj = {"metadata": {"name": "a", "uid": "u", "resourceVersion": "5"}}
    record, made = objects.shelf.draft(objects.call(CONFIGMAPS, "a"), obj, 0)
    assert "resourceVersion" not in made["metadata"]
    assert record.revision == objects.store.revision == 0
    assert obj["metadata"]["resourceVersion"] == "5"


def test_an_object_of_a_logical_cluster_carries_its_name_on_every_way_out() -> None:
    objects = Objects(stamped=True)
    made = objects.put(CONFIGMAPS, "a", metadata={"annotations": {"kcp.io/cluster": "forged", "x": "y"}})
    assert made["metadata"]["annotations"] == {"kcp.io/cluster": "c", "x": "y"}
    call = objects.call(CONFIGMAPS, "a")
    loaded = objects.shelf.load(call.kind, objects.shelf.require(call))
    assert loaded["metadata"]["annotations"] == {"x": "y"}
    objects.put(CONFIGMAPS, "b")
    loaded = objects.shelf.load(call.kind, objects.shelf.require(objects.call(CONFIGMAPS, "b")))
    assert "annotations" not in loaded["metadata"]


def test_the_name_of_the_cluster_is_nobodys_annotation_elsewhere() -> None:
    objects = Objects()
    obj = {"metadata": {"annotations": {"kcp.io/cluster": "kept"}}}
    objects.shelf.clear(obj)
    assert obj["metadata"]["annotations"] == {"kcp.io/cluster": "kept"}


def test_an_object_is_kept_in_the_form_of_its_collection() -> None:
    objects = Objects()
    objects.put(CONVERTED, "a", dataB={"k": "v"})
    record = objects.shelf.require(objects.call(CONFIGMAPS, "a"))
    assert json.loads(b"{" + record.body)["data"] == {"k": "v"}
    assert objects.shelf.load(objects.call(CONVERTED, "a").kind, record)["dataB"] == {"k": "v"}


def test_an_object_that_is_too_large_is_refused_as_by_etcd() -> None:
    objects = Objects()
    with pytest.raises(ApiError) as refused:
        objects.put(CONFIGMAPS, "a", data={"k": "x" * MAX_OBJECT_BYTES})
    assert (refused.value.code, refused.value.message) == (500, "etcdserver: request is too large")
    assert objects.store.revision == 0


def test_what_left_a_selector_is_shown_with_the_version_of_the_change() -> None:
    objects = Objects()
    objects.put(CONFIGMAPS, "a", metadata={"labels": {"a": "b"}})
    record = objects.shelf.require(objects.call(CONFIGMAPS, "a"))
    shown = left(record, 9)
    assert (shown.revision, shown.labels, shown.key) == (9, {"a": "b"}, record.key)
    assert json.loads(b"{" + shown.body)["metadata"]["resourceVersion"] == "9"
