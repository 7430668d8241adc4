"""`SyncedType`: everything that the agent holds for one type that it syncs, on both sides.

Two informers with their stores, the REST mapping of either server, the cache of desired copies, and the type's
state as the SyncTarget shows it. It also says what each cache keeps of an object: upstream the whole content
without managedFields (only who manages the status is kept), downstream only metadata, status and our own
apply entry, so that a synced object is not held twice.

It does not run anything; `agent.types` starts and stops the informers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from tmc_syncer.api.names import SOURCE_UID
from tmc_syncer.api.objects import ManagedEntry, Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.downstream.desired import DesiredCache
from tmc_syncer.engine.informer import Informer
from tmc_syncer.engine.store import Store
from tmc_syncer.upstream.clamp import is_finished

__all__ = ["BY_NAMESPACE", "Item", "SyncedType", "TypeState", "trim_downstream", "trim_upstream"]

BY_NAMESPACE = "namespace"
"""Index of both stores: ``cluster/namespace`` of each object."""

Item = tuple[GVR, Key]
"""What the work queues hold: a type and the key of the *upstream* object."""

_EMPTY = msgspec.Raw(b"{}")
_FINISHABLE = frozenset({"pods", "jobs"})


class TypeState(StrEnum):
    """`SyncTarget.status.syncedResources[].state`."""

    PENDING = "Pending"
    SYNCING = "Syncing"
    REFUSED = "Refused"
    FAILED = "Failed"


def trim_upstream(record: Record) -> Record:
    """Drop the managed fields, except who manages the status."""
    entries = record.meta.managed_fields
    if not entries:
        return record
    kept = tuple(
        ManagedEntry(e.manager, e.operation, "status", _EMPTY) for e in entries if e.subresource == "status"
    )
    return msgspec.structs.replace(
        record, meta=msgspec.structs.replace(record.meta, managed_fields=kept or None)
    )


def trim_downstream(record: Record, field_manager: str) -> Record:
    """Keep metadata with our own apply entry, and the status."""
    ours = tuple(
        entry
        for entry in record.meta.managed_fields or ()
        if entry.manager == field_manager and entry.operation == "Apply" and not entry.subresource
    )
    status = record.fields.get("status")
    return msgspec.structs.replace(
        record,
        meta=msgspec.structs.replace(record.meta, managed_fields=ours or None),
        fields={} if status is None else {"status": status},
    )


@dataclass(slots=True, eq=False)
class SyncedType:
    """One type on both sides.

    `leaving`: it was taken off the list; its copies go first, then it stops. `refused`: why no object of it is begun
    although it is listed; what was begun before goes on. `two_writers_allowed`: `sync.writers` has no say. `absences`: how many complete discoveries in a row
    did not show it downstream; `absent_downstream`: so many that its CRD is gone, and its objects with it. `ended`: copies that finished and were
    removed (by a TTL, say) before upstream knew that they had; without them such a Job would run again.
    """

    gvr: GVR
    upstream_info: ResourceInfo
    downstream_info: ResourceInfo
    upstream: Informer
    downstream: Informer
    field_manager: str
    two_writers_allowed: bool = False
    leaving: bool = False
    refused: str = ""
    absences: int = 0
    absent_downstream: bool = False
    desired: DesiredCache = field(default_factory=DesiredCache)
    waiting: set[Key] = field(default_factory=set)
    waiting_status: set[Key] = field(default_factory=set)
    status_written: dict[Key, float] = field(default_factory=dict)
    ended: dict[Key, Record] = field(default_factory=dict)

    @property
    def upstream_store(self) -> Store:
        """The cache of the upstream side."""
        return self.upstream.store

    @property
    def downstream_store(self) -> Store:
        """The cache of the downstream side."""
        return self.downstream.store

    def trim_upstream(self, record: Record) -> Record:
        """What the upstream cache keeps."""
        return trim_upstream(record)

    def trim_downstream(self, record: Record) -> Record:
        """What the downstream cache keeps."""
        return trim_downstream(record, self.field_manager)

    def finished(self, record: Record) -> bool:
        """Whether an object, of either side, is a Pod or Job that has finished."""
        raw = record.fields.get("status") if self.gvr.resource in _FINISHABLE else None
        return raw is not None and is_finished(self.gvr, msgspec.json.decode(raw))

    def finished_anywhere(self, record: Record) -> bool:
        """Whether an upstream object has finished, or a copy of it that is gone had."""
        last = self.ended.get(record.key)
        if last is not None and last.meta.annotation(SOURCE_UID) == record.meta.uid:
            return True
        return self.finished(record)

    def fresh(self, now: float) -> bool:
        """Whether both caches are complete and recent. A type that is absent downstream has no objects there."""
        return self.upstream.fresh(now) and (self.absent_downstream or self.downstream.fresh(now))

    def refused_now(self, now: float) -> bool:
        """Whether a server refuses this one type to us (forbidden, say), while that side itself may be in good health."""
        return any(side.health.refused and not side.fresh(now) for side in (self.upstream, self.downstream))

    def next_try(self, now: float) -> float | None:
        """When a side that failed is asked again, monotonic seconds; None when nothing waits."""
        sides = (side for side in (self.upstream, self.downstream) if not side.fresh(now))
        return min((side.health.next_try for side in sides if side.health.next_try is not None), default=None)

    def state(self, now: float) -> tuple[TypeState, str]:
        """What people are shown: the state, and why it is not Syncing."""
        if self.refused:
            return TypeState.REFUSED, self.refused
        if self.absent_downstream:
            return TypeState.FAILED, "NotServedDownstream: the physical cluster does not serve this type."
        if self.fresh(now):
            return TypeState.SYNCING, ""
        for side, informer in (("upstream", self.upstream), ("downstream", self.downstream)):
            if error := informer.status(now).last_error:
                return TypeState.FAILED, f"{side}: {error}"
        return TypeState.PENDING, "The caches are not complete yet."
