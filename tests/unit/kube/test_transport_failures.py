"""No usable answer: servers that misbehave on raw sockets, are silent, or are not there; proxies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.unit.kube.servers import Authority, Behaviour, listening, opened, raw_server
from tmc_syncer.kube import transport
from tmc_syncer.kube.connection import Connection, TokenAuth
from tmc_syncer.kube.errors import RetryClass, TransportError, TransportFault
from tmc_syncer.kube.transport import Transport

# No answer


@contextlib.asynccontextmanager
async def misbehaving(behave: Behaviour) -> AsyncIterator[Transport]:
    """A raw server that reads a request's head, then does as it is told; and a transport to it."""

    async def read_and_behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await behave(reader, writer)

    async with raw_server(read_and_behave) as address, opened(Connection(f"http://{address}")) as wire:
        yield wire


def sending(data: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return behave


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", TransportFault.BROKEN),
        (b"HTTP/1.1 20", TransportFault.BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", TransportFault.BROKEN),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", TransportFault.BROKEN),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", None),
        (b"220 mail.example.com ESMTP\r\n", TransportFault.GARBLED),
        (b"HTTP/1.1 banana\r\n\r\n", TransportFault.GARBLED),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", None),
    ],
)
async def test_an_answer_that_breaks_off_or_is_no_http_is_an_error(
    data: bytes, fault: TransportFault | None
) -> None:
    async with misbehaving(sending(data)) as wire:
        with pytest.raises(TransportError) as caught:
            await wire.request("PATCH", "/x", body=b"{}")
        with pytest.raises(TransportError):
            async with wire.stream("GET", "/x") as stream:
                await stream.read()
    assert fault is None or caught.value.fault is fault
    assert caught.value.retry_class is RetryClass.TRANSIENT
    assert "PATCH /x at http://127.0.0.1" in str(caught.value)


async def test_no_answer_in_time_is_an_error() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with misbehaving(hang) as wire:
        with pytest.raises(TransportError, match=r"no answer within 0\.05 s") as caught:
            await wire.request("GET", "/x", timeout_seconds=0.05)
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_a_body_that_never_ends_is_bounded_by_the_same_time() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async with misbehaving(drip) as wire:
        with pytest.raises(TransportError) as caught:
            await wire.request("GET", "/x", timeout_seconds=0.1)
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_a_server_that_is_not_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with opened(Connection(f"http://127.0.0.1:{port}")) as wire:
        with pytest.raises(TransportError, match=r"[Rr]efused|Connect call failed") as caught:
            await wire.request("GET", "/x")
    assert caught.value.fault is TransportFault.CONNECT
    assert "kubeconfig" in caught.value.hint


async def test_a_name_that_nobody_knows() -> None:
    async with opened(Connection("http://no-such-host.invalid")) as wire:
        with pytest.raises(TransportError) as caught:
            await wire.request("GET", "/x")
    assert caught.value.fault is TransportFault.CONNECT
    assert "no-such-host.invalid" in str(caught.value)


# Streams


async def test_a_silent_stream_ends_with_an_error_after_its_idle_time() -> None:
    async def say_one_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello\n")
        await reader.read()

    async with misbehaving(say_one_line) as wire, wire.stream("GET", "/x", idle_seconds=0.1) as stream:
        lines = stream.lines()
        assert await anext(lines) == b"hello"
        with pytest.raises(TransportError, match=r"said nothing for 0\.1 s") as caught:
            await anext(lines)
    assert caught.value.fault is TransportFault.IDLE


async def test_a_stream_that_does_not_start_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    monkeypatch.setattr(transport, "STREAM_START_SECONDS", 0.05)
    async with misbehaving(hang) as wire:
        with pytest.raises(TransportError, match=r"no answer within 0\.05 s") as caught:
            async with wire.stream("GET", "/x"):
                pass
    assert caught.value.fault is TransportFault.TIMEOUT


async def test_a_stream_that_is_left_early_closes_its_connection() -> None:
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nline\n")
        await reader.read()
        gone.set()

    async with misbehaving(endless) as wire:
        async with wire.stream("GET", "/x") as stream:
            assert await anext(stream.lines()) == b"line"
        await asyncio.wait_for(gone.wait(), 2)


# Proxies


@contextlib.asynccontextmanager
async def tunnelling() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that knows CONNECT, and the heads of the requests it got."""
    heads: list[str] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        if "Basic" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split()[1].rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    async with raw_server(handle) as address:
        yield address, heads


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_a_proxy_is_gone_through_with_its_password_and_the_token_stays_inside() -> None:
    authority = Authority()
    async with tunnelling() as (proxy, heads), listening(hello, tls=authority.server()) as server:
        connection = Connection(
            server, ca=authority.pem, auth=TokenAuth("t0"), proxy_url=f"http://user:hunter2@{proxy}"
        )
        async with opened(connection) as wire:
            assert (await wire.request("GET", "/x")).status == 200
    assert heads[0].startswith(f"CONNECT {server.removeprefix('https://')} ")
    assert "Bearer" not in heads[0]


async def test_a_proxy_that_refuses_is_named_as_the_reason() -> None:
    async with tunnelling() as (proxy, _):
        connection = Connection("https://127.0.0.1:1", ca=Authority().pem, proxy_url=f"http://{proxy}")
        async with opened(connection) as wire:
            with pytest.raises(TransportError, match="proxy does not let us through") as caught:
                await wire.request("GET", "/x")
    assert caught.value.fault is TransportFault.PROXY
