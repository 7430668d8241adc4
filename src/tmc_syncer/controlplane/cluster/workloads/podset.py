"""What ReplicaSets, DaemonSets, StatefulSets and Jobs do to pods: create and delete them, and tell about it in Events.

A create that fails because the namespace is going away is no failure. `PodSet` is made for one controller; `create_many` stops at
the first failure, so that a quota or a broken template costs one refused request instead of hundreds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import namespace_is_terminating
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["BATCH", "PodSet", "controlled_by_kind"]

Object = dict[str, Any]

BATCH = 100
"""Pods that one reconcile creates or deletes at most: it shares the loop with the server's clients. Kubernetes takes 500."""


def controlled_by_kind(obj: Object, kind: str) -> Iterable[Key]:
    """The key of the controller of an object, when it is of this kind."""
    reference = controller_of(obj)
    if reference is None or reference.get("kind") != kind:
        return ()
    return ((obj["metadata"].get("namespace") or "", reference["name"]),)


class PodSet:
    """See the module. `component` is the controller's name in Events."""

    def __init__(self, world: World, recorder: Recorder, component: str) -> None:
        self._world = world
        self._recorder = recorder
        self._component = component

    def create(self, owner: Object, pod: Object) -> Object | None:
        """Create a pod; None when the namespace is going away. Raises `ApiError`."""
        try:
            made = self._world.create(PODS, pod, MANAGER)
        except ApiError as error:
            if namespace_is_terminating(error):
                return None
            self.tell(owner, WARNING, "FailedCreate", f"Error creating: {error.message}")
            raise
        self.tell(owner, NORMAL, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return made

    def create_many(self, owner: Object, pods: Iterable[Object]) -> tuple[int, ApiError | None]:
        """Create until one fails: how many were made, and the failure."""
        made = 0
        for pod in pods:
            try:
                if self.create(owner, pod) is not None:
                    made += 1
            except ApiError as error:
                return made, error
        return made, None

    def delete(self, owner: Object, pod: Object) -> bool:
        """Delete a pod; False when it was gone. Raises `ApiError`."""
        name = pod["metadata"]["name"]
        try:
            done = self._world.delete(PODS, pod)
        except ApiError as error:
            self.tell(owner, WARNING, "FailedDelete", f"Error deleting: {error.message}")
            raise
        if done:
            self.tell(owner, NORMAL, "SuccessfulDelete", f"Deleted pod: {name}")
        return done

    def tell(self, owner: Object, level: str, reason: str, message: str) -> None:
        """Write an Event about the owner."""
        self._recorder.tell(self._component, owner, level, reason, message)
