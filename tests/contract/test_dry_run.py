"""``dryRun=All``: every verb answers as if it had done it, and nothing is stored, watched or counted."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, deployment, events, names, widget
from tests.contract.servers import Server
from tests.contract.test_watch import now
from tests.contract.wire import cause, like


@pytest.fixture
def stored(server: Server, maps: str) -> str:
    server.post(maps, config_map("a")).ok(201)
    return f"{maps}/a"


def test_a_creation_is_answered_and_not_done(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a"), dryRun="All").ok(201)
    assert created["metadata"]["uid"]
    assert "resourceVersion" not in created["metadata"]
    assert server.get(f"{maps}/a").status == 404


def test_a_replacement_is_answered_and_not_done(server: Server, stored: str) -> None:
    before = server.get(stored).ok()
    shown = server.put(stored, config_map("a", {"key": "changed"}), dryRun="All").ok()
    assert shown["data"] == {"key": "changed"}
    assert shown["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert server.get(stored).ok() == before


@pytest.mark.parametrize("kind", ["json", "merge", "strategic", "apply"])
def test_a_patch_is_answered_and_not_done(server: Server, stored: str, kind: str) -> None:
    before = server.get(stored).ok()
    body = {
        "json": [{"op": "add", "path": "/data/new", "value": "x"}],
        "merge": {"data": {"new": "x"}},
        "strategic": {"data": {"new": "x"}},
        "apply": config_map("a", {"new": "x"}),
    }[kind]
    query = {"fieldManager": "m"} if kind == "apply" else {}
    shown = server.patch(stored, kind, body, dryRun="All", **query).ok()
    assert shown["data"] == {"key": "value", "new": "x"}
    assert server.get(stored).ok() == before


def test_applying_anew_is_answered_and_not_done(server: Server, maps: str) -> None:
    assert server.apply(f"{maps}/a", config_map("a"), "m", dryRun="All").status == 201
    assert server.get(f"{maps}/a").status == 404


@pytest.mark.parametrize("place", ["query", "body"])
def test_a_deletion_is_answered_and_not_done(server: Server, stored: str, place: str) -> None:
    before = server.get(stored).ok()
    answer = (
        server.delete(stored, dryRun="All")
        if place == "query"
        else server.delete(stored, {"dryRun": ["All"]})
    )
    assert answer.ok()["status"] == "Success"
    assert server.get(stored).ok() == before


def test_a_deletion_of_many_is_answered_and_not_done(server: Server, maps: str, stored: str) -> None:
    server.delete(maps, dryRun="All").ok()
    assert names(server.get(maps).ok()) == ["a"]


def test_a_status_is_answered_and_not_done(server: Server, widgets: str) -> None:
    before = server.post(widgets, widget("a")).ok(201)
    change = {"status": {"phase": "Ready"}}
    shown = server.patch(f"{widgets}/a/status", "merge", change, dryRun="All").ok()
    assert shown["status"] == {"phase": "Ready"}
    assert server.get(f"{widgets}/a").ok() == before


@pytest.mark.needs("workloads")
def test_a_scale_is_answered_and_not_done(server: Server, namespace: str) -> None:
    server.post(at("deployments", namespace), deployment("a")).ok(201)
    path = at("deployments", namespace, "a", "scale")
    shown = server.patch(path, "merge", {"spec": {"replicas": 9}}, dryRun="All").ok()
    assert shown["spec"] == {"replicas": 9}
    assert server.get(path).ok()["spec"] == {"replicas": 1}


def test_a_dry_run_refuses_what_the_real_one_would(server: Server, maps: str, stored: str) -> None:
    assert server.post(maps, config_map("a"), dryRun="All").status == 409
    assert server.put(stored, config_map("a", resourceVersion="1"), dryRun="All").status == 409
    assert server.delete(f"{maps}/none", dryRun="All").status == 404
    assert server.post(maps, config_map("Bad_Name"), dryRun="All").status == 422


def test_a_dry_run_shows_defaults_and_pruning(server: Server, widgets: str) -> None:
    shown = server.post(widgets, widget("a", {"size": 1, "bogus": 1}), dryRun="All").ok(201)
    assert shown["spec"] == {"size": 1, "color": "red", "nested": {"depth": 3}}


def test_a_dry_run_is_no_event(server: Server, maps: str) -> None:
    with server.watching(maps, resourceVersion=now(server, maps)) as watch:
        server.post(maps, config_map("a"), dryRun="All").ok(201)
        server.post(maps, config_map("b")).ok(201)
        assert events([watch.next()]) == [("ADDED", "b")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_way_to_run_dry_is_refused(server: Server, maps: str, stored: str, method: str) -> None:
    kind = {
        "POST": "CreateOptions",
        "PUT": "UpdateOptions",
        "PATCH": "PatchOptions",
        "DELETE": "DeleteOptions",
    }[method]
    message = 'Unsupported value: "Some": supported values: "All"'
    content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = server.request(
        method,
        maps if method == "POST" else stored,
        None if method == "DELETE" else config_map("a"),
        content_type=content_type,
        query={"dryRun": "Some"},
    )
    answer.refused(
        422,
        "Invalid",
        like(rf'{kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: .*'),
        {
            "group": "meta.k8s.io",
            "kind": kind,
            "causes": [cause("FieldValueNotSupported", like(message.replace('"Some"', ".*")), "dryRun")],
        },
    )
