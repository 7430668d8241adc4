"""Server-side apply between several managers: conflicts, force, shared fields, how ownership moves and is reset."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, deployment, version, widget
from tests.contract.servers import Server
from tests.contract.test_apply import entries, owned
from tests.contract.wire import JsonObject, cause, like


@pytest.fixture
def theirs(server: Server, maps: str) -> str:
    """The path of ConfigMap a, whose keys one and two were applied by n."""
    server.apply(f"{maps}/a", config_map("a", {"one": "1", "two": "2"}), "n").ok(201)
    return f"{maps}/a"


def test_a_conflict_names_manager_and_field(server: Server, theirs: str) -> None:
    before = server.get(theirs).ok()
    server.apply(theirs, config_map("a", {"one": "9"}), "m").refused(
        409,
        "Conflict",
        'Apply failed with 1 conflict: conflict with "n": .data.one',
        {"causes": [cause("FieldManagerConflict", 'conflict with "n"', ".data.one")]},
    )
    assert server.get(theirs).ok() == before


def test_conflicts_come_one_for_each_field(server: Server, theirs: str) -> None:
    answer = server.apply(theirs, config_map("a", {"one": "9", "two": "9", "three": "3"}), "m")
    assert answer.status == 409
    assert answer.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "n":\n- .data.one\n- .data.two'
    )
    fields = sorted(item["field"] for item in answer.body["details"]["causes"])
    assert fields == [".data.one", ".data.two"]


def test_conflicts_with_several_managers_name_each(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("a", {"one": "1"}), "n").ok(201)
    server.apply(f"{maps}/a", config_map("a", {"two": "2"}), "o").ok()
    answer = server.apply(f"{maps}/a", config_map("a", {"one": "9", "two": "9"}), "m")
    assert answer.status == 409
    assert answer.body["message"] == (
        'Apply failed with 2 conflicts: conflicts with "n":\n- .data.one\nconflicts with "o":\n- .data.two'
    )
    found = {item["field"]: item["message"] for item in answer.body["details"]["causes"]}
    assert found == {".data.one": 'conflict with "n"', ".data.two": 'conflict with "o"'}


def test_a_conflict_with_an_update_says_which_version_and_when(server: Server, maps: str) -> None:
    server.post(maps, config_map("a"), fieldManager="n").ok(201)
    answer = server.apply(f"{maps}/a", config_map("a", {"key": "9"}), "m")
    moment = r'conflict with "n" using v1( at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?'
    answer.refused(
        409,
        "Conflict",
        like(rf"Apply failed with 1 conflict: {moment}: \.data\.key"),
        {"causes": [cause("FieldManagerConflict", like(moment), ".data.key")]},
    )


def test_a_conflict_in_a_list_names_the_item_by_its_keys(server: Server, widgets: str) -> None:
    port = {"number": 1, "protocol": "TCP", "label": "n"}
    server.apply(f"{widgets}/a", widget("a", {"size": 1, "ports": [port]}), "n").ok(201)
    answer = server.apply(f"{widgets}/a", widget("a", {"size": 1, "ports": [{**port, "label": "m"}]}), "m")
    assert answer.status == 409
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == '.spec.ports[number=1,protocol="TCP"].label'


@pytest.mark.needs("workloads")
def test_a_conflict_in_a_container_names_it(server: Server, namespace: str) -> None:
    path = at("deployments", namespace, "a")
    server.apply(path, deployment("a"), "n").ok(201)
    changed = deployment("a")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/main:2"
    answer = server.apply(path, changed, "m")
    assert answer.status == 409
    (found,) = answer.body["details"]["causes"]
    assert found["field"] == '.spec.template.spec.containers[name="main"].image'


def test_force_takes_the_fields_and_leaves_the_others(server: Server, theirs: str) -> None:
    taken = server.apply(theirs, config_map("a", {"one": "9"}), "m", force="true").ok()
    assert taken["data"] == {"one": "9", "two": "2"}
    assert owned(taken, "m") == {"f:data": {"f:one": {}}}
    assert owned(taken, "n") == {"f:data": {"f:two": {}}}


def test_a_manager_whose_last_field_is_taken_leaves_no_entry(server: Server, maps: str) -> None:
    server.apply(f"{maps}/a", config_map("a"), "n").ok(201)
    taken = server.apply(f"{maps}/a", config_map("a", {"key": "9"}), "m", force="true").ok()
    assert entries(taken) == [("m", "Apply", "")]


def test_equal_values_are_shared(server: Server, theirs: str) -> None:
    shared = server.apply(theirs, config_map("a", {"one": "1"}), "m").ok()
    assert owned(shared, "m") == {"f:data": {"f:one": {}}}
    assert owned(shared, "n") == {"f:data": {"f:one": {}, "f:two": {}}}


def test_a_shared_field_stays_when_one_lets_go(server: Server, theirs: str) -> None:
    server.apply(theirs, config_map("a", {"one": "1", "mine": "x"}), "m").ok()
    left = server.apply(theirs, config_map("a", {"mine": "x"}), "m").ok()
    assert left["data"] == {"one": "1", "two": "2", "mine": "x"}


def test_a_shared_field_goes_when_both_let_go(server: Server, theirs: str) -> None:
    server.apply(theirs, config_map("a", {"one": "1", "mine": "x"}), "m").ok()
    server.apply(theirs, config_map("a", {"two": "2"}), "n").ok()
    left = server.apply(theirs, config_map("a", {"mine": "x"}), "m").ok()
    assert left["data"] == {"two": "2", "mine": "x"}


def test_an_update_takes_the_fields_that_it_changes(server: Server, theirs: str) -> None:
    changed = server.patch(theirs, "merge", {"data": {"one": "9"}}, fieldManager="u").ok()
    assert owned(changed, "u", "Update") == {"f:data": {"f:one": {}}}
    assert owned(changed, "n") == {"f:data": {"f:two": {}}}


def test_an_update_that_repeats_values_takes_nothing(server: Server, theirs: str) -> None:
    before = server.get(theirs).ok()
    assert server.patch(theirs, "merge", {"data": {"one": "1"}}, fieldManager="u").ok() == before


def test_what_an_update_took_is_not_pruned_by_its_former_owner(server: Server, theirs: str) -> None:
    server.patch(theirs, "merge", {"data": {"one": "9"}}, fieldManager="u").ok()
    left = server.apply(theirs, config_map("a", {"two": "2"}), "n").ok()
    assert left["data"] == {"one": "9", "two": "2"}


def test_an_update_that_removes_a_field_takes_it_from_everybody(server: Server, theirs: str) -> None:
    left = server.patch(theirs, "merge", {"data": {"one": None}}, fieldManager="u").ok()
    assert owned(left, "n") == {"f:data": {"f:two": {}}}
    assert ("u", "Update", "") not in entries(left)


def test_applying_back_what_an_update_changed_is_a_conflict(server: Server, theirs: str) -> None:
    server.patch(theirs, "merge", {"data": {"one": "9"}}, fieldManager="u").ok()
    answer = server.apply(theirs, config_map("a", {"one": "1", "two": "2"}), "n")
    assert answer.status == 409
    (found,) = answer.body["details"]["causes"]
    assert (found["reason"], found["field"]) == ("FieldManagerConflict", ".data.one")


def test_the_manager_of_an_update_is_its_user_agent_unless_it_says_so(server: Server, maps: str) -> None:
    answer = server.request("POST", maps, config_map("a"), headers={"User-Agent": "gardener/v1 (linux) x"})
    assert entries(answer.ok(201)) == [("gardener", "Update", "")]


def test_updates_of_the_same_manager_share_an_entry(server: Server, maps: str) -> None:
    server.post(maps, config_map("a"), fieldManager="u").ok(201)
    for number in range(3):
        server.patch(f"{maps}/a", "merge", {"data": {f"k{number}": "x"}}, fieldManager="u").ok()
    changed = server.get(f"{maps}/a").ok()
    assert owned(changed, "u", "Update") == {
        "f:data": {".": {}, "f:key": {}, "f:k0": {}, "f:k1": {}, "f:k2": {}}
    }


# Resetting


@pytest.mark.parametrize("value", [[{}], []], ids=["one empty entry", "none"])
def test_managed_fields_can_be_reset(server: Server, theirs: str, value: list[JsonObject]) -> None:
    operations = [{"op": "replace", "path": "/metadata/managedFields", "value": value}]
    reset = server.patch(theirs, "json", operations, fieldManager="u").ok()
    assert "managedFields" not in reset["metadata"]
    assert reset["data"] == {"one": "1", "two": "2"}


def test_after_a_reset_applying_takes_over_with_what_was_there_before(server: Server, theirs: str) -> None:
    server.patch(theirs, "merge", {"metadata": {"managedFields": [{}]}}).ok()
    taken = server.apply(theirs, config_map("a", {"one": "1"}), "m").ok()
    assert taken["data"] == {"one": "1", "two": "2"}
    assert entries(taken) == [("m", "Apply", ""), ("before-first-apply", "Update", "")]


def test_an_entry_can_be_handed_over_by_rewriting_managed_fields(server: Server, theirs: str) -> None:
    entry = server.get(theirs).ok()["metadata"]["managedFields"][0]
    operations = [
        {"op": "test", "path": "/metadata/managedFields/0/manager", "value": "n"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [{**entry, "manager": "m"}]},
    ]
    handed = server.patch(theirs, "json", operations).ok()
    assert entries(handed) == [("m", "Apply", "")]
    assert server.apply(theirs, config_map("a", {"one": "1"}), "m").ok()["data"] == {"one": "1"}


def test_a_replacement_without_managed_fields_keeps_those_of_others(server: Server, theirs: str) -> None:
    obj = server.get(theirs).ok()
    del obj["metadata"]["managedFields"]
    obj["data"]["three"] = "3"
    replaced = server.put(theirs, obj, fieldManager="u").ok()
    assert owned(replaced, "n") == {"f:data": {"f:one": {}, "f:two": {}}}
    assert owned(replaced, "u", "Update") == {"f:data": {"f:three": {}}}


# Subresources


def test_applying_status_is_an_entry_of_its_own(server: Server, widgets: str) -> None:
    server.apply(f"{widgets}/a", widget("a"), "m").ok(201)
    obj = {"apiVersion": "contract.example.com/v1", "kind": "Widget", "status": {"phase": "Ready"}}
    applied = server.apply(f"{widgets}/a/status", obj, "m").ok()
    assert applied["status"] == {"phase": "Ready"}
    assert entries(applied) == [("m", "Apply", ""), ("m", "Apply", "status")]
    assert server.apply(f"{widgets}/a", widget("a"), "m").ok() == applied


def test_applying_status_of_nothing_is_not_found(server: Server, widgets: str) -> None:
    obj = {"apiVersion": "contract.example.com/v1", "kind": "Widget", "status": {"phase": "Ready"}}
    assert server.apply(f"{widgets}/a/status", obj, "m").status == 404


def test_applying_the_object_does_not_touch_status(server: Server, widgets: str) -> None:
    server.apply(f"{widgets}/a", widget("a"), "m").ok(201)
    server.patch(f"{widgets}/a/status", "merge", {"status": {"phase": "Ready"}}, fieldManager="s").ok()
    obj = {**widget("a", {"size": 2}), "status": {"phase": "Lost"}}
    applied = server.apply(f"{widgets}/a", obj, "m").ok()
    assert (applied["spec"]["size"], applied["status"]) == (2, {"phase": "Ready"})


@pytest.mark.needs("workloads")
def test_scaling_takes_the_replicas_from_who_applied_them(server: Server, namespace: str) -> None:
    path = at("deployments", namespace, "a")
    server.apply(path, deployment("a", 2), "m").ok(201)
    server.patch(f"{path}/scale", "merge", {"spec": {"replicas": 5}}, fieldManager="scaler").ok()
    scaled = server.get(path).ok()
    assert entries(scaled) == [("m", "Apply", ""), ("scaler", "Update", "scale")]
    assert "f:replicas" not in owned(scaled, "m")["f:spec"]
    assert server.apply(path, deployment("a", 2), "m").status == 409
    assert server.apply(path, deployment("a", None), "m").ok()["spec"]["replicas"] == 5


@pytest.mark.needs("workloads")
def test_replicas_that_nobody_applies_any_more_go_back_to_the_default(server: Server, namespace: str) -> None:
    path = at("deployments", namespace, "a")
    server.apply(path, deployment("a", 3), "m").ok(201)
    assert server.apply(path, deployment("a", None), "m").ok()["spec"]["replicas"] == 1


# Dry runs and deletions


def test_a_dry_run_shows_what_would_be_and_does_nothing(server: Server, theirs: str) -> None:
    before = server.get(theirs).ok()
    shown = server.apply(theirs, config_map("a", {"one": "1", "new": "x"}), "n", dryRun="All").ok()
    assert shown["data"] == {"one": "1", "new": "x"}
    assert server.get(theirs).ok() == before


def test_a_dry_run_finds_conflicts(server: Server, theirs: str) -> None:
    assert server.apply(theirs, config_map("a", {"one": "9"}), "m", dryRun="All").status == 409


def test_applying_again_after_a_deletion_creates_anew(server: Server, theirs: str) -> None:
    first = server.get(theirs).ok()
    server.delete(theirs).ok()
    second = server.apply(theirs, config_map("a", {"one": "1"}), "n").ok(201)
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert version(second) > version(first)
