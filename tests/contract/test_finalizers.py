"""Finalizers: a deletion waits for them, nobody may add one then, and the object goes with the last of them."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.contract.objects import config_map, names, version, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause, like

ONE, TWO = "example.com/one", "example.com/two"


@pytest.fixture
def ending(server: Server, maps: str) -> JsonObject:
    """ConfigMap a, which is deleted and waits for two finalizers."""
    server.post(maps, config_map("a", finalizers=[ONE, TWO])).ok(201)
    waiting: JsonObject = server.delete(f"{maps}/a").ok()
    return waiting


def keep(*finalizers: str) -> JsonObject:
    return {"metadata": {"finalizers": list(finalizers)}}


def test_a_deletion_that_has_to_wait_answers_with_the_object(
    server: Server, maps: str, ending: JsonObject
) -> None:
    stamp = dt.datetime.fromisoformat(ending["metadata"]["deletionTimestamp"])
    assert abs(dt.datetime.now(dt.UTC) - stamp) < dt.timedelta(seconds=30)
    assert ending["metadata"]["deletionGracePeriodSeconds"] == 0
    assert ending["metadata"]["finalizers"] == [ONE, TWO]
    assert ending["kind"] == "ConfigMap"
    assert server.get(f"{maps}/a").ok() == ending
    assert names(server.get(maps).ok()) == ["a"]


def test_the_object_goes_with_its_last_finalizer(server: Server, maps: str, ending: JsonObject) -> None:
    left = server.patch(f"{maps}/a", "merge", keep(TWO)).ok()
    assert left["metadata"]["finalizers"] == [TWO]
    last = server.patch(f"{maps}/a", "merge", keep()).ok()
    assert "finalizers" not in last["metadata"]
    assert last["metadata"]["uid"] == ending["metadata"]["uid"]
    assert server.get(f"{maps}/a").status == 404


def test_a_replacement_without_finalizers_lets_it_go(server: Server, maps: str, ending: JsonObject) -> None:
    del ending["metadata"]["finalizers"]
    server.put(f"{maps}/a", ending).ok()
    assert server.get(f"{maps}/a").status == 404


def test_a_json_patch_takes_a_finalizer_off_that_it_has_tested(
    server: Server, maps: str, ending: JsonObject
) -> None:
    operations = [
        {"op": "test", "path": "/metadata/finalizers/0", "value": ONE},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]
    assert server.patch(f"{maps}/a", "json", operations).ok()["metadata"]["finalizers"] == [TWO]
    server.patch(f"{maps}/a", "json", operations).refused(
        422, "Invalid", "the server rejected our request due to an error in our request", {}
    )
    assert server.get(f"{maps}/a").ok()["metadata"]["finalizers"] == [TWO]


def test_deleting_again_changes_nothing(server: Server, maps: str, ending: JsonObject) -> None:
    assert server.delete(f"{maps}/a").ok() == ending
    assert server.get(f"{maps}/a").ok() == ending


def test_a_finalizer_cannot_be_added_to_what_is_being_deleted(
    server: Server, maps: str, ending: JsonObject
) -> None:
    message = (
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers"
        ' []string{"example.com/new"}'
    )
    server.patch(f"{maps}/a", "merge", keep(ONE, TWO, "example.com/new")).refused(
        422,
        "Invalid",
        f'ConfigMap "a" is invalid: metadata.finalizers: {message}',
        {
            "name": "a",
            "kind": "ConfigMap",
            "causes": [cause("FieldValueForbidden", message, "metadata.finalizers")],
        },
    )


def test_what_is_being_deleted_can_still_be_changed(server: Server, maps: str, ending: JsonObject) -> None:
    change = {"metadata": {"labels": {"x": "y"}}, "data": {"key": "changed"}}
    changed = server.patch(f"{maps}/a", "merge", change).ok()
    assert (changed["data"], changed["metadata"]["labels"]) == ({"key": "changed"}, {"x": "y"})
    assert changed["metadata"]["deletionTimestamp"] == ending["metadata"]["deletionTimestamp"]


def test_a_deletion_cannot_be_taken_back(server: Server, maps: str, ending: JsonObject) -> None:
    sent = config_map("a", {"key": "changed"}, finalizers=[ONE, TWO])
    replaced = server.put(f"{maps}/a", sent).ok()
    assert replaced["metadata"]["deletionTimestamp"] == ending["metadata"]["deletionTimestamp"]
    assert replaced["metadata"]["deletionGracePeriodSeconds"] == 0


def test_the_time_of_a_deletion_cannot_be_moved(server: Server, maps: str, ending: JsonObject) -> None:
    change = {"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}}
    changed = server.patch(f"{maps}/a", "merge", change).ok()
    assert changed["metadata"]["deletionTimestamp"] == ending["metadata"]["deletionTimestamp"]
    message = "Invalid value: 9: field is immutable"
    field = "metadata.deletionGracePeriodSeconds"
    server.patch(f"{maps}/a", "merge", {"metadata": {"deletionGracePeriodSeconds": 9}}).refused(
        422,
        "Invalid",
        f'ConfigMap "a" is invalid: {field}: {message}',
        {"name": "a", "kind": "ConfigMap", "causes": [cause("FieldValueInvalid", message, field)]},
    )


def test_the_name_is_taken_until_the_object_is_gone(server: Server, maps: str, ending: JsonObject) -> None:
    server.post(maps, config_map("a")).refused(
        409,
        "AlreadyExists",
        like('.*configmaps "a" already exists'),
        {"name": "a", "kind": "configmaps"},
    )


def test_finalizers_alone_delete_nothing(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", finalizers=[ONE])).ok(201)
    server.patch(f"{maps}/a", "merge", keep()).ok()
    assert server.get(f"{maps}/a").status == 200


def test_a_finalizer_of_a_built_in_type_needs_a_qualified_name(server: Server, maps: str) -> None:
    message = (
        'Invalid value: "unqualified": name is neither a standard finalizer name nor is it fully qualified'
    )
    server.post(maps, config_map("a", finalizers=["unqualified"])).refused(
        422,
        "Invalid",
        f'ConfigMap "a" is invalid: metadata.finalizers[0]: {message}',
        {
            "name": "a",
            "kind": "ConfigMap",
            "causes": [cause("FieldValueInvalid", message, "metadata.finalizers[0]")],
        },
    )


def test_an_unqualified_finalizer_of_a_custom_object_is_warned_of(server: Server, widgets: str) -> None:
    answer = server.post(widgets, widget("a", finalizers=["unqualified"]))
    assert answer.ok(201)["metadata"]["finalizers"] == ["unqualified"]
    (warning,) = answer.warnings
    assert warning == (
        '299 - "metadata.finalizers: \\"unqualified\\": prefer a domain-qualified finalizer name to avoid accidental'
        ' conflicts with other finalizer writers"'
    )


def test_a_deletion_with_a_precondition_marks_only_what_fulfils_it(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a", finalizers=[ONE])).ok(201)
    assert server.delete(f"{maps}/a", {"preconditions": {"uid": "other"}}).status == 409
    assert server.get(f"{maps}/a").ok() == created
    marked = server.delete(f"{maps}/a", {"preconditions": {"uid": created["metadata"]["uid"]}}).ok()
    assert marked["metadata"]["deletionTimestamp"]
    assert version(marked) > version(created)


def test_a_custom_object_waits_for_its_finalizers_too(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a", finalizers=[ONE])).ok(201)
    waiting = server.delete(f"{widgets}/a").ok()
    assert waiting["metadata"]["deletionTimestamp"]
    server.patch(f"{widgets}/a", "merge", {"metadata": {"finalizers": None}}).ok()
    assert server.get(f"{widgets}/a").status == 404
