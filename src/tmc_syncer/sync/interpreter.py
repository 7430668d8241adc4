"""The interpreter: the one place where effects become requests.

It performs, logs (one INFO line per write), counts, and feeds the server's reply back into the store that the
next decision reads, so that a decision never waits for the watch to bring back our own write. It decides
nothing and retries nothing: errors go to the caller, whose queue knows the back-off of each class.

Called by the controllers of the agent, one effect per decision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from tmc_syncer.api.objects import Record, encode_json
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.engine.env import Clock
from tmc_syncer.engine.store import Store
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.sync import patches
from tmc_syncer.sync.effects import AddFinalizer, DeleteCopy, PatchStatus, ReleaseCopy, RemoveFinalizer

__all__ = ["Interpreter", "Stores", "Write", "WriteLog"]


class Stores(Protocol):
    """The two caches of one type, and what is kept of a reply in each of them."""

    @property
    def upstream_store(self) -> Store:
        """The cache of the upstream side."""
        ...

    @property
    def downstream_store(self) -> Store:
        """The cache of the downstream side."""
        ...

    def trim_upstream(self, record: Record) -> Record:
        """The part of an upstream object that the cache keeps."""
        ...

    def trim_downstream(self, record: Record) -> Record:
        """The part of a downstream object that the cache keeps."""
        ...


@dataclass(frozen=True, slots=True)
class Write:
    """One write, for the log and the counters. `seconds` is its duration."""

    side: str
    verb: str
    gvr: GVR
    key: Key
    row: int
    result: str
    seconds: float


T = TypeVar("T")
WriteLog = Callable[[Write], None]


class Interpreter:
    """Performs the effects that one PATCH or DELETE can express; applies go through `downstream.applier`.

    `last_write` is the monotonic time of the last write that succeeded.
    """

    def __init__(self, upstream: Client, downstream: Client, clock: Clock, report: WriteLog) -> None:
        self._upstream = upstream
        self._downstream = downstream
        self._clock = clock
        self._report = report
        self.last_write: float | None = None

    async def patch_finalizers(
        self, effect: AddFinalizer | RemoveFinalizer, stores: Stores, row: int
    ) -> Record:
        """Add or remove our finalizer upstream; the object as it is afterwards."""
        build = patches.add_finalizer if isinstance(effect, AddFinalizer) else patches.remove_finalizer
        body = build(effect.uid, effect.present, effect.finalizer)
        verb = "add-finalizer" if isinstance(effect, AddFinalizer) else "remove-finalizer"
        record = await self._patch_upstream(effect.info, effect.key, body, "", verb, row)
        if (
            isinstance(effect, RemoveFinalizer)
            and record.meta.deleting
            and effect.present == (effect.finalizer,)
        ):
            # The last finalizer of a deleting object: the server deleted it and answers with what it was before.
            stores.upstream_store.delete_replied(effect.key, effect.uid, None)
        else:
            stores.upstream_store.write_replied(stores.trim_upstream(record))
        return record

    async def patch_status(self, effect: PatchStatus, stores: Stores, row: int) -> None:
        """Replace the upstream status, through the subresource where the type has one."""
        body = patches.replace_status(effect.uid, effect.status)
        subresource = "status" if effect.info.has_status else ""
        record = await self._patch_upstream(effect.info, effect.key, body, subresource, "status", row)
        stores.upstream_store.write_replied(stores.trim_upstream(record))

    async def delete(self, effect: DeleteCopy, stores: Stores, row: int) -> None:
        """Delete the copy, if it still is exactly the object that was decided about. One that is gone already is gone."""

        async def send() -> Record | None:
            try:
                return await self._downstream.delete(
                    effect.info,
                    effect.key.namespace,
                    effect.key.name,
                    uid=effect.uid,
                    resource_version=effect.resource_version,
                    propagation=effect.propagation,
                )
            except ApiError as error:
                if error.is_not_found_of(effect.info, effect.key.name):
                    return None
                raise

        record = await self.timed("downstream", "delete", effect.info, effect.key, row, send)
        trimmed = None if record is None else stores.trim_downstream(record)
        stores.downstream_store.delete_replied(effect.key, effect.uid, trimmed)

    async def release(self, effect: ReleaseCopy, stores: Stores, row: int) -> None:
        """Take our marks off a copy that stays behind."""

        async def send() -> Record:
            return await self._downstream.patch(
                effect.info, effect.key.namespace, effect.key.name, effect.body, patch_type=PatchType.MERGE
            )

        await self.timed("downstream", "release", effect.info, effect.key, row, send)
        stores.downstream_store.delete_replied(effect.key, effect.uid, None)

    async def timed(
        self, side: str, verb: str, info: ResourceInfo, key: Key, row: int, send: Callable[[], Awaitable[T]]
    ) -> T:
        """Send one write and report it, whether it succeeds or not."""
        started = self._clock.monotonic()
        result = "error"
        try:
            reply = await send()
            result = "ok"
            self.last_write = self._clock.monotonic()
            return reply
        finally:
            self._report(Write(side, verb, info.gvr, key, row, result, self._clock.monotonic() - started))

    async def _patch_upstream(
        self, info: ResourceInfo, key: Key, body: list[dict[str, Any]], subresource: str, verb: str, row: int
    ) -> Record:
        async def send() -> Record:
            return await self._upstream.patch(
                info,
                key.namespace,
                key.name,
                encode_json(body),
                patch_type=PatchType.JSON,
                subresource=subresource,
            )

        return await self.timed("upstream", verb, info, key, row, send)
