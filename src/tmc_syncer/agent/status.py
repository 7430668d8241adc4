"""The status controller: brings one copy's status to its upstream object, by table 2.

It has a queue of its own, so that a fight over a spec never starves status. It looks at the same caches as the
spec controller, patches only when the mapped and clamped status differs from what upstream has (so a restart
writes nothing), and at most once per `MIN_INTERVAL_SECONDS` and object; what happens in between is coalesced,
the latest wins.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.agent.synced_type import Item, SyncedType
from tmc_syncer.agent.world import World
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.downstream.observation import is_paused
from tmc_syncer.engine.outcomes import DONE, RequeueAfter, Result
from tmc_syncer.sync.effects import PatchStatus
from tmc_syncer.sync.facts import Downstream, Namespace, StatusFacts
from tmc_syncer.sync.interpreter import Interpreter
from tmc_syncer.sync.ownership import classify
from tmc_syncer.sync.table import StatusAction, decide_status
from tmc_syncer.upstream.status import desired_status

__all__ = ["StatusController"]

MIN_INTERVAL_SECONDS = 0.1  # semantics.md: at most one status write per object per 100 ms

InSync = Callable[[SyncedType, Record, Record], bool]


class StatusController:
    """Reconciles statuses. `in_sync` tells whether a copy holds the object's present content (spec controller)."""

    def __init__(self, world: World, interpreter: Interpreter, in_sync: InSync) -> None:
        self._world = world
        self._interpreter = interpreter
        self._in_sync = in_sync

    async def reconcile(self, item: Item) -> Result:
        """Bring the status of one object up, if it differs. Raises `KubeError`s for the queue to back off."""
        gvr, key = item
        world = self._world
        synced = world.types.get(gvr)
        if synced is None:
            return DONE
        if not world.fresh(synced):
            synced.waiting_status.add(key)
            return DONE
        found = self._find(synced, key)
        if found is None:
            synced.status_written.pop(key, None)
            return DONE
        record, copy, downstream = found
        paused = world.spec.paused or is_paused(record.meta) or self._namespace_paused(synced, key)
        status = None
        if not paused and downstream in (Downstream.OURS, Downstream.OURS_DELETING):
            status = desired_status(gvr, record, copy, in_sync=self._in_sync(synced, record, copy))
        row, action = decide_status(StatusFacts(True, paused, downstream, status is not None))
        if action is not StatusAction.PATCH:
            return DONE
        now = world.now()
        if (wait := synced.status_written.get(key, -1.0) + MIN_INTERVAL_SECONDS - now) > 0:
            return RequeueAfter(wait)
        synced.status_written[key] = now
        effect = PatchStatus(synced.upstream_info, key, record.meta.uid, status)
        await self._interpreter.patch_status(effect, synced, row)
        return DONE

    def _find(self, synced: SyncedType, key: Key) -> tuple[Record, Record, Downstream] | None:
        world = self._world
        locator: Locator = world.locator(synced, key)
        place = world.place(locator) if synced.upstream_info.namespaced else None
        record = synced.upstream_store.get(key)
        copy = synced.downstream_store.get(Key("", place.name if place is not None else "", key.name))
        if copy is not None or record is None or synced.finished(record):
            synced.ended.pop(key, None)
        copy = copy or synced.ended.get(key)
        if record is None or copy is None:
            return None
        ours = place is not None and place.state in (Namespace.READY, Namespace.TERMINATING)
        downstream = classify(copy.meta, locator=locator, in_our_namespace=ours, source_uid=record.meta.uid)
        if downstream is Downstream.OURS_DELETING and not _same_source(record, copy):
            return None
        return record, copy, downstream

    def _namespace_paused(self, synced: SyncedType, key: Key) -> bool:
        if not synced.upstream_info.namespaced:
            return False
        namespace = self._world.upstream_namespace(key)
        return namespace is not None and is_paused(namespace.meta)


def _same_source(record: Record, copy: Record) -> bool:
    return copy.meta.annotation("workload.kcp.io/source-uid") == record.meta.uid
