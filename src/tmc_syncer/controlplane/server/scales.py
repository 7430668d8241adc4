"""The scale subresource: a Scale (autoscaling/v1) as the view of one number of another object.

GET shows it; PUT and all patches change it as if it were an object of its own, and then its parent: the number, the version, and
who owns the field (`merge.scale`). Where things are in the parent say `ScalePaths`. Registered for every type that has the
subresource; kubectl sends a PUT without a content type.
"""

from __future__ import annotations

from functools import partial

from aiohttp import web

from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.merge.scale import to_parent, to_scale
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.encoding import body_of
from tmc_syncer.controlplane.server.errors import Cause, conflict, invalid, method_not_allowed
from tmc_syncer.controlplane.server.exchange import Exchange
from tmc_syncer.controlplane.server.extensions import Invocation
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.media import JSON, YAML, body_type
from tmc_syncer.controlplane.server.options import WriteOptions
from tmc_syncer.controlplane.server.patches import Patches, check_configuration
from tmc_syncer.controlplane.server.preconditions import check_name, version_given
from tmc_syncer.controlplane.server.reading import Reading
from tmc_syncer.controlplane.server.resources import Resources
from tmc_syncer.controlplane.server.scalepaths import VERSION, ScalePaths
from tmc_syncer.controlplane.server.served import Columns, Object, ServedType
from tmc_syncer.controlplane.server.shapes import Shaper
from tmc_syncer.controlplane.server.writes import patch_form
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.types.structs import decode

__all__ = ["Scales"]

SCALE = "scale"


class Scales:
    """The handler; see the module. `columns` are those of a Scale's Table."""

    def __init__(
        self, resources: Resources, reading: Reading, patches: Patches, clock: Clock, columns: Columns
    ) -> None:
        self._resources = resources
        self._reading = reading
        self._patches = patches
        self._clock = clock
        self._kind = Kind(
            ServedType(
                group="autoscaling",
                version="v1",
                resource="scales",
                kind="Scale",
                singular="scale",
                list_kind="ScaleList",
                namespaced=True,
                verbs=("get", "patch", "update"),
                columns=columns,
                default=partial(decode, VERSION, "Scale"),
                schema_source=partial(schema_of, "autoscaling", "v1", "Scale"),
            )
        )

    async def __call__(self, invocation: Invocation) -> web.StreamResponse:
        """Answer a request for a scale."""
        match invocation.verb:
            case "get":
                record = self._resources.shelf.require(invocation.call())
                _, scale = self._view(invocation.kind, record)
                return self._answer(invocation.exchange, scale, record.revision)
            case "update":
                return await self._update(invocation)
            case "patch":
                return await self._patch(invocation)
            case _:
                raise method_not_allowed()

    async def _update(self, invocation: Invocation) -> web.StreamResponse:
        exchange = invocation.exchange
        media = body_type(exchange.request.headers.get("Content-Type", ""))
        data = await exchange.body()
        call = self._call(invocation, WriteOptions.of(exchange.query, "UpdateOptions"))
        sent = self._reading.body(self._kind.served, media, data, call.validation, call.warnings)
        wanted = self._kind.served.default(sent)
        record = self._resources.shelf.require(call)
        parent, live = self._view(call.kind, record)
        return self._write(exchange, call, record, parent, live, wanted)

    async def _patch(self, invocation: Invocation) -> web.StreamResponse:
        exchange = invocation.exchange
        form = patch_form(exchange, self._kind)
        data = await exchange.body()
        call = self._call(invocation, WriteOptions.of(exchange.query, "PatchOptions", apply=form == "apply"))
        record = self._resources.shelf.require(call)
        parent, live = self._view(call.kind, record)
        scaled = self._scaled(call)
        if form != "apply":
            patch = self._reading.plain(JSON, data, "error decoding patch")
            wanted = self._patches.change(scaled, form, patch)(live)
            return self._write(exchange, call, record, parent, live, wanted)
        configuration = check_configuration(scaled, self._reading.plain(YAML, data, "error decoding YAML"))
        force = WriteOptions.of(exchange.query, "PatchOptions", apply=True).force
        made = self._resources.merging.apply(
            live,
            configuration,
            manager=call.manager,
            force=bool(force),
            schema=self._kind.served.schema,
            api_version=VERSION,
            subresource=SCALE,
            now=timestamp(self._clock.now()),
        )
        wanted = self._kind.served.default(made)
        return self._write(exchange, call, record, parent, live, wanted, tracked=True)

    def _write(
        self,
        exchange: Exchange,
        call: Call,
        record: Record,
        parent: Object,
        live: Object,
        wanted: Object,
        *,
        tracked: bool = False,
    ) -> web.StreamResponse:
        check_name(call, wanted)
        given = version_given(wanted["metadata"].get("resourceVersion"))
        if given not in (None, 0, record.revision):
            raise conflict(call.kind, call.name)
        count = (wanted.get("spec") or {}).get("replicas") or 0
        if count < 0:
            words = f"Invalid value: {count}: must be greater than or equal to 0"
            raise invalid(
                "Scale", call.name, [Cause("FieldValueInvalid", words, "spec.replicas")], "autoscaling"
            )
        if not tracked:
            wanted = self._resources.merging.track_update(
                live,
                wanted,
                manager=call.manager,
                schema=self._kind.served.schema,
                api_version=VERSION,
                subresource=SCALE,
                now=timestamp(self._clock.now()),
            )
        paths = ScalePaths.of(call.kind.served)
        managed = to_parent(
            parent["metadata"].get("managedFields"),
            wanted["metadata"].get("managedFields"),
            {call.kind.version: paths.fields},
            call.kind.version,
        )
        changed = paths.with_replicas(parent, count)
        changed = {**changed, "metadata": {**parent["metadata"], "managedFields": managed}}
        outcome = self._resources.replace(call, record, parent, changed, tracked=True)
        _, scale = self._view(call.kind, outcome.record)
        return self._answer(exchange, scale, outcome.record.revision, call.warnings)

    def _view(self, kind: Kind, record: Record) -> tuple[Object, Object]:
        """An object and its Scale."""
        parent = self._resources.shelf.load(kind, record)
        paths = ScalePaths.of(kind.served)
        entries = to_scale(parent["metadata"].get("managedFields"), {kind.version: paths.fields})
        return parent, paths.scale(parent, entries)

    def _answer(
        self, exchange: Exchange, scale: Object, revision: int, warnings: list[str] | None = None
    ) -> web.StreamResponse:
        answer = exchange.answer()
        shown = {**scale, "metadata": {**scale["metadata"]}}
        shown["metadata"].pop("managedFields", None)
        record = Record("", revision, body_of(shown))
        data = Shaper(self._kind, answer, self._clock.now()).item(record)
        return exchange.reply(data, answer, warnings=warnings or ())

    def _call(self, invocation: Invocation, options: WriteOptions) -> Call:
        call = invocation.call()
        call.manager = invocation.exchange.manager(options.manager)
        call.dry_run, call.validation = options.dry_run, options.validation
        return call

    def _scaled(self, call: Call) -> Call:
        """The call as one on the Scale itself."""
        return Call(
            call.cluster,
            self._kind,
            call.namespace,
            call.name,
            manager=call.manager,
            user=call.user,
            validation=call.validation,
            warnings=call.warnings,
        )
