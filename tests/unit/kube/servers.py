"""Real HTTP servers on loopback for the tests of this folder, plain or with TLS, and transports to them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import trustme
from aiohttp import web

from tmc_syncer.kube.connection import Connection, Pem
from tmc_syncer.kube.transport import Transport

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def listening(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve every path and method by `answer`; give the server's address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"{'https' if tls else 'http'}://{host}:{port}"
    finally:
        await runner.cleanup()


def opened(connection: Connection, **options: Any) -> Transport:
    """A transport, to be entered."""
    return Transport(connection, user_agent="test/1", **options)


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def raw_server(behave: Behaviour) -> AsyncIterator[str]:
    """Serve every connection on a raw socket by `behave`, which is cancelled at the end; give ``host:port``."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behave(reader, writer)
        finally:
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        await asyncio.sleep(0)  # connections that were closed just now say so


@contextlib.asynccontextmanager
async def serving(answer: Answer, *, path: str = "", **settings: Any) -> AsyncIterator[Transport]:
    """A plain server and a transport to it. `settings` go to the Connection, `transport` of them to the Transport."""
    options = settings.pop("transport", {})
    async with (
        listening(answer) as server,
        Transport(Connection(server + path, **settings), user_agent="test/1", **options) as transport,
    ):
        yield transport


class Authority:
    """A certificate authority for servers on 127.0.0.1 and their clients."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.pem = Pem(data=self.ca.cert_pem.bytes())

    def server(self, *names: str, ask_client: bool = False) -> ssl.SSLContext:
        """What a server needs; with `ask_client` it refuses clients without a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context

    def client(self, name: str = "agent", **validity: Any) -> tuple[Pem, Pem]:
        """A client's certificate and key."""
        cert = self.ca.issue_cert(common_name=name, **validity)
        chain = b"".join(blob.bytes() for blob in cert.cert_chain_pems)
        return Pem(data=chain), Pem(data=cert.private_key_pem.bytes())

    def client_context(self) -> ssl.SSLContext:
        """What a client of a server of this authority needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context
