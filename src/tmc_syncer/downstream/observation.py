"""Observation: from what the stores (and proofs) show to the facts of table 1.

One function builds `Facts` from one `Sighting`, which is everything that was looked up for one object in one
go. It decides nothing; it only names what it sees, by the definitions in `sync.facts`. Of several holds that
are in force at once the one that matters for the row below wins: the pause first, except where the owner deletes
(a pause does not stop that); then a missing owner, where a copy would be created or changed; else whatever blocks
a deletion.

Adoption is part of the seeing: a foreign object in a namespace of ours, whose upstream object asks for it, is seen
as ours with drift, so that the next row applies onto it. That holds only while upstream is there to be applied:
what was never written by us is never deleted by us.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from tmc_syncer.api.locator import Locator
from tmc_syncer.api.names import ADOPT, SYNC_PAUSED, finalizer, soft_finalizers_annotation
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.downstream.namespaces import NamespacePlace
from tmc_syncer.sync.facts import Downstream, Drift, Facts, Hold, Namespace, Upstream
from tmc_syncer.sync.ownership import classify, has_foreign_controller

__all__ = ["Sighting", "is_paused", "observe"]

_COPY = (Downstream.OURS, Downstream.OURS_DELETING, Downstream.OTHER_SOURCE_UID)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was looked up for one object.

    `record`: the upstream object, None when the cache (or the proof) has none. `upstream_proven`: its absence
    was proven by a GET. `copy`: metadata under the copy's name; `copy_proven`: its absence was proven.
    `target_paused`, `vetoed`, `braked`, `owner_missing`: the holds that are in force from outside the object.
    """

    fresh: bool
    locator: Locator
    place: NamespacePlace | None
    record: Record | None
    upstream_proven: bool
    assigned: bool
    finished: bool
    copy: Meta | None
    copy_proven: bool
    finalizers_required: bool
    target_paused: bool = False
    namespace_paused: bool = False
    vetoed: bool = False
    braked: bool = False
    owner_missing: bool = False
    drift: Drift = Drift.NONE


def is_paused(meta: Meta | None) -> bool:
    """Whether the annotation that pauses an object (or all of a Namespace) is set."""
    return meta is not None and meta.annotation(SYNC_PAUSED) == "true"


def observe(sighting: Sighting) -> Facts:
    """Name the facts."""
    downstream = _downstream(sighting)
    upstream = _upstream(sighting, downstream)
    adopted = downstream is Downstream.FOREIGN and _is_adopted(sighting, upstream)
    if adopted:
        downstream = Downstream.OURS
    meta = sighting.record.meta if sighting.record is not None else None
    key = sighting.locator.sync_target.key
    return Facts(
        fresh=sighting.fresh,
        upstream=upstream,
        our_finalizer=meta is not None and finalizer(key) in (meta.finalizers or ()),
        downstream=downstream,
        downstream_proven=sighting.copy_proven,
        namespace=Namespace.READY if sighting.place is None else sighting.place.state,
        drift=Drift.CONTENT if adopted else sighting.drift,
        hold=_hold(sighting, upstream, downstream),
        finalizers_required=sighting.finalizers_required,
    )


def _downstream(sighting: Sighting) -> Downstream:
    place = sighting.place
    return classify(
        sighting.copy,
        locator=sighting.locator,
        in_our_namespace=place is not None and place.state in (Namespace.READY, Namespace.TERMINATING),
        source_uid=None if sighting.record is None else sighting.record.meta.uid,
    )


def _upstream(sighting: Sighting, downstream: Downstream) -> Upstream:
    record = sighting.record
    if record is None:
        # Without a copy nothing would be done about an absent object: it needs no proof.
        proven = sighting.upstream_proven or downstream not in _COPY
        return Upstream.ABSENT if proven else Upstream.UNKNOWN
    if record.meta.deleting:
        return Upstream.DELETING
    if not sighting.assigned:
        return Upstream.UNASSIGNED
    return Upstream.FINISHED if sighting.finished else Upstream.LIVE


def _is_adopted(sighting: Sighting, upstream: Upstream) -> bool:
    """Whether the foreign object under the copy's name is to be taken over.

    Only inside our own namespaces: the annotation is in the hands of a tenant, who may not reach for anything else.
    """
    record, copy, place = sighting.record, sighting.copy, sighting.place
    return (
        record is not None
        and copy is not None
        and place is not None
        and place.state is Namespace.READY
        and upstream in (Upstream.LIVE, Upstream.FINISHED)
        and record.meta.annotation(ADOPT) == "true"
        and not copy.deleting
        and not has_foreign_controller(copy)
    )


def _hold(sighting: Sighting, upstream: Upstream, downstream: Downstream) -> Hold:
    meta = sighting.record.meta if sighting.record is not None else None
    paused = sighting.target_paused or sighting.namespace_paused or is_paused(meta)
    owner_deletes = upstream in (Upstream.ABSENT, Upstream.DELETING)
    if paused and not owner_deletes:
        return Hold.PAUSED
    stays = upstream in (Upstream.LIVE, Upstream.FINISHED) and downstream is not Downstream.OTHER_SOURCE_UID
    if sighting.owner_missing and stays:
        return Hold.OWNER_MISSING
    if meta is not None and meta.annotation(soft_finalizers_annotation(sighting.locator.sync_target.key)):
        return Hold.SOFT_FINALIZER
    if sighting.vetoed:
        return Hold.FILTER_VETO
    if sighting.braked:
        return Hold.BRAKE
    if paused:
        return Hold.PAUSED
    return Hold.OWNER_MISSING if sighting.owner_missing else Hold.NONE
