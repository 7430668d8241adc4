"""Server-side apply of structured values: list maps, sets, atomic lists and maps, nested objects, metadata."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, lease, owner_reference, service, widget
from tests.contract.servers import Server
from tests.contract.test_apply import owned
from tests.contract.wire import JsonObject, cause, like


def spec(**fields: object) -> JsonObject:
    return widget("a", {"size": 1, **fields})


@pytest.fixture
def path(widgets: str) -> str:
    return f"{widgets}/a"


def port(number: int, **more: object) -> JsonObject:
    return {"number": number, "protocol": "TCP", **more}


def test_items_of_a_list_map_are_owned_one_by_one(server: Server, path: str) -> None:
    server.apply(path, spec(ports=[port(1, label="n")]), "n").ok(201)
    both = server.apply(path, spec(ports=[port(2, label="m")]), "m").ok()
    assert both["spec"]["ports"] == [port(1, label="n"), port(2, label="m")]
    assert owned(both, "m")["f:spec"]["f:ports"] == {
        'k:{"number":2,"protocol":"TCP"}': {
            ".": {},
            "f:number": {},
            "f:protocol": {},
            "f:label": {},
        }
    }


def test_an_item_of_a_list_map_goes_with_its_only_owner(server: Server, path: str) -> None:
    server.apply(path, spec(ports=[port(1)]), "n").ok(201)
    server.apply(path, spec(ports=[port(2)]), "m").ok()
    left = server.apply(path, spec(), "n").ok()
    assert left["spec"]["ports"] == [port(2)]


def test_two_managers_may_own_parts_of_one_item(server: Server, path: str) -> None:
    server.apply(path, spec(ports=[port(1)]), "n").ok(201)
    both = server.apply(path, spec(ports=[port(1, label="m")]), "m").ok()
    assert both["spec"]["ports"] == [port(1, label="m")]
    left = server.apply(path, spec(), "m").ok()
    assert left["spec"]["ports"] == [port(1)]


def test_items_with_different_keys_are_different(server: Server, path: str) -> None:
    applied = server.apply(path, spec(ports=[port(1), {"number": 1, "protocol": "UDP"}]), "m").ok(201)
    assert len(applied["spec"]["ports"]) == 2


def test_a_key_that_has_a_default_may_be_left_out(server: Server, path: str) -> None:
    applied = server.apply(path, spec(ports=[{"number": 1}]), "m").ok(201)
    assert applied["spec"]["ports"] == [port(1)]
    assert server.apply(path, spec(ports=[{"number": 1}]), "m").ok() == applied


def test_a_key_that_is_there_twice_is_refused(server: Server, path: str) -> None:
    answer = server.apply(path, spec(ports=[port(1), port(1, label="x")]), "m")
    answer.refused(
        500,
        "",
        like(
            r"failed to create typed patch object .*: \.spec\.ports: duplicate entries for key"
            r' \[number=1,protocol="TCP"\]'
        ),
    )
    assert server.get(path).status == 404


def test_the_order_of_a_list_map_is_that_of_the_last_who_applied_it(server: Server, path: str) -> None:
    server.apply(path, spec(ports=[port(1), port(2), port(3)]), "m").ok(201)
    moved = server.apply(path, spec(ports=[port(3), port(1), port(2)]), "m").ok()
    assert [item["number"] for item in moved["spec"]["ports"]] == [3, 1, 2]


def test_values_of_a_set_are_owned_one_by_one(server: Server, path: str) -> None:
    server.apply(path, spec(tags=["a", "b"]), "n").ok(201)
    both = server.apply(path, spec(tags=["b", "c"]), "m").ok()
    assert sorted(both["spec"]["tags"]) == ["a", "b", "c"]
    assert owned(both, "m")["f:spec"]["f:tags"] == {'v:"b"': {}, 'v:"c"': {}}
    left = server.apply(path, spec(), "n").ok()
    assert sorted(left["spec"]["tags"]) == ["b", "c"]


def test_an_atomic_list_has_one_owner(server: Server, path: str) -> None:
    server.apply(path, spec(sequence=[1, 2]), "n").ok(201)
    answer = server.apply(path, spec(sequence=[1, 2, 3]), "m")
    answer.refused(
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "n": .spec.sequence',
        {"causes": [cause("FieldManagerConflict", 'conflict with "n"', ".spec.sequence")]},
    )
    taken = server.apply(path, spec(sequence=[3]), "m", force="true").ok()
    assert taken["spec"]["sequence"] == [3]
    assert "f:sequence" not in owned(taken, "n")["f:spec"]


def test_an_atomic_map_has_one_owner(server: Server, path: str) -> None:
    server.apply(path, spec(point={"x": 1, "y": 1}), "n").ok(201)
    answer = server.apply(path, spec(point={"x": 2}), "m")
    assert answer.status == 409
    assert [item["field"] for item in answer.body["details"]["causes"]] == [".spec.point"]
    taken = server.apply(path, spec(point={"x": 2}), "m", force="true").ok()
    assert taken["spec"]["point"] == {"x": 2}


def test_a_granular_map_is_owned_key_by_key(server: Server, path: str) -> None:
    server.apply(path, spec(limits={"n": 1}), "n").ok(201)
    both = server.apply(path, spec(limits={"m": 2}), "m").ok()
    assert both["spec"]["limits"] == {"n": 1, "m": 2}
    assert owned(both, "m")["f:spec"]["f:limits"] == {"f:m": {}}


def test_fields_without_a_schema_are_owned_one_by_one(server: Server, path: str) -> None:
    server.apply(path, spec(free={"n": {"deep": 1}}), "n").ok(201)
    both = server.apply(path, spec(free={"m": {"deep": 2}}), "m").ok()
    assert both["spec"]["free"] == {"n": {"deep": 1}, "m": {"deep": 2}}


def test_lists_without_a_schema_are_atomic(server: Server, path: str) -> None:
    server.apply(path, spec(free={"list": [1]}), "n").ok(201)
    answer = server.apply(path, spec(free={"list": [1, 2]}), "m")
    assert answer.status == 409
    assert [item["field"] for item in answer.body["details"]["causes"]] == [".spec.free.list"]


def test_an_applied_empty_object_is_owned(server: Server, path: str) -> None:
    applied = server.apply(path, spec(free={}), "m").ok(201)
    assert applied["spec"]["free"] == {}
    assert owned(applied, "m")["f:spec"]["f:free"] == {}
    assert "free" not in server.apply(path, spec(), "m").ok()["spec"]


def test_a_defaulted_field_is_owned_by_nobody(server: Server, path: str) -> None:
    applied = server.apply(path, spec(), "m").ok(201)
    assert applied["spec"]["color"] == "red"
    assert owned(applied, "m") == {"f:spec": {"f:size": {}}}


def test_labels_annotations_and_finalizers_are_owned_one_by_one(server: Server, maps: str) -> None:
    one = config_map("a", labels={"n": "1"}, annotations={"n": "1"}, finalizers=["example.com/n"])
    two = config_map("a", labels={"m": "2"}, annotations={"m": "2"}, finalizers=["example.com/m"])
    server.apply(f"{maps}/a", one, "n").ok(201)
    metadata = server.apply(f"{maps}/a", two, "m").ok()["metadata"]
    assert metadata["labels"] == {"n": "1", "m": "2"}
    assert metadata["annotations"] == {"n": "1", "m": "2"}
    assert sorted(metadata["finalizers"]) == ["example.com/m", "example.com/n"]
    metadata = server.apply(f"{maps}/a", config_map("a"), "n").ok()["metadata"]
    assert (metadata["labels"], metadata["finalizers"]) == ({"m": "2"}, ["example.com/m"])


def test_owner_references_are_owned_by_their_uid(server: Server, maps: str) -> None:
    one, two = (owner_reference(server.post(maps, config_map(name)).ok(201)) for name in ("one", "two"))
    server.apply(f"{maps}/a", config_map("a", ownerReferences=[one]), "n").ok(201)
    both = server.apply(f"{maps}/a", config_map("a", ownerReferences=[two]), "m").ok()
    assert both["metadata"]["ownerReferences"] == [one, two]
    assert owned(both, "m")["f:metadata"]["f:ownerReferences"] == {f'k:{{"uid":"{two["uid"]}"}}': {}}


@pytest.mark.needs("workloads")
def test_ports_of_a_service_are_owned_by_number_and_protocol(server: Server, namespace: str) -> None:
    path = at("services", namespace, "s")
    server.apply(path, service("s", {"ports": [{"name": "a", "port": 80}]}), "n").ok(201)
    both = server.apply(path, service("s", {"ports": [{"name": "b", "port": 81}]}), "m").ok()
    assert [item["name"] for item in both["spec"]["ports"]] == ["a", "b"]
    assert 'k:{"port":81,"protocol":"TCP"}' in owned(both, "m")["f:spec"]["f:ports"]


@pytest.mark.needs("workloads")
def test_a_selector_of_a_service_is_atomic(server: Server, namespace: str) -> None:
    path = at("services", namespace, "s")
    server.apply(path, service("s", {"selector": {"a": "1"}}), "n").ok(201)
    answer = server.apply(path, service("s", {"selector": {"b": "1"}}), "m")
    assert answer.status == 409
    assert [item["field"] for item in answer.body["details"]["causes"]] == [".spec.selector"]


def test_times_compare_by_value(server: Server, namespace: str) -> None:
    path = at("leases", namespace, "a")
    obj = lease("a")
    obj["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"
    created = server.apply(path, obj, "m").ok(201)
    assert server.apply(path, obj, "m").ok() == created


def test_an_applied_null_is_a_value_of_a_field_that_may_be_null(server: Server, path: str) -> None:
    applied = server.apply(path, spec(note=None), "m").ok(201)
    assert applied["spec"]["note"] is None
    assert owned(applied, "m")["f:spec"]["f:note"] == {}


def test_an_applied_null_is_refused_for_other_fields(server: Server, path: str) -> None:
    answer = server.apply(path, spec(code=None), "m")
    assert answer.status == 422
    message = 'Invalid value: "null": spec.code in body must be of type string: "null"'
    assert answer.body["details"]["causes"][0] == cause("FieldValueTypeInvalid", message, "spec.code")


def test_entries_are_sorted_by_operation_and_time(server: Server, maps: str) -> None:
    server.patch(f"{maps}/a", "apply", config_map("a", {"one": "1"}), fieldManager="z").ok(201)
    server.patch(f"{maps}/a", "apply", config_map("a", {"two": "2"}), fieldManager="a").ok()
    server.patch(f"{maps}/a", "merge", {"data": {"three": "3"}}, fieldManager="b").ok()
    found = [
        (item["manager"], item["operation"])
        for item in server.get(f"{maps}/a").ok()["metadata"]["managedFields"]
    ]
    assert found[-1] == ("b", "Update")
    assert sorted(found[:2]) == [("a", "Apply"), ("z", "Apply")]


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
def test_an_unknown_field_of_an_applied_object_is_refused_in_any_case(
    server: Server, maps: str, validation: str
) -> None:
    obj = {**config_map("a"), "bogus": 1}
    server.apply(f"{maps}/a", obj, "m", fieldValidation=validation).refused(
        500, "", like(r"failed to create typed patch object .*: \.bogus: field not declared in schema")
    )
    assert server.get(f"{maps}/a").status == 404
