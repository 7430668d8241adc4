"""When the change happened that made an endpoint controller write: the time that it notes on what it writes.

The first look at a Service gives the time of its creation; each later look the earliest of the times that moved since the last one
(a pod became ready or stopped being so), None when none did, as when a pod only went away. `look` is to be called once for each
reconcile, also for one that writes nothing. Source: ``k8s.io/endpointslice/util/trigger_time_tracker.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.runtime.client import Key

__all__ = ["TRIGGER_TIME", "TriggerTimes", "stamped"]

Object = dict[str, Any]

TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


class TriggerTimes:
    """See the module."""

    def __init__(self) -> None:
        self._seen: dict[Key, tuple[str, dict[str, str]]] = {}

    def look(self, key: Key, service: Object, pods: Iterable[Object]) -> str | None:
        """The time of the change; all times have the same form, so that they compare as texts."""
        born: str = service["metadata"]["creationTimestamp"]
        moments = {pod["metadata"]["name"]: since for pod in pods if (since := _since(pod))}
        before = self._seen.get(key)
        self._seen[key] = born, moments
        if before is None:
            return born
        last_born, last = before
        moved = [since for name, since in moments.items() if since > last.get(name, "")]
        if born > last_born:
            moved.append(born)
        return min(moved, default=None)

    def forget(self, key: Key) -> None:
        """The Service is gone."""
        self._seen.pop(key, None)


def _since(pod: Object) -> str:
    condition = conditions.find((pod.get("status") or {}).get("conditions"), "Ready") or {}
    return condition.get("lastTransitionTime") or ""


def stamped(annotations: Object | None, when: str | None) -> Object:
    """Annotations with the time of the change, or without any when there is none."""
    kept = {name: value for name, value in (annotations or {}).items() if name != TRIGGER_TIME}
    return kept if when is None else {**kept, TRIGGER_TIME: when}
