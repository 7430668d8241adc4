"""Bookmarks, and lists that come as a watch (``sendInitialEvents``): the state first, then a bookmark, then what changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, events, version, widget
from tests.contract.servers import Server
from tests.contract.test_versions import FUTURE, TOO_LARGE, invalid_options
from tests.contract.test_watch import now
from tests.contract.wire import Answer, Watch, cause, like

LIST = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
END = {"k8s.io/initial-events-end": "true"}


def refusal(server: Server, path: str, **query: Any) -> Answer:
    answer = server.watch(path, query={"watch": "true", **query})
    assert isinstance(answer, Answer), "the watch was accepted"
    return answer


def to_bookmark(watch: Watch) -> list[dict[str, Any]]:
    return watch.until(lambda event: event["type"] == "BOOKMARK")


def test_the_state_comes_first_and_a_bookmark_ends_it(server: Server, maps: str) -> None:
    created = [server.post(maps, config_map(name)).ok(201) for name in ("a", "b")]
    with server.watching(maps, **LIST) as watch:
        *initial, bookmark = to_bookmark(watch)
        initial.sort(key=lambda event: event["object"]["metadata"]["name"])
        assert initial == [{"type": "ADDED", "object": item} for item in created]
        assert bookmark["object"]["metadata"]["annotations"] == END
        assert version(bookmark["object"]) >= version(created[-1])


def test_the_bookmark_has_the_kind_and_nothing_of_an_object(server: Server, maps: str) -> None:
    with server.watching(maps, **LIST) as watch:
        bookmark = to_bookmark(watch)[-1]["object"]
    assert (bookmark["kind"], bookmark["apiVersion"]) == ("ConfigMap", "v1")
    assert bookmark["metadata"] == {"annotations": END, "resourceVersion": like(r"\d+")}
    assert bookmark.keys() == {"kind", "apiVersion", "metadata"}


def test_changes_follow_after_the_bookmark(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, **LIST) as watch:
        assert events(to_bookmark(watch)) == [("ADDED", "a"), ("BOOKMARK", "")]
        server.delete(f"{maps}/a").ok()
        server.post(maps, config_map("b")).ok(201)
        assert events(watch.take(2)) == [("DELETED", "a"), ("ADDED", "b")]


def test_the_state_of_nothing_is_a_bookmark(server: Server, maps: str) -> None:
    with server.watching(maps, **LIST) as watch:
        assert watch.next()["type"] == "BOOKMARK"


def test_the_state_has_every_write_that_was_answered_before(server: Server, maps: str) -> None:
    for number in range(5):
        server.post(maps, config_map(f"a{number}")).ok(201)
        with server.watching(maps, **LIST) as watch:
            assert len(to_bookmark(watch)) == number + 2


def test_the_state_not_older_than_a_version_has_it(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, **LIST, resourceVersion=version(created)) as watch:
        assert events(to_bookmark(watch)) == [("ADDED", "a"), ("BOOKMARK", "")]


def test_the_state_of_any_version_ends_with_a_bookmark_too(server: Server, maps: str) -> None:
    with server.watching(maps, **LIST, resourceVersion="0") as watch:
        assert to_bookmark(watch)[-1]["object"]["metadata"]["annotations"] == END


def test_only_what_a_selector_matches_is_in_the_state(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    server.post(maps, config_map("b", labels={"x": "y"})).ok(201)
    with server.watching(maps, **LIST, labelSelector="x=y") as watch:
        assert events(to_bookmark(watch)) == [("ADDED", "b"), ("BOOKMARK", "")]


def test_custom_objects_are_listed_by_a_watch_too(server: Server, widgets: str) -> None:
    created = server.post(widgets, widget("a")).ok(201)
    with server.watching(widgets, **LIST) as watch:
        first, bookmark = to_bookmark(watch)
    assert first == {"type": "ADDED", "object": created}
    assert (bookmark["object"]["kind"], bookmark["object"]["metadata"]["annotations"]) == ("Widget", END)


def test_a_watch_that_goes_on_from_the_bookmark_misses_and_repeats_nothing(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, **LIST) as watch:
        bookmark = version(to_bookmark(watch)[-1]["object"])
    server.post(maps, config_map("b")).ok(201)
    with server.watching(maps, resourceVersion=bookmark) as watch:
        assert events([watch.next()]) == [("ADDED", "b")]


def test_without_bookmarks_the_state_comes_and_nothing_ends_it(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    query: dict[str, Any] = {**LIST, "allowWatchBookmarks": "false", "timeoutSeconds": 1}
    with server.watching(maps, **query) as watch:
        assert events(watch.rest()) == [("ADDED", "a")]


def test_without_initial_events_only_changes_come(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    with server.watching(maps, **{**LIST, "sendInitialEvents": "false"}) as watch:
        server.post(maps, config_map("b")).ok(201)
        assert events([watch.next()]) == [("ADDED", "b")]


@pytest.mark.parametrize("value", ["true", "false"])
def test_initial_events_need_a_match(server: Server, maps: str, value: str) -> None:
    message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    refusal(server, maps, sendInitialEvents=value).refused(
        *invalid_options("FieldValueForbidden", message, "resourceVersionMatch")
    )


def test_initial_events_of_an_exact_version_are_refused(server: Server, maps: str) -> None:
    forbidden = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    unsupported = 'Unsupported value: "Exact": supported values: "NotOlderThan"'
    field = "resourceVersionMatch"
    refusal(server, maps, sendInitialEvents="true", resourceVersionMatch="Exact").refused(
        422,
        "Invalid",
        f'ListOptions.meta.k8s.io "" is invalid: [{field}: {forbidden}, {field}: {unsupported}]',
        {
            "group": "meta.k8s.io",
            "kind": "ListOptions",
            "causes": [
                cause("FieldValueForbidden", forbidden, field),
                cause("FieldValueNotSupported", unsupported, field),
            ],
        },
    )


def test_the_state_of_the_future_is_an_error_in_the_stream(server: Server, maps: str) -> None:
    with server.watching(maps, **LIST, resourceVersion=FUTURE) as watch:
        (error,) = watch.rest()
    status = error["object"]
    assert (error["type"], status["code"], status["reason"]) == ("ERROR", 504, "Timeout")
    assert status["details"] == TOO_LARGE


def test_a_bookmark_comes_before_the_time_is_over_and_leads_past_other_writes(server: Server) -> None:
    quiet, busy = (at("configmaps", server.create_namespace()) for _ in range(2))
    query: dict[str, Any] = {
        "allowWatchBookmarks": "true",
        "resourceVersion": now(server, quiet),
        "timeoutSeconds": 4,
    }
    with server.watching(quiet, **query) as watch:
        written = version(server.post(busy, config_map("a")).ok(201))
        seen = watch.rest()
    assert {event["type"] for event in seen} == {"BOOKMARK"}
    assert version(seen[-1]["object"]) >= written
    assert "annotations" not in seen[-1]["object"]["metadata"]


def test_no_bookmark_comes_to_those_who_do_not_want_one(server: Server) -> None:
    quiet, busy = (at("configmaps", server.create_namespace()) for _ in range(2))
    with server.watching(quiet, resourceVersion=now(server, quiet), timeoutSeconds=3) as watch:
        server.post(busy, config_map("a")).ok(201)
        assert watch.rest() == []
