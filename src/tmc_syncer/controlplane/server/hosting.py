"""A server on a socket: `Host` listens for one `ApiServer`, with TLS or without, and stops it in order.

Stopping: readiness says no, no new connection is taken, watches end as if their time were over, what is under way may finish
within `GRACE_SECONDS`, then connections are closed. Starting makes no thread and takes milliseconds. A port that is taken or an
address that is not this machine's is a `ListenError` with a code.

Lines and headers may be much longer than aiohttp's defaults: commands of an exec and label selectors are in the URL.
"""

from __future__ import annotations

import ssl

from aiohttp import web

from tmc_syncer.api.errors import TmcError
from tmc_syncer.controlplane.server.apiserver import ApiServer
from tmc_syncer.controlplane.server.watching import Watching

__all__ = ["Host", "ListenError"]

GRACE_SECONDS = 5.0
"""What requests under way get when the server stops."""

MAX_LINE_BYTES = 256 * 1024
"""Of the request line and of one header; Go's server allows a megabyte in all."""

BACKLOG = 1024
"""Connections that wait to be accepted: an agent may open many at once."""


class ListenError(TmcError):
    """The server cannot listen at its address."""

    code = "TMC-045"


class Host:
    """See the module. `port` is the real one once it is started, also when 0 was asked for."""

    def __init__(
        self,
        server: ApiServer,
        watching: Watching,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = address
        self.port = port
        self._server = server
        self._watching = watching
        self._tls = tls
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    async def start(self) -> None:
        """Listen. Raises `ListenError`."""
        server = web.Server(
            self._server,
            access_log=None,
            handler_cancellation=True,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
        )
        runner = web.ServerRunner(server, shutdown_timeout=GRACE_SECONDS)
        await runner.setup()
        site = web.TCPSite(runner, self.address, self.port, ssl_context=self._tls, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise ListenError(
                f"Cannot listen at {self.address}:{self.port}: {error.strerror or error}.",
                hint="Another program may use the port; give another one, or 0 for any that is free.",
            ) from None
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop in order; harmless when nothing runs."""
        self._server.stopping = True
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in list(runner.sites):
            await site.stop()
        await self._watching.close()
        await runner.cleanup()
