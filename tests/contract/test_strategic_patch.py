"""Strategic merge patches of built-in types: lists merge by their keys, and directives say otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, named, owner_reference, pod, service, template
from tests.contract.servers import Server
from tests.contract.wire import JsonObject

pytestmark = pytest.mark.needs("workloads")


@pytest.fixture
def web(server: Server, namespace: str) -> str:
    """The path of Deployment web with containers a and b."""
    containers = [
        {
            "name": "a",
            "image": "a:1",
            "env": [{"name": "ONE", "value": "1"}, {"name": "TWO", "value": "2"}],
            "args": ["x", "y"],
            "ports": [{"containerPort": 80, "name": "http"}],
        },
        {"name": "b", "image": "b:1"},
    ]
    labels = {"app": "web"}
    pods = template(labels, containers=containers, volumes=[{"name": "v", "emptyDir": {}}])
    obj = {
        **named("Deployment", "web", "apps/v1"),
        "spec": {"selector": {"matchLabels": labels}, "template": pods},
    }
    server.post(at("deployments", namespace), obj).ok(201)
    return at("deployments", namespace, "web")


def in_pods(**spec: Any) -> JsonObject:
    return {"spec": {"template": {"spec": spec}}}


def patched(server: Server, path: str, patch: JsonObject) -> JsonObject:
    """Patch and return the pod spec."""
    spec: JsonObject = server.patch(path, "strategic", patch).ok()["spec"]["template"]["spec"]
    return spec


def images(spec: JsonObject) -> list[tuple[str, str]]:
    return [(item["name"], item["image"]) for item in spec["containers"]]


def test_an_item_is_found_by_its_key_and_the_others_stay(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"name": "b", "image": "b:2"}]))
    assert images(spec) == [("a", "a:1"), ("b", "b:2")]
    assert len(spec["containers"][0]["env"]) == 2


def test_an_item_with_a_new_key_is_added(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"name": "c", "image": "c:1"}]))
    assert images(spec) == [("c", "c:1"), ("a", "a:1"), ("b", "b:1")]


def test_the_order_can_be_set(server: Server, web: str) -> None:
    order = [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    change = in_pods(**{"$setElementOrder/containers": order, "containers": [{"name": "c", "image": "c:1"}]})
    assert images(patched(server, web, change)) == [("c", "c:1"), ("b", "b:1"), ("a", "a:1")]


def test_an_item_is_deleted_by_a_directive(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"name": "b", "$patch": "delete"}]))
    assert images(spec) == [("a", "a:1")]


def test_deleting_an_item_that_is_not_there_changes_nothing(server: Server, web: str) -> None:
    before = server.get(web).ok()
    change = in_pods(containers=[{"name": "none", "$patch": "delete"}])
    assert server.patch(web, "strategic", change).ok() == before


def test_a_list_is_replaced_by_a_directive(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"$patch": "replace"}, {"name": "z", "image": "z:1"}]))
    assert images(spec) == [("z", "z:1")]


def test_an_object_is_replaced_by_a_directive(server: Server, web: str) -> None:
    change = {"metadata": {"annotations": {"one": "1", "two": "2"}}}
    server.patch(web, "strategic", change).ok()
    change = {"metadata": {"annotations": {"three": "3", "$patch": "replace"}}}
    assert server.patch(web, "strategic", change).ok()["metadata"]["annotations"] == {"three": "3"}


def test_an_object_is_emptied_by_a_directive(server: Server, web: str) -> None:
    filled = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    assert patched(server, web, in_pods(volumes=[filled]))["volumes"] == [filled]
    change = in_pods(volumes=[{"name": "v", "emptyDir": {"$patch": "delete"}}])
    assert patched(server, web, change)["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_keys_of_a_union_are_retained_by_a_directive(server: Server, web: str) -> None:
    change = in_pods(
        volumes=[{"$retainKeys": ["name", "configMap"], "name": "v", "configMap": {"name": "c"}}]
    )
    assert patched(server, web, change)["volumes"] == [
        {"name": "v", "configMap": {"name": "c", "defaultMode": 420}}
    ]


def test_lists_in_items_merge_by_their_keys_too(server: Server, web: str) -> None:
    change = in_pods(
        containers=[{"name": "a", "env": [{"name": "TWO", "value": "22"}, {"name": "NEW", "value": "3"}]}]
    )
    spec = patched(server, web, change)
    found = {item["name"]: item["value"] for c in spec["containers"] if c["name"] == "a" for item in c["env"]}
    assert found == {"ONE": "1", "TWO": "22", "NEW": "3"}


def test_a_list_without_a_key_is_replaced(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"name": "a", "args": ["z"]}]))
    assert next(item for item in spec["containers"] if item["name"] == "a")["args"] == ["z"]


def test_a_null_removes_a_field_and_leaves_the_default(server: Server, web: str) -> None:
    server.patch(web, "strategic", {"spec": {"replicas": 4, "minReadySeconds": 7}}).ok()
    found = server.patch(web, "strategic", {"spec": {"replicas": None, "minReadySeconds": None}}).ok()["spec"]
    assert found["replicas"] == 1
    assert "minReadySeconds" not in found


def test_a_null_removes_a_list(server: Server, web: str) -> None:
    spec = patched(server, web, in_pods(containers=[{"name": "a", "env": None}]))
    assert "env" not in next(item for item in spec["containers"] if item["name"] == "a")


def test_maps_merge_key_by_key(server: Server, web: str) -> None:
    server.patch(web, "strategic", {"metadata": {"labels": {"one": "1", "two": "2"}}}).ok()
    change = {"metadata": {"labels": {"one": None, "three": "3"}}}
    found = server.patch(web, "strategic", change).ok()["metadata"]["labels"]
    assert found == {"two": "2", "three": "3"}


def test_what_kubectl_sends_when_a_variable_is_dropped_drops_it(server: Server, web: str) -> None:
    change = in_pods(
        **{
            "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
            "containers": [
                {
                    "name": "a",
                    "$setElementOrder/env": [{"name": "TWO"}],
                    "env": [{"name": "ONE", "$patch": "delete"}],
                }
            ],
        }
    )
    spec = patched(server, web, change)
    assert images(spec) == [("a", "a:1"), ("b", "b:1")]
    assert spec["containers"][0]["env"] == [{"name": "TWO", "value": "2"}]


def test_values_of_a_simple_list_are_merged_and_deleted_by_a_directive(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", finalizers=["example.com/one", "example.com/two"])).ok(201)
    change: JsonObject = {"metadata": {"finalizers": ["example.com/three"]}}
    found = server.patch(f"{maps}/a", "strategic", change).ok()["metadata"]["finalizers"]
    assert sorted(found) == ["example.com/one", "example.com/three", "example.com/two"]
    change = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/one"]}}
    found = server.patch(f"{maps}/a", "strategic", change).ok()["metadata"]["finalizers"]
    assert sorted(found) == ["example.com/three", "example.com/two"]


def test_owner_references_merge_by_uid(server: Server, maps: str) -> None:
    # Owners that exist: the garbage collector deletes what belongs to nobody.
    one, two = (owner_reference(server.post(maps, config_map(name)).ok(201)) for name in ("one", "two"))
    server.post(maps, config_map("a", ownerReferences=[one])).ok(201)
    blocking = {**one, "blockOwnerDeletion": True}
    change: JsonObject = {"metadata": {"ownerReferences": [two, blocking]}}
    found = server.patch(f"{maps}/a", "strategic", change).ok()["metadata"]["ownerReferences"]
    assert {item["uid"]: item for item in found} == {one["uid"]: blocking, two["uid"]: two}
    change = {"metadata": {"ownerReferences": [{"uid": one["uid"], "$patch": "delete"}]}}
    found = server.patch(f"{maps}/a", "strategic", change).ok()["metadata"]["ownerReferences"]
    assert found == [two]


def test_ports_of_a_service_merge_by_their_number(server: Server, namespace: str) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    server.post(at("services", namespace), service("s", {"ports": ports})).ok(201)
    change = {"spec": {"ports": [{"port": 81, "targetPort": 8081}]}}
    spec = server.patch(at("services", namespace, "s"), "strategic", change).ok()["spec"]
    assert {item["name"]: item["targetPort"] for item in spec["ports"]} == {"a": 80, "b": 8081}


def test_conditions_merge_by_their_type(server: Server, namespace: str) -> None:
    server.post(at("pods", namespace), pod("a")).ok(201)
    path = at("pods", namespace, "a", "status")
    for name, status in (("Ready", "False"), ("PodScheduled", "True"), ("Ready", "True")):
        change = {"status": {"conditions": [{"type": name, "status": status}]}}
        server.patch(path, "strategic", change).ok()
    found = server.get(at("pods", namespace, "a")).ok()["status"]["conditions"]
    assert {item["type"]: item["status"] for item in found} == {"Ready": "True", "PodScheduled": "True"}


def test_an_item_without_its_key_is_refused(server: Server, web: str) -> None:
    before = server.get(web).ok()
    server.patch(web, "strategic", in_pods(containers=[{"image": "x:1"}])).refused(
        500, "", "map: map[image:x:1] does not contain declared merge key: name"
    )
    assert server.get(web).ok() == before


def test_an_unknown_directive_is_refused(server: Server, web: str) -> None:
    change = in_pods(containers=[{"name": "a", "$patch": "double"}])
    server.patch(web, "strategic", change).refused(
        500, "", "unknown patch type: double in map: map[$patch:double name:a]"
    )


@pytest.mark.parametrize("body", ["hello", "[]", '"text"'])
def test_a_strategic_patch_that_is_no_object_is_refused(server: Server, web: str, body: str) -> None:
    answer = server.patch(web, "strategic", body)
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
