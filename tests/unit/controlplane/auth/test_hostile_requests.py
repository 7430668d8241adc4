"""Hostile requests on a real socket: each is refused by itself, nothing of it is told, and the next one is served.

The server here does nothing but what every request goes through first: it looks who asks, whether they may, and answers
with their name.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.controlplane.auth.stage import (
    Objects,
    StandingClock,
    binding,
    counted,
    group,
    role,
    rule,
    thing,
)
from tmc_syncer.controlplane.auth import jws
from tmc_syncer.controlplane.auth.assembly import Auth, Options
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authority import KeyPair, new_key
from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError

PODS = Attributes("c", "list", "", "v1", "pods", "", "ns")
SECRET = "sesame"
LONGEST_LINE = 64 * 1024


@dataclass
class Server:
    """The server under attack."""

    auth: Auth
    port: int
    folder: Path
    failures: list[str]

    async def ask(
        self, headers: Sequence[tuple[str, str | bytes]] = (), pair: KeyPair | None = None
    ) -> tuple[int, Any]:
        """Status and body of the answer to one request with exactly these headers; 0 when the connection ends."""
        context = ssl.create_default_context(cadata=self.auth.keyring.authority.certificate_pem.decode())
        if pair is not None:
            path = self.folder / "client.pem"
            path.write_bytes(pair.certificate_pem + pair.key_pem)
            context.load_cert_chain(path)
        lines = [b"GET /pods HTTP/1.1", b"Host: x", b"Connection: close"]
        for name, value in headers:
            lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        except ssl.SSLError:
            return 0, None
        try:
            writer.write(b"\r\n".join([*lines, b"", b""]))
            answer = await reader.read()
        except (ssl.SSLError, ConnectionError):
            return 0, None
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head:
            return 0, None
        status = int(head.split()[1])
        return status, json.loads(body) if b"json" in head else body


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    clock, objects = StandingClock(datetime.now(UTC)), Objects()
    objects.put("serviceaccounts", thing("bot", "ns"))
    objects.put("clusterroles", role("r", rule("list", "''", "pods"), rule("impersonate", "''", "users")))
    objects.put("clusterrolebindings", binding("b", "r", group("system:authenticated")))
    options = Options(home="c", static_tokens={SECRET: User("ann")})
    auth = Auth(Keyring(None, clock), objects.list, objects.get, clock, counted(), options)
    failures: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            user = auth.authorize(auth.authenticate(request), PODS, request.headers)
        except ApiError as error:
            return web.json_response(error.to_object(), status=error.code)
        except Exception as error:
            failures.append(repr(error))
            raise
        return web.json_response(user.to_object())

    runner = web.ServerRunner(web.Server(handle, max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=auth.server_context())
    await site.start()
    try:
        yield Server(auth, runner.addresses[0][1], folder, failures)
    finally:
        await runner.cleanup()
    assert failures == []


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as found:
        yield found
        assert await found.ask([("Authorization", f"Bearer {SECRET}")]) == (
            200,
            {"username": "ann", "groups": ["system:authenticated"]},
        ), "the next request is served"


async def test_forged_and_stale_tokens_are_refused_without_a_hint(server: Server) -> None:
    request: dict[str, Any] = {}
    token = server.auth.review("TokenRequest", request, User("x"), "c", namespace="ns", name="bot")["status"][
        "token"
    ]
    assert (await server.ask([("Authorization", f"Bearer {token}")]))[0] == 200
    unverified = jws.read(token)
    assert unverified is not None
    claims, key = unverified.claims, server.auth.keyring.signing_key
    head, payload, signature = token.split(".")

    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(datetime.now(UTC).timestamp())
    bad = {
        "alg none": f"{encoded({'alg': 'none'})}.{payload}.",
        "alg HS256": f"{encoded({'alg': 'HS256'})}.{payload}.{signature}",
        "of another key": jws.sign(claims, new_key()),
        "of another key under our id": f"{head}.{jws.sign(claims, new_key()).partition('.')[2]}",
        "expired": jws.sign({**claims, "exp": now - 120}, key),
        "not yet": jws.sign({**claims, "nbf": now + 120}, key),
        "for others": jws.sign({**claims, "aud": ["vault"]}, key),
        "of another issuer": jws.sign({**claims, "iss": "https://elsewhere.example"}, key),
        "of another account": jws.sign(
            {**claims, "kubernetes.io": {"serviceaccount": {"name": "root"}}}, key
        ),
        "cut": token[:-1],
        "grown": f"{token}A",
        "nested": f"{encoded({'alg': 'ES256'})}.{base64.urlsafe_b64encode(b'[' * 9999).decode().rstrip('=')}.AAAA",
        "text": "letmein",
        "almost": SECRET[:-1],
    }
    for name, forged in bad.items():
        status, answer = await server.ask([("Authorization", f"Bearer {forged}")])
        assert (status, answer["message"]) == (401, "Unauthorized"), name


async def test_certificates_of_others_and_of_the_past_are_refused(server: Server) -> None:
    good = server.auth.keyring.client("eve", ("team",))
    assert (await server.ask(pair=good))[1]["username"] == "eve"
    expired = server.auth.keyring.authority.client("eve", (), datetime.now(UTC), lifetime=timedelta(hours=-1))
    status, answer = await server.ask(pair=expired)
    assert (status, answer["message"]) == (401, "Unauthorized")
    clock = StandingClock(datetime.now(UTC))
    stranger = Keyring(None, clock).client("eve", ("system:masters",))
    assert (await server.ask(pair=stranger))[0] == 0, "the handshake fails"


async def test_headers_that_are_too_long_are_refused_by_http(server: Server) -> None:
    status, _ = await server.ask([("Authorization", "Bearer " + "x" * (LONGEST_LINE + 100))])
    assert status == 400
    status, _ = await server.ask([("Authorization", "Bearer " + "x" * (LONGEST_LINE - 100))])
    assert status == 401


async def test_bytes_that_are_no_text_are_refused_like_any_other(server: Server) -> None:
    assert (await server.ask([("Authorization", b"Bearer \xff\xfe\xfd")]))[0] == 401
    status, answer = await server.ask(
        [
            ("Authorization", f"Bearer {SECRET}"),
            ("Impersonate-User", b"\xff\xfe"),
            ("Impersonate-Group", b"\xe2\x28\xa1"),
        ]
    )
    assert status == 403
    json.dumps(answer).encode()


async def test_many_values_to_impersonate_cost_little(server: Server) -> None:
    flood = [("Impersonate-Group", f"g{number}") for number in range(60)]
    flood += [(f"Impersonate-Extra-k{number}", "v") for number in range(60)]
    loop = asyncio.get_running_loop()
    before = loop.time()
    status, _ = await server.ask([("Authorization", f"Bearer {SECRET}"), ("Impersonate-User", "bob"), *flood])
    assert status == 403
    assert loop.time() - before < 2


async def test_headers_of_a_front_proxy_prove_nothing(server: Server) -> None:
    forged = [("X-Remote-User", "root"), ("X-Remote-Group", "system:masters"), ("X-Remote-Extra-a", "b")]
    status, answer = await server.ask(forged)
    assert status == 403
    assert answer["message"].startswith('pods is forbidden: User "system:anonymous" cannot list')


async def test_a_name_that_is_markup_is_told_as_text(server: Server) -> None:
    status, answer = await server.ask(
        [("Authorization", f"Bearer {SECRET}"), ("Impersonate-User", "bob"), ("Impersonate-Uid", "<script>&")]
    )
    assert status == 403
    assert "<" not in answer["message"]
