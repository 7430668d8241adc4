"""Watches: where they start, what they show in which order, how they end, and how a client goes on."""

from __future__ import annotations

import time

import pytest

from tests.contract.objects import at, config_map, events, lease, version, widget
from tests.contract.servers import Server
from tests.contract.test_versions import FUTURE, invalid_options
from tests.contract.wire import Answer, JsonObject, like


def now(server: Server, path: str) -> int:
    """The version of the present list."""
    return version(server.get(path).ok())


def test_a_watch_without_a_version_begins_with_what_is_there(server: Server, maps: str) -> None:
    created = [server.post(maps, config_map(name)).ok(201) for name in ("a", "b")]
    with server.watching(maps) as watch:
        first = sorted(watch.take(2), key=lambda event: event["object"]["metadata"]["name"])
        assert first == [{"type": "ADDED", "object": item} for item in created]
        later = server.post(maps, config_map("c")).ok(201)
        assert watch.next() == {"type": "ADDED", "object": later}


def test_a_watch_of_any_version_begins_with_what_is_there(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    server.get(maps, resourceVersion=version(created)).ok()
    with server.watching(maps, resourceVersion="0") as watch:
        assert watch.next() == {"type": "ADDED", "object": created}


def test_a_watch_from_a_version_shows_exactly_what_came_after_it(server: Server, maps: str) -> None:
    server.post(maps, config_map("before")).ok(201)
    start = now(server, maps)
    created = server.post(maps, config_map("a")).ok(201)
    changed = server.put(f"{maps}/a", config_map("a", {"key": "changed"})).ok()
    server.delete(f"{maps}/before").ok()
    with server.watching(maps, resourceVersion=start) as watch:
        assert watch.take(2) == [
            {"type": "ADDED", "object": created},
            {"type": "MODIFIED", "object": changed},
        ]
        assert events([watch.next()]) == [("DELETED", "before")]


def test_the_event_of_a_deletion_shows_the_last_state_with_a_version_of_its_own(
    server: Server, maps: str
) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, resourceVersion=version(created)) as watch:
        server.delete(f"{maps}/a").ok()
        gone = watch.next()
    assert gone["type"] == "DELETED"
    assert version(gone["object"]) > version(created)
    del gone["object"]["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]
    assert gone["object"] == created


def test_events_come_in_the_order_of_their_versions(server: Server, maps: str) -> None:
    start = now(server, maps)
    for number in range(20):
        server.post(maps, config_map(f"a{number}")).ok(201)
        server.put(f"{maps}/a{number // 2}", config_map(f"a{number // 2}", {"key": str(number)})).ok()
    with server.watching(maps, resourceVersion=start) as watch:
        versions = [version(event["object"]) for event in watch.take(40)]
    assert versions == sorted(set(versions))


def test_two_watches_see_the_same(server: Server, maps: str) -> None:
    start = now(server, maps)
    with (
        server.watching(maps, resourceVersion=start) as one,
        server.watching(maps, resourceVersion=start) as two,
    ):
        for name in ("b", "a"):
            server.post(maps, config_map(name)).ok(201)
        server.delete(f"{maps}/b").ok()
        seen = one.take(3)
        assert two.take(3) == seen
    assert events(seen) == [("ADDED", "b"), ("ADDED", "a"), ("DELETED", "b")]


def test_a_watch_resumed_at_every_event_misses_and_repeats_nothing(server: Server, maps: str) -> None:
    start = now(server, maps)
    for number in range(5):
        server.post(maps, config_map(f"a{number}")).ok(201)
        server.put(f"{maps}/a{number}", config_map(f"a{number}", {"key": "changed"})).ok()
    server.delete(f"{maps}/a0").ok()
    with server.watching(maps, resourceVersion=start) as watch:
        whole = watch.take(11)
    pieces: list[JsonObject] = []
    while len(pieces) < len(whole):
        with server.watching(maps, resourceVersion=start) as watch:
            pieces.append(watch.next())
        start = version(pieces[-1]["object"])
    assert pieces == whole


def test_a_write_that_changes_nothing_is_no_event(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, resourceVersion=version(created)) as watch:
        server.put(f"{maps}/a", created).ok()
        server.patch(f"{maps}/a", "merge", {}).ok()
        server.post(maps, config_map("b")).ok(201)
        assert events([watch.next()]) == [("ADDED", "b")]


def test_a_refused_write_is_no_event(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, resourceVersion=now(server, maps)) as watch:
        assert server.post(maps, config_map("a")).status == 409
        assert server.delete(f"{maps}/a", {"preconditions": {"uid": "other"}}).status == 409
        server.post(maps, config_map("b")).ok(201)
        assert events([watch.next()]) == [("ADDED", "b")]


def test_a_watch_shows_two_lives_of_one_name(server: Server, maps: str) -> None:
    first = server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, resourceVersion=version(first)) as watch:
        server.delete(f"{maps}/a").ok()
        second = server.post(maps, config_map("a")).ok(201)
        gone, born = watch.take(2)
    assert (gone["type"], gone["object"]["metadata"]["uid"]) == ("DELETED", first["metadata"]["uid"])
    assert born == {"type": "ADDED", "object": second}


