"""Watches against a real server on loopback (the other reads are tested in test_client)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.unit.kube.servers import serving
from tests.unit.kube.types import CONFIG_MAPS
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError, RetryClass, TransportError, TransportFault


def event(kind: str, name: str = "", **metadata: Any) -> bytes:
    content = {"metadata": {"name": name, "resourceVersion": "5"} | metadata}
    return json.dumps({"type": kind, "object": content}).encode() + b"\n"


@contextlib.asynccontextmanager
async def sending(
    *chunks: bytes, end: asyncio.Event | None = None
) -> AsyncIterator[tuple[Client, dict[str, str]]]:
    """A server whose watches send `chunks` and stay open until `end` is set (by default they end at once)."""
    asked: dict[str, str] = {}

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.update(request.query, path=request.path, accept=request.headers["Accept"])
        reply = web.StreamResponse()
        await reply.prepare(request)
        for chunk in chunks:
            await reply.write(chunk)
        if end is not None:
            await end.wait()
        return reply

    async with serving(answer) as wire:
        yield Client(wire, cluster="c1"), asked


async def test_a_watch_gives_events_until_the_server_ends_it() -> None:
    lines = event("ADDED", "a") + event("MODIFIED", "a") + event("DELETED", "a") + event("BOOKMARK")
    async with (
        sending(lines) as (client, asked),
        client.watch(
            CONFIG_MAPS,
            namespace="ns",
            label_selector="x=y",
            field_selector="metadata.name=a",
            resource_version="4",
            timeout_seconds=300,
        ) as events,
    ):
        got = [(e.type, e.record.cluster if e.record else None) async for e in events]
    assert got == [("ADDED", "c1"), ("MODIFIED", "c1"), ("DELETED", "c1"), ("BOOKMARK", "c1")]
    assert asked == {
        "path": "/api/v1/namespaces/ns/configmaps",
        "accept": "application/json",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "300",
        "labelSelector": "x=y",
        "fieldSelector": "metadata.name=a",
        "resourceVersion": "4",
    }


async def test_a_watch_may_begin_with_what_is_there() -> None:
    end = event("BOOKMARK", annotations={"k8s.io/initial-events-end": "true"})
    async with (
        sending(event("ADDED", "a") + end) as (client, asked),
        client.watch(CONFIG_MAPS, timeout_seconds=9, send_initial_events=True, metadata_only=True) as events,
    ):
        got = [(e.type, e.initial_end) async for e in events]
    assert got == [("ADDED", False), ("BOOKMARK", True)]
    assert (asked["sendInitialEvents"], asked["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert "as=PartialObjectMetadata;" in asked["accept"]


async def test_a_refusal_to_watch_is_raised_at_the_start() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"kind": "Status", "reason": "Expired", "code": 410}, status=410)

    async with serving(refuse) as wire:
        with pytest.raises(ApiError) as caught:
            async with Client(wire).watch(CONFIG_MAPS, timeout_seconds=1, resource_version="1"):
                pytest.fail("the watch was refused")
    assert caught.value.retry_class is RetryClass.GONE
    assert "watch configmaps" in str(caught.value)


async def test_an_error_event_is_given_and_the_events_before_it_too() -> None:
    error = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'
    async with (
        sending(event("ADDED", "a") + error) as (client, _),
        client.watch(CONFIG_MAPS, timeout_seconds=1) as events,
    ):
        got = [event async for event in events]
    assert got[0].type == "ADDED"
    assert got[1].raw_status is not None
    assert got[1].raw_status.retry_class is RetryClass.GONE


@pytest.mark.parametrize("tail", [event("ADDED", "b")[:-9], b"<html>\n", b'{"type":"ADDED","object":{}}\n'])
async def test_a_line_that_is_no_event_ends_the_watch_with_an_error(tail: bytes) -> None:
    async with (
        sending(event("ADDED", "a"), tail) as (client, _),
        client.watch(CONFIG_MAPS, timeout_seconds=1) as events,
    ):
        assert (await anext(events)).type == "ADDED"
        with pytest.raises(TransportError) as caught:
            await anext(events)
    assert caught.value.fault is TransportFault.GARBLED


async def test_events_come_as_they_are_sent_and_a_watch_can_be_left_at_any_time() -> None:
    end = asyncio.Event()
    async with sending(event("ADDED", "a"), end=end) as (client, _):
        async with client.watch(CONFIG_MAPS, timeout_seconds=60) as events:
            assert (await anext(events)).type == "ADDED"
        async with client.watch(CONFIG_MAPS, timeout_seconds=60) as events:
            await anext(events)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(events), 0.05)
        end.set()


async def test_an_object_of_a_mebibyte_and_a_half_is_an_ordinary_event() -> None:
    async with (
        sending(event("ADDED", "a", annotations={"x": "y" * (3 << 19)})) as (client, _),
        client.watch(CONFIG_MAPS, timeout_seconds=1) as events,
    ):
        got = await anext(events)
    assert got.record is not None
    assert len(got.record.meta.annotations["x"]) == 3 << 19  # type: ignore[index]
