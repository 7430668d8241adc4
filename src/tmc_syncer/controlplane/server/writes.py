"""create, update, patch, delete and deletecollection over HTTP: from a body to a call of `Resources`, and back to an answer.

Bodies are read by `Reading`, patches by `Patches`; what is written, and whether, decides `Resources`. A delete answers with a Status that
names the uid, or with the object while it stays.
"""

from __future__ import annotations

from aiohttp import web

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.calls import Call, Outcome
from tmc_syncer.controlplane.server.encoding import encode_json
from tmc_syncer.controlplane.server.errors import ApiError, bad_request, unsupported_media_type
from tmc_syncer.controlplane.server.exchange import Exchange
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.listing import read_list, select
from tmc_syncer.controlplane.server.media import JSON, PATCHES, YAML, Answer, body_type
from tmc_syncer.controlplane.server.metadata import well_formed
from tmc_syncer.controlplane.server.options import DeleteOptions, ListOptions, WriteOptions
from tmc_syncer.controlplane.server.patches import Patches, check_configuration
from tmc_syncer.controlplane.server.preconditions import check_name
from tmc_syncer.controlplane.server.reading import Reading
from tmc_syncer.controlplane.server.resources import Resources
from tmc_syncer.controlplane.server.shapes import Shaper

__all__ = ["Writes"]


class Writes:
    """See the module."""

    def __init__(self, resources: Resources, reading: Reading, patches: Patches, clock: Clock) -> None:
        self._resources = resources
        self._reading = reading
        self._patches = patches
        self._clock = clock

    async def create(self, exchange: Exchange, kind: Kind, namespace: str) -> web.Response:
        """POST of a collection."""
        answer = exchange.answer()
        media = body_type(exchange.request.headers.get("Content-Type", ""))
        data = await exchange.body()
        call = self._call(exchange, kind, namespace, "", "", WriteOptions.of(exchange.query, "CreateOptions"))
        obj = self._reading.body(kind.served, media, data, call.validation, call.warnings)
        return self._written(exchange, call, answer, self._resources.create(call, obj))

    async def update(
        self, exchange: Exchange, kind: Kind, namespace: str, name: str, subresource: str
    ) -> web.Response:
        """PUT of an object or a part of it."""
        answer = exchange.answer()
        media = body_type(exchange.request.headers.get("Content-Type", ""))
        data = await exchange.body()
        options = WriteOptions.of(exchange.query, "UpdateOptions")
        call = self._call(exchange, kind, namespace, name, subresource, options)
        obj = self._reading.body(kind.served, media, data, call.validation, call.warnings)
        return self._written(exchange, call, answer, self._resources.update(call, obj))

    async def patch(
        self, exchange: Exchange, kind: Kind, namespace: str, name: str, subresource: str
    ) -> web.Response:
        """PATCH of an object or a part of it."""
        answer = exchange.answer()
        form = patch_form(exchange, kind)
        data = await exchange.body()
        options = WriteOptions.of(exchange.query, "PatchOptions", apply=form == "apply")
        call = self._call(exchange, kind, namespace, name, subresource, options)
        if form == "apply":
            patch = check_configuration(call, self._reading.plain(YAML, data, "error decoding YAML"))
            well_formed(patch)
            check_name(call, patch)
            outcome = self._resources.apply(call, patch, force=bool(options.force))
        else:
            patch = self._reading.plain(JSON, data, "error decoding patch")
            outcome = self._resources.patch(call, self._patches.change(call, form, patch))
        return self._written(exchange, call, answer, outcome)

    async def delete(self, exchange: Exchange, kind: Kind, namespace: str, name: str) -> web.Response:
        """DELETE of an object."""
        answer = exchange.answer()
        options = await self._delete_options(exchange)
        call = self._deletion(exchange, kind, namespace, name, options)
        outcome = self._resources.delete(call, options)
        if outcome.deleted and not kind.rules.returns_deleted:
            return exchange.reply(_success(call, outcome), Answer(yaml=answer.yaml))
        return self._written(exchange, call, answer, outcome)

    async def delete_collection(self, exchange: Exchange, kind: Kind, namespace: str) -> web.StreamResponse:
        """DELETE of a collection: of each object that the options of a list select."""
        answer = exchange.answer()
        options = await self._delete_options(exchange)
        listing = ListOptions.of(exchange.query)
        store = self._resources.shelf.store
        listed = read_list(store, kind, select(kind, exchange.cluster, namespace, listing), listing)
        for record in listed.records:
            parts = record.key.split("/")
            where = parts[1] if kind.served.namespaced else ""
            self.delete_one(self._deletion(exchange, kind, where, parts[-1], options), options)
        shaper = Shaper(kind, answer, self._clock.now())
        return await exchange.stream(shaper.pieces(listed), answer)

    def delete_one(self, call: Call, options: DeleteOptions) -> None:
        """Delete an object that may have gone meanwhile."""
        try:
            self._resources.delete(call, options)
        except ApiError as error:
            if error.code != 404:
                raise

    # Shared

    async def _delete_options(self, exchange: Exchange) -> DeleteOptions:
        data = await exchange.body()
        if not data:
            return DeleteOptions.of(exchange.query)
        media = body_type(exchange.request.headers.get("Content-Type", ""))
        body = self._reading.plain(media, data, "couldn't get version/kind; json parse error")
        if not isinstance(body, dict):
            raise bad_request("couldn't get version/kind; json parse error: not an object")
        return DeleteOptions.of(exchange.query, body)

    def _call(
        self,
        exchange: Exchange,
        kind: Kind,
        namespace: str,
        name: str,
        subresource: str,
        options: WriteOptions,
    ) -> Call:
        return Call(
            exchange.cluster,
            kind,
            namespace,
            name,
            subresource,
            exchange.manager(options.manager),
            exchange.user,
            options.dry_run,
            options.validation,
        )

    @staticmethod
    def _deletion(exchange: Exchange, kind: Kind, namespace: str, name: str, options: DeleteOptions) -> Call:
        return Call(exchange.cluster, kind, namespace, name, user=exchange.user, dry_run=options.dry_run)

    def _written(self, exchange: Exchange, call: Call, answer: Answer, outcome: Outcome) -> web.Response:
        data = Shaper(call.kind, answer, self._clock.now()).item(outcome.record)
        return exchange.reply(data, answer, code=201 if outcome.created else 200, warnings=call.warnings)


def patch_form(exchange: Exchange, kind: Kind) -> str:
    """json, merge, strategic or apply, by the content type. Raises `ApiError` 415."""
    form = PATCHES.get(exchange.request.headers.get("Content-Type", "").partition(";")[0].strip().lower())
    if kind.served.custom and form in (None, "strategic"):
        raise unsupported_media_type([media for media, form in PATCHES.items() if form != "strategic"])
    if form is None:
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})
    return form


def _success(call: Call, outcome: Outcome) -> bytes:
    details = {
        "name": call.name,
        "group": call.kind.group,
        "kind": call.kind.resource,
        "uid": outcome.record.uid,
    }
    return (
        encode_json(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {key: value for key, value in details.items() if value},
            }
        )
        + b"\n"
    )
