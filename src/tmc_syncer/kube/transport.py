"""HTTP to one server: a bounded pool of TLS connections, credentials, timeouts; aiohttp underneath.

`Transport` is the `Wire` that the agent uses. It knows no Kubernetes verb and never retries, but for one repeat
after a 401 with renewed credentials; redirects are not followed (a token must not travel). Requests and streams
have pools of their own, so that watches, which live for minutes, never starve writes.

This is the hot path: header dictionaries are made once per (accept, content type) and grant, TLS contexts are
shared, nothing is logged. Every `CHECK_SECONDS` the files behind credentials and TLS are looked at again; changed
ones serve new connections (F67, F68).
"""

from __future__ import annotations

import asyncio
import functools
import io
import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from tmc_syncer.kube.clock import Clock, Environment, LoopClock
from tmc_syncer.kube.connection import Connection, split_server
from tmc_syncer.kube.credentials import Credentials, Grant
from tmc_syncer.kube.errors import TransportError, TransportFault
from tmc_syncer.kube.faults import FAILURES, transport_error
from tmc_syncer.kube.pools import Pool
from tmc_syncer.kube.ratelimit import TokenBucket
from tmc_syncer.kube.streams import MAX_LINE_BYTES, ReplyStream, read_bounded
from tmc_syncer.kube.tls import TlsContexts
from tmc_syncer.kube.wire import JSON, Query, Response, encode_query

__all__ = ["MAX_LINE_BYTES", "MAX_STREAMS", "POOL_SIZE", "Transport"]

POOL_SIZE = 64
"""Connections for requests: the most that the adaptive limit of the dispatcher lets be in flight."""

MAX_STREAMS = 512
"""Connections for watches: types × shards of a large installation, and a bound for a loop gone wild."""

CHECK_SECONDS = 10.0
"""How often certificate files are looked at (three stat calls). Rotation has minutes to spare."""

CONNECT_SECONDS = 10.0
"""TCP and TLS set-up; a server that takes longer is as good as down, and the next try may reach another."""

STREAM_START_SECONDS = 30.0
"""From the request of a watch to the answer's headers."""

LARGE_BODY_BYTES = 1 << 20
"""From here on a body is sent piece by piece, so that other requests get their turn."""

MAX_TIMEOUTS = 16
"""Time limits whose object is kept ready: callers use a handful of constants."""

