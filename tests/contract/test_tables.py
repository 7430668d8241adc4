"""Answers in another form: Table and PartialObjectMetadata, for one object, lists, watches and patches."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, deployment, named, pod, secret, service, widget
from tests.contract.servers import Server
from tests.contract.test_watch import now
from tests.contract.wire import JsonObject, like

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
AGE = like(r"<invalid>|\d+[smhd].*")


def columns(table: JsonObject) -> list[tuple[str, int]]:
    return [(item["name"], item["priority"]) for item in table["columnDefinitions"]]


def cells(table: JsonObject) -> list[list[object]]:
    return [row["cells"] for row in table["rows"]]


def test_a_list_as_a_table_has_columns_rows_and_metadata(server: Server, maps: str) -> None:
    for name in ("a", "b"):
        server.post(maps, config_map(name, {"one": "1", "two": "2"})).ok(201)
    answer = server.get(maps, accept=TABLE)
    table = answer.ok()
    assert answer.content_type == "application/json"
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["metadata"] == {"resourceVersion": like(r"\d+")}
    assert columns(table) == [("Name", 0), ("Data", 0), ("Age", 0)]
    assert cells(table) == [["a", 2, AGE], ["b", 2, AGE]]


def test_a_column_says_what_it_is(server: Server, maps: str) -> None:
    first, second, third = server.get(maps, accept=TABLE).ok()["columnDefinitions"]
    assert (first["type"], first["format"]) == ("string", "name")
    assert (second["type"], second["format"]) == ("string", "")
    assert third["description"].startswith("CreationTimestamp is a timestamp")


def test_a_row_carries_metadata_of_its_object(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a", labels={"x": "y"})).ok(201)
    (row,) = server.get(maps, accept=TABLE).ok()["rows"]
    assert row["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": created["metadata"],
    }


def test_a_row_can_carry_the_whole_object_or_nothing(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    (row,) = server.get(maps, accept=TABLE, includeObject="Object").ok()["rows"]
    assert row["object"] == created
    (row,) = server.get(maps, accept=TABLE, includeObject="None").ok()["rows"]
    assert row.get("object") is None


def test_an_unknown_way_to_include_objects_is_refused(server: Server, maps: str) -> None:
    server.get(maps, accept=TABLE, includeObject="Everything").refused(
        400,
        "BadRequest",
        "Unable to convert to Table as requested: includeObject: Invalid value: \"Everything\": must be 'Metadata',"
        " 'Object', 'None', or empty",
    )


def test_one_object_as_a_table_has_one_row(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    table = server.get(f"{maps}/a", accept=TABLE).ok()
    assert cells(table) == [["a", 1, AGE]]


def test_a_refusal_is_a_status_whatever_was_asked_for(server: Server, maps: str) -> None:
    for accept in (TABLE, PARTIAL):
        server.get(f"{maps}/none", accept=accept).refused(
            404, "NotFound", 'configmaps "none" not found', {"name": "none", "kind": "configmaps"}
        )


def test_a_table_comes_in_pages(server: Server, maps: str) -> None:
    for name in ("a", "b", "c"):
        server.post(maps, config_map(name)).ok(201)
    first = server.get(maps, accept=TABLE, limit=2).ok()
    assert (len(first["rows"]), first["metadata"]["remainingItemCount"]) == (2, 1)
    second = server.get(maps, accept=TABLE, limit=2, continue_=first["metadata"]["continue"]).ok()
    assert cells(second) == [["c", 1, AGE]]


def test_a_watched_table_names_its_columns_once(server: Server, maps: str) -> None:
    with server.watching(maps, accept=TABLE, resourceVersion=now(server, maps)) as watch:
        for name in ("a", "b"):
            server.post(maps, config_map(name)).ok(201)
        first, second = watch.take(2)
    assert (first["type"], first["object"]["kind"]) == ("ADDED", "Table")
    assert columns(first["object"])[0] == ("Name", 0)
    assert second["object"]["columnDefinitions"] is None
    assert cells(first["object"]) == [["a", 1, AGE]]
    assert cells(second["object"]) == [["b", 1, AGE]]
    assert second["object"]["metadata"]["resourceVersion"]


def test_an_older_version_of_the_form_is_understood(server: Server, maps: str) -> None:
    table = server.get(maps, accept="application/json;as=Table;v=v1beta1;g=meta.k8s.io").ok()
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1beta1")


def test_the_first_form_that_can_be_given_is_given(server: Server, maps: str) -> None:
    unknown = "application/json;as=Chart;v=v1;g=meta.k8s.io"
    assert server.get(maps, accept=f"{unknown},{TABLE},application/json").ok()["kind"] == "Table"
    assert server.get(maps, accept=f"{unknown},application/json").ok()["kind"] == "ConfigMapList"
    assert server.get(maps, accept=f"application/json,{TABLE}").ok()["kind"] == "ConfigMapList"


@pytest.mark.parametrize(
    "accept",
    [
        "application/json;as=Chart;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v9;g=meta.k8s.io",
        "application/json;as=Table;v=v1;g=other.example.com",
    ],
)
def test_a_form_that_cannot_be_given_is_refused(server: Server, maps: str, accept: str) -> None:
    server.get(maps, accept=accept).refused(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json, application/yaml,"
        " application/vnd.kubernetes.protobuf",
    )


def test_a_created_object_can_be_answered_as_a_table(server: Server, maps: str) -> None:
    answer = server.request("POST", maps, config_map("a"), headers={"Accept": TABLE})
    assert cells(answer.ok(201)) == [["a", 1, AGE]]


# Columns of types


@pytest.mark.needs("workloads")
def test_columns_of_a_deployment(server: Server, namespace: str) -> None:
    path = at("deployments", namespace)
    server.post(path, deployment("a", 3)).ok(201)
    status = {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1}
    server.patch(f"{path}/a/status", "merge", {"status": status}).ok()
    table = server.get(path, accept=TABLE).ok()
    assert columns(table) == [
        ("Name", 0),
        ("Ready", 0),
        ("Up-to-date", 0),
        ("Available", 0),
        ("Age", 0),
        ("Containers", 1),
        ("Images", 1),
        ("Selector", 1),
    ]
    assert cells(table) == [["a", "2/3", 3, 1, AGE, "main", "example.com/main:1", "app=a"]]


@pytest.mark.needs("workloads")
def test_columns_of_a_pod(server: Server, namespace: str) -> None:
    path = at("pods", namespace)
    server.post(path, pod("a", {"nodeName": "nowhere"})).ok(201)
    running = {
        "phase": "Running",
        "podIP": "10.1.2.3",
        "podIPs": [{"ip": "10.1.2.3"}],
        "containerStatuses": [
            {
                "name": "main",
                "ready": True,
                "restartCount": 2,
                "image": "example.com/main:1",
                "imageID": "",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            }
        ],
    }
    server.patch(f"{path}/a/status", "merge", {"status": running}).ok()
    table = server.get(path, accept=TABLE).ok()
    assert columns(table) == [
        ("Name", 0),
        ("Ready", 0),
        ("Status", 0),
        ("Restarts", 0),
        ("Age", 0),
        ("IP", 1),
        ("Node", 1),
        ("Nominated Node", 1),
        ("Readiness Gates", 1),
    ]
    (row,) = cells(table)
    assert row == ["a", "1/1", "Running", "2", AGE, "10.1.2.3", "nowhere", "<none>", "<none>"]
    server.delete(f"{path}/a").ok()
    assert cells(server.get(path, accept=TABLE).ok())[0][2] == "Terminating"


@pytest.mark.needs("workloads")
@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"waiting": {"reason": "ImagePullBackOff"}}, "ImagePullBackOff"),
        ({"terminated": {"reason": "Error", "exitCode": 1}}, "Error"),
        ({"terminated": {"exitCode": 7}}, "ExitCode:7"),
    ],
)
def test_the_status_of_a_pod_is_that_of_its_container(
    server: Server, namespace: str, state: JsonObject, status: str
) -> None:
    path = at("pods", namespace)
    server.post(path, pod("a", {"nodeName": "nowhere"})).ok(201)
    container = {
        "name": "main",
        "ready": False,
        "restartCount": 0,
        "image": "x",
        "imageID": "",
        "state": state,
    }
    server.patch(f"{path}/a/status", "merge", {"status": {"containerStatuses": [container]}}).ok()
    assert cells(server.get(path, accept=TABLE).ok())[0][1:3] == ["0/1", status]


@pytest.mark.needs("workloads")
def test_columns_of_a_service(server: Server, namespace: str) -> None:
    path = at("services", namespace)
    created = server.post(path, service("a")).ok(201)
    table = server.get(path, accept=TABLE).ok()
    assert columns(table) == [
        ("Name", 0),
        ("Type", 0),
        ("Cluster-IP", 0),
        ("External-IP", 0),
        ("Port(s)", 0),
        ("Age", 0),
        ("Selector", 1),
    ]
    ip = created["spec"]["clusterIP"]
    assert cells(table) == [["a", "ClusterIP", ip, "<none>", "80/TCP", AGE, "app=a"]]


def test_columns_of_a_secret(server: Server, namespace: str) -> None:
    path = at("secrets", namespace)
    server.post(path, secret("a", stringData={"x": "1", "y": "2"})).ok(201)
    table = server.get(path, accept=TABLE).ok()
    assert columns(table) == [("Name", 0), ("Type", 0), ("Data", 0), ("Age", 0)]
    assert cells(table) == [["a", "Opaque", 2, AGE]]


def test_columns_of_a_namespace(server: Server, namespace: str) -> None:
    table = server.get(at("namespaces", name=namespace), accept=TABLE).ok()
    assert columns(table) == [("Name", 0), ("Status", 0), ("Age", 0)]
    assert cells(table) == [[namespace, "Active", AGE]]


def test_columns_of_a_custom_type_are_its_own(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a", {"size": 5, "color": "blue"})).ok(201)
    table = server.get(widgets, accept=TABLE).ok()
    assert columns(table) == [("Name", 0), ("Size", 0), ("Color", 1), ("Age", 0)]
    assert cells(table) == [["a", 5, "blue", AGE]]
    assert table["columnDefinitions"][1]["description"] == "How large it is"


def test_columns_of_a_custom_type_without_any_are_name_and_age(server: Server, namespace: str) -> None:
    path = at("gadgets", namespace)
    server.post(path, named("Gadget", "a", "contract.example.com/v1")).ok(201)
    table = server.get(path, accept=TABLE).ok()
    assert columns(table) == [("Name", 0), ("Age", 0)]
    assert cells(table) == [["a", AGE]]


@pytest.mark.needs("workloads")
def test_columns_of_a_scale(server: Server, namespace: str) -> None:
    server.post(at("deployments", namespace), deployment("a", 3)).ok(201)
    table = server.get(at("deployments", namespace, "a", "scale"), accept=TABLE).ok()
    assert [name for name, _ in columns(table)] == ["Name", "Desired", "Available", "Age"]
    assert cells(table) == [["a", 3, 0, AGE]]


# Metadata alone


def test_one_objects_metadata(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a", labels={"x": "y"})).ok(201)
    assert server.get(f"{maps}/a", accept=PARTIAL).ok() == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": created["metadata"],
    }


def test_the_metadata_of_a_list(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    listing = server.get(maps, accept=PARTIAL_LIST).ok()
    assert (listing["kind"], listing["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    assert listing["items"] == [{**partial, "metadata": created["metadata"]}]
    assert listing["metadata"] == {"resourceVersion": like(r"\d+")}


def test_a_list_is_not_given_in_the_form_of_one_object(server: Server, maps: str) -> None:
    server.get(maps, accept=PARTIAL).refused(
        406,
        "NotAcceptable",
        like("you requested PartialObjectMetadata, but the requested object is a list .*"),
    )


def test_an_object_is_not_given_in_the_form_of_a_list(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    server.get(f"{maps}/a", accept=PARTIAL_LIST).refused(
        406,
        "NotAcceptable",
        like("you requested PartialObjectMetadataList, but the requested object is not a list .*"),
    )


def test_the_metadata_of_a_patched_object(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    answer = server.request(
        "PATCH",
        f"{maps}/a",
        {"data": {"key": "changed"}},
        content_type="application/merge-patch+json",
        headers={"Accept": PARTIAL},
    )
    assert answer.ok().keys() == {"kind", "apiVersion", "metadata"}
    assert server.get(f"{maps}/a").ok()["data"] == {"key": "changed"}


def test_the_metadata_of_an_applied_object(server: Server, maps: str) -> None:
    answer = server.request(
        "PATCH",
        f"{maps}/a",
        config_map("a"),
        content_type="application/apply-patch+yaml",
        headers={"Accept": PARTIAL},
        query={"fieldManager": "m"},
    )
    assert answer.ok(201)["kind"] == "PartialObjectMetadata"
    assert server.get(f"{maps}/a").ok()["metadata"] == answer.body["metadata"]


def test_watched_metadata(server: Server, maps: str) -> None:
    with server.watching(maps, accept=PARTIAL, resourceVersion=now(server, maps)) as watch:
        created = server.post(maps, config_map("a")).ok(201)
        event = watch.next()
    assert event == {
        "type": "ADDED",
        "object": {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": created["metadata"],
        },
    }


def test_the_metadata_of_custom_objects(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    partial = server.get(f"{widgets}/a", accept=PARTIAL).ok()
    assert (partial["kind"], partial["metadata"]) == ("PartialObjectMetadata", created["metadata"])
    assert "spec" not in partial
