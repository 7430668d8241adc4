"""The namespace controller: empties a namespace that is being deleted, and lets it go.

Pods go first; the rest follows when they are gone. What is left is told in the namespace's conditions. When nothing is left, the
finalizer ``kubernetes`` is taken out of its spec, and the server removes it. While something is left it looks again, soon at
first and every five seconds at last. Unlike the real one it does not wait some seconds before it begins.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.served import Types
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep.emptying import Remaining, conditions_for
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["NAMESPACES", "NamespaceController"]

Object = dict[str, Any]

NAMESPACES = "namespaces"
FINALIZER = "kubernetes"

SOONEST_SECONDS = 0.05
LATEST_SECONDS = 5.0
"""The next look comes after a quarter of the time that deletion has taken so far, within these bounds."""


class NamespaceController:
    """See the module."""

    name = "namespace-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, types: Types) -> None:
        self._world = world
        self._types = types
        self.sources = (Source(NAMESPACES, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one namespace."""
        namespace = self._world.fresh(NAMESPACES, key)
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return None
        if FINALIZER not in ((namespace.get("spec") or {}).get("finalizers") or ()):
            return None
        left = self._empty(key[1])
        status = dict(namespace.get("status") or {})
        status["phase"] = "Terminating"
        status["conditions"] = conditions_for(status.get("conditions"), left, self._world.stamp())
        self._world.set_status(NAMESPACES, namespace, status, MANAGER)
        if left:
            since = moment(namespace["metadata"]["deletionTimestamp"])
            elapsed = (self._world.now() - since).total_seconds()
            return min(LATEST_SECONDS, max(SOONEST_SECONDS, elapsed / 4))
        self._world.change(NAMESPACES, namespace, _finalized, MANAGER, subresource="finalize")
        return None

    def _empty(self, namespace: str) -> Remaining:
        left = Remaining()
        resources = sorted(
            one.name for one in self._types() if one.namespaced and {"list", "delete"} <= one.verbs
        )
        if PODS in resources:
            self._empty_of(PODS, namespace, left)
            if left:
                return left
            resources.remove(PODS)
        for resource in resources:
            self._empty_of(resource, namespace, left)
        return left

    def _empty_of(self, resource: str, namespace: str, left: Remaining) -> None:
        for obj in self._world.client.list(resource, namespace):
            if "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers"):
                continue  # a pod whose kubelet is not done yet
            try:
                self._world.delete(resource, obj)
            except ApiError as error:
                left.failures.append(error.message)
        left.add(resource, self._world.client.list(resource, namespace))


def _finalized(namespace: Object) -> Object:
    spec = dict(namespace.get("spec") or {})
    spec["finalizers"] = [name for name in spec.get("finalizers") or () if name != FINALIZER]
    return {**namespace, "spec": spec}
