"""Optimistic concurrency: a write says which state it is about, and is refused when that is not the present one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, lease, version, widget
from tests.contract.servers import Server
from tests.contract.wire import cause, like

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(message: str | like) -> tuple[int, str, str | like, dict[str, str]]:
    """The refusal of a write to ConfigMap a."""
    if isinstance(message, str):
        message = f'Operation cannot be fulfilled on configmaps "a": {message}'
    return 409, "Conflict", message, {"name": "a", "kind": "configmaps"}


@pytest.fixture
def moved(server: Server, maps: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """ConfigMap a as it was, and as somebody has changed it meanwhile."""
    first = server.post(maps, config_map("a")).ok(201)
    second = server.put(f"{maps}/a", config_map("a", {"key": "changed"})).ok()
    return first, second


def test_a_replacement_of_the_present_version_is_taken(server: Server, maps: str, moved: Any) -> None:
    present = {**moved[1], "data": {"key": "mine"}}
    assert server.put(f"{maps}/a", present).ok()["data"] == {"key": "mine"}


def test_a_replacement_of_an_older_version_is_refused_and_changes_nothing(
    server: Server, maps: str, moved: Any
) -> None:
    server.put(f"{maps}/a", {**moved[0], "data": {"key": "mine"}}).refused(*conflict(MODIFIED))
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_replacement_without_a_version_wins_over_whatever_is_there(
    server: Server, maps: str, moved: Any
) -> None:
    assert server.put(f"{maps}/a", config_map("a", {"key": "mine"})).ok()["data"] == {"key": "mine"}


@pytest.mark.parametrize("resource", ["widgets", "leases"])
def test_a_replacement_of_some_types_needs_a_version(server: Server, namespace: str, resource: str) -> None:
    build = {"widgets": widget, "leases": lease}[resource]
    group = {"widgets": "contract.example.com", "leases": "coordination.k8s.io"}[resource]
    server.post(at(resource, namespace), build("a")).ok(201)
    message = like(r"Invalid value: (0|0x0): must be specified for an update")
    server.put(at(resource, namespace, "a"), build("a", labels={"x": "y"})).refused(
        422,
        "Invalid",
        like(rf'{resource}\.{group} "a" is invalid: metadata\.resourceVersion: Invalid value: .*'),
        {
            "name": "a",
            "group": group,
            "kind": resource,
            "causes": [cause("FieldValueInvalid", message, "metadata.resourceVersion")],
        },
    )


def test_a_version_that_is_no_number_is_refused(server: Server, maps: str, moved: Any) -> None:
    server.put(f"{maps}/a", config_map("a", resourceVersion="abc")).refused(
        500, "", 'strconv.ParseUint: parsing "abc": invalid syntax'
    )


def test_a_replacement_of_another_life_of_the_object_is_refused(
    server: Server, maps: str, moved: Any
) -> None:
    server.put(f"{maps}/a", config_map("a", uid="other")).refused(
        *conflict(like('Operation cannot be fulfilled on configmaps "a": .*UID in precondition: other,.*'))
    )
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_what_was_read_before_a_deletion_does_not_replace_what_came_after(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    server.delete(f"{maps}/a").ok()
    second = server.post(maps, config_map("a")).ok(201)
    assert server.put(f"{maps}/a", first).status == 409
    assert server.get(f"{maps}/a").ok() == second


def test_of_two_replacements_of_one_version_the_first_wins(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    assert server.put(f"{maps}/a", {**first, "data": {"key": "one"}}).status == 200
    assert server.put(f"{maps}/a", {**first, "data": {"key": "two"}}).status == 409
    assert server.get(f"{maps}/a").ok()["data"] == {"key": "one"}


@pytest.mark.parametrize("kind", ["merge", "strategic"])
def test_a_patch_of_an_older_version_is_refused(server: Server, maps: str, moved: Any, kind: str) -> None:
    patch = {"metadata": {"resourceVersion": moved[0]["metadata"]["resourceVersion"]}, "data": {"key": "x"}}
    server.patch(f"{maps}/a", kind, patch).refused(*conflict(MODIFIED))
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_patch_of_the_present_version_is_taken(server: Server, maps: str, moved: Any) -> None:
    patch = {"metadata": {"resourceVersion": moved[1]["metadata"]["resourceVersion"]}, "data": {"key": "x"}}
    assert server.patch(f"{maps}/a", "merge", patch).ok()["data"] == {"key": "x"}


def test_a_json_patch_that_sets_an_older_version_is_refused(server: Server, maps: str, moved: Any) -> None:
    old = moved[0]["metadata"]["resourceVersion"]
    operations = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": old},
        {"op": "add", "path": "/data/other", "value": "x"},
    ]
    server.patch(f"{maps}/a", "json", operations).refused(*conflict(MODIFIED))


def test_a_merge_patch_of_another_life_of_the_object_names_its_uid(
    server: Server, maps: str, moved: Any
) -> None:
    message = 'Invalid value: "other": field is immutable'
    answer = server.patch(f"{maps}/a", "merge", {"metadata": {"uid": "other"}, "data": {"key": "x"}})
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["message"] == f'ConfigMap "a" is invalid: metadata.uid: {message}'
    assert cause("FieldValueInvalid", message, "metadata.uid") in answer.body["details"]["causes"]
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_json_patch_whose_test_of_the_uid_fails_changes_nothing(
    server: Server, maps: str, moved: Any
) -> None:
    operations = [
        {"op": "test", "path": "/metadata/uid", "value": "other"},
        {"op": "replace", "path": "/data/key", "value": "x"},
    ]
    server.patch(f"{maps}/a", "json", operations).refused(
        422, "Invalid", "the server rejected our request due to an error in our request", {}
    )
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_deletion_of_another_life_of_the_object_is_refused(server: Server, maps: str, moved: Any) -> None:
    uid = moved[1]["metadata"]["uid"]
    server.delete(f"{maps}/a", {"preconditions": {"uid": "other"}}).refused(
        409,
        "Conflict",
        'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (other) does not match the UID in'
        f" record ({uid}). The object might have been deleted and then recreated",
        {"name": "a", "kind": "ConfigMap"},
    )
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_deletion_of_an_older_version_is_refused(server: Server, maps: str, moved: Any) -> None:
    old, present = (item["metadata"]["resourceVersion"] for item in moved)
    server.delete(f"{maps}/a", {"preconditions": {"resourceVersion": old}}).refused(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition ({old}) does not'
        f" match the ResourceVersion in record ({present}). The object might have been modified",
        {"name": "a", "kind": "ConfigMap"},
    )
    assert server.get(f"{maps}/a").ok() == moved[1]


def test_a_deletion_of_the_present_version_is_taken(server: Server, maps: str, moved: Any) -> None:
    metadata = moved[1]["metadata"]
    wanted = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    assert server.delete(f"{maps}/a", {"preconditions": wanted}).ok()["status"] == "Success"
    assert server.get(f"{maps}/a").status == 404


def test_a_status_replacement_of_an_older_version_is_refused(server: Server, widgets: str) -> None:
    first = server.post(widgets, widget("a")).ok(201)
    second = server.patch(f"{widgets}/a", "merge", {"metadata": {"labels": {"x": "y"}}}).ok()
    answer = server.put(f"{widgets}/a/status", {**first, "status": {"phase": "Ready"}})
    answer.refused(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on widgets.contract.example.com "a": {MODIFIED}',
        {"name": "a", "group": "contract.example.com", "kind": "widgets"},
    )
    assert version(server.get(f"{widgets}/a").ok()) == version(second)
