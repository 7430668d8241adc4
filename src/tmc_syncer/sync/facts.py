"""The facts that decide what happens to one synced object, as closed sets of values.

A fact is observed, never stored: each reconcile derives all of them anew from the stores (and, where an
absence has to be proven, from one live GET). `sync.table` maps a `Facts` to exactly one row. The definitions
are those of the life-cycle table in docs/lifecycle.md. Two of them deserve a word here:

* an upstream object that is merely missing from a cache is `UNKNOWN`, not `ABSENT`, as long as a copy of it
  exists: absence is a fact only when a GET by name answered with a NotFound naming the object;
* a downstream object that is merely missing from a label-selected cache has `downstream_proven=False`; row 5
  asks for the proof before a finalizer goes.

Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Downstream", "Drift", "Facts", "Hold", "Namespace", "StatusFacts", "Upstream"]


class Upstream(Enum):
    """What is known of the upstream object."""

    ABSENT = auto()
    UNKNOWN = auto()
    LIVE = auto()
    FINISHED = auto()
    DELETING = auto()
    UNASSIGNED = auto()


class Downstream(Enum):
    """What stands downstream under the copy's name."""

    ABSENT = auto()
    OURS = auto()
    OURS_DELETING = auto()
    OTHER_SOURCE_UID = auto()
    FOREIGN = auto()


class Namespace(Enum):
    """The downstream namespace; `READY` also for cluster-scoped objects, which need none."""

    ABSENT = auto()
    READY = auto()
    TERMINATING = auto()
    FOREIGN = auto()


class Drift(Enum):
    """Whether the copy differs from the desired one on fields that we own."""

    NONE = auto()
    CONTENT = auto()
    CONFLICT = auto()


class Hold(Enum):
    """What keeps us from writing, although the facts would ask for a write."""

    NONE = auto()
    PAUSED = auto()
    SOFT_FINALIZER = auto()
    FILTER_VETO = auto()
    BRAKE = auto()
    OWNER_MISSING = auto()
    OBSERVE = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that table 1 looks at.

    `fresh`: every store that the decision reads is synced, recent, and at least as new as our own writes.
    `our_finalizer`: the upstream object carries it. `finalizers_required`: `SyncTarget.spec.finalizers`.
    """

    fresh: bool
    upstream: Upstream
    our_finalizer: bool
    downstream: Downstream
    downstream_proven: bool
    namespace: Namespace
    drift: Drift
    hold: Hold
    finalizers_required: bool = True


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """Everything that table 2 looks at. `differs`: after mapping and clamping, upstream's status is another one."""

    fresh: bool
    paused: bool
    downstream: Downstream
    differs: bool
