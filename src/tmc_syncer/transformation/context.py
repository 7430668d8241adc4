"""What a transformation is given, and what it gives back.

`Context` holds everything that a transformer may know beside the object: who the target is, how namespaces and
owners map, what the object was upstream. The caller (the observation step of the spec controller) fills the
upper half; the pipeline fills `info`, `source` and `owners` for each run. Both directions of a mapping live in
one context, so that `up` is the mirror of `down`.

`Desired` is the answer. It is one of three things: an object to apply; an exclusion (nothing to apply, with the
reason); or an object that has to wait for an owner. A transformer refuses an object by raising
`ExclusionError`. All of it is immutable but for the object itself, which belongs to whoever asked for it.
Plain data, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tmc_syncer.api.errors import TmcError
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Meta, OwnerReference
from tmc_syncer.api.resources import GVR, ResourceInfo

__all__ = [
    "Context",
    "Desired",
    "Exclusion",
    "ExclusionError",
    "OwnerState",
    "OwnerVerdict",
    "Step",
    "TransformerError",
]


class OwnerVerdict(Enum):
    """What to do with an owner reference."""

    KNOWN = "known"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class OwnerState:
    """What is known of an owner on the other side; `uid` is its uid there, set only when it is known."""

    verdict: OwnerVerdict
    uid: str = ""

    @classmethod
    def known(cls, uid: str) -> OwnerState:
        """The owner exists on the other side under this uid."""
        return cls(OwnerVerdict.KNOWN, uid)

    @classmethod
    def wait(cls) -> OwnerState:
        """The owner is synced to this target but not there yet: its dependant is not created before it."""
        return cls(OwnerVerdict.WAIT)

    @classmethod
    def drop(cls) -> OwnerState:
        """The owner is not synced to this target: the reference would dangle."""
        return cls(OwnerVerdict.DROP)


def _unknown_namespace(_namespace: str) -> str | None:
    return None


def _unknown_owner(_reference: OwnerReference, _namespace: str) -> OwnerState:
    return OwnerState.drop()


_SEARCH_NULLS = (
    1 << 30
)  # more than any object holds: a transformer that runs outside the pipeline searches all of it
_NO_SOURCE = Meta()
_NO_TYPE = ResourceInfo(GVR("", "", ""), "", namespaced=True)


@dataclass(frozen=True, slots=True)
class Context:
    """What transformers may know.

    Attributes:
        key: the sync-target key.
        target: the SyncTarget's name.
        locator: of the object's namespace; with the empty namespace for a cluster-scoped object.
        namespace: the downstream namespace, empty for a cluster-scoped object.
        namespace_of: downstream name of an upstream namespace of the same workspace.
        owner_uid: state of an owner downstream, given the reference and the upstream namespace of the object.
        cluster_scoped: the type is listed with ``clusterScoped: true``, so the workspace is trusted with it.
        namespace_from: upstream name of a downstream namespace of the same workspace, None when it is not ours.
        owner_from: state of an owner upstream, given the downstream reference and the downstream namespace.
        info: the type; filled by the pipeline on the way down, by the caller on the way up.
        source: metadata as it was before the first step; filled by the pipeline.
        owners: owner references of `source` with what is known of them; filled by the pipeline.
        nulls: how often the word ``null`` occurs in the object's JSON, 0 to save the search; filled by the
            pipeline.
    """

    key: str
    target: str
    locator: Locator
    namespace: str
    namespace_of: Callable[[str], str]
    owner_uid: Callable[[OwnerReference, str], OwnerState]
    cluster_scoped: bool = False
    namespace_from: Callable[[str], str | None] = _unknown_namespace
    owner_from: Callable[[OwnerReference, str], OwnerState] = _unknown_owner
    info: ResourceInfo = _NO_TYPE
    source: Meta = _NO_SOURCE
    owners: tuple[tuple[OwnerReference, OwnerState], ...] = ()
    nulls: int = _SEARCH_NULLS

    def for_run(
        self,
        info: ResourceInfo,
        source: Meta,
        owners: tuple[tuple[OwnerReference, OwnerState], ...],
        nulls: int = _SEARCH_NULLS,
    ) -> Context:
        """This context for one run of the pipeline. Spelled out: `dataclasses.replace` costs as much as a step."""
        return Context(
            self.key,
            self.target,
            self.locator,
            self.namespace,
            self.namespace_of,
            self.owner_uid,
            self.cluster_scoped,
            self.namespace_from,
            self.owner_from,
            info,
            source,
            owners,
            nulls,
        )


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why an object has no copy on this target.

    `filter` names the transformer that said so, `reason` is a CamelCase condition reason, `message` never holds
    a value of a Secret. `terminal` tells the two kinds apart: True is a fault of the object that its owner has to
    mend (condition and Event; a copy that stands, stays), False means that it is not for this target at all.
    """

    filter: str
    reason: str
    terminal: bool
    message: str = ""


class ExclusionError(TmcError):
    """Raised by a transformer that refuses an object; the pipeline turns it into `Desired.excluded`."""

    code = "TMC-301"

    def __init__(self, reason: str, message: str, *, terminal: bool, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.terminal = terminal


class TransformerError(TmcError):
    """A transformer failed in a way that it did not announce: a defect of it, named with the object."""

    code = "TMC-302"


@dataclass(frozen=True, slots=True)
class Step:
    """One transformer's doing: the object before and after it (values of Secrets masked), for ``tmc explain``."""

    name: str
    priority: int
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Whether this step changed anything."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Desired:
    """The copy as it is to be applied.

    Attributes:
        object: apiVersion, kind, metadata (name, namespace, labels, annotations, ownerReferences) and the
            content without status; empty when excluded. It belongs to the caller, who may change it.
        excluded: why there is none.
        waiting_for_owner: an owner that is synced too has no copy yet; not to be created before it.
        partial: only these fields are ours: applied to what the target made itself, never created or deleted
            (ServiceAccount ``default``); it carries none of our marks.
        steps: each transformer's before and after, when asked for.
    """

    object: dict[str, Any]
    excluded: Exclusion | None = None
    waiting_for_owner: bool = False
    partial: bool = False
    steps: tuple[Step, ...] = ()