def test_a_watch_of_a_namespace_sees_nothing_of_others(server: Server, maps: str) -> None:
    other = at("configmaps", server.create_namespace())
    with server.watching(maps, resourceVersion=now(server, maps)) as watch:
        server.post(other, config_map("elsewhere")).ok(201)
        server.post(maps, config_map("here")).ok(201)
        assert events([watch.next()]) == [("ADDED", "here")]


def test_a_watch_of_all_namespaces_sees_them_all(server: Server) -> None:
    label = server.unique("label")
    spaces = [server.create_namespace() for _ in range(2)]
    start = now(server, at("configmaps"))
    with server.watching(at("configmaps"), resourceVersion=start, labelSelector=label) as watch:
        for space in spaces:
            server.post(at("configmaps", space), config_map("a", labels={label: "x"})).ok(201)
        assert [event["object"]["metadata"]["namespace"] for event in watch.take(2)] == spaces


def test_a_watch_of_one_type_sees_nothing_of_another(server: Server, namespace: str, maps: str) -> None:
    with server.watching(maps, resourceVersion=now(server, maps)) as watch:
        server.post(at("leases", namespace), lease("lease")).ok(201)
        server.post(maps, config_map("map")).ok(201)
        assert events([watch.next()]) == [("ADDED", "map")]


def test_a_watch_of_one_name_sees_only_it(server: Server, maps: str) -> None:
    selector = "metadata.name=a"
    with server.watching(maps, resourceVersion=now(server, maps), fieldSelector=selector) as watch:
        for name in ("b", "a"):
            server.post(maps, config_map(name)).ok(201)
        assert events([watch.next()]) == [("ADDED", "a")]


