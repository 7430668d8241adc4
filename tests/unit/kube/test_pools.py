"""A pool that says it is closed has no socket left."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from tests.unit.kube.servers import Authority, listening, raw_server
from tmc_syncer.kube import pools
from tmc_syncer.kube.clock import LoopClock
from tmc_syncer.kube.pools import Pool


async def test_connections_have_tcp_keepalive() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    pool = Pool(1, clock=LoopClock())
    async with listening(answer) as server:
        await (await pool.session.get(server)).read()
        (sock,) = pool._sockets
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == pools.KEEPALIVE_PROBES
        await pool.close()
        assert sock.fileno() < 0


async def test_a_tls_connection_that_the_server_ends_is_waited_for() -> None:
    authority = Authority()

    async def answer(request: web.Request) -> web.Response:
        return web.Response(headers={"Connection": "close"})

    pool = Pool(1, clock=LoopClock())
    context = authority.client_context()
    async with listening(answer, tls=authority.server()) as server:
        await (await pool.session.get(server, ssl=context)).read()
        sockets = list(pool._sockets)
        await pool.close()
    assert sockets
    assert all(sock.fileno() < 0 for sock in sockets)


async def test_a_server_that_never_says_goodbye_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pools, "GOODBYE_STEPS", 3)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    pool = Pool(1, clock=LoopClock())
    async with raw_server(silent) as address:
        host, _, port = address.rpartition(":")
        stuck = pool._new_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ()))
        stuck.connect((host, int(port)))
        await asyncio.wait_for(pool.close(), 5)
        assert stuck.fileno() >= 0
        stuck.close()
