"""`Resources`: the verbs on objects, without HTTP: what a request does to the store.

Everything is synchronous and happens at once: what a call reads cannot change before it has written, so no write is ever
retried here. Objects that come in are owned by the call (they are changed) and get the type's defaults here, but for what a `Change`
makes; objects and records that go out are nobody's to change. Refusals are `ApiError`.

The order within a write is kube-apiserver's: defaults, namespace, what the server fills in, admission, field ownership, what only
a server assigns, validation, then the store. Validation sees the finished object. A write that changes nothing writes nothing and keeps its version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.server.admission import Admission, Admit
from tmc_syncer.controlplane.server.blending import blend
from tmc_syncer.controlplane.server.calls import Call, Outcome
from tmc_syncer.controlplane.server.deletion import Marked, Removed, decide, ends_with_update
from tmc_syncer.controlplane.server.errors import (
    ApiError,
    already_exists,
    conflict,
    invalid,
)
from tmc_syncer.controlplane.server.generations import raises_generation
from tmc_syncer.controlplane.server.identity import Rng, new_suffix, new_uid
from tmc_syncer.controlplane.server.merging import Merging
from tmc_syncer.controlplane.server.metadata import (
    create_causes,
    fill_for_create,
    fill_for_update,
    generated_name,
    update_causes,
)
from tmc_syncer.controlplane.server.namespaces import require_namespace
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.preconditions import (
    check_delete,
    check_name,
    check_namespace,
    check_put,
    version_given,
)
from tmc_syncer.controlplane.server.records import Shelf
from tmc_syncer.controlplane.server.served import Context, Object
from tmc_syncer.controlplane.storage.records import Record

__all__ = ["Change", "Resources"]

NAME_TRIES = 8
"""How often a generated name is drawn when it is taken, as in kube-apiserver."""

Change = Callable[[Object], Object]
"""From the live object, which it must not change, to the wanted one, with defaults: what a patch is."""

Contexts = Callable[[Call, str], Context]
"""What a type may ask when it prepares an object: of a call, at a time (as a timestamp)."""


def no_context(call: Call, stamp: str) -> Context:
    """A context that knows nothing but the time."""
    del call
    return Context(stamp)


@dataclass(frozen=True, slots=True)
class Resources:
    """See the module. `admit` is the admission chain; `context` gives what `Type.prepare` may ask."""

    shelf: Shelf
    merging: Merging
    clock: Clock
    rng: Rng
    context: Contexts = no_context
    admit: Sequence[Admit] = ()

    # Create

    def create(self, call: Call, obj: Object, *, tracked: bool = False) -> Outcome:
        """Create. `call.name` is set from the object. `tracked` says that managedFields are up to date (an apply)."""
        kind = call.kind
        if kind.served.has_status and not kind.served.keeps_status_on_create:
            obj.pop("status", None)
        obj = kind.served.default(obj)
        metadata = obj["metadata"]
        check_namespace(call, metadata)
        if version_given(metadata.get("resourceVersion")) not in (None, 0):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        require_namespace(self.shelf, call, metadata.get("name") or "")
        self.shelf.clear(obj)
        prefix = metadata.get("generateName")
        if prefix and not metadata.get("name"):
            metadata["name"] = self._draw(call, prefix)
        call.name = metadata.get("name") or ""
        stamp = timestamp(self.clock.now())
        fill_for_create(metadata, namespace=call.namespace, uid=new_uid(self.rng), now=stamp)
        if kind.served.has_generation:
            metadata["generation"] = 1
        obj = self._admitted("create", call, obj, None)
        if not tracked:
            obj = self._track(call, None, obj, stamp)
        obj = kind.served.prepare(obj, None, self.context(call, stamp))
        causes = create_causes(obj["metadata"], kind)
        causes += kind.served.validate(obj, None)
        if causes:
            raise invalid(kind.kind, call.name, causes, kind.group)
        if (existing := self.shelf.find(call)) is not None:
            error = already_exists(kind, call.name)
            if b'"deletionTimestamp":' in existing.body:
                error.message = f"object is being deleted: {error.message}"
            raise error
        if call.dry_run:
            return Outcome(*self.shelf.draft(call, obj, 0), created=True)
        return Outcome(*self.shelf.put(call, obj), created=True)

    def _draw(self, call: Call, prefix: str) -> str:
        name = generated_name(prefix, new_suffix(self.rng))
        live = self.shelf.store.collection(call.kind.collection).live
        for _ in range(NAME_TRIES):
            if call.kind.key(call.cluster, call.namespace, name) not in live:
                break
            name = generated_name(prefix, new_suffix(self.rng))
        return name

    # Update

    def update(self, call: Call, obj: Object) -> Outcome:
        """Replace, or change the part that `call.subresource` may change (PUT)."""
        kind = call.kind
        obj = kind.served.default(obj)
        check_name(call, obj)
        record = self.shelf.find(call)
        if record is None and kind.rules.create_on_update and not call.subresource:
            obj["metadata"].pop("resourceVersion", None)
            return self.create(call, obj)
        record = record or self.shelf.require(call)
        check_put(call, obj["metadata"], record)
        return self.replace(call, record, self.shelf.load(kind, record), obj)

    def patch(self, call: Call, change: Change) -> Outcome:
        """Change what is there (JSON, merge and strategic merge patch)."""
        record = self.shelf.require(call)
        old = self.shelf.load(call.kind, record)
        new = change(old)
        check_name(call, new)
        given = version_given(new["metadata"].get("resourceVersion"))
        if given not in (None, 0, record.revision):
            raise conflict(call.kind, call.name)
        return self.replace(call, record, old, new)

    def apply(self, call: Call, patch: Object, *, force: bool) -> Outcome:
        """Server-side apply; creates what is not there."""
        kind = call.kind
        record = self.shelf.find(call)
        metadata = patch["metadata"]
        given = version_given(metadata.get("resourceVersion"))
        if record is None:
            if call.subresource:
                record = self.shelf.require(call)
            elif uid := metadata.get("uid"):
                why = (
                    f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                )
                raise conflict(kind, call.name, why)
        elif given not in (None, 0, record.revision):
            raise conflict(kind, call.name)
        if record is None:
            require_namespace(self.shelf, call, call.name)
        stamp = timestamp(self.clock.now())
        old = None if record is None else self.shelf.load(kind, record)
        new = self.merging.apply(
            old,
            patch,
            manager=call.manager,
            force=force,
            schema=kind.served.schema,
            api_version=kind.version,
            subresource=call.subresource,
            now=stamp,
        )
        if record is None or old is None:
            new["metadata"].pop("resourceVersion", None)
            return self.create(call, new, tracked=True)
        return self.replace(call, record, old, kind.served.default(new), tracked=True)

    def replace(
        self,
        call: Call,
        record: Record,
        old: Object,
        new: Object,
        *,
        tracked: bool = False,
    ) -> Outcome:
        """Write `new`, which has its defaults, in the place of `old`; what both verbs end in, and a write of a scale."""
        kind = call.kind
        new = {
            **new,
            "metadata": dict(new["metadata"]),
        }  # a patch shares with the old object what it left alone
        self.shelf.clear(new)
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        fill_for_update(new["metadata"], old["metadata"])
        new = blend(kind, call.subresource, new, old)
        new = self._admitted("update", call, new, old)
        stamp = timestamp(self.clock.now())
        if not tracked:
            new = self._track(call, old, new, stamp)
        new = kind.served.prepare(new, old, self.context(call, stamp))
        if kind.served.has_generation and call.subresource != "status" and raises_generation(kind, new, old):
            metadata = dict(new["metadata"])
            metadata["generation"] = (old["metadata"].get("generation") or 0) + 1
            new = {**new, "metadata": metadata}
        causes = update_causes(new["metadata"], old["metadata"])
        causes += kind.served.validate(new, old)
        if causes:
            raise invalid(kind.kind, call.name, causes, kind.group)
        if ends_with_update(kind, new, old):
            if not call.dry_run:
                self.shelf.remove(call, new)
            return Outcome(*self.shelf.draft(call, new, record.revision), deleted=True)
        new = self.merging.keep_times(old, new)
        if new == old:
            return Outcome(record, old)
        if call.dry_run:
            return Outcome(*self.shelf.draft(call, new, record.revision))
        return Outcome(*self.shelf.put(call, new))

    # Delete

    def delete(self, call: Call, options: DeleteOptions) -> Outcome:
        """Delete, or mark as being deleted."""
        record = self.shelf.require(call)
        check_delete(call, record, options)
        old = self.shelf.load(call.kind, record)
        self._show_delete(call, old)
        outcome = decide(call.kind, old, options, self.clock.now())
        if isinstance(outcome, Marked):
            if call.dry_run:
                return Outcome(*self.shelf.draft(call, outcome.obj, record.revision))
            return Outcome(*self.shelf.put(call, outcome.obj))
        if not isinstance(outcome, Removed):
            return Outcome(record, old)
        if call.dry_run:
            last = outcome.obj or old
            return Outcome(*self.shelf.draft(call, last, record.revision), deleted=True)
        last = old
        if outcome.obj is not None:
            record, last = self.shelf.put(call, outcome.obj)
        self.shelf.remove(call, last)
        return Outcome(record, last, deleted=True)

    # Shared

    def _track(self, call: Call, old: Object | None, new: Object, stamp: str) -> Object:
        kind = call.kind
        return self.merging.track_update(
            old,
            new,
            manager=call.manager,
            schema=kind.served.schema,
            api_version=kind.version,
            subresource=call.subresource,
            now=stamp,
        )

    def _admitted(self, verb: str, call: Call, obj: Object, old: Object | None) -> Object:
        if not self.admit:
            return obj
        for admit in self.admit:
            made = admit(self._admission(verb, call, obj, old))
            if made is not obj:
                obj = call.kind.served.default(made)
        return obj

    def _show_delete(self, call: Call, obj: Object) -> None:
        for admit in self.admit:
            admit(self._admission("delete", call, obj, obj))

    @staticmethod
    def _admission(verb: str, call: Call, obj: Object, old: Object | None) -> Admission:
        return Admission(
            verb,
            call.kind,
            call.cluster,
            call.namespace,
            call.name,
            call.subresource,
            obj,
            old,
            call.user,
            call.dry_run,
        )