def test_the_old_path_of_a_watch_still_works(server: Server, namespace: str, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    with server.watching(f"/api/v1/watch/namespaces/{namespace}/configmaps") as watch:
        assert watch.next() == {"type": "ADDED", "object": created}


def test_events_of_custom_objects_carry_their_kind(server: Server, widgets: str) -> None:
    with server.watching(widgets, resourceVersion=now(server, widgets)) as watch:
        created = server.post(widgets, widget("a")).ok(201)
        assert watch.next() == {"type": "ADDED", "object": created}


def test_a_watch_of_another_version_of_a_type_shows_that_version(
    server: Server, namespace: str, widgets: str
) -> None:
    other = f"/apis/contract.example.com/v2/namespaces/{namespace}/widgets"
    with server.watching(other, resourceVersion=now(server, widgets)) as watch:
        created = server.post(widgets, widget("a")).ok(201)
        event = watch.next()
    assert event["object"]["apiVersion"] == "contract.example.com/v2"
    assert event["object"]["metadata"]["uid"] == created["metadata"]["uid"]


def test_an_object_that_waits_for_its_finalizer_is_modified_and_then_deleted(
    server: Server, maps: str
) -> None:
    created = server.post(maps, config_map("a", finalizers=["example.com/f"])).ok(201)
    with server.watching(maps, resourceVersion=version(created)) as watch:
        server.delete(f"{maps}/a").ok()
        server.patch(f"{maps}/a", "merge", {"metadata": {"finalizers": None}}).ok()
        first, second = watch.take(2)
    assert (first["type"], second["type"]) == ("MODIFIED", "DELETED")
    assert first["object"]["metadata"]["deletionTimestamp"]
    assert version(second["object"]) > version(first["object"])


def test_a_watch_ends_when_its_time_is_over(server: Server, maps: str) -> None:
    begin = time.monotonic()
    with server.watching(maps, resourceVersion=now(server, maps), timeoutSeconds=1) as watch:
        assert watch.rest() == []
    assert 0.9 <= time.monotonic() - begin < 5


def test_a_watch_comes_in_chunks_of_json(server: Server, maps: str) -> None:
    with server.watching(maps, timeoutSeconds=1) as watch:
        assert watch.headers["Content-Type"] == "application/json"
        assert watch.headers["Transfer-Encoding"] == "chunked"
        assert watch.headers["Content-Length"] is None


@pytest.mark.needs("compaction")
def test_a_watch_from_a_forgotten_version_is_told_so_in_the_stream(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a")).ok(201)
    with server.watching(widgets, resourceVersion="1") as watch:
        assert watch.rest() == [
            {
                "type": "ERROR",
                "object": {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Failure",
                    "message": like(r"too old resource version: 1 \(\d+\)"),
                    "reason": "Expired",
                    "code": 410,
                },
            }
        ]


def test_a_watch_from_the_future_waits_in_silence(server: Server, maps: str) -> None:
    with server.watching(maps, resourceVersion=FUTURE, timeoutSeconds=1) as watch:
        server.post(maps, config_map("a")).ok(201)
        assert watch.rest() == []


def test_a_watch_from_a_version_that_is_no_number_is_refused(server: Server, maps: str) -> None:
    answer = server.watch(maps, query={"watch": "true", "resourceVersion": "abc"})
    assert isinstance(answer, Answer)
    answer.refused(
        500, "", 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'
    )


def test_a_match_is_refused_for_a_watch_without_initial_events(server: Server, maps: str) -> None:
    query = {"watch": "true", "resourceVersion": "1", "resourceVersionMatch": "NotOlderThan"}
    answer = server.watch(maps, query=query)
    assert isinstance(answer, Answer)
    message = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    answer.refused(*invalid_options("FieldValueForbidden", message, "resourceVersionMatch"))


def test_a_watch_of_a_type_that_is_not_served_is_refused(server: Server, namespace: str) -> None:
    answer = server.watch(f"/api/v1/namespaces/{namespace}/nothings", query={"watch": "true"})
    assert isinstance(answer, Answer)
    answer.refused(404, "NotFound", "the server could not find the requested resource", {})


def test_the_limit_of_a_watch_is_ignored(server: Server, maps: str) -> None:
    start = now(server, maps)
    for name in ("a", "b"):
        server.post(maps, config_map(name)).ok(201)
    with server.watching(maps, resourceVersion=start, limit=1) as watch:
        assert events(watch.take(2)) == [("ADDED", "a"), ("ADDED", "b")]


@pytest.mark.parametrize("value", ["true", "1"])
def test_a_watch_is_asked_for_by_a_true_value(server: Server, maps: str, value: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, watch=value) as watch:
        assert events([watch.next()]) == [("ADDED", "a")]


@pytest.mark.parametrize("value", ["false", "0"])
def test_a_false_value_asks_for_a_list(server: Server, maps: str, value: str) -> None:
    assert server.get(maps, watch=value).ok()["kind"] == "ConfigMapList"