_NOT_OPEN = "The transport is not open: use `async with`."
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Transport:
    """See the module docstring. An async context manager; one per server and identity.

    `server` may carry a path. A trailing ``/clusters/<workspace>`` in it becomes `default_prefix`: clients with a
    prefix of their own replace it, all others get it. `qps` of None means no limit. `compression` asks for gzip
    (worth its CPU over slow links only).
    """

    def __init__(
        self,
        connection: Connection,
        *,
        user_agent: str,
        env: Environment | None = None,
        pool_size: int = POOL_SIZE,
        qps: float | None = None,
        burst: int = 1,
        compression: bool = False,
    ) -> None:
        self._connection = connection
        self._clock: Clock = LoopClock() if env is None else env.clock
        self._credentials = Credentials(connection, clock=self._clock)
        self._tls = TlsContexts(connection, clock=self._clock)
        self._bucket = None if qps is None else TokenBucket(qps, burst, clock=self._clock)
        self._pool_size = pool_size
        self._base, self._default_prefix = split_server(connection.server)
        self._fixed_headers = [
            ("User-Agent", user_agent),
            ("Accept-Encoding", "gzip" if compression else "identity"),
            *connection.impersonation.headers(),
        ]
        self._headers: dict[tuple[str, str | None], CIMultiDict[str]] = {}
        self._grant: Grant | None = None
        self._ssl: ssl.SSLContext | bool = True
        self._check_at = -math.inf
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._requests: Pool | None = None
        self._streams: Pool | None = None
        self.writes_in_flight = 0

    @property
    def server(self) -> str:
        """The server's address without ``/clusters/…``."""
        return self._base

    @property
    def default_prefix(self) -> str:
        """``/clusters/<workspace>`` when the kubeconfig's server named one, else empty."""
        return self._default_prefix

    @property
    def credentials(self) -> Credentials:
        """The credentials in use (for tunnels and checks that speak to the same server)."""
        return self._credentials

    async def __aenter__(self) -> Self:
        self._requests = Pool(self._pool_size, clock=self._clock)
        self._streams = Pool(MAX_STREAMS, clock=self._clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        for pool in (self._requests, self._streams):
            if pool is not None:
                await pool.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        timeout_seconds: float = 30,
    ) -> Response:
        """The whole reply to one request, whatever its status.

        `path` starts with a slash and is sent as it is. `timeout_seconds` bounds everything from waiting for a
        connection to the last byte. Raises `TransportError`, `CredentialsError`.
        """
        if self._clock.monotonic() >= self._check_at:
            await self._check()
        if self._bucket is not None:
            await self._bucket.take()
        url = self._url(path, query)
        timeout = self._timeouts.get(timeout_seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=CONNECT_SECONDS)
            if len(self._timeouts) < MAX_TIMEOUTS:
                self._timeouts[timeout_seconds] = timeout
        write = method not in _READS
        self.writes_in_flight += write
        try:
            grant = self._grant
            reply = await self._exchange(method, url, body, (accept, content_type), timeout)
            if reply.status == 401 and await self._renewed(grant):
                reply = await self._exchange(method, url, body, (accept, content_type), timeout)
            return reply
        except FAILURES as error:
            raise self._failed(error, f"{method} {path}", timeout_seconds) from error
        finally:
            self.writes_in_flight -= write

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Query = (), accept: str = JSON, idle_seconds: float = 150
    ) -> AsyncIterator[ReplyStream]:
        """The reply to one request, read while it comes. No byte for `idle_seconds` ends it with an error (F14).

        Raises `TransportError` (also from the stream's methods), `CredentialsError`.
        """
        if self._clock.monotonic() >= self._check_at:
            await self._check()
        if self._bucket is not None:
            await self._bucket.take()
        url = self._url(path, query)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=idle_seconds)
        what = f"{method} {path}"
        try:
            async with asyncio.timeout(STREAM_START_SECONDS):
                grant = self._grant
                reply = await self._start(method, url, accept, timeout)
                if reply.status == 401 and await self._renewed(grant):
                    _abort(reply)
                    reply = await self._start(method, url, accept, timeout)
        except FAILURES as error:
            raise self._failed(error, what, STREAM_START_SECONDS) from error
        try:
            yield ReplyStream(reply, functools.partial(self._failed, what=what, seconds=idle_seconds))
        finally:
            _abort(reply)

    async def _exchange(
        self,
        method: str,
        url: URL,
        body: bytes | None,
        kinds: tuple[str, str | None],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own object, applied by aiohttp
    ) -> Response:
        if self._requests is None:
            raise RuntimeError(_NOT_OPEN)
        async with self._requests.session.request(
            method,
            url,
            # aiohttp warns of larger bytes, which it would write to the socket in one piece.
            data=body if body is None or len(body) <= LARGE_BODY_BYTES else io.BytesIO(body),
            headers=self._headers.get(kinds) or self._new_headers(kinds),
            allow_redirects=False,
            timeout=timeout,
            ssl=self._ssl,
            server_hostname=self._connection.tls_server_name or None,
            proxy=self._connection.proxy_url or None,
        ) as reply:
            return Response(reply.status, reply.headers, await read_bounded(reply))

    async def _start(
        self,
        method: str,
        url: URL,
        accept: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own object, applied by aiohttp
    ) -> aiohttp.ClientResponse:
        if self._streams is None:
            raise RuntimeError(_NOT_OPEN)
        kinds = (accept, None)
        return await self._streams.session.request(
            method,
            url,
            headers=self._headers.get(kinds) or self._new_headers(kinds),
            allow_redirects=False,
            timeout=timeout,
            ssl=self._ssl,
            server_hostname=self._connection.tls_server_name or None,
            proxy=self._connection.proxy_url or None,
        )

    def _url(self, path: str, query: Query) -> URL:
        text = encode_query(query)
        # encoded=True: yarl must not normalise `/clusters/*` or the `:` of a workspace path.
        return URL(f"{self._base}{path}?{text}" if text else self._base + path, encoded=True)

    def _new_headers(self, kinds: tuple[str, str | None]) -> CIMultiDict[str]:
        accept, content_type = kinds
        headers = CIMultiDict([*self._fixed_headers, ("Accept", accept)])
        if content_type is not None:
            headers["Content-Type"] = content_type
        if self._grant is not None and self._grant.authorization:
            headers["Authorization"] = self._grant.authorization
        self._headers[kinds] = headers
        return headers

    async def _check(self) -> None:
        """Renew what is due, and look whether certificate files changed."""
        self._use(await self._credentials.ensure())

    async def _renewed(self, refused: Grant | None) -> bool:
        """Whether there are other credentials than the `refused` ones now."""
        if self._grant is refused:
            self._use(await self._credentials.refresh(refused))
        return self._grant is not refused

    def _use(self, grant: Grant) -> None:
        context = self._tls.context_for(grant)
        self._ssl = True if context is None else context
        if grant is not self._grant:
            self._grant = grant
            self._headers.clear()
        self._check_at = min(self._clock.monotonic() + CHECK_SECONDS, grant.renew_at)

    def _failed(self, error: BaseException, what: str, seconds: float) -> TransportError:
        failure = transport_error(error, what, self._base, seconds)
        if failure.fault is TransportFault.TLS:
            self._check_at = -math.inf  # a rotated CA or certificate may be the reason
        return failure


def _abort(reply: aiohttp.ClientResponse) -> None:
    """Close an unfinished reply's connection now: a TLS goodbye would keep it for as long as the server likes."""
    connection = reply.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    reply.close()
