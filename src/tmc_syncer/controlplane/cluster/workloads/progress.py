"""The status of a Deployment: its counters, and the conditions that say how its rollout is going.

`counted` is what every sync writes (counters and Available); `progressed` adds what a sync of a rollout says beside: Progressing
(NewReplicaSetAvailable, ReplicaSetUpdated, ProgressDeadlineExceeded) and ReplicaFailure. Source:
``pkg/controller/deployment/{sync,progress}.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.workloads.rollouts import actual, max_unavailable, size, wanted
from tmc_syncer.controlplane.types.instants import moment

__all__ = [
    "condition",
    "counted",
    "has_deadline",
    "is_complete",
    "progressed",
    "seconds_until_stuck",
]

Object = dict[str, Any]

FOREVER = 2**31 - 1
"""A progress deadline (or history limit) of this many means none."""

AVAILABLE_REASON = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"

_COUNTERS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def condition(kind: str, status: str, reason: str, message: str, now: datetime) -> Object:
    """A condition of a Deployment whose times are now."""
    stamp = timestamp(now)
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def has_deadline(deployment: Object) -> bool:
    """Whether its progress is judged at all."""
    return bool(deployment["spec"].get("progressDeadlineSeconds", FOREVER) != FOREVER)


def counted(deployment: Object, all_sets: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status with fresh counters and the Available condition."""
    old = deployment.get("status") or {}
    available = sum(actual(replica_set, "availableReplicas") for replica_set in all_sets)
    status: Object = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": sum(actual(replica_set) for replica_set in all_sets),
        "updatedReplicas": 0 if new is None else actual(new),
        "readyReplicas": sum(actual(replica_set, "readyReplicas") for replica_set in all_sets),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(size(replica_set) for replica_set in all_sets) - available),
    }
    status = {name: value for name, value in status.items() if value or name not in _COUNTERS}
    terminating = _terminating(all_sets)
    if terminating is not None:
        status["terminatingReplicas"] = terminating
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    if available >= wanted(deployment) - max_unavailable(deployment):
        words = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        words = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    status["conditions"] = conditions.put(old.get("conditions"), condition("Available", *words, now))
    return status


def _terminating(all_sets: Sequence[Object]) -> int | None:
    total = 0
    for replica_set in all_sets:
        status = replica_set.get("status") or {}
        if "terminatingReplicas" in status:
            total += status["terminatingReplicas"]
        elif status.get("observedGeneration"):
            return None  # a set that was counted without them: the sum is not known
    return total


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all wanted pods are of the new template and available."""
    total = wanted(deployment)
    counters = ("updatedReplicas", "replicas", "availableReplicas")
    observed: int = status.get("observedGeneration", 0)
    return observed >= deployment["metadata"].get("generation", 0) and all(
        status.get(counter, 0) == total for counter in counters
    )


def progressed(deployment: Object, all_sets: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status after a step of a rollout."""
    status = counted(deployment, all_sets, new, now)
    old = deployment.get("status") or {}
    present = conditions.find(old.get("conditions"), "Progressing")
    if not has_deadline(deployment):
        status["conditions"] = conditions.without(status["conditions"], "Progressing")
    else:
        done = present is not None and present.get("reason") == AVAILABLE_REASON
        if not (done and status.get("replicas", 0) == status.get("updatedReplicas", 0)):
            status["conditions"] = _judged(deployment, status, new, present, now)
    failure = _failure(all_sets, new)
    if failure is None:
        status["conditions"] = conditions.without(status["conditions"], "ReplicaFailure")
    else:
        status["conditions"] = conditions.put(status["conditions"], failure)
    return status


def _judged(
    deployment: Object, status: Object, new: Object | None, present: Object | None, now: datetime
) -> list[Object]:
    listed: list[Object] = status["conditions"]
    if new is None:
        subject = f'Deployment "{deployment["metadata"]["name"]}"'
    else:
        subject = f'ReplicaSet "{new["metadata"]["name"]}"'
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return conditions.put(listed, condition("Progressing", "True", AVAILABLE_REASON, message, now))
    if _moved(deployment.get("status") or {}, status):
        found = condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if present is not None:
            if present["status"] == "True":
                found["lastTransitionTime"] = present["lastTransitionTime"]
            listed = conditions.without(listed, "Progressing")
        return conditions.put(listed, found)
    if _timed_out(deployment, present, now):
        message = f"{subject} has timed out progressing."
        return conditions.put(listed, condition("Progressing", "False", TIMED_OUT, message, now))
    return listed


def _moved(old: Object, new: Object) -> bool:
    def outdated(status: Object) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    return (
        new.get("updatedReplicas", 0) > old.get("updatedReplicas", 0)
        or outdated(new) < outdated(old)
        or new.get("readyReplicas", 0) > old.get("readyReplicas", 0)
        or new.get("availableReplicas", 0) > old.get("availableReplicas", 0)
    )


def _timed_out(deployment: Object, present: Object | None, now: datetime) -> bool:
    if present is None or present.get("reason") == AVAILABLE_REASON:
        return False
    if present.get("reason") == TIMED_OUT:
        return True
    return _deadline(deployment, present) < now


def _deadline(deployment: Object, present: Object) -> datetime:
    seconds = deployment["spec"]["progressDeadlineSeconds"]
    return moment(present["lastUpdateTime"]) + timedelta(seconds=seconds)


def seconds_until_stuck(deployment: Object, now: datetime) -> float | None:
    """When to look again whether the rollout has timed out; None when it cannot."""
    status = deployment.get("status") or {}
    present = conditions.find(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or present is None:
        return None
    if is_complete(deployment, status) or present.get("reason") == TIMED_OUT:
        return None
    return max(0.0, (_deadline(deployment, present) - now).total_seconds()) + 1.0


def _failure(all_sets: Sequence[Object], new: Object | None) -> Object | None:
    candidates = [*([] if new is None else [new]), *all_sets]
    for replica_set in candidates:
        status = replica_set.get("status") or {}
        found = conditions.find(status.get("conditions"), "ReplicaFailure")
        if found is not None:
            return {**found, "lastUpdateTime": found["lastTransitionTime"]}
    return None
