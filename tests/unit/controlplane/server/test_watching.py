from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.unit.controlplane.server.serving import (
    CONFIGMAPS,
    MERGE,
    PARTIAL,
    TABLE,
    Events,
    Http,
    Json,
    configmap,
    served,
)
from tmc_syncer.controlplane.server import watching as module
from tmc_syncer.controlplane.server.faults import Faults, FaultyRequest
from tmc_syncer.controlplane.storage.watch import Event
from tmc_syncer.engine.env import ManualClock

WATCH = f"{CONFIGMAPS}?watch=true"


async def fill(http: Http, count: int = 3) -> list[Json]:
    return [
        await http.make(CONFIGMAPS, configmap(f"c{number}", labels={"n": str(number)}))
        for number in range(count)
    ]


async def bookmark(events: Events) -> Json:
    event = await events.next()
    assert event["type"] == "BOOKMARK"
    found: Json = event["object"]["metadata"]
    return found


@pytest.mark.parametrize("version", ["", "&resourceVersion=0"])
async def test_a_watch_without_a_version_begins_with_all_that_is_there(version: str) -> None:
    async with served() as (_, http):
        await fill(http, 2)
        async with http.events(WATCH + version) as events:
            assert await events.take(2) == [("ADDED", "c0"), ("ADDED", "c1")]
            await http.make(CONFIGMAPS, configmap("c2"))
            await http.ask("PATCH", f"{CONFIGMAPS}/c2", {"data": {"k": "w"}}, MERGE)
            await http.ask("DELETE", f"{CONFIGMAPS}/c2")
            assert await events.take(3) == [("ADDED", "c2"), ("MODIFIED", "c2"), ("DELETED", "c2")]


async def test_a_watch_from_a_version_tells_what_came_after_it_and_no_more() -> None:
    async with served() as (_, http):
        objects = await fill(http)
        async with http.events(
            f"{WATCH}&resourceVersion={objects[0]['metadata']['resourceVersion']}"
        ) as events:
            assert await events.take(2) == [("ADDED", "c1"), ("ADDED", "c2")]
            await http.ask("DELETE", f"{CONFIGMAPS}/c0")
            event = await events.next()
            assert event["type"] == "DELETED"
            assert int(event["object"]["metadata"]["resourceVersion"]) > int(
                objects[2]["metadata"]["resourceVersion"]
            )


async def test_initial_events_end_with_a_bookmark_that_says_so() -> None:
    async with served() as (plane, http):
        await fill(http, 2)
        path = f"{WATCH}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        async with http.events(path) as events:
            assert await events.take(2) == [("ADDED", "c0"), ("ADDED", "c1")]
            metadata = await bookmark(events)
            assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert metadata["resourceVersion"] == str(plane.store.revision)
            await http.make(CONFIGMAPS, configmap("c2"))
            assert await events.take(1) == [("ADDED", "c2")]


async def test_initial_events_may_be_left_out() -> None:
    async with served() as (_, http):
        await fill(http, 2)
        path = f"{WATCH}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        async with http.events(path) as events:
            await http.make(CONFIGMAPS, configmap("c2"))
            assert await events.take(1) == [("ADDED", "c2")]


async def test_a_watch_list_of_the_future_fails_in_the_stream() -> None:
    async with served() as (plane, http):
        path = f"{WATCH}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999"
        async with http.events(path) as events:
            [event] = await events.rest()
        assert (event["type"], event["object"]["code"]) == ("ERROR", 504)
        assert f"current: {plane.store.revision}" in event["object"]["message"]


async def test_a_watch_from_the_future_waits_for_it() -> None:
    async with served() as (plane, http):
        path = f"{WATCH}&resourceVersion={plane.store.revision + 1}"
        async with http.events(path) as events:
            await fill(http, 2)
            assert await events.take(1) == [("ADDED", "c1")]


async def test_a_version_older_than_the_window_is_expired_in_the_stream() -> None:
    async with served() as (plane, http):
        await fill(http)
        plane.store.compact(plane.store.revision)
        async with http.events(f"{WATCH}&resourceVersion=1") as events:
            [event] = await events.rest()
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
            "ERROR",
            410,
            "Expired",
        )
        assert event["object"]["message"].startswith("too old resource version: 1 (")


async def test_a_watch_that_falls_behind_the_window_is_told_and_closed() -> None:
    async with served(history=20) as (plane, http):
        async with http.events(WATCH) as events:
            await http.make(CONFIGMAPS, configmap("first"))
            assert await events.take(1) == [("ADDED", "first")]
            local = plane.local()
            for number in range(50):
                local.create("configmaps", configmap(f"n{number}", namespace="default"))
            [event] = await events.rest()
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert plane.watching.open == 0


async def test_a_watch_ends_when_its_time_is_over() -> None:
    clock = ManualClock()
    async with served(clock) as (plane, http):
        async with http.events(f"{WATCH}&timeoutSeconds=7") as events:
            await clock.run_for(6.9)
            await http.make(CONFIGMAPS, configmap("a"))
            assert await events.take(1) == [("ADDED", "a")]
            await clock.run_for(0.2)
            assert await events.rest() == []
        assert plane.watching.open == 0


async def test_a_watch_that_says_nothing_ends_within_an_hour() -> None:
    clock = ManualClock()
    async with served(clock) as (_, http), http.events(WATCH) as events:
        await clock.run_for(module.LEAST_TIMEOUT_SECONDS - 1)
        await http.make(CONFIGMAPS, configmap("a"))
        assert await events.take(1) == [("ADDED", "a")]
        await clock.run_for(module.LEAST_TIMEOUT_SECONDS + 2)
        assert await events.rest() == []


