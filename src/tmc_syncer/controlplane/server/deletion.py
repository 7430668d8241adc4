"""What a DELETE does to an object: `decide`, a function of the object, the options and the time.

The rules are those of `rest.BeforeDelete` and the registry's `Delete` of kube-apiserver. An outcome is one of

    Unchanged       it is being deleted already, and this request changes nothing
    Marked(object)  it stays, with a deletionTimestamp, until its finalizers are gone or (pods) its kubelet is done
    Shortened       as Marked: a pod whose grace period became shorter
    Removed(object) it goes now; `object` is what has to be written before, None when it goes as it is

Finalizers for the garbage collector are set from the propagation policy: ``orphan`` and ``foregroundDeletion``. A namespace is
marked, never removed, while its spec has finalizers; a CustomResourceDefinition is held until its objects are gone. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.metadata import DELETE_DEPENDENTS, ORPHAN_DEPENDENTS
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.served import Object

__all__ = [
    "CLEANUP_FINALIZER",
    "DEFINITIONS",
    "Marked",
    "Outcome",
    "Removed",
    "Unchanged",
    "decide",
    "ends_with_update",
    "finalizers_for",
]

DEFAULT_GRACE_SECONDS = 30
"""Of a pod that says nothing."""

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"

CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a CustomResourceDefinition until its objects are gone."""

ENDED_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing to write; the answer is the object as it is."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The object to write instead; it stays."""

    obj: Object


@dataclass(frozen=True, slots=True)
class Removed:
    """The object goes. `obj` is written first when it is not None, so that watchers see it deleted gracefully."""

    obj: Object | None = None


Outcome = Unchanged | Marked | Removed


def decide(kind: Kind, obj: Object, options: DeleteOptions, now: datetime) -> Outcome:
    """What to do with `obj`, which is not changed; preconditions have been checked."""
    if kind.collection == "namespaces":
        return _of_namespace(obj, now)
    if kind.collection == DEFINITIONS and "deletionTimestamp" not in obj["metadata"]:
        obj = _terminating(obj, now)
    metadata = obj["metadata"]
    finalizers = finalizers_for(kind, metadata, options)
    changed = dict(metadata)
    if finalizers:
        changed["finalizers"] = finalizers
    else:
        changed.pop("finalizers", None)
    if kind.served.graceful:
        graceful = _gracefully(obj, changed, options, now)
        if graceful is None:
            if finalizers == (metadata.get("finalizers") or []):
                return Unchanged()
            return Marked({**obj, "metadata": changed})
        if graceful:
            marked: Object = {**obj, "metadata": changed}
            return Marked(marked) if finalizers or changed["deletionGracePeriodSeconds"] else Removed(marked)
    if not finalizers:
        return Removed()
    marked_before = "deletionTimestamp" in metadata and metadata.get("deletionGracePeriodSeconds") == 0
    if marked_before and finalizers == (metadata.get("finalizers") or []):
        return Unchanged()
    _mark(changed, now, 0)
    return Marked({**obj, "metadata": changed})


def ends_with_update(kind: Kind, new: Object, old: Object) -> bool:
    """Whether an update takes away the last thing that a deletion waits for."""
    before, after = old["metadata"], new["metadata"]
    if "deletionTimestamp" not in before or after.get("finalizers"):
        return False
    if kind.collection == "namespaces":
        return not (new.get("spec") or {}).get("finalizers")
    return not before.get("deletionGracePeriodSeconds") and not after.get("deletionGracePeriodSeconds")


def finalizers_for(kind: Kind, metadata: dict[str, Any], options: DeleteOptions) -> list[str]:
    """The finalizers that the object has from now on, those of the garbage collector by policy."""
    present: list[str] = metadata.get("finalizers") or []
    orphan = foreground = False
    if options.policy:
        orphan, foreground = options.policy == "Orphan", options.policy == "Foreground"
    elif ORPHAN_DEPENDENTS in present or DELETE_DEPENDENTS in present:
        orphan, foreground = ORPHAN_DEPENDENTS in present, DELETE_DEPENDENTS in present
    else:
        orphan = kind.rules.orphans
    wanted = {ORPHAN_DEPENDENTS: orphan, DELETE_DEPENDENTS: foreground}
    kept = [name for name in present if wanted.get(name, True)]
    return kept + [name for name, needed in wanted.items() if needed and name not in kept]


def _gracefully(obj: Object, metadata: Object, options: DeleteOptions, now: datetime) -> bool | None:
    """Write the grace period into `metadata`. True: done, False: nothing of that kind to do, None: under way already."""
    asked = options.grace_seconds
    if "deletionTimestamp" in metadata:
        running = metadata.get("deletionGracePeriodSeconds")
        if not running:
            return False
        if asked is None or asked >= running:
            return None
        started = datetime.fromisoformat(metadata["deletionTimestamp"]) - timedelta(seconds=running)
        metadata["deletionTimestamp"] = timestamp(started + timedelta(seconds=asked))
        metadata["deletionGracePeriodSeconds"] = asked
        return True
    spec = obj.get("spec") or {}
    grace = asked
    if grace is None:
        grace = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ENDED_PHASES:
        grace = 0
    _mark(metadata, now, grace)
    return True


def _mark(metadata: Object, now: datetime, grace: int) -> None:
    if "deletionTimestamp" not in metadata:
        metadata["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
        if metadata.get("generation"):
            metadata["generation"] += 1
    metadata["deletionGracePeriodSeconds"] = grace


def _of_namespace(obj: Object, now: datetime) -> Outcome:
    metadata = obj["metadata"]
    if "deletionTimestamp" in metadata:
        if not (obj.get("spec") or {}).get("finalizers") and not metadata.get("finalizers"):
            return Removed()
        return Unchanged()
    marked = {**metadata, "deletionTimestamp": timestamp(now)}
    status = {**(obj.get("status") or {}), "phase": "Terminating"}
    return Marked({**obj, "metadata": marked, "status": status})


def _terminating(definition: Object, now: datetime) -> Object:
    """A definition that will be deleted: held, and saying so."""
    metadata, status = definition["metadata"], definition.get("status") or {}
    finalizers = metadata.get("finalizers") or []
    if CLEANUP_FINALIZER not in finalizers:
        finalizers = [*finalizers, CLEANUP_FINALIZER]
    condition = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": timestamp(now),
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }
    others = [held for held in status.get("conditions") or () if held.get("type") != "Terminating"]
    return {
        **definition,
        "metadata": {**metadata, "finalizers": finalizers},
        "status": {**status, "conditions": [*others, condition]},
    }
