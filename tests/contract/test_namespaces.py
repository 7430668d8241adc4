"""Namespaces: what a new one has, what may be in it, and how it ends with everything in it."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, named, names, version, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, cause
from tmc_syncer.testing.polling import eventually

ENDING_SECONDS = 40


def conditions(obj: JsonObject) -> dict[str, str]:
    return {item["type"]: item["status"] for item in obj.get("status", {}).get("conditions", [])}


def test_a_new_namespace_is_active_and_knows_its_name(server: Server) -> None:
    name = server.unique("ns")
    created = server.post(at("namespaces"), named("Namespace", name)).ok(201)
    assert created["metadata"]["labels"]["kubernetes.io/metadata.name"] == name
    assert created["spec"] == {"finalizers": ["kubernetes"]}
    assert created["status"] == {"phase": "Active"}


def test_the_label_with_its_name_cannot_be_changed(server: Server, namespace: str) -> None:
    for value in (None, "other"):
        change = {"metadata": {"labels": {"kubernetes.io/metadata.name": value}}}
        changed = server.patch(at("namespaces", name=namespace), "merge", change).ok()
        assert changed["metadata"]["labels"]["kubernetes.io/metadata.name"] == namespace


def test_the_default_namespace_is_there(server: Server) -> None:
    eventually(lambda: server.get(at("namespaces", name="default")).status == 200, 10)


@pytest.mark.parametrize("name", ["Upper", "under_score", "dotted.name", "-dash", "x" * 64])
def test_a_namespace_has_the_name_of_a_label(server: Server, name: str) -> None:
    answer = server.post(at("namespaces"), named("Namespace", name))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert "metadata.name" in {item["field"] for item in answer.body["details"]["causes"]}
    assert server.get(at("namespaces", name=name)).status == 404


def test_the_refusal_of_a_name_says_what_a_name_is(server: Server) -> None:
    message = (
        "Invalid value: \"Upper\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
        " and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for"
        " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    )
    server.post(at("namespaces"), named("Namespace", "Upper")).refused(
        422,
        "Invalid",
        f'Namespace "Upper" is invalid: metadata.name: {message}',
        {
            "name": "Upper",
            "kind": "Namespace",
            "causes": [cause("FieldValueInvalid", message, "metadata.name")],
        },
    )


def test_nothing_can_be_created_in_a_namespace_that_is_not_there(server: Server) -> None:
    for path, obj in (
        (at("configmaps", "nowhere"), config_map("a")),
        (at("widgets", "nowhere"), widget("a")),
    ):
        server.post(path, obj).refused(
            404,
            "NotFound",
            'namespaces "nowhere" not found',
            {"name": "nowhere", "kind": "namespaces"},
        )


def test_a_namespace_that_is_not_there_is_an_empty_list(server: Server) -> None:
    assert server.get(at("configmaps", "nowhere")).ok()["items"] == []


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_the_first_namespaces_cannot_be_deleted(server: Server, name: str) -> None:
    eventually(lambda: server.get(at("namespaces", name=name)).status == 200, 10)
    server.delete(at("namespaces", name=name)).refused(
        403,
        "Forbidden",
        f'namespaces "{name}" is forbidden: this namespace may not be deleted',
        {"name": name, "kind": "namespaces"},
    )


def test_a_deleted_namespace_ends_with_everything_in_it(server: Server, namespace: str) -> None:
    server.post(at("configmaps", namespace), config_map("a")).ok(201)
    server.post(at("widgets", namespace), widget("a")).ok(201)
    ending = server.delete(at("namespaces", name=namespace)).ok()
    assert (ending["kind"], ending["status"]["phase"]) == ("Namespace", "Terminating")
    assert ending["metadata"]["deletionTimestamp"]
    eventually(lambda: server.get(at("namespaces", name=namespace)).status == 404, ENDING_SECONDS)
    assert names(server.get(at("configmaps", namespace)).ok()) == []
    assert names(server.get(at("widgets", namespace)).ok()) == []


def test_a_namespace_waits_for_finalizers_of_what_is_in_it_and_says_so(
    server: Server, namespace: str, maps: str
) -> None:
    path = at("namespaces", name=namespace)
    server.post(maps, config_map("a", finalizers=["example.com/f"])).ok(201)
    server.delete(path).ok()
    expected = {"NamespaceFinalizersRemaining": "True", "NamespaceContentRemaining": "True"}
    eventually(lambda: expected.items() <= conditions(server.get(path).ok()).items(), ENDING_SECONDS)
    found = {item["type"]: item for item in server.get(path).ok()["status"]["conditions"]}
    remaining = found["NamespaceFinalizersRemaining"]
    assert remaining["reason"] == "SomeFinalizersRemain"
    assert remaining["message"] == (
        "Some content in the namespace has finalizers remaining: example.com/f in 1 resource instances"
    )
    content = found["NamespaceContentRemaining"]
    assert content["message"] == "Some resources are remaining: configmaps. has 1 resource instances"
    server.patch(f"{maps}/a", "merge", {"metadata": {"finalizers": None}}).ok()
    eventually(lambda: server.get(path).status == 404, ENDING_SECONDS)


@pytest.fixture
def ending(server: Server, namespace: str, maps: str) -> str:
    """A namespace that is being deleted and waits for ConfigMap held."""
    server.post(maps, config_map("held", finalizers=["example.com/f"])).ok(201)
    server.delete(at("namespaces", name=namespace)).ok()
    return namespace


def terminating(name: str, resource: str, namespace: str) -> tuple[int, str, str, JsonObject]:
    """The refusal of something new."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    found = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    group = "contract.example.com" if resource == "widgets" else ""
    qualified = f"{resource}.{group}" if group else resource
    details = {"name": name, "kind": resource, "causes": [found], **({"group": group} if group else {})}
    return 403, "Forbidden", f'{qualified} "{name}" is forbidden: {why}', details