async def test_bookmarks_come_about_every_minute_and_before_the_end() -> None:
    clock = ManualClock()
    async with served(clock) as (plane, http):
        path = f"{WATCH}&allowWatchBookmarks=true&timeoutSeconds=100"
        async with http.events(path) as events:
            for _ in range(3):
                plane.local().create(
                    "secrets", {"metadata": {"name": f"s{plane.store.revision}", "namespace": "default"}}
                )
            await clock.run_for(61)
            assert await bookmark(events) == {"resourceVersion": str(plane.store.revision)}
            plane.local().create("secrets", {"metadata": {"name": "more", "namespace": "default"}})
            await clock.run_for(38)
            assert await bookmark(events) == {"resourceVersion": str(plane.store.revision)}
            await clock.run_for(2)
            assert await events.rest() == []


async def test_no_bookmarks_come_unasked() -> None:
    clock = ManualClock()
    async with served(clock) as (_, http), http.events(f"{WATCH}&timeoutSeconds=200") as events:
        await clock.run_for(201)
        assert await events.rest() == []


async def test_an_object_that_leaves_a_selector_is_deleted_with_what_it_was() -> None:
    async with served() as (_, http), http.events(f"{WATCH}&labelSelector=team%3Dred") as events:
        await http.make(CONFIGMAPS, configmap("a", labels={"team": "red"}))
        await http.make(CONFIGMAPS, configmap("b", labels={"team": "blue"}))
        left = await http.ask("PATCH", f"{CONFIGMAPS}/a", {"metadata": {"labels": {"team": "blue"}}}, MERGE)
        await http.ask("PATCH", f"{CONFIGMAPS}/b", {"metadata": {"labels": {"team": "red"}}}, MERGE)
        assert await events.take(1) == [("ADDED", "a")]
        gone = await events.next()
        assert gone["type"] == "DELETED"
        assert gone["object"]["metadata"]["labels"] == {"team": "red"}
        assert gone["object"]["metadata"]["resourceVersion"] == left.version
        assert await events.take(1) == [("ADDED", "b")]


async def test_one_object_can_be_watched() -> None:
    async with served() as (_, http):
        await fill(http)
        for path in (
            f"{WATCH}&fieldSelector=metadata.name%3Dc1",
            "/api/v1/watch/namespaces/default/configmaps/c1",
            "/api/v1/watch/namespaces/default/configmaps?labelSelector=n%3D1",
            "/api/v1/configmaps?watch&fieldSelector=metadata.name%3Dc1",
        ):
            async with http.events(path) as events:
                assert await events.take(1) == [("ADDED", "c1")]
                await http.ask("PATCH", f"{CONFIGMAPS}/c2", {"data": {"x": path}}, MERGE)
                await http.ask("PATCH", f"{CONFIGMAPS}/c1", {"data": {"x": path}}, MERGE)
                assert await events.take(1) == [("MODIFIED", "c1")]


async def test_a_watch_may_show_metadata_or_tables() -> None:
    async with served() as (_, http):
        await fill(http, 1)
        async with http.events(WATCH, PARTIAL) as events:
            event = await events.next()
            assert event["object"]["kind"] == "PartialObjectMetadata"
            assert "data" not in event["object"]
        async with http.events(WATCH, TABLE) as events:
            event = await events.next()
            assert event["object"]["rows"][0]["cells"][:2] == ["c0", 1]


async def test_a_client_that_leaves_leaves_nothing_behind() -> None:
    async with served() as (plane, http):
        async with http.events(WATCH) as events:
            await fill(http, 1)
            await events.take(1)
            assert plane.watching.open == 1
            events.response.close()
            async with asyncio.timeout(5):
                while plane.watching.open:  # noqa: ASYNC110  # nobody tells of it
                    await asyncio.sleep(0.01)
        assert list(plane.store.collection("configmaps").watches()) == []


async def test_a_reader_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.2)
    async with served() as (plane, http):
        async with http.events(WATCH):
            local = plane.local()
            for number in range(100):
                obj = configmap(f"n{number}", namespace="default")
                obj["data"] = {"k": "x" * 200_000}
                local.create("configmaps", obj)
            async with asyncio.timeout(10):
                while plane.watching.open:  # noqa: ASYNC110  # nobody tells of it
                    await asyncio.sleep(0.02)
        plane.failures.clear()


class Doubling(Faults):
    """Each event twice, deletions never; the past instead of the present."""

    def __init__(self) -> None:
        self.present: int | None = None

    async def events(self, request: FaultyRequest, events: Sequence[Event]) -> Sequence[Event]:
        assert request.verb == "watch"
        return [event for event in events if event.type != "DELETED" for _ in range(2)]

    def revision(self, request: FaultyRequest) -> int | None:
        return self.present


async def test_a_fault_may_drop_and_double_events_and_begin_in_the_past() -> None:
    async with served() as (plane, http):
        objects = await fill(http)
        faults = Doubling()
        plane.set_faults(faults)
        async with http.events(f"{WATCH}&resourceVersion={plane.store.revision}") as events:
            await http.ask("DELETE", f"{CONFIGMAPS}/c2")
            await http.make(CONFIGMAPS, configmap("c3"))
            assert await events.take(2) == [("ADDED", "c3"), ("ADDED", "c3")]
        faults.present = int(objects[0]["metadata"]["resourceVersion"])
        async with http.events(WATCH) as events:
            assert await events.take(6) == [
                ("ADDED", "c0"),
                ("ADDED", "c0"),
                ("ADDED", "c1"),
                ("ADDED", "c1"),
                ("ADDED", "c2"),
                ("ADDED", "c2"),
            ]
