from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import (
    CONFIGMAPS,
    CONVERTED,
    DEPLOYMENTS,
    NOW,
    WIDGETS,
    NameOnly,
    Objects,
    kind_of,
)
from tmc_syncer.controlplane.server import shapes as module
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.listing import Listed
from tmc_syncer.controlplane.server.media import Answer
from tmc_syncer.controlplane.server.shapes import Shaper
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.watch import Event
from tmc_syncer.controlplane.types.registry import Type

PARTIAL = "PartialObjectMetadata"


def shaper(shape: str = "", served: Type = CONFIGMAPS, include: str = "", version: str = "v1") -> Shaper:
    return Shaper(kind_of(served), Answer(shape=shape, version=version), NOW, include)


def records(count: int = 1, served: Type = CONFIGMAPS) -> list[Record]:
    objects = Objects()
    for number in range(count):
        objects.put(served, f"a{number}", data={"k": str(number)})
    return list(objects.store.collection(kind_of(served).collection).live.values())


def joined(made: Shaper, listed: Listed) -> Any:
    return json.loads(b"".join(made.pieces(listed)))


METADATA = {"name": "a0", "uid": "uid-a0", "namespace": "shop", "resourceVersion": "1"}
OBJECT = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": METADATA, "data": {"k": "0"}}
PARTIAL_OBJECT = {"kind": PARTIAL, "apiVersion": "meta.k8s.io/v1", "metadata": METADATA}
DEFINITIONS = list(NameOnly.definitions)


def test_an_object_is_given_as_it_is() -> None:
    [record] = records()
    data = shaper().item(record)
    assert json.loads(data) == OBJECT
    assert data.endswith(b"\n")


def test_an_object_is_given_as_metadata_or_as_a_table() -> None:
    [record] = records()
    assert json.loads(shaper(PARTIAL).item(record)) == PARTIAL_OBJECT
    assert json.loads(shaper("Table", version="v1beta1").item(record)) == {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1beta1",
        "metadata": {"resourceVersion": "1"},
        "columnDefinitions": DEFINITIONS,
        "rows": [{"cells": ["a0", 1], "object": {**PARTIAL_OBJECT, "apiVersion": "meta.k8s.io/v1beta1"}}],
    }


@pytest.mark.parametrize(
    ("include", "shown"),
    [("", PARTIAL_OBJECT), ("Metadata", PARTIAL_OBJECT), ("Object", OBJECT), ("None", None)],
)
def test_a_row_includes_what_is_asked_for(include: str, shown: object) -> None:
    [record] = records()
    [row] = json.loads(shaper("Table", include=include).item(record))["rows"]
    assert row["object"] == shown


def test_a_row_may_be_completed() -> None:
    objects = Objects()
    objects.put(CONFIGMAPS, "a", data={"a": "", "b": "", "c": ""})
    [record] = objects.store.collection("configmaps").live.values()
    [row] = json.loads(shaper("Table").item(record))["rows"]
    assert row["conditions"] == [{"type": "Completed", "status": "True"}]


def test_what_a_table_cannot_include_is_refused() -> None:
    with pytest.raises(ApiError, match='includeObject: Invalid value: "Foo": must be') as refused:
        shaper("Table", include="Foo")
    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("served", "name"),
    [(CONFIGMAPS, "*core.ConfigMap"), (DEPLOYMENTS, "*apps.Deployment"), (WIDGETS, "*unstructured")],
)
def test_one_and_many_are_told_apart(served: Type, name: str) -> None:
    [record] = records(served=served)
    with pytest.raises(ApiError, match="is not a list") as refused:
        shaper("PartialObjectMetadataList", served).item(record)
    assert name in refused.value.message
    with pytest.raises(ApiError, match=r"is a list .*List\)") as refused:
        shaper(PARTIAL, served).pieces(Listed([], 1))
    assert refused.value.code == 406


