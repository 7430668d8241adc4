"""What controllers ask about pods: is it active, ready, available; which one goes first when there are too many.

The rules are those of ``pkg/api/v1/pod`` and ``pkg/controller/controller_utils.go``. Times come from the objects themselves and have
whole seconds; the present is an argument. `deletion_order` is the rank that ReplicaSets and Jobs delete by. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.types.instants import moment

__all__ = [
    "DELETION_COST",
    "active",
    "available",
    "created",
    "deletion_order",
    "from_template",
    "phase",
    "ready",
    "ready_since",
    "seconds_until_available",
    "terminal",
    "terminating",
]

Object = dict[str, Any]

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}
_ENDED = ("Succeeded", "Failed")
_MAX_PREFIX = 58
"""Characters of a generateName; the server cuts longer ones to make room for its suffix."""


def phase(pod: Object) -> str:
    """The phase, empty when there is none."""
    return str((pod.get("status") or {}).get("phase") or "")


def terminal(pod: Object) -> bool:
    """Whether it has ended by itself."""
    return phase(pod) in _ENDED


def active(pod: Object) -> bool:
    """Whether it runs or may come to run."""
    return not terminal(pod) and "deletionTimestamp" not in pod["metadata"]


def terminating(pod: Object) -> bool:
    """Whether it is being deleted and has not ended yet."""
    return not terminal(pod) and "deletionTimestamp" in pod["metadata"]


def ready(pod: Object) -> bool:
    """Whether its Ready condition is true."""
    return conditions.is_true((pod.get("status") or {}).get("conditions"), "Ready")


def ready_since(pod: Object) -> datetime | None:
    """When it became ready, None when it is not."""
    condition = conditions.find((pod.get("status") or {}).get("conditions"), "Ready")
    if condition is None or condition.get("status") != "True" or not condition.get("lastTransitionTime"):
        return None
    return moment(condition["lastTransitionTime"])


def available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Whether it has been ready for long enough."""
    if not ready(pod):
        return False
    if min_ready_seconds <= 0:
        return True
    since = ready_since(pod)
    return since is not None and since + timedelta(seconds=min_ready_seconds) <= now


def seconds_until_available(pods: Sequence[Object], min_ready_seconds: int, now: datetime) -> float | None:
    """When the next of the ready ones becomes available, None when none is waiting."""
    waits = [
        (since + timedelta(seconds=min_ready_seconds) - now).total_seconds()
        for pod in pods
        if min_ready_seconds > 0 and (since := ready_since(pod)) is not None
    ]
    return min((wait for wait in waits if wait > 0), default=None)


def created(obj: Object) -> datetime:
    """When an object was created."""
    return moment(obj["metadata"]["creationTimestamp"])


def from_template(template: Object, owner: Object, reference: Object) -> Object:
    """The pod that a controller makes of a template, without a name of its own."""
    source = template.get("metadata") or {}
    metadata: Object = {
        "namespace": owner["metadata"]["namespace"],
        "generateName": f"{owner['metadata']['name']}-",
        "ownerReferences": [reference],
    }
    for field in ("labels", "annotations"):
        if source.get(field):
            metadata[field] = dict(source[field])
    if source.get("finalizers"):
        metadata["finalizers"] = list(source["finalizers"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def deletion_order(
    pods: Sequence[Object], now: datetime, neighbours: Mapping[str, int] | None = None
) -> list[Object]:
    """The pods, first those that are missed least. `neighbours` counts related pods by node."""
    return sorted(pods, key=lambda pod: _rank(pod, now, neighbours or {}))


def _rank(pod: Object, now: datetime, neighbours: Mapping[str, int]) -> tuple[Any, ...]:
    node = (pod.get("spec") or {}).get("nodeName") or ""
    is_ready = ready(pod)
    since = ready_since(pod) if is_ready else None
    return (
        bool(node),
        _PHASE_RANK.get(phase(pod), 0),
        is_ready,
        _deletion_cost(pod),
        -neighbours.get(node, 0),
        _age_class(since, now) if is_ready else 0,
        -_restarts(pod),
        _age_class(created(pod), now),
        pod["metadata"]["uid"],
    )


def _age_class(since: datetime | None, now: datetime) -> int:
    """Ages are compared by their order of magnitude only, so that not always the youngest goes."""
    seconds = 0.0 if since is None else (now - since).total_seconds()
    return -1 if seconds <= 0 else int(math.log2(seconds * 1e9))  # nanoseconds, as Go counts


def _deletion_cost(pod: Object) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(DELETION_COST, "")
    try:
        return int(text)
    except ValueError:
        return 0


def _restarts(pod: Object) -> int:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((status.get("restartCount", 0) for status in statuses), default=0)
