"""`ApiServer`: the handler of every HTTP request of one server: who, what, may they, then the verb.

    path ─► cluster ─► resource? ─► user ─► may they? ─► fault? ─► extension or verb ─► answer
                         └ no: health, discovery, OpenAPI, 404 as text

It is given to `aiohttp.web.Server` as its handler: no router and no middleware, since the paths are not aiohttp's to
know. Everything between the body of a request and its answer happens in one turn of the loop, unless the store writes to disk.
An `ApiError` becomes a Status, anything unforeseen a 500 with a line in the log; a client that leaves cancels its handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.server import fieldselectors
from tmc_syncer.controlplane.server.clusters import Clusters
from tmc_syncer.controlplane.server.documents import TEXT, Document, Documents, health
from tmc_syncer.controlplane.server.errors import (
    ApiError,
    internal,
    method_not_allowed,
    no_such_path,
)
from tmc_syncer.controlplane.server.exchange import Exchange
from tmc_syncer.controlplane.server.extensions import Extensions, Invocation
from tmc_syncer.controlplane.server.faults import Cut, Faults, FaultyRequest
from tmc_syncer.controlplane.server.gate import Gate
from tmc_syncer.controlplane.server.kinds import Kind, Kinds
from tmc_syncer.controlplane.server.options import ListOptions
from tmc_syncer.controlplane.server.paths import Target, parse, split_cluster
from tmc_syncer.controlplane.server.reads import Reads
from tmc_syncer.controlplane.server.routing import check_offered, check_scope, verb_of
from tmc_syncer.controlplane.server.watching import Interfere
from tmc_syncer.controlplane.server.writes import Writes

__all__ = ["ApiServer"]

NOT_FOUND = Document(b"404 page not found\n", TEXT, 404, {"X-Content-Type-Options": "nosniff"})

_READS = frozenset({"get", "list", "watch"})
_MANY = frozenset({"list", "deletecollection"})


@dataclass(slots=True)
class ApiServer:
    """See the module. `settled` waits until everything written is on disk; `faults` may be set at any time.

    `report` is told of what was not foreseen: the error and the request.
    """

    name: str
    clusters: Clusters
    kinds: Kinds
    gate: Gate
    reads: Reads
    writes: Writes
    documents: Documents
    extensions: Extensions
    report: Callable[[BaseException, str], None]
    settled: Callable[[], Awaitable[None]] | None = None
    faults: Faults | None = None
    stopping: bool = False

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        said, below = split_cluster(path)
        exchange = Exchange(request, path, query, "")
        try:
            target = parse(below)
            if target is None:
                return await self._document(exchange, said, below)
            return await self._resource(exchange, said, target)
        except ApiError as error:
            return exchange.refuse(error)
        except (Cut, ConnectionError):
            return self._cut(request)
        except Exception as error:  # noqa: BLE001  # one broken request must not take the connection's others along
            self.report(error, f"{request.method} {path}")
            return exchange.refuse(internal(f"{type(error).__name__}: {error}"))

    # Resources

    async def _resource(self, exchange: Exchange, said: str | None, target: Target) -> web.StreamResponse:
        request = exchange.request
        user = self.gate.user(request)
        cluster = self.clusters.resolve(said)
        verb = verb_of(request.method, target)
        options: ListOptions | None = None
        name = target.name
        if verb in _MANY:
            options = (
                ListOptions.of(exchange.query, watch=target.watch) if verb != "deletecollection" else None
            )
            if options is not None and options.watch:
                verb = "watch"
            if options is not None and options.field_selector and not name:
                name = fieldselectors.parse(options.field_selector).exact("metadata.name") or ""
        attributes = Attributes(
            cluster or said or "",
            verb,
            target.group,
            target.version,
            target.resource,
            target.subresource,
            target.namespace,
            name,
        )
        if cluster is None:
            raise refusal(user, attributes, "access denied")
        exchange.cluster = cluster
        exchange.user = user = self.gate.check(request, user, attributes)
        if self.faults is None:
            return await self._serve(exchange, target, verb, options, None)
        faulty = FaultyRequest(
            self.name,
            cluster,
            verb,
            target.group,
            target.resource,
            target.subresource,
            target.namespace,
            name,
            user.name,
            exchange.path,
        )
        return await self._with_faults(self.faults, faulty, exchange, target, options)

    async def _with_faults(
        self,
        faults: Faults,
        faulty: FaultyRequest,
        exchange: Exchange,
        target: Target,
        options: ListOptions | None,
    ) -> web.StreamResponse:
        try:
            await faults.before(faulty)
            response = await self._serve(exchange, target, faulty.verb, options, (faults, faulty))
        except ApiError as error:
            response = exchange.refuse(error)
        except Cut:
            faults.ended(faulty, 0)
            raise
        faults.ended(faulty, response.status)
        return response

    async def _serve(
        self,
        exchange: Exchange,
        target: Target,
        verb: str,
        options: ListOptions | None,
        faults: tuple[Faults, FaultyRequest] | None,
    ) -> web.StreamResponse:
        kind = self.kinds.find(exchange.cluster, target.group, target.version, target.resource)
        if kind is None:
            return self._unknown(exchange, target)
        handler = self.extensions.find(kind, target.subresource)
        if handler is not None:
            check_scope(kind, target, verb)
            invocation = Invocation(
                exchange, kind, verb, target.namespace, target.name, target.subresource, target.tail
            )
            return await handler(invocation)
        check_offered(kind, target, verb, exchange.cluster)
        if verb in _READS:
            return await self._read(exchange, kind, target, verb, options, faults)
        response = await self._write(exchange, kind, target, verb)
        if self.settled is not None:
            await self.settled()
        if faults is not None:
            await faults[0].committed(faults[1])
        return response

    async def _read(
        self,
        exchange: Exchange,
        kind: Kind,
        target: Target,
        verb: str,
        options: ListOptions | None,
        faults: tuple[Faults, FaultyRequest] | None,
    ) -> web.StreamResponse:
        revision = None if faults is None else faults[0].revision(faults[1])
        if self.settled is not None:
            await self.settled()
        if options is None:
            return self.reads.get(exchange, kind, target.namespace, target.name, revision)
        if verb == "list":
            return await self.reads.list(exchange, kind, target.namespace, options, revision)
        interfere: Interfere | None = None
        if faults is not None:
            interfere = partial(faults[0].events, faults[1])
        return await self.reads.watch(
            exchange,
            kind,
            target.namespace,
            options,
            name=target.name,
            revision=revision,
            interfere=interfere,
        )

    async def _write(self, exchange: Exchange, kind: Kind, target: Target, verb: str) -> web.StreamResponse:
        namespace, name = target.namespace, target.name
        match verb:
            case "create":
                return await self.writes.create(exchange, kind, namespace)
            case "update":
                return await self.writes.update(exchange, kind, namespace, name, target.subresource)
            case "patch":
                return await self.writes.patch(exchange, kind, namespace, name, target.subresource)
            case "delete":
                return await self.writes.delete(exchange, kind, namespace, name)
            case _:
                return await self.writes.delete_collection(exchange, kind, namespace)

    def _unknown(self, exchange: Exchange, target: Target) -> web.StreamResponse:
        if target.group and not self.documents.has_group(exchange.cluster, target.group):
            return _document(NOT_FOUND)
        raise no_such_path()

    # Documents

    async def _document(self, exchange: Exchange, said: str | None, below: str) -> web.StreamResponse:
        request = exchange.request
        user = self.gate.user(request)
        cluster = self.clusters.resolve(said)
        attributes = Attributes(cluster or said or "", request.method.lower(), path=below)
        if cluster is None:
            raise refusal(user, attributes, "access denied")
        exchange.cluster = cluster
        exchange.user = self.gate.check(request, user, attributes)
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed()
        found = health(below, exchange.parameters, stopping=self.stopping)
        if found is None:
            found = self.documents.find(cluster, below, exchange.parameters, request.headers)
        return _document(found or NOT_FOUND)

    # Trouble

    @staticmethod
    def _cut(request: web.BaseRequest) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)


def _document(document: Document) -> web.Response:
    return web.Response(
        body=document.body,
        status=document.code,
        headers={**document.headers, "Content-Type": document.content_type},
    )
