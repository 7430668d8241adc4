"""Creating, reading and replacing single objects: what the server sets, what it refuses, what it leaves alone."""

from __future__ import annotations

import datetime as dt

from tests.contract.objects import at, config_map, lease, named, names, version
from tests.contract.servers import Server
from tests.contract.wire import cause, like

UUID = like("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECOND = like(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_a_created_object_comes_back_with_what_the_server_sets(
    server: Server, namespace: str, maps: str
) -> None:
    created = server.post(maps, config_map("a"), fieldManager="maker").ok(201)
    assert created == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": "a",
            "namespace": namespace,
            "uid": UUID,
            "resourceVersion": like(r"[1-9]\d*"),
            "creationTimestamp": SECOND,
            "managedFields": [
                {
                    "manager": "maker",
                    "operation": "Update",
                    "apiVersion": "v1",
                    "time": SECOND,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {".": {}, "f:key": {}}},
                }
            ],
        },
        "data": {"key": "value"},
    }


def test_an_object_is_read_as_it_was_answered_when_it_was_created(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    assert server.get(f"{maps}/a").ok() == created


def test_the_creation_time_is_now_in_utc(server: Server, maps: str) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    created = server.post(maps, config_map("a")).ok(201)
    stamp = dt.datetime.fromisoformat(created["metadata"]["creationTimestamp"])
    assert before <= stamp <= dt.datetime.now(dt.UTC)


def test_creating_a_name_again_is_refused_and_changes_nothing(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    server.post(maps, config_map("a", {"key": "other"})).refused(
        409, "AlreadyExists", 'configmaps "a" already exists', {"name": "a", "kind": "configmaps"}
    )
    assert server.get(f"{maps}/a").ok() == first


def test_an_object_without_a_name_is_refused(server: Server, maps: str) -> None:
    server.post(maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}).refused(
        422,
        "Invalid",
        'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
        {
            "kind": "ConfigMap",
            "causes": [
                cause(
                    "FieldValueRequired",
                    "Required value: name or generateName is required",
                    "metadata.name",
                )
            ],
        },
    )


def test_an_object_of_another_namespace_than_the_paths_is_refused(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", namespace="other")).refused(
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    )


def test_the_namespace_of_the_path_is_enough(server: Server, namespace: str, maps: str) -> None:
    assert "namespace" not in config_map("a")["metadata"]
    assert server.post(maps, config_map("a")).ok(201)["metadata"]["namespace"] == namespace


def test_an_object_cannot_be_created_with_a_resource_version(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", resourceVersion="7")).refused(
        500, "", "resourceVersion should not be set on objects to be created"
    )
    assert server.get(f"{maps}/a").status == 404


def test_identity_and_times_are_the_servers_whatever_the_client_says(server: Server, maps: str) -> None:
    sent = config_map(
        "a",
        uid="mine",
        creationTimestamp="2001-01-01T00:00:00Z",
        deletionTimestamp="2001-01-01T00:00:00Z",
        deletionGracePeriodSeconds=5,
        selfLink="/mine",
    )
    metadata = server.post(maps, sent).ok(201)["metadata"]
    assert metadata["uid"] == UUID
    assert metadata["creationTimestamp"] > "2001-01-01T00:00:00Z"
    assert {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"}.isdisjoint(metadata)


def test_reading_what_is_not_there_names_resource_and_object(server: Server, maps: str) -> None:
    server.get(f"{maps}/none").refused(
        404, "NotFound", 'configmaps "none" not found', {"name": "none", "kind": "configmaps"}
    )


def test_the_refusal_of_a_grouped_type_names_its_group(server: Server, namespace: str) -> None:
    server.get(at("leases", namespace, "none")).refused(
        404,
        "NotFound",
        'leases.coordination.k8s.io "none" not found',
        {"name": "none", "group": "coordination.k8s.io", "kind": "leases"},
    )


def test_a_list_has_its_own_kind_and_items_without_one(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    listing = server.get(maps).ok()
    assert {key: created[key] for key in ("metadata", "data")} == listing["items"][0]
    assert (listing["kind"], listing["apiVersion"], len(listing["items"])) == ("ConfigMapList", "v1", 1)
    assert listing["metadata"].keys() == {"resourceVersion"}


def test_an_empty_list_is_a_list(server: Server, maps: str) -> None:
    listing = server.get(maps).ok()
    assert listing["items"] == []
    assert listing["kind"] == "ConfigMapList"


def test_a_list_is_sorted_by_name(server: Server, maps: str) -> None:
    for name in ("b", "a.b", "c", "a", "a-b"):
        server.post(maps, config_map(name)).ok(201)
    assert names(server.get(maps).ok()) == ["a", "a-b", "a.b", "b", "c"]


def test_a_list_of_all_namespaces_is_sorted_by_namespace_and_name(server: Server) -> None:
    label = server.unique("label")
    spaces = sorted(server.create_namespace() for _ in range(3))
    for space in reversed(spaces):
        for name in ("b", "a"):
            server.post(at("configmaps", space), config_map(name, labels={label: "x"})).ok(201)
    listing = server.get(at("configmaps"), labelSelector=label).ok()
    found = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in listing["items"]]
    assert found == [(space, name) for space in spaces for name in ("a", "b")]


def test_a_namespaced_object_cannot_be_created_without_a_namespace(server: Server) -> None:
    server.post(at("configmaps"), config_map(server.unique())).refused(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    )


def test_replacing_takes_away_what_the_new_object_has_not(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", {"one": "1", "two": "2"}, labels={"x": "y"})).ok(201)
    replaced = server.put(f"{maps}/a", config_map("a", {"two": "3"})).ok()
    assert replaced["data"] == {"two": "3"}
    assert "labels" not in replaced["metadata"]
    assert server.get(f"{maps}/a").ok() == replaced


def test_replacing_keeps_identity_and_raises_the_version(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    sent = config_map("a", {"key": "other"}, creationTimestamp="2001-01-01T00:00:00Z")
    second = server.put(f"{maps}/a", sent).ok()
    for field in ("uid", "creationTimestamp"):
        assert second["metadata"][field] == first["metadata"][field]
    assert version(second) > version(first)


def test_replacing_by_the_same_keeps_the_version(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    assert server.put(f"{maps}/a", first).ok() == first
    assert server.get(f"{maps}/a").ok() == first


def test_a_replacement_has_the_name_of_its_path(server: Server, maps: str) -> None:
    server.put(f"{maps}/b", config_map("a")).refused(
        400, "BadRequest", "the name of the object (a) does not match the name on the URL (b)"
    )


def test_what_is_not_there_is_not_replaced(server: Server, maps: str) -> None:
    server.put(f"{maps}/none", config_map("none")).refused(
        404, "NotFound", 'configmaps "none" not found', {"name": "none", "kind": "configmaps"}
    )
    assert names(server.get(maps).ok()) == []


def test_a_lease_that_is_not_there_is_created_by_replacing_it(server: Server, namespace: str) -> None:
    path = at("leases", namespace, "new")
    created = server.put(path, lease("new")).ok(201)
    assert created["metadata"]["uid"] == UUID
    assert server.get(path).ok() == created


def test_deleting_answers_with_the_identity_of_what_is_gone(server: Server, maps: str) -> None:
    uid = server.post(maps, config_map("a")).ok(201)["metadata"]["uid"]
    assert server.delete(f"{maps}/a").ok() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": uid},
    }
    server.get(f"{maps}/a").refused(
        404, "NotFound", 'configmaps "a" not found', {"name": "a", "kind": "configmaps"}
    )


def test_deleting_what_is_not_there_is_refused(server: Server, maps: str) -> None:
    server.delete(f"{maps}/none").refused(
        404, "NotFound", 'configmaps "none" not found', {"name": "none", "kind": "configmaps"}
    )


def test_a_name_that_was_deleted_can_be_created_again_with_another_uid(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    server.delete(f"{maps}/a").ok()
    second = server.post(maps, config_map("a")).ok(201)
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert version(second) > version(first)


def test_a_service_account_and_a_map_may_share_a_name(server: Server, namespace: str, maps: str) -> None:
    one = server.post(maps, config_map("same")).ok(201)
    two = server.post(at("serviceaccounts", namespace), named("ServiceAccount", "same")).ok(201)
    assert one["metadata"]["uid"] != two["metadata"]["uid"]


def test_each_write_anywhere_gets_a_higher_version_than_the_one_before(server: Server) -> None:
    one, two = at("configmaps", server.create_namespace()), at("leases", server.create_namespace())
    versions = []
    for number in range(3):
        versions.append(version(server.post(one, config_map(f"a{number}")).ok(201)))
        versions.append(version(server.post(two, lease(f"b{number}")).ok(201)))
    assert versions == sorted(set(versions))
