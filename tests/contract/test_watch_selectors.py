"""Watches with selectors: an object comes into sight as ADDED and out of sight as DELETED, whatever the store did."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map, events, pod, version
from tests.contract.servers import Server
from tests.contract.test_watch import now

NODE = "spec.nodeName=nowhere"


def relabel(server: Server, maps: str, name: str, **labels: str | None) -> int:
    """Change labels and return the new version."""
    return version(server.patch(f"{maps}/{name}", "merge", {"metadata": {"labels": labels}}).ok())


def test_an_object_that_gets_the_label_is_added(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, resourceVersion=now(server, maps), labelSelector="x=y") as watch:
        entered = relabel(server, maps, "a", x="y")
        event = watch.next()
    assert (event["type"], version(event["object"])) == ("ADDED", entered)
    assert event["object"]["metadata"]["labels"] == {"x": "y"}


def test_an_object_that_keeps_the_label_is_modified(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", labels={"x": "y"})).ok(201)
    with server.watching(maps, resourceVersion=now(server, maps), labelSelector="x=y") as watch:
        relabel(server, maps, "a", other="1")
        assert events([watch.next()]) == [("MODIFIED", "a")]


def test_an_object_that_loses_the_label_is_deleted_as_it_was_with_the_version_of_the_change(
    server: Server, maps: str
) -> None:
    before = server.post(maps, config_map("a", labels={"x": "y"})).ok(201)
    with server.watching(maps, resourceVersion=version(before), labelSelector="x=y") as watch:
        left = relabel(server, maps, "a", x="z")
        event = watch.next()
    assert event["type"] == "DELETED"
    assert version(event["object"]) == left
    assert event["object"]["metadata"]["labels"] == {"x": "y"}
    assert server.get(f"{maps}/a").status == 200


def test_an_object_out_of_sight_makes_no_events(server: Server, maps: str) -> None:
    server.post(maps, config_map("hidden")).ok(201)
    with server.watching(maps, resourceVersion=now(server, maps), labelSelector="x=y") as watch:
        relabel(server, maps, "hidden", x="z")
        server.delete(f"{maps}/hidden").ok()
        server.post(maps, config_map("seen", labels={"x": "y"})).ok(201)
        assert events([watch.next()]) == [("ADDED", "seen")]


def test_a_resumed_watch_replays_how_an_object_came_and_went(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    start = now(server, maps)
    versions = [
        relabel(server, maps, "a", x="y"),
        relabel(server, maps, "a", more="1"),
        relabel(server, maps, "a", x=None),
    ]
    relabel(server, maps, "a", more="2")
    versions.append(relabel(server, maps, "a", x="y"))
    with server.watching(maps, resourceVersion=start, labelSelector="x=y") as watch:
        seen = watch.take(4)
    assert [event["type"] for event in seen] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert [version(event["object"]) for event in seen] == versions


def test_the_beginning_of_a_watch_shows_only_what_matches(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    server.post(maps, config_map("b", labels={"x": "y"})).ok(201)
    with server.watching(maps, labelSelector="x=y", timeoutSeconds=1) as watch:
        assert events(watch.rest()) == [("ADDED", "b")]


def test_a_selector_that_excludes_shows_what_lost_the_label(server: Server, maps: str) -> None:
    server.post(maps, config_map("a", labels={"x": "y"})).ok(201)
    with server.watching(maps, resourceVersion=now(server, maps), labelSelector="!x") as watch:
        relabel(server, maps, "a", x=None)
        relabel(server, maps, "a", x="y")
        assert events(watch.take(2)) == [("ADDED", "a"), ("DELETED", "a")]


@pytest.mark.needs("workloads")
def test_a_field_that_comes_to_match_adds_the_object(server: Server, namespace: str) -> None:
    pods = at("pods", namespace)
    server.post(pods, pod("a", {"nodeName": "nowhere"})).ok(201)
    selector = "status.phase=Running"
    with server.watching(pods, resourceVersion=now(server, pods), fieldSelector=selector) as watch:
        for phase in ("Running", "Succeeded"):
            server.patch(f"{pods}/a/status", "merge", {"status": {"phase": phase}}).ok()
        assert events(watch.take(2)) == [("ADDED", "a"), ("DELETED", "a")]


@pytest.mark.needs("workloads")
def test_a_watch_of_a_nodes_pods_sees_only_them(server: Server, namespace: str) -> None:
    pods = at("pods", namespace)
    with server.watching(pods, resourceVersion=now(server, pods), fieldSelector=NODE) as watch:
        server.post(pods, pod("unbound")).ok(201)
        server.post(pods, pod("bound", {"nodeName": "nowhere"})).ok(201)
        assert events([watch.next()]) == [("ADDED", "bound")]


def test_an_unreadable_label_selector_refuses_a_watch(server: Server, maps: str) -> None:
    answer = server.get(maps, watch="true", labelSelector="a in")
    answer.refused(400, "BadRequest", "unable to parse requirement: found '' expected: '('")


def test_an_unknown_field_selector_refuses_a_watch(server: Server, maps: str) -> None:
    answer = server.get(maps, watch="true", fieldSelector="data.key=value")
    answer.refused(
        400,
        "BadRequest",
        '"data.key" is not a known field selector: only "metadata.name", "metadata.namespace"',
    )
