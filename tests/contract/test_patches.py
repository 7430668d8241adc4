"""JSON and merge patches, and what holds for patches of every type."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, gadget, names, version, widget
from tests.contract.servers import Server
from tests.contract.wire import PATCH_TYPES, JsonObject, like

REJECTED = "the server rejected our request due to an error in our request"


@pytest.fixture
def one(server: Server, maps: str) -> str:
    """The path of ConfigMap one with two keys and two labels."""
    obj = config_map("one", {"a": "1", "b": "2"}, labels={"x": "1", "y": "2"})
    server.post(maps, obj).ok(201)
    return f"{maps}/one"


def operation(op: str, path: str, **more: Any) -> JsonObject:
    return {"op": op, "path": path, **more}


# JSON patch


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([operation("add", "/data/c", value="3")], {"a": "1", "b": "2", "c": "3"}),
        ([operation("add", "/data/a", value="9")], {"a": "9", "b": "2"}),
        ([operation("replace", "/data/a", value="9")], {"a": "9", "b": "2"}),
        ([operation("remove", "/data/a")], {"b": "2"}),
        ([operation("move", "/data/c", **{"from": "/data/a"})], {"b": "2", "c": "1"}),
        ([operation("copy", "/data/c", **{"from": "/data/a"})], {"a": "1", "b": "2", "c": "1"}),
        ([operation("replace", "/data", value={"z": "0"})], {"z": "0"}),
        (
            [operation("test", "/data/a", value="1"), operation("replace", "/data/a", value="9")],
            {"a": "9", "b": "2"},
        ),
        # Against RFC 6902, which wants an error; kube-apiserver's library creates the key.
        ([operation("replace", "/data/none", value="9")], {"a": "1", "b": "2", "none": "9"}),
        (
            [operation("add", "/data/c", value="3"), operation("remove", "/data/c")],
            {"a": "1", "b": "2"},
        ),
        ([], {"a": "1", "b": "2"}),
    ],
    ids=[
        "add",
        "add over",
        "replace",
        "remove",
        "move",
        "copy",
        "whole",
        "test",
        "replace nothing",
        "sequence",
        "nothing",
    ],
)
def test_a_json_patch_does_what_its_operations_say(
    server: Server, one: str, operations: list[JsonObject], expected: dict[str, str]
) -> None:
    assert server.patch(one, "json", operations).ok()["data"] == expected
    assert server.get(one).ok()["data"] == expected


def test_slashes_and_tildes_in_a_path_are_escaped(server: Server, one: str) -> None:
    operations = [operation("add", "/metadata/labels/example.com~1x", value="y")]
    assert server.patch(one, "json", operations).ok()["metadata"]["labels"]["example.com/x"] == "y"


def test_a_list_is_appended_to_by_a_dash_and_inserted_into_by_a_number(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a", {"size": 1, "sequence": [1, 2]})).ok(201)
    operations = [
        operation("add", "/spec/sequence/-", value=9),
        operation("add", "/spec/sequence/0", value=0),
        operation("remove", "/spec/sequence/1"),
    ]
    assert server.patch(f"{widgets}/a", "json", operations).ok()["spec"]["sequence"] == [0, 2, 9]


@pytest.mark.parametrize(
    "wrong",
    [
        operation("test", "/data/a", value="9"),
        operation("test", "/data/none", value="1"),
        operation("replace", "/none/deeper", value="1"),
        operation("remove", "/data/none"),
        operation("add", "/none/deeper", value="1"),
        operation("move", "/data/c", **{"from": "/data/none"}),
    ],
    ids=[
        "test",
        "test of nothing",
        "replace below nothing",
        "remove nothing",
        "add below nothing",
        "move nothing",
    ],
)
def test_a_json_patch_that_cannot_be_done_changes_nothing(
    server: Server, one: str, wrong: JsonObject
) -> None:
    before = server.get(one).ok()
    server.patch(one, "json", [operation("add", "/data/new", value="1"), wrong]).refused(
        422, "Invalid", REJECTED, {}
    )
    assert server.get(one).ok() == before


def test_a_test_for_null_holds_where_there_is_nothing(server: Server, one: str) -> None:
    operations = [
        operation("test", "/metadata/finalizers", value=None),
        operation("add", "/metadata/finalizers", value=["example.com/f"]),
    ]
    assert server.patch(one, "json", operations).ok()["metadata"]["finalizers"] == ["example.com/f"]
    server.patch(one, "json", operations).refused(422, "Invalid", REJECTED, {})


@pytest.mark.parametrize("body", ['{"op": "add"}', "hello", '[{"op": 1}]'])
def test_a_json_patch_that_cannot_be_read_is_refused(server: Server, one: str, body: str) -> None:
    server.patch(one, "json", body).refused(400, "BadRequest", like("error decoding patch: .*"))


def test_an_unknown_operation_is_refused(server: Server, one: str) -> None:
    server.patch(one, "json", [operation("double", "/data/a")]).refused(422, "Invalid", REJECTED, {})


# Merge patch


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"data": {"c": "3"}}, {"a": "1", "b": "2", "c": "3"}),
        ({"data": {"a": "9"}}, {"a": "9", "b": "2"}),
        ({"data": {"a": None}}, {"b": "2"}),
        ({"data": {"none": None}}, {"a": "1", "b": "2"}),
        ({"data": {"a": "9", "b": None, "c": "3"}}, {"a": "9", "c": "3"}),
        ({}, {"a": "1", "b": "2"}),
    ],
    ids=["add", "change", "remove", "remove nothing", "all", "nothing"],
)
def test_a_merge_patch_sets_what_it_has_and_removes_what_is_null(
    server: Server, one: str, patch: JsonObject, expected: dict[str, str]
) -> None:
    assert server.patch(one, "merge", patch).ok()["data"] == expected
    assert server.get(one).ok()["data"] == expected


def test_a_merge_patch_can_remove_a_whole_object(server: Server, one: str) -> None:
    patched = server.patch(one, "merge", {"data": None, "metadata": {"labels": None}}).ok()
    assert "data" not in patched
    assert "labels" not in patched["metadata"]


def test_a_merge_patch_replaces_lists(server: Server, widgets: str) -> None:
    spec = {"size": 1, "ports": [{"number": 1}, {"number": 2}], "tags": ["a", "b"]}
    server.post(widgets, widget("a", spec)).ok(201)
    change = {"spec": {"ports": [{"number": 3}], "tags": ["c"]}}
    spec = server.patch(f"{widgets}/a", "merge", change).ok()["spec"]
    assert spec["ports"] == [{"number": 3, "protocol": "TCP"}]
    assert spec["tags"] == ["c"]


def test_nulls_of_a_merge_patch_are_dropped_in_lists_too(server: Server, namespace: str) -> None:
    path = at("gadgets", namespace, "a")
    server.post(at("gadgets", namespace), gadget("a", spec={"keep": 1, "drop": 1})).ok(201)
    patched = server.patch(path, "merge", {"spec": {"drop": None, "list": [{"x": None, "y": 1}]}}).ok()
    assert patched["spec"] == {"keep": 1, "list": [{"y": 1}]}


@pytest.mark.parametrize("body", ["hello", "[]", '"text"', "1"])
def test_a_merge_patch_that_is_no_object_is_refused(server: Server, one: str, body: str) -> None:
    before = server.get(one).ok()
    server.patch(one, "merge", body).refused(400, "BadRequest", like("error decoding patch: .*"))
    assert server.get(one).ok() == before


def test_a_merge_patch_of_a_wrong_type_is_refused(server: Server, one: str) -> None:
    before = server.get(one).ok()
    answer = server.patch(one, "merge", {"data": {"a": 1}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert (
        "cannot unmarshal number into Go struct field ConfigMap.data of type string" in answer.body["message"]
    )
    assert server.get(one).ok() == before


# Every type


@pytest.mark.parametrize("kind", ["json", "merge", "strategic"])
def test_a_patch_of_nothing_is_not_found(server: Server, maps: str, kind: str) -> None:
    server.patch(f"{maps}/none", kind, [] if kind == "json" else {}).refused(
        404, "NotFound", 'configmaps "none" not found', {"name": "none", "kind": "configmaps"}
    )
    assert names(server.get(maps).ok()) == []


@pytest.mark.parametrize("kind", ["json", "merge", "strategic"])
def test_a_patch_that_changes_nothing_keeps_the_version(server: Server, one: str, kind: str) -> None:
    before = server.get(one).ok()
    body: Any = {"data": {"a": "1"}, "metadata": {"labels": {"x": "1"}}}
    if kind == "json":
        body = [operation("replace", "/data/a", value="1")]
    assert server.patch(one, kind, body).ok() == before


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/merge-patch"])
def test_a_patch_of_an_unknown_type_is_refused(server: Server, one: str, content_type: str) -> None:
    server.request("PATCH", one, {"data": {}}, content_type=content_type).refused(
        415, "UnsupportedMediaType", "415: Unsupported Media Type", {}
    )


def test_a_strategic_patch_of_a_custom_object_is_refused_with_what_is_possible(
    server: Server, widgets: str
) -> None:
    server.post(widgets, widget("a")).ok(201)
    server.patch(f"{widgets}/a", "strategic", {"spec": {"size": 2}}).refused(
        415,
        "UnsupportedMediaType",
        like(
            "the body of the request was in an unknown format - accepted media types include:"
            " application/json-patch[+]json, application/merge-patch[+]json, application/apply-patch[+]yaml.*"
        ),
    )


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_a_patch_cannot_rename_or_move(server: Server, one: str, field: str) -> None:
    messages = {
        "name": "the name of the object (other) does not match the name on the URL (one)",
        "namespace": "the namespace of the provided object does not match the namespace sent on the request",
    }
    server.patch(one, "merge", {"metadata": {field: "other"}}).refused(400, "BadRequest", messages[field])


def test_a_patch_does_not_change_when_an_object_was_created(server: Server, one: str) -> None:
    before = server.get(one).ok()
    assert (
        server.patch(one, "merge", {"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z"}}).ok() == before
    )


def test_a_patch_is_checked_as_a_whole_object_is(server: Server, one: str) -> None:
    answer = server.patch(one, "merge", {"data": {"not a key!": "x"}})
    assert answer.status == 422
    (found,) = answer.body["details"]["causes"]
    assert (found["reason"], found["field"]) == ("FieldValueInvalid", "data[not a key!]")


@pytest.mark.parametrize("kind", list(PATCH_TYPES))
def test_a_patch_of_another_namespace_does_not_reach_over(server: Server, one: str, kind: str) -> None:
    other = at("configmaps", server.create_namespace(), "one")
    body: Any = {"metadata": {"labels": {"x": "9"}}}
    if kind == "apply":
        body = config_map("one", {"a": "9"})
    if kind == "json":
        body = [operation("remove", "/data/a")]
    answer = server.patch(other, kind, body, **({"fieldManager": "m"} if kind == "apply" else {}))
    assert answer.status == (201 if kind == "apply" else 404)
    assert server.get(one).ok()["data"] == {"a": "1", "b": "2"}


def test_patches_without_a_version_never_lose_each_others_changes(server: Server, one: str) -> None:
    versions = [
        version(server.patch(one, "merge", {"data": {f"k{number}": "x"}}).ok()) for number in range(10)
    ]
    assert versions == sorted(set(versions))
    assert len(server.get(one).ok()["data"]) == 12