@pytest.mark.parametrize("resource", ["configmaps", "widgets"])
def test_nothing_can_be_created_in_a_namespace_that_ends(server: Server, ending: str, resource: str) -> None:
    build = {"configmaps": config_map, "widgets": widget}[resource]
    server.post(at(resource, ending), build("new")).refused(*terminating("new", resource, ending))


def test_nothing_can_be_applied_anew_in_a_namespace_that_ends(server: Server, ending: str) -> None:
    server.apply(at("configmaps", ending, "new"), config_map("new")).refused(
        *terminating("new", "configmaps", ending)
    )


def test_what_is_there_can_still_be_changed_while_its_namespace_ends(server: Server, ending: str) -> None:
    path = at("configmaps", ending, "held")
    changed = server.patch(path, "merge", {"data": {"key": "changed"}}).ok()
    assert changed["data"] == {"key": "changed"}
    applied = server.apply(path, config_map("held", {"more": "1"})).ok()
    assert applied["data"] == {"key": "changed", "more": "1"}


def test_deleting_a_namespace_again_changes_nothing(server: Server, ending: str) -> None:
    path = at("namespaces", name=ending)
    first = server.get(path).ok()["metadata"]["deletionTimestamp"]
    assert server.delete(path).ok()["status"]["phase"] == "Terminating"
    assert server.get(path).ok()["metadata"]["deletionTimestamp"] == first


def test_a_namespace_with_a_finalizer_of_its_own_waits_for_it(server: Server) -> None:
    name = server.unique("ns")
    path = at("namespaces", name=name)
    server.post(at("namespaces"), named("Namespace", name, finalizers=["example.com/f"])).ok(201)
    server.delete(path).ok()
    eventually(lambda: not server.get(path).ok()["spec"].get("finalizers"), ENDING_SECONDS)
    assert server.get(path).ok()["status"]["phase"] == "Terminating"
    server.patch(path, "merge", {"metadata": {"finalizers": None}}).ok()
    eventually(lambda: server.get(path).status == 404, ENDING_SECONDS)


def test_the_servers_finalizer_goes_only_by_the_finalize_subresource(server: Server, namespace: str) -> None:
    path = at("namespaces", name=namespace)
    current = server.get(path).ok()
    kept = server.put(path, {**current, "spec": {}}).ok()
    assert kept["spec"] == {"finalizers": ["kubernetes"]}
    finalized = server.put(f"{path}/finalize", {**kept, "spec": {}}).ok()
    assert finalized["spec"] == {}
    assert version(finalized) > version(current)


def test_a_cluster_scoped_custom_object_needs_no_namespace(server: Server) -> None:
    name = server.unique("gizmo")
    created = server.post(at("gizmos"), named("Gizmo", name, "contract.example.com/v1")).ok(201)
    assert "namespace" not in created["metadata"]
    assert server.get(at("gizmos", name=name)).ok() == created


def test_a_cluster_scoped_object_cannot_be_created_in_a_namespace(server: Server, namespace: str) -> None:
    obj = named("Gizmo", server.unique("gizmo"), "contract.example.com/v1")
    answer = server.post(f"/apis/contract.example.com/v1/namespaces/{namespace}/gizmos", obj)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")


def test_a_namespace_named_inside_a_cluster_scoped_object_is_dropped(server: Server) -> None:
    obj = named("Gizmo", server.unique("gizmo"), "contract.example.com/v1", namespace="default")
    assert "namespace" not in server.post(at("gizmos"), obj).ok(201)["metadata"]
