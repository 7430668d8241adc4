"""The transport against real servers on loopback, plain and with TLS; raw sockets where a server must misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from aiohttp import web

from tests.unit.kube.servers import opened, serving
from tmc_syncer.kube import streams
from tmc_syncer.kube.connection import Connection, Impersonation, NoAuth, TokenAuth, TokenFileAuth
from tmc_syncer.kube.errors import TransportError, TransportFault


async def echo(request: web.Request) -> web.Response:
    """Tells what arrived."""
    body = await request.read()
    return web.json_response(
        {
            "line": f"{request.method} {request.raw_path}",
            "headers": {name: request.headers.getall(name) for name in request.headers},
            "body": body.decode(),
        }
    )


# What is sent


@pytest.mark.parametrize(
    "path",
    [
        "/clusters/*/api/v1/configmaps",
        "/clusters/root:org:team-a/apis/apps/v1/deployments",
        "/api/v1/namespaces/a/configmaps/system:x",
        "/x/%C3%BC%20",
        "/a//b/../c",
        "/x/~a!$&'()+,;=:@",
    ],
)
async def test_a_path_is_sent_as_it_is(path: str) -> None:
    async with serving(echo) as wire:
        reply = await wire.request("GET", path)
        assert f'"GET {path}"'.encode() in reply.body
        reply = await wire.request("GET", path, query=[("labelSelector", "a in (b,c),!d"), ("x", "*&=")])
        assert f'"GET {path}?labelSelector=a%20in%20%28b%2Cc%29%2C%21d&x=%2A%26%3D"'.encode() in reply.body
        async with wire.stream("GET", path, query="ready=%20made") as stream:
            assert f'"GET {path}?ready=%20made"'.encode() in await stream.read()


async def test_a_request_carries_its_body_its_types_and_who_we_are() -> None:
    async with serving(echo, auth=TokenAuth("t0")) as wire:
        reply = await wire.request("PATCH", "/x", body=b"{}", content_type="a/b", accept="c/d")
        text = reply.body.decode()
    assert reply.status == 200
    assert reply.headers.get("content-type", "").startswith("application/json")
    for part in (
        '"Authorization": ["Bearer t0"]',
        '"User-Agent": ["test/1"]',
        '"Accept": ["c/d"]',
        '"Content-Type": ["a/b"]',
        '"Accept-Encoding": ["identity"]',
        '"body": "{}"',
    ):
        assert part in text


async def test_impersonation_headers_are_sent_all() -> None:
    who = Impersonation("jane", groups=("a", "b"))
    async with serving(echo, impersonation=who) as wire:
        text = (await wire.request("GET", "/x")).body.decode()
    assert '"Impersonate-User": ["jane"]' in text
    assert '"Impersonate-Group": ["a", "b"]' in text


async def test_the_servers_own_path_comes_first() -> None:
    async with serving(echo, path="/proxy/k8s/") as wire:
        assert b'"GET /proxy/k8s/api"' in (await wire.request("GET", "/api")).body
        assert wire.default_prefix == ""


def test_a_workspace_in_the_servers_address_becomes_the_default_prefix() -> None:
    wire = opened(Connection("https://api:6443/clusters/root:a"))
    assert (wire.server, wire.default_prefix) == ("https://api:6443", "/clusters/root:a")


async def test_compression_is_asked_for_where_wanted_and_undone() -> None:
    async def answer(request: web.Request) -> web.Response:
        reply = web.Response(text="x" * 10_000)
        if "gzip" in request.headers["Accept-Encoding"]:
            reply.enable_compression(web.ContentCoding.gzip)
        return reply

    async with serving(answer, transport={"compression": True}) as wire:
        reply = await wire.request("GET", "/x")
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.body == b"x" * 10_000


# What comes back


@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 404, 409, 410, 429, 500, 503])
async def test_an_answer_of_any_status_is_returned(status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "https://127.0.0.1:1/elsewhere"})

    async with serving(answer) as wire:
        assert (await wire.request("GET", "/x")).status == status
        async with wire.stream("GET", "/x") as stream:
            assert stream.status == status


async def test_a_large_reply_comes_whole_and_a_larger_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.path[1:]))

    monkeypatch.setattr(streams, "MAX_REPLY_BYTES", 3 << 20)
    async with serving(answer) as wire:
        for size in (0, 1, 100, 1 << 20, 3 << 20):
            assert len((await wire.request("GET", f"/{size}")).body) == size
        with pytest.raises(TransportError, match="larger than 3 MiB") as caught:
            await wire.request("GET", f"/{(3 << 20) + 1}")
        assert caught.value.fault is TransportFault.TOO_LARGE
        assert (await wire.request("GET", "/5")).body == b"xxxxx"


async def test_connections_are_used_again() -> None:
    ports = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response(status=409, text="{}")

    async with serving(answer) as wire:
        for _ in range(10):
            await wire.request("PATCH", "/x", body=b"{}")
    assert len(ports) == 1


async def test_the_pool_is_bounded_and_streams_do_not_take_from_it() -> None:
    now, most = 0, 0
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        if request.path == "/watch":
            reply = web.StreamResponse()
            await reply.prepare(request)
            await reply.write(b"hello\n")
            await release.wait()
            return reply
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.Response()

    async with serving(answer, transport={"pool_size": 3}) as wire, contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(wire.stream("GET", "/watch"))
        await asyncio.gather(*(wire.request("GET", "/x") for _ in range(20)))
        release.set()
    assert most == 3


async def test_writes_in_flight_are_counted() -> None:
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(wire.writes_in_flight)
        return web.Response()

    async with serving(answer) as wire:
        await asyncio.gather(
            wire.request("PATCH", "/x"), wire.request("DELETE", "/x"), wire.request("GET", "/x")
        )
        assert wire.writes_in_flight == 0
    assert max(seen) == 2
    with pytest.raises(RuntimeError, match="closed"):
        await wire.request("PATCH", "/x")
    assert wire.writes_in_flight == 0


async def test_a_limit_of_requests_is_kept() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response()

    async with serving(answer, transport={"qps": 100.0, "burst": 1}) as wire:
        began = asyncio.get_running_loop().time()
        for _ in range(5):
            await wire.request("GET", "/x")
        async with wire.stream("GET", "/x"):
            pass
        assert asyncio.get_running_loop().time() - began >= 0.045


async def test_a_transport_that_is_not_open_says_so() -> None:
    wire = opened(Connection("http://127.0.0.1:1"))
    with pytest.raises(RuntimeError, match="not open"):
        await wire.request("GET", "/x")
    with pytest.raises(RuntimeError, match="not open"):
        async with wire.stream("GET", "/x"):
            pass


# 401


async def test_a_rotated_token_is_read_after_one_401_by_requests_and_streams(tmp_path: Path) -> None:
    token, valid = tmp_path / "token", "t0"
    token.write_text("t0")

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {valid}":
            return web.Response(status=401)
        return web.Response(text=await request.text())

    async with serving(answer, auth=TokenFileAuth(str(token))) as wire:
        assert (await wire.request("GET", "/x")).status == 200
        for valid in ("t1", "t2"):
            token.write_text(valid)
            if valid == "t1":
                reply = await wire.request("POST", "/x", body=b"content")
                assert (reply.status, reply.body) == (200, b"content")
            else:
                async with wire.stream("GET", "/x") as stream:
                    assert stream.status == 200
        valid = "t3"
        assert (await wire.request("GET", "/x")).status == 401  # nothing newer in the file: the answer stands
        async with wire.stream("GET", "/x") as stream:
            assert stream.status == 401


async def test_a_401_is_repeated_once_and_not_for_ever(tmp_path: Path) -> None:
    token, asked = tmp_path / "token", 0
    token.write_text("0")

    async def refuse(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        token.write_text(str(asked))
        return web.Response(status=401)

    async with serving(refuse, auth=TokenFileAuth(str(token))) as wire:
        assert (await wire.request("GET", "/x")).status == 401
    assert asked == 2


async def test_without_credentials_there_is_nothing_to_send_again() -> None:
    asked = 0

    async def refuse(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        assert "Authorization" not in request.headers
        return web.Response(status=401)

    async with serving(refuse, auth=NoAuth()) as wire:
        assert (await wire.request("GET", "/x")).status == 401
        assert wire.credentials.grant is not None
    assert asked == 1
