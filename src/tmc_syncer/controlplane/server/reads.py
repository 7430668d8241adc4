"""get, list and watch over HTTP: from options to a selection, from records to the shape that the client takes.

A fault may make any of them see an older revision. With persistence, nothing is shown before it is on disk.
"""

from __future__ import annotations

from aiohttp import web

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.errors import ApiError, not_found, too_large_version
from tmc_syncer.controlplane.server.exchange import Exchange
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.listing import read_list, select
from tmc_syncer.controlplane.server.media import JSON
from tmc_syncer.controlplane.server.options import ListOptions
from tmc_syncer.controlplane.server.preconditions import version_given
from tmc_syncer.controlplane.server.shapes import Shaper
from tmc_syncer.controlplane.server.watching import Interfere, Watching, WatchRequest
from tmc_syncer.controlplane.storage.store import Store

__all__ = ["Reads"]

WATCH_HEADERS = {"Content-Type": JSON, "Cache-Control": "no-cache, private"}


class Reads:
    """See the module."""

    def __init__(self, store: Store, watching: Watching, clock: Clock) -> None:
        self._store = store
        self._watching = watching
        self._clock = clock

    def get(
        self, exchange: Exchange, kind: Kind, namespace: str, name: str, revision: int | None
    ) -> web.Response:
        """One object."""
        answer = exchange.answer()
        text = exchange.parameters.get("resourceVersion", "") if exchange.query else ""
        try:
            given = version_given(text)
        except ApiError as error:
            raise ApiError(500, "", f'resourceVersion: Invalid value: "{text}": {error.message}') from None
        if given and given > self._store.revision:
            raise too_large_version(given, self._store.revision)
        collection = self._store.collection(kind.collection)
        record = collection.get(kind.key(exchange.cluster, namespace, name), revision)
        if record is None:
            raise not_found(kind, name)
        include = exchange.parameters.get("includeObject", "") if answer.shape else ""
        return exchange.reply(Shaper(kind, answer, self._clock.now(), include).item(record), answer)

    async def list(
        self, exchange: Exchange, kind: Kind, namespace: str, options: ListOptions, revision: int | None
    ) -> web.StreamResponse:
        """Many objects."""
        answer = exchange.answer()
        include = exchange.parameters.get("includeObject", "") if answer.shape else ""
        shaper = Shaper(kind, answer, self._clock.now(), include)
        selection = select(kind, exchange.cluster, namespace, options)
        listed = read_list(self._store, kind, selection, options, present=revision)
        return await exchange.stream(shaper.pieces(listed), answer)

    async def watch(
        self,
        exchange: Exchange,
        kind: Kind,
        namespace: str,
        options: ListOptions,
        *,
        name: str = "",
        revision: int | None = None,
        interfere: Interfere | None = None,
    ) -> web.StreamResponse:
        """A stream of events; `name` is that of the deprecated form for one object."""
        answer = exchange.answer(streaming=True)
        include = exchange.parameters.get("includeObject", "") if answer.shape else ""
        text = options.resource_version
        try:
            version_given(text)
        except ApiError as error:
            raise ApiError(500, "", f'resourceVersion: Invalid value: "{text}": {error.message}') from None
        request = WatchRequest(
            kind,
            select(kind, exchange.cluster, namespace, options, name),
            options,
            Shaper(kind, answer, self._clock.now(), include),
            revision,
            interfere,
        )
        response = web.StreamResponse(headers=WATCH_HEADERS)
        await response.prepare(exchange.request)
        await self._watching.serve(request, response)
        await response.write_eof()
        return response
