from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from tests.unit.controlplane.server.serving import CONFIGMAPS, configmap, made, running, served
from tmc_syncer.controlplane.server.hosting import ListenError


async def test_a_server_says_where_it_is() -> None:
    async with served() as (plane, http):
        assert plane.url.startswith("http://127.0.0.1:")
        assert plane.host.port > 0
        assert (await http.ask("GET", "/readyz")).raw == b"ok"


async def test_a_taken_port_and_a_foreign_address_are_refused_with_a_code() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        plane = made(port=taken.getsockname()[1])
        with pytest.raises(ListenError, match=r"Cannot listen at 127\.0\.0\.1") as refused:
            await plane.start()
        assert refused.value.code == "TMC-045"
        assert refused.value.hint
        await plane.stop()
    plane = made(address="192.0.2.1")
    with pytest.raises(ListenError):
        await plane.start()
    await plane.stop()


async def test_addresses_of_the_new_protocol_are_in_brackets() -> None:
    plane = made(address="::1")
    async with running(plane) as http:
        assert plane.url.startswith("http://[::1]:")
        assert (await http.ask("GET", "/livez")).code == 200


async def test_stopping_lets_finish_what_is_under_way_and_ends_watches_in_order() -> None:
    plane = made()
    async with running(plane) as http:
        async with http.events(f"{CONFIGMAPS}?watch=1") as events:
            await http.make(CONFIGMAPS, configmap("a"))
            assert await events.take(1) == [("ADDED", "a")]
            stopping = asyncio.create_task(plane.stop())
            assert await events.rest() == []
            await stopping
        with pytest.raises(aiohttp.ClientError):
            await http.ask("GET", "/livez")
        await plane.stop()


async def test_a_long_url_is_read() -> None:
    async with served() as (_, http):
        values = ",".join(f"value-{number}" for number in range(2000))
        reply = await http.ask("GET", f"{CONFIGMAPS}?labelSelector=a%20in%20({values})")
        assert reply.code == 200