def test_items_of_a_list_say_their_kind_only_for_custom_types() -> None:
    found = joined(shaper(), Listed(records(2), 7))
    assert found == {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "7"},
        "items": [
            {"metadata": METADATA, "data": {"k": "0"}},
            {
                "metadata": {"name": "a1", "uid": "uid-a1", "namespace": "shop", "resourceVersion": "2"},
                "data": {"k": "1"},
            },
        ],
    }
    [item] = joined(shaper(served=WIDGETS), Listed(records(served=WIDGETS), 7))["items"]
    assert (item["kind"], item["apiVersion"]) == ("Widget", "example.com/v1")


def test_a_list_says_how_it_goes_on() -> None:
    assert joined(shaper(), Listed([], 7, "token", 3))["metadata"] == {
        "resourceVersion": "7",
        "continue": "token",
        "remainingItemCount": 3,
    }
    assert joined(shaper(), Listed([], 7, "token"))["metadata"] == {
        "resourceVersion": "7",
        "continue": "token",
    }
    assert joined(shaper(), Listed([], 7))["items"] == []


@pytest.mark.parametrize("shape", ["", "Table", "PartialObjectMetadataList"])
def test_a_long_list_comes_in_pieces(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = records(7)
    whole = b"".join(shaper(shape).pieces(Listed(found, 7)))
    monkeypatch.setattr(module, "PIECE", 3)
    pieces = list(shaper(shape).pieces(Listed(found, 7)))
    assert len(pieces) == 5
    assert b"".join(pieces) == whole
    decoded = json.loads(whole)
    assert len(decoded.get("rows") or decoded["items"]) == 7
    assert decoded["kind"] == (shape or "ConfigMapList")


def test_objects_that_are_kept_in_another_form_are_converted_everywhere() -> None:
    [record] = records()
    [item] = joined(shaper(served=CONVERTED), Listed([record], 7))["items"]
    assert item["dataB"] == {"k": "0"}
    assert json.loads(shaper(served=CONVERTED).item(record))["dataB"] == {"k": "0"}
    line = json.loads(shaper(served=CONVERTED).events([Event("ADDED", record, 1)]))
    assert line["object"]["dataB"] == {"k": "0"}


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()]


def test_events_are_lines() -> None:
    [record] = records()
    events = [Event("ADDED", record, 1), Event("MODIFIED", record, 1)]
    assert lines(shaper().events(events)) == [
        {"type": "ADDED", "object": OBJECT},
        {"type": "MODIFIED", "object": OBJECT},
    ]
    assert lines(shaper(PARTIAL).events(events))[1] == {"type": "MODIFIED", "object": PARTIAL_OBJECT}


def test_an_object_that_left_a_selector_has_the_version_of_the_change() -> None:
    [record] = records()
    [line] = lines(shaper().events([Event("DELETED", record, 9)]))
    assert line["object"] == {**OBJECT, "metadata": {**METADATA, "resourceVersion": "9"}}


def test_only_the_first_table_of_a_watch_has_columns() -> None:
    [record] = records()
    made = shaper("Table")
    first, second = lines(made.events([Event("ADDED", record, 1), Event("MODIFIED", record, 1)]))
    assert first["object"]["columnDefinitions"] == DEFINITIONS
    assert second["object"]["columnDefinitions"] is None
    assert lines(made.bookmark(5))[0]["object"]["columnDefinitions"] is None


def test_bookmarks_have_a_version_and_the_kind_of_the_watch() -> None:
    assert lines(shaper().bookmark(5)) == [
        {
            "type": "BOOKMARK",
            "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "5"}},
        }
    ]
    assert lines(shaper(PARTIAL).bookmark(5, initial=True)) == [
        {
            "type": "BOOKMARK",
            "object": {
                "kind": PARTIAL,
                "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": "5", "annotations": {"k8s.io/initial-events-end": "true"}},
            },
        }
    ]
    [line] = lines(shaper("Table").bookmark(5, initial=True))
    assert line["object"]["columnDefinitions"] == DEFINITIONS
    [row] = line["object"]["rows"]
    assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert row["cells"] == ["", ""]
