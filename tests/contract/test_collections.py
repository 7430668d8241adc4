"""Deleting many objects at once, generated names, and limits of what an object may be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, events, named, names, widget
from tests.contract.servers import Server
from tests.contract.test_watch import now
from tests.contract.wire import JsonObject, cause, like

# Deleting many


def fill(server: Server, maps: str, **labels: dict[str, str]) -> None:
    for name, label in labels.items():
        server.post(maps, config_map(name, labels=label)).ok(201)


def test_all_objects_of_a_namespace_are_deleted_and_listed(server: Server, maps: str) -> None:
    other = at("configmaps", server.create_namespace())
    fill(server, maps, a={}, b={})
    fill(server, other, c={})
    answer = server.delete(maps).ok()
    assert (answer["kind"], names(answer)) == ("ConfigMapList", ["a", "b"])
    assert names(server.get(maps).ok()) == []
    assert names(server.get(other).ok()) == ["c"]


def test_a_selector_chooses_what_is_deleted(server: Server, maps: str) -> None:
    fill(server, maps, a={"x": "y"}, b={}, c={"x": "y"})
    assert names(server.delete(maps, labelSelector="x=y").ok()) == ["a", "c"]
    assert names(server.get(maps).ok()) == ["b"]


def test_a_field_chooses_what_is_deleted(server: Server, maps: str) -> None:
    fill(server, maps, a={}, b={})
    assert names(server.delete(maps, fieldSelector="metadata.name=a").ok()) == ["a"]
    assert names(server.get(maps).ok()) == ["b"]


def test_deleting_nothing_is_no_error(server: Server, maps: str) -> None:
    assert server.delete(maps).ok()["items"] == []


def test_objects_with_finalizers_are_marked(server: Server, maps: str) -> None:
    fill(server, maps, a={})
    server.post(maps, config_map("b", finalizers=["example.com/f"])).ok(201)
    server.delete(maps).ok()
    (left,) = server.get(maps).ok()["items"]
    assert left["metadata"]["name"] == "b"
    assert left["metadata"]["deletionTimestamp"]


def test_each_deletion_of_many_is_an_event(server: Server, maps: str) -> None:
    fill(server, maps, a={}, b={})
    with server.watching(maps, resourceVersion=now(server, maps)) as watch:
        server.delete(maps).ok()
        assert sorted(events(watch.take(2))) == [("DELETED", "a"), ("DELETED", "b")]


def test_custom_objects_are_deleted_together_too(server: Server, widgets: str) -> None:
    for name in ("a", "b"):
        server.post(widgets, widget(name)).ok(201)
    assert server.delete(widgets).ok()["kind"] == "WidgetList"
    assert names(server.get(widgets).ok()) == []


def test_objects_of_all_namespaces_cannot_be_deleted_at_once(server: Server) -> None:
    server.delete(at("configmaps")).refused(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    )


# Generated names


def test_a_name_is_generated_from_its_beginning(server: Server, maps: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "job-"}}
    created = [server.post(maps, obj).ok(201)["metadata"] for _ in range(5)]
    assert all(item["name"] == like("job-[bcdfghjklmnpqrstvwxz2456789]{5}") for item in created)
    assert all(item["generateName"] == "job-" for item in created)
    assert len({item["name"] for item in created}) == 5


def test_a_name_wins_over_the_beginning_of_one(server: Server, maps: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "generateName": "job-"}}
    assert server.post(maps, obj).ok(201)["metadata"]["name"] == "a"


def test_a_long_beginning_is_cut_so_that_the_name_fits(server: Server, maps: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x" * 70}}
    name = server.post(maps, obj).ok(201)["metadata"]["name"]
    assert name == like("x{58}[a-z0-9]{5}")


def test_an_invalid_beginning_is_refused(server: Server, maps: str) -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "Bad_"}}
    answer = server.post(maps, obj)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert [item["field"] for item in answer.body["details"]["causes"]] == [
        "metadata.generateName",
        "metadata.name",
    ]


def test_custom_objects_get_generated_names_too(server: Server, widgets: str) -> None:
    obj = widget("", {"size": 1})
    obj["metadata"] = {"generateName": "w-"}
    assert server.post(widgets, obj).ok(201)["metadata"]["name"] == like("w-[a-z0-9]{5}")


# Limits


def test_an_object_larger_than_the_store_takes_is_refused(
    server: Server, namespace: str, widgets: str
) -> None:
    answer = server.post(
        at("gadgets", namespace),
        {**named("Gadget", "a", "contract.example.com/v1"), "blob": "x" * 1_600_000},
    )
    answer.refused(500, "", "etcdserver: request is too large")
    assert server.get(at("gadgets", namespace, "a")).status == 404


def test_a_body_larger_than_the_server_reads_is_refused(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", {"key": "x" * 3_200_000})).refused(
        413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"
    )
    assert server.get(f"{maps}/a").status == 404


def test_a_config_map_holds_a_mebibyte(server: Server, maps: str) -> None:
    message = "Too long: may not be more than 1048576 bytes"
    server.post(maps, config_map("a", {"key": "x" * 1_048_577})).refused(
        422,
        "Invalid",
        f'ConfigMap "a" is invalid: []: {message}',
        {"name": "a", "kind": "ConfigMap", "causes": [cause("FieldValueTooLong", message, "[]")]},
    )


def test_annotations_hold_a_quarter_of_a_mebibyte(server: Server, maps: str) -> None:
    message = "Too long: may not be more than 262144 bytes"
    server.post(maps, config_map("a", annotations={"x": "y" * 262_144})).refused(
        422,
        "Invalid",
        f'ConfigMap "a" is invalid: metadata.annotations: {message}',
        {
            "name": "a",
            "kind": "ConfigMap",
            "causes": [cause("FieldValueTooLong", message, "metadata.annotations")],
        },
    )


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        ({"labels": {"x": "y" * 64}}, "metadata.labels", "must be no more than 63 bytes"),
        ({"labels": {"x": "no spaces"}}, "metadata.labels", "a valid label must be an empty string or"),
        ({"labels": {"-x": "y"}}, "metadata.labels", "name part must consist of"),
        (
            {"labels": {"a/b/c": "y"}},
            "metadata.labels",
            "a valid label key must consist of|a qualified name must",
        ),
        ({"annotations": {"no spaces": "y"}}, "metadata.annotations", "name part must consist of"),
    ],
    ids=["long value", "value", "key", "key with slashes", "annotation"],
)
def test_labels_and_annotations_have_their_form(
    server: Server, maps: str, metadata: Any, field: str, message: str
) -> None:
    answer = server.post(maps, config_map("a", **metadata))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert (found["reason"], found["field"]) == ("FieldValueInvalid", field)
    assert found["message"] == like(f".*({message}).*")


@pytest.mark.parametrize(
    ("resource", "name", "allowed"),
    [
        ("configmaps", "a.b-c", True),
        ("configmaps", "x" * 253, True),
        ("configmaps", "x" * 254, False),
        ("configmaps", "a..b", False),
        ("configmaps", "-a", False),
        ("configmaps", "a_b", False),
        ("configmaps", "ü", False),
        ("configmaps", "a/b", False),
        ("configmaps", "%2e", False),
        ("serviceaccounts", "a.b", True),
        ("serviceaccounts", "A", False),
        ("leases", "a.b", True),
        pytest.param("services", "a.b", False, marks=pytest.mark.needs("workloads")),
        pytest.param("services", "1a", True, marks=pytest.mark.needs("workloads")),
        pytest.param("services", "a-1", True, marks=pytest.mark.needs("workloads")),
        ("roles", "system:some:Role", True),
        ("roles", "a/b", False),
        ("roles", "..", False),
    ],
)
def test_names_have_the_form_that_their_type_asks_for(
    server: Server, namespace: str, resource: str, name: str, allowed: bool
) -> None:
    kinds: dict[str, JsonObject] = {
        "configmaps": named("ConfigMap", name),
        "serviceaccounts": named("ServiceAccount", name),
        "leases": named("Lease", name, "coordination.k8s.io/v1"),
        "services": {**named("Service", name), "spec": {"ports": [{"port": 80}]}},
        "roles": {**named("Role", name, "rbac.authorization.k8s.io/v1"), "rules": []},
    }
    answer = server.post(at(resource, namespace), kinds[resource])
    if allowed:
        assert answer.ok(201)["metadata"]["name"] == name
        assert server.get(at(resource, namespace, name)).status == 200
    else:
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert {item["field"] for item in answer.body["details"]["causes"]} == {"metadata.name"}


@pytest.mark.parametrize("key", ["a b", "a/b", "..", "x" * 254])
def test_keys_of_data_have_their_form(server: Server, maps: str, key: str) -> None:
    answer = server.post(maps, config_map("a", {key: "x"}))
    assert answer.status == 422
    assert {item["field"] for item in answer.body["details"]["causes"]} == {f"data[{key}]"}


def test_a_key_is_in_data_or_in_binary_data(server: Server, maps: str) -> None:
    answer = server.post(maps, {**config_map("a", {"k": "x"}), "binaryData": {"k": "eA=="}})
    assert answer.status == 422
    assert {item["field"] for item in answer.body["details"]["causes"]} == {"data[k]"}


def test_binary_data_is_base64(server: Server, maps: str) -> None:
    answer = server.post(maps, {**named("ConfigMap", "a"), "binaryData": {"k": "not base64!"}})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert "illegal base64 data" in answer.body["message"]
    assert server.post(maps, {**named("ConfigMap", "b"), "binaryData": {"k": "eA=="}}).ok(201)[
        "binaryData"
    ] == {"k": "eA=="}


def test_an_immutable_config_map_cannot_change(server: Server, maps: str) -> None:
    server.post(maps, {**config_map("a"), "immutable": True}).ok(201)
    message = "Forbidden: field is immutable when `immutable` is set"
    for change, field in (({"data": {"key": "x"}}, "data"), ({"immutable": False}, "immutable")):
        server.patch(f"{maps}/a", "merge", change).refused(
            422,
            "Invalid",
            f'ConfigMap "a" is invalid: {field}: {message}',
            {"name": "a", "kind": "ConfigMap", "causes": [cause("FieldValueForbidden", message, field)]},
        )
    assert server.patch(f"{maps}/a", "merge", {"metadata": {"labels": {"x": "y"}}}).status == 200
