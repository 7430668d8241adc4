"""The admin endpoint of a process: ``/healthz /readyz /statusz /metrics`` over plain HTTP.

By default it listens on 127.0.0.1:8085. On an address that is not loopback only ``healthz``, ``readyz`` and
``metrics`` are served: ``/statusz`` names objects of tenants, and nobody is authenticated here. On loopback the
Host header has to name loopback too, so that a web page cannot read it through DNS rebinding.

It knows nothing of the agent: what it serves comes from four functions (`AdminSources`). Only GET and HEAD are
answered. Answers are bounded: objects by `OBJECT_LIMIT`, query values by `_QUERY_LIMIT`.

    AdminAddressError (TMC-010)  the address is no address, or cannot be listened on; exit 1
"""

from __future__ import annotations

import errno
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web

from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.api.resources import parse_resource_argument
from tmc_syncer.observability.metrics import CONTENT_TYPE
from tmc_syncer.observability.statusz import OBJECT_LIMIT, Statusz, StatuszQuery

__all__ = ["AdminAddressError", "AdminServer", "AdminSources", "Probe", "parse_address"]

_QUERY_LIMIT = 512  # characters; the longest name with its namespace has 317
_SHUTDOWN_SECONDS = 1.0  # an answer takes milliseconds; a connection that is left open must not hold the exit
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_HINT = (
    "Give --admin-address HOST:PORT, for example 127.0.0.1:8085 (port 0 takes a free one), or '' for none."
)
_BIND_ERRORS = {
    errno.EADDRINUSE: "another process listens there; is a second agent running?",
    errno.EADDRNOTAVAIL: "this machine has no such address.",
    errno.EACCES: "the operating system does not allow it; ports below 1024 need rights.",
}


class AdminAddressError(TmcError):
    """The admin endpoint cannot be opened at the address asked for."""

    code = "TMC-010"


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer of a probe: whether it is fine and, if not, what is not (one line each)."""

    ok: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AdminSources:
    """Where the answers come from. All are called on the event loop and must not block it."""

    health: Callable[[], Probe]
    ready: Callable[[], Probe]
    statusz: Callable[[StatuszQuery], Statusz]
    metrics: Callable[[], bytes]


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an empty host means all interfaces. Raises `AdminAddressError`."""
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise AdminAddressError(f"{text!r} is not an address to listen on.", hint=_HINT)
    return found["v6"] or found["host"] or "", int(found["port"])


class AdminServer:
    """``async with AdminServer(address, sources) as admin: …``; `port` is the real one when 0 was asked for."""

    def __init__(self, address: str, sources: AdminSources) -> None:
        self._host, self.port = parse_address(address)
        self._sources = sources
        self._runner: web.AppRunner | None = None
        self.private = _is_loopback(self._host)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        if self.private:
            app.router.add_get("/statusz", self._statusz)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, handle_signals=False)
        await runner.setup()
        # All interfaces with a free port would take a different one for IPv4 and for IPv6.
        host = self._host or ("0.0.0.0" if self.port == 0 else None)  # noqa: S104 - asked for by leaving the host out
        try:
            await web.TCPSite(runner, host, self.port).start()
        except OSError as error:
            await runner.cleanup()
            reason = _BIND_ERRORS.get(
                error.errno or 0, f"{error.strerror or 'the operating system refuses'}."
            )
            raise AdminAddressError(
                f"The admin endpoint cannot listen on {self._host or '*'}:{self.port}: {reason}", hint=_HINT
            ) from error
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self.private and not _names_loopback(request.headers.get("Host", "")):
            return _text("Ask with a loopback name, for example http://127.0.0.1.", 421)
        response = await handler(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _probe(self._sources.health())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _probe(self._sources.ready())

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._sources.metrics(), headers={"Content-Type": CONTENT_TYPE})

    async def _statusz(self, request: web.Request) -> web.Response:
        try:
            query = _read_query(request)
        except UsageError as error:
            return _text(f"{error.message} {error.hint}", 400)
        document = self._sources.statusz(query)
        if len(document.objects) > query.limit:
            left_out = document.objects_left_out + len(document.objects) - query.limit
            document = msgspec.structs.replace(
                document, objects=document.objects[: query.limit], objects_left_out=left_out
            )
        body = msgspec.json.format(msgspec.json.encode(document), indent=2)
        return web.Response(body=body + b"\n", content_type="application/json")


def _read_query(request: web.Request) -> StatuszQuery:
    for parameter, value in request.query.items():
        if parameter not in ("gvr", "name"):
            raise UsageError(f"{parameter[:40]!r} is not a filter.", hint="Use ?gvr= and ?name=.")
        if len(value) > _QUERY_LIMIT:
            raise UsageError(f"?{parameter}= is too long.", hint=f"At most {_QUERY_LIMIT} characters.")
    gvr, name = request.query.get("gvr"), request.query.get("name")
    return StatuszQuery(parse_resource_argument(gvr) if gvr else None, name or None, OBJECT_LIMIT)


def _probe(probe: Probe) -> web.Response:
    if probe.ok:
        return _text("ok", 200)
    return _text("\n".join(probe.problems) or "not ok", 503)


def _text(text: str, status: int) -> web.Response:
    return web.Response(text=f"{text}\n", status=status)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names_loopback(host_header: str) -> bool:
    host = host_header.rpartition(":")[0] if re.search(r":\d+$", host_header) else host_header
    return _is_loopback(host.strip("[]").lower())
