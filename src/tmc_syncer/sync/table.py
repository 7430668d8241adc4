"""The two tables of the life cycle: facts in, exactly one row and one action out. The heart of the syncer.

Rows are tried from the top; the first whose condition holds is taken. There is no other place where it is
decided to create, apply or delete. docs/lifecycle.md explains each row; `tests/unit/sync/test_table.py`
enumerates the whole product of facts and holds the rules that must never break:

* no row deletes or removes a finalizer unless the facts are fresh, proven and the copy is ours;
* a held object is not written, except that a deletion by its owner is carried out while it is paused;
* each combination hits one row.

Pure: no clock, no I/O. Assumes that `sync.facts` were observed in one go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tmc_syncer.sync.facts import Downstream, Drift, Facts, Hold, Namespace, StatusFacts, Upstream

__all__ = ["Action", "StatusAction", "Verdict", "decide", "decide_status"]


class Action(Enum):
    """What a row asks for; at most one write. `PROVE_*` asks for one live read and a new decision."""

    WAIT = auto()
    NOTHING = auto()
    PARK = auto()
    PROVE_UPSTREAM = auto()
    PROVE_DOWNSTREAM = auto()
    DELETE = auto()
    ADD_FINALIZER = auto()
    REMOVE_FINALIZER = auto()
    CREATE_NAMESPACE = auto()
    CREATE = auto()
    RESTAMP = auto()
    APPLY = auto()
    RESOLVE = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The row that was hit, its action, and the CamelCase reason shown to people ('' when nothing is to be said)."""

    row: int
    action: Action
    reason: str = ""


_GONE = (Upstream.ABSENT, Upstream.DELETING, Upstream.UNASSIGNED)
_OWNER_DELETES = (Upstream.ABSENT, Upstream.DELETING)
_DELETABLE = (Downstream.OURS, Downstream.OTHER_SOURCE_UID)
_DELETION_HOLDS = {
    Hold.SOFT_FINALIZER: "SoftFinalizer",
    Hold.FILTER_VETO: "FilterVeto",
    Hold.BRAKE: "DeletionBrake",
}


def _row_0(f: Facts) -> Verdict | None:
    if not f.fresh:
        return Verdict(0, Action.WAIT, "CacheNotFresh")
    if f.upstream is Upstream.UNKNOWN:
        return Verdict(0, Action.PROVE_UPSTREAM)
    return None


def _row_1(f: Facts) -> Verdict | None:
    if f.hold is Hold.OBSERVE:
        return Verdict(1, Action.PARK, "Observed")
    if f.hold is Hold.PAUSED and f.upstream not in _OWNER_DELETES:
        return Verdict(1, Action.PARK, "Paused")
    return None


def _row_2(f: Facts) -> Verdict | None:
    if f.hold not in _DELETION_HOLDS:
        return None
    by_row_3 = f.upstream in _GONE and f.downstream in _DELETABLE
    by_row_11 = (
        not f.finalizers_required
        and f.upstream in (Upstream.LIVE, Upstream.FINISHED)
        and f.namespace is Namespace.READY
        and f.downstream is Downstream.OTHER_SOURCE_UID
    )
    if not (by_row_3 or by_row_11):
        return None
    reason = _DELETION_HOLDS[f.hold]
    if f.hold is Hold.FILTER_VETO and f.upstream is Upstream.DELETING and f.our_finalizer:
        return Verdict(2, Action.REMOVE_FINALIZER, "Orphaned")
    return Verdict(2, Action.PARK, reason)


def _row_3(f: Facts) -> Verdict | None:
    if f.upstream in _GONE and f.downstream in _DELETABLE:
        return Verdict(3, Action.DELETE)
    return None


def _row_4(f: Facts) -> Verdict | None:
    if f.upstream in _GONE and f.downstream is Downstream.OURS_DELETING:
        return Verdict(4, Action.PARK, "Deleting")
    return None


def _row_5(f: Facts) -> Verdict | None:
    if f.upstream not in (Upstream.DELETING, Upstream.UNASSIGNED) or not f.our_finalizer:
        return None
    if f.downstream is Downstream.FOREIGN or f.downstream_proven:
        return Verdict(5, Action.REMOVE_FINALIZER)
    return Verdict(5, Action.PROVE_DOWNSTREAM)


def _row_6(f: Facts) -> Verdict | None:
    return Verdict(6, Action.NOTHING) if f.upstream in _GONE else None


def _row_7(f: Facts) -> Verdict | None:
    if f.finalizers_required and not f.our_finalizer:
        return Verdict(7, Action.ADD_FINALIZER)
    return None


def _row_8(f: Facts) -> Verdict | None:
    if f.namespace is Namespace.TERMINATING:
        return Verdict(8, Action.PARK, "NamespaceTerminating")
    if f.namespace is Namespace.FOREIGN:
        return Verdict(8, Action.PARK, "Collision")
    return None


def _row_9(f: Facts) -> Verdict | None:
    return Verdict(9, Action.CREATE_NAMESPACE) if f.namespace is Namespace.ABSENT else None


def _row_10(f: Facts) -> Verdict | None:
    return Verdict(10, Action.PARK, "Collision") if f.downstream is Downstream.FOREIGN else None


def _row_11(f: Facts) -> Verdict | None:
    if f.downstream is not Downstream.OTHER_SOURCE_UID:
        return None
    if f.finalizers_required:
        return Verdict(11, Action.RESTAMP, "SourceReplaced")
    return Verdict(11, Action.DELETE, "SourceReplaced")


def _row_12(f: Facts) -> Verdict | None:
    if f.downstream is Downstream.OURS_DELETING:
        return Verdict(12, Action.PARK, "Deleting")
    if f.hold is Hold.OWNER_MISSING:
        return Verdict(12, Action.PARK, "OwnerMissing")
    return None


def _row_13(f: Facts) -> Verdict | None:
    if f.upstream is Upstream.FINISHED and f.downstream is Downstream.ABSENT:
        return Verdict(13, Action.NOTHING, "Finished")
    return None


def _row_14(f: Facts) -> Verdict | None:
    return Verdict(14, Action.CREATE) if f.downstream is Downstream.ABSENT else None


def _row_15(f: Facts) -> Verdict | None:
    if f.drift is Drift.CONTENT:
        return Verdict(15, Action.APPLY)
    if f.drift is Drift.CONFLICT:
        return Verdict(15, Action.RESOLVE, "Conflict")
    return None


_ROWS: tuple[Callable[[Facts], Verdict | None], ...] = (
    _row_0, _row_1, _row_2, _row_3, _row_4, _row_5, _row_6, _row_7,
    _row_8, _row_9, _row_10, _row_11, _row_12, _row_13, _row_14, _row_15,
)  # fmt: skip
_IN_SYNC = Verdict(16, Action.NOTHING)


def decide(facts: Facts) -> Verdict:
    """The row of table 1 that these facts hit. Total: every combination has one."""
    for row in _ROWS:
        if (verdict := row(facts)) is not None:
            return verdict
    return _IN_SYNC


class StatusAction(Enum):
    """What a row of table 2 asks for."""

    WAIT = auto()
    NOTHING = auto()
    PATCH = auto()


def decide_status(facts: StatusFacts) -> tuple[int, StatusAction]:
    """The row of table 2 and its action. It looks neither at drift nor at any hold but pause."""
    if not facts.fresh:
        return 0, StatusAction.WAIT
    if facts.paused or facts.downstream not in (Downstream.OURS, Downstream.OURS_DELETING):
        return 1, StatusAction.NOTHING
    if facts.differs:
        return 2, StatusAction.PATCH
    return 3, StatusAction.NOTHING
