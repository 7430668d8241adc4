"""Sending a request on: how the proxies of the test bed pass one whole request to a server and its answer back.

`Forward` holds a request that was read to its end. `send` returns the whole answer, so that its caller decides what becomes
of it; `stream` passes the answer on as it comes, for watches. Nothing is added to a request or taken from it but what belongs
to a single connection; content encodings pass through untouched.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from tmc_syncer.testing.control_plane import ControlPlane

__all__ = ["Answer", "Forward", "client_context", "open_session", "server_context"]

_OF_ONE_CONNECTION = frozenset({"connection", "host", "keep-alive", "transfer-encoding", "content-length"})
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def response(self) -> web.Response:
        """The same answer, to be given to a client."""
        return web.Response(status=self.status, headers=self.headers, body=self.body)


class Forward:
    """One request, read to its end as ``body``, on its way to the server at ``origin``."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        origin: str,
        context: ssl.SSLContext,
        request: web.BaseRequest,
        body: bytes,
    ) -> None:
        self._session = session
        self._method, self._url = request.method, URL(origin + request.raw_path, encoded=True)
        self._headers = {
            name: text for name, text in request.headers.items() if name.lower() not in _OF_ONE_CONNECTION
        }
        self._context = context
        self._body = body or None

    def _open(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return self._session.request(
            self._method, self._url, headers=self._headers, data=self._body, ssl=self._context, allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept-Encoding"),
        )  # fmt: skip

    async def send(self) -> Answer:
        """Send it and read the whole answer."""
        async with self._open() as reply:
            return Answer(reply.status, _headers(reply), await reply.read())

    async def stream(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send it and pass the answer on as it comes."""
        async with self._open() as reply:
            response = web.StreamResponse(status=reply.status, headers=_headers(reply))
            await response.prepare(request)
            async for chunk in reply.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response


def _headers(reply: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: text for name, text in reply.headers.items() if name.lower() not in _OF_ONE_CONNECTION}


def open_session() -> aiohttp.ClientSession:
    """A session for `Forward`: no limits, no waiting but for a connection."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
    return aiohttp.ClientSession(
        auto_decompress=False, timeout=timeout, connector=aiohttp.TCPConnector(limit=0)
    )


def server_context(cluster: ControlPlane) -> ssl.SSLContext:
    """TLS as the cluster's own API server speaks it, so that whoever trusts that one trusts the proxy."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    folder = cluster.ca_path.parent
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def client_context(cluster: ControlPlane, user: str, scratch: Path) -> ssl.SSLContext:
    """TLS to the cluster's API server, with the client certificate of ``user`` unless that is empty."""
    context = ssl.create_default_context(cadata=cluster.ca_path.read_text())
    if user:
        public, private = cluster.apiserver.users.certificate(user).write(scratch, f"proxy-{cluster.name}")
        context.load_cert_chain(public, private)
    return context
