"""What the garbage collector decides about one object, from the states of its owners and dependents.

An owner is *solid* (it is there), *waiting* (it is being deleted in the foreground and waits for its dependents) or *missing*. An
object with a solid owner stays and forgets the others; one whose owners are all gone or waiting goes. `decide` says which;
`without_blocking` breaks circles. Source: ``pkg/controller/garbagecollector``. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tmc_syncer.controlplane.cluster.objects.references import owners_of

__all__ = [
    "FOREGROUND",
    "ORPHAN",
    "Deed",
    "Standing",
    "Verdict",
    "blocks",
    "decide",
    "is_waiting",
    "orphans_dependents",
    "without_blocking",
    "without_finalizer",
    "without_owners",
]

Object = dict[str, Any]

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class Standing(Enum):
    """The state of an owner. UNKNOWN: its kind is not served, nothing can be said."""

    SOLID = "solid"
    WAITING = "waiting"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Deed(Enum):
    """What to do with an object."""

    NOTHING = "nothing"
    FORGET = "forget"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The deed, the uids of owners to forget, and the propagation policy of a deletion."""

    deed: Deed
    owners: tuple[str, ...] = ()
    policy: str = ""


def _finalizers(obj: Object) -> Sequence[str]:
    found: Sequence[str] = obj["metadata"].get("finalizers") or ()
    return found


def _is_deleted(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def is_waiting(obj: Object) -> bool:
    """Whether it is being deleted and waits for its dependents."""
    return _is_deleted(obj) and FOREGROUND in _finalizers(obj)


def orphans_dependents(obj: Object) -> bool:
    """Whether it is being deleted and its dependents are to stay."""
    return _is_deleted(obj) and ORPHAN in _finalizers(obj)


def blocks(dependent: Object, uid: str) -> bool:
    """Whether the dependent holds up the deletion of this owner."""
    return any(r.get("uid") == uid and r.get("blockOwnerDeletion") for r in owners_of(dependent))


def decide(obj: Object, standing: Callable[[Object], Standing], *, has_dependents: bool) -> Verdict:
    """What to do with an object that has owners. `standing` tells the state of the owner of a reference."""
    if _is_deleted(obj) or not owners_of(obj):
        return Verdict(Deed.NOTHING)
    by_state: dict[Standing, list[str]] = {state: [] for state in Standing}
    for reference in owners_of(obj):
        by_state[standing(reference)].append(reference.get("uid", ""))
    if by_state[Standing.UNKNOWN]:
        return Verdict(Deed.NOTHING)
    gone = (*by_state[Standing.MISSING], *by_state[Standing.WAITING])
    if by_state[Standing.SOLID]:
        return Verdict(Deed.FORGET, gone) if gone else Verdict(Deed.NOTHING)
    if by_state[Standing.WAITING] and has_dependents:
        return Verdict(Deed.DELETE, policy="Foreground")
    for finalizer, policy in ((ORPHAN, "Orphan"), (FOREGROUND, "Foreground")):
        if finalizer in _finalizers(obj):
            return Verdict(Deed.DELETE, policy=policy)
    return Verdict(Deed.DELETE, policy="Background")


def without_owners(obj: Object, uids: Sequence[str]) -> Object:
    """The object without its references to these owners."""
    metadata = dict(obj["metadata"])
    kept = [reference for reference in owners_of(obj) if reference.get("uid") not in uids]
    metadata.pop("ownerReferences", None)
    if kept:
        metadata["ownerReferences"] = kept
    return {**obj, "metadata": metadata}


def without_finalizer(obj: Object, finalizer: str) -> Object:
    """The object without this finalizer."""
    metadata = dict(obj["metadata"])
    kept = [name for name in _finalizers(obj) if name != finalizer]
    metadata.pop("finalizers", None)
    if kept:
        metadata["finalizers"] = kept
    return {**obj, "metadata": metadata}


def without_blocking(obj: Object) -> Object:
    """The object with references that hold up nobody."""
    references = [
        {**reference, "blockOwnerDeletion": False} if reference.get("blockOwnerDeletion") else reference
        for reference in owners_of(obj)
    ]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": references}}
