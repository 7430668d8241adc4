"""Label and field selectors of lists: every operator, what cannot be read, which fields each type knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, named, names, pod, service, widget
from tests.contract.servers import Server
from tests.contract.wire import like

LABELS = {
    "none": {},
    "red": {"color": "red"},
    "blue": {"color": "blue"},
    "red-big": {"color": "red", "size": "9"},
    "small": {"size": "3"},
    "empty": {"color": ""},
}


@pytest.fixture
def colored(server: Server, maps: str) -> str:
    """ConfigMaps with the labels of `LABELS`."""
    for name, labels in LABELS.items():
        server.post(maps, config_map(name, labels=labels)).ok(201)
    return maps


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("color=red", ["red", "red-big"]),
        ("color==red", ["red", "red-big"]),
        ("color!=red", ["blue", "empty", "none", "small"]),
        ("color in (red, blue)", ["blue", "red", "red-big"]),
        ("color notin (red,blue)", ["empty", "none", "small"]),
        ("color", ["blue", "empty", "red", "red-big"]),
        ("!color", ["none", "small"]),
        ("color=", ["empty"]),
        ("color in ()", ["empty"]),
        ("size>5", ["red-big"]),
        ("size<5", ["small"]),
        ("color=red,size", ["red-big"]),
        ("color=red,!size", ["red"]),
        (" color = red , size > 1 ", ["red-big"]),
        ("", ["blue", "empty", "none", "red", "red-big", "small"]),
        ("color=green", []),
    ],
)
def test_a_label_selector_selects(server: Server, colored: str, selector: str, expected: list[str]) -> None:
    assert names(server.get(colored, labelSelector=selector).ok()) == expected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a in", "unable to parse requirement: found '' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        (
            "a b",
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
        ),
        (
            "a>b",
            like(r"unable to parse requirement: values\[0\]: Invalid value: .* the value must be an integer"),
        ),
        ("-a=b", like('unable to parse requirement: <nil>: Invalid value: "-a": .*')),
        ("a=b b", like("found .*|unable to parse requirement: .*")),
    ],
)
def test_a_label_selector_that_cannot_be_read_is_refused(
    server: Server, maps: str, selector: str, message: Any
) -> None:
    server.get(maps, labelSelector=selector).refused(400, "BadRequest", message)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("metadata.name=red", ["red"]),
        ("metadata.name==red", ["red"]),
        ("metadata.name!=red", ["blue", "empty", "none", "red-big", "small"]),
        ("metadata.name!=red,metadata.name!=blue", ["empty", "none", "red-big", "small"]),
        ("metadata.namespace=nowhere", []),
        ("metadata.name=nothing", []),
        ("", ["blue", "empty", "none", "red", "red-big", "small"]),
    ],
)
def test_a_field_selector_selects(server: Server, colored: str, selector: str, expected: list[str]) -> None:
    assert names(server.get(colored, fieldSelector=selector).ok()) == expected


def test_both_selectors_have_to_match(server: Server, colored: str) -> None:
    query = {"labelSelector": "color=red", "fieldSelector": "metadata.name!=red"}
    assert names(server.get(colored, **query).ok()) == ["red-big"]


def test_the_namespace_can_be_selected_by_a_field(server: Server, namespace: str, colored: str) -> None:
    listing = server.get(at("configmaps"), fieldSelector=f"metadata.namespace={namespace}").ok()
    assert names(listing) == sorted(LABELS)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=b=c,", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_a_field_selector_that_cannot_be_read_is_refused(
    server: Server, maps: str, selector: str, message: str
) -> None:
    server.get(maps, fieldSelector=selector).refused(400, "BadRequest", message)


@pytest.mark.parametrize("field", ["data.key", "spec.nodeName", "metadata.labels", "metadata.uid"])
def test_a_field_that_the_type_does_not_know_is_refused(server: Server, maps: str, field: str) -> None:
    server.get(maps, fieldSelector=f"{field}=x").refused(
        400,
        "BadRequest",
        f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"',
    )


def test_a_field_that_a_custom_type_does_not_know_is_refused(server: Server, widgets: str) -> None:
    server.get(widgets, fieldSelector="spec.size=1").refused(
        400, "BadRequest", "field label not supported: spec.size"
    )


def test_custom_objects_are_selected_by_name_and_labels(server: Server, widgets: str) -> None:
    for name in ("a", "b"):
        server.post(widgets, widget(name, labels={"is": name})).ok(201)
    assert names(server.get(widgets, fieldSelector="metadata.name=b").ok()) == ["b"]
    assert names(server.get(widgets, labelSelector="is=a").ok()) == ["a"]


@pytest.mark.needs("workloads")
@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("spec.nodeName=one", ["a"]),
        ("spec.nodeName=", ["c"]),
        ("status.phase=Running", ["b"]),
        ("status.phase!=Running", ["a", "c"]),
        ("spec.restartPolicy=Never", ["b"]),
        ("spec.nodeName=two,status.phase=Running", ["b"]),
    ],
)
def test_pods_are_selected_by_their_fields(
    server: Server, namespace: str, selector: str, expected: list[str]
) -> None:
    pods = at("pods", namespace)
    server.post(pods, pod("a", {"nodeName": "one"})).ok(201)
    server.post(pods, pod("b", {"nodeName": "two", "restartPolicy": "Never"})).ok(201)
    server.post(pods, pod("c")).ok(201)
    server.patch(f"{pods}/b/status", "merge", {"status": {"phase": "Running"}}).ok()
    assert names(server.get(pods, fieldSelector=selector).ok()) == expected


def test_secrets_are_selected_by_their_type(server: Server, namespace: str) -> None:
    path = at("secrets", namespace)
    server.post(path, {**named("Secret", "a"), "type": "example.com/special"}).ok(201)
    server.post(path, named("Secret", "b")).ok(201)
    assert names(server.get(path, fieldSelector="type=example.com/special").ok()) == ["a"]
    assert names(server.get(path, fieldSelector="type=Opaque").ok()) == ["b"]


def test_events_are_selected_by_what_they_are_about(server: Server, namespace: str) -> None:
    path = at("events", namespace)
    for name, about, kind in (("a", "one", "Pod"), ("b", "two", "Pod"), ("c", "one", "Node")):
        involved = {"kind": kind, "name": about, "namespace": namespace, "uid": f"uid-{about}"}
        event = {**named("Event", name), "involvedObject": involved, "reason": "Why", "type": "Normal"}
        server.post(path, event).ok(201)
    for selector, expected in (
        ("involvedObject.name=one", ["a", "c"]),
        ("involvedObject.name=one,involvedObject.kind=Pod", ["a"]),
        ("involvedObject.uid=uid-two", ["b"]),
        ("reason=Why,type!=Warning", ["a", "b", "c"]),
        ("type=Warning", []),
    ):
        assert names(server.get(path, fieldSelector=selector).ok()) == expected


def test_namespaces_are_selected_by_phase_and_by_their_name_label(server: Server, namespace: str) -> None:
    query = {
        "labelSelector": f"kubernetes.io/metadata.name={namespace}",
        "fieldSelector": "status.phase=Active",
    }
    assert names(server.get(at("namespaces"), **query).ok()) == [namespace]


@pytest.mark.needs("workloads")
def test_services_are_selected_by_type(server: Server, namespace: str) -> None:
    path = at("services", namespace)
    server.post(path, service("a")).ok(201)
    server.post(path, service("b", {"clusterIP": "None"})).ok(201)
    assert names(server.get(path, fieldSelector="spec.clusterIP=None").ok()) == ["b"]
    assert names(server.get(path, fieldSelector="spec.type=ClusterIP").ok()) == ["a", "b"]
