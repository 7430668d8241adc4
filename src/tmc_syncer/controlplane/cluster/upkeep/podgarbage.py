"""The pod garbage collector: pods that no kubelet will ever finish.

A terminating pod that was never bound, a pod on a node that does not exist any more (after a quarantine of 40 seconds), and the oldest
ended pods beyond a threshold of 12,500 are deleted at once. The clean-up of ended pods is the only thing that looks at all pods;
it is done when one more ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, NODES, PODS

__all__ = ["PodGarbage"]

Object = dict[str, Any]

QUARANTINE_SECONDS = 40.0
"""A node that is missing may just be registering again."""

ENDED_KEPT = 12_500
"""`--terminated-pod-gc-threshold` of a controller manager."""


class PodGarbage:
    """See the module."""

    name = "pod-garbage-collector"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, *, kept: int = ENDED_KEPT) -> None:
        self._world = world
        self._kept = kept
        self._missing: dict[str, float] = {}
        self._ended: dict[Key, None] = {}
        self.sources = (Source(PODS, self._of_pod), Source(NODES, self._of_node))

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        node = pod["spec"].get("nodeName")
        ended = pods.terminal(pod)
        unbound = not node and "deletionTimestamp" in pod["metadata"]
        homeless = bool(node) and self._world.view(NODES).get(("", node)) is None
        return (key_of(pod),) if ended or unbound or homeless else ()

    def _of_node(self, node: Object) -> Iterable[Key]:
        return map(key_of, self._world.view(PODS).on_node(node["metadata"]["name"]))

    def reconcile(self, key: Key) -> float | None:
        """One look at one pod."""
        pod = self._world.view(PODS).get(key)
        if pod is None:
            self._ended.pop(key, None)
            return None
        node = pod["spec"].get("nodeName")
        if not node:
            if "deletionTimestamp" in pod["metadata"]:
                self._end(pod)
            return None
        if self._world.view(NODES).get(("", node)) is None:
            return self._homeless(pod, node)
        self._missing.pop(node, None)
        if pods.terminal(pod):
            self._ended[key] = None
            self._trim()
        return None

    def _homeless(self, pod: Object, node: str) -> float | None:
        now = self._world.clock.monotonic()
        since = self._missing.setdefault(node, now)
        left = since + QUARANTINE_SECONDS - now
        if left > 0:
            return left
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastTransitionTime": self._world.stamp(),
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
        }
        self._end(pod, condition)
        return None

    def _trim(self) -> None:
        surplus = len(self._ended) - self._kept
        if surplus <= 0:
            return
        standing = [pod for key in self._ended if (pod := self._world.view(PODS).get(key)) is not None]
        for pod in sorted(standing, key=pods.created)[:surplus]:
            self._end(pod)
            self._ended.pop(key_of(pod), None)

    def _end(self, pod: Object, condition: Object | None = None) -> None:
        """Mark as failed what has not ended, and delete without waiting for anybody."""
        if not pods.terminal(pod):
            status = {**(pod.get("status") or {}), "phase": "Failed"}
            if condition is not None:
                status["conditions"] = conditions.merged(status.get("conditions"), condition)
            self._world.set_status(PODS, pod, status, MANAGER)
        self._world.delete(PODS, pod, grace_seconds=0)
