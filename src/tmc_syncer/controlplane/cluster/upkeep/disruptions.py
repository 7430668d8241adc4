"""PodDisruptionBudgets: how many pods may be evicted now.

The expected number of pods is that of the controllers of the selected pods (their ``replicas``), or of the pods themselves where
``minAvailable`` is a number. An eviction that was granted counts until its pod is gone, for two minutes at most. What cannot be
worked out allows nothing. Source: ``pkg/controller/disruption``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.objects.amounts import scaled
from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.objects.selection import matches
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import (
    DEPLOYMENTS,
    MANAGER,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
)
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["BUDGETS", "DisruptionController"]

Object = dict[str, Any]

BUDGETS = "poddisruptionbudgets.policy"
DELETION_SECONDS = 120
"""How long a granted eviction is remembered."""

_SCALED = {
    ("apps", "ReplicaSet"): REPLICA_SETS,
    ("apps", "StatefulSet"): STATEFUL_SETS,
    ("", "ReplicationController"): "replicationcontrollers",
}


class _Unknown(Exception):
    """The expected number cannot be worked out."""


class DisruptionController:
    """See the module."""

    name = "controllermanager"
    needs = (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, "replicationcontrollers")

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self.sources = (Source(BUDGETS, itself), Source(PODS, self._of_pod))

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        labels = pod["metadata"].get("labels")
        budgets = self._world.view(BUDGETS).all(pod["metadata"]["namespace"])
        return [key_of(budget) for budget in budgets if matches(budget["spec"].get("selector"), labels)]

    def reconcile(self, key: Key) -> float | None:
        """One look at one budget."""
        budget = self._world.view(BUDGETS).get(key)
        if budget is None:
            return None
        found = [
            pod
            for pod in self._world.view(PODS).all(key[0])
            if matches(budget["spec"].get("selector"), pod["metadata"].get("labels"))
        ]
        if not found:
            self._recorder.tell(self.name, budget, NORMAL, "NoPods", "No matching pods found")
        try:
            expected, desired = self._numbers(budget, found)
        except _Unknown as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._recorder.tell(self.name, budget, WARNING, "CalculateExpectedPodCountFailed", message)
            self._fail(budget, str(error))
            return None
        disrupted, wait = self._disrupted(budget, found)
        healthy = sum(
            pods.ready(pod)
            for pod in found
            if "deletionTimestamp" not in pod["metadata"] and pod["metadata"]["name"] not in disrupted
        )
        allowed = max(0, healthy - desired) if expected > 0 else 0
        status: Object = {
            "observedGeneration": budget["metadata"].get("generation", 0),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }
        if disrupted:
            status["disruptedPods"] = disrupted
        self._write(budget, status, "True" if allowed else "False", _reason(allowed))
        return wait

    # Numbers

    def _numbers(self, budget: Object, found: list[Object]) -> tuple[int, int]:
        """The expected number of pods, and how many of them must be healthy."""
        spec = budget["spec"]
        if "maxUnavailable" in spec:
            expected = self._expected(found)
            return expected, max(0, expected - scaled(spec["maxUnavailable"], expected, round_up=True))
        least = spec.get("minAvailable")
        if isinstance(least, str):
            expected = self._expected(found)
            return expected, scaled(least, expected, round_up=True)
        return len(found), least or 0

    def _expected(self, found: list[Object]) -> int:
        scales: dict[str, int] = {}
        for pod in found:
            reference = controller_of(pod)
            if reference is not None and reference["uid"] not in scales:
                uid, scale = self._scale(pod, reference)
                scales[uid] = scale
        return sum(scales.values())

    def _scale(self, pod: Object, reference: Object) -> tuple[str, int]:
        group = reference.get("apiVersion", "").rpartition("/")[0]
        resource = _SCALED.get((group, reference.get("kind", "")))
        owner = None if resource is None else self._world.view(resource).by_uid(reference["uid"])
        if owner is None:
            raise _Unknown(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        above = controller_of(owner)
        if above is not None and above.get("kind") == "Deployment":
            deployment = self._world.view(DEPLOYMENTS).by_uid(above["uid"])
            owner = deployment or owner
        return owner["metadata"]["uid"], int(owner["spec"].get("replicas", 1))

    def _disrupted(self, budget: Object, found: list[Object]) -> tuple[dict[str, str], float | None]:
        """Pods whose eviction was granted and that are still there, and when to look again."""
        noted = (budget.get("status") or {}).get("disruptedPods") or {}
        now = self._world.now()
        kept: dict[str, str] = {}
        waits: list[float] = []
        for pod in found:
            name = pod["metadata"]["name"]
            if name not in noted or "deletionTimestamp" in pod["metadata"]:
                continue
            left = (moment(noted[name]) + timedelta(seconds=DELETION_SECONDS) - now).total_seconds()
            if left > 0:
                kept[name] = noted[name]
                waits.append(left)
            else:
                namespace = budget["metadata"]["namespace"]
                message = f"Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't"
                self._recorder.tell(self.name, pod, WARNING, "NotDeleted", message)
        return kept, min(waits, default=None)

    # Writing

    def _fail(self, budget: Object, message: str) -> None:
        status = {**(budget.get("status") or {}), "disruptionsAllowed": 0}
        for counter in ("currentHealthy", "desiredHealthy", "expectedPods"):
            status.setdefault(counter, 0)
        self._write(budget, status, "False", "SyncFailed", message)

    def _write(self, budget: Object, status: Object, allowed: str, reason: str, message: str = "") -> None:
        known = budget.get("status") or {}
        condition = {
            "type": "DisruptionAllowed",
            "status": allowed,
            "observedGeneration": status.get("observedGeneration", 0),
            "lastTransitionTime": self._world.stamp(),
            "reason": reason,
            "message": message,
        }
        made = {**status, "conditions": conditions.merged(known.get("conditions"), condition)}
        if made != known:
            self._world.set_status(BUDGETS, budget, made, MANAGER)


def _reason(allowed: int) -> str:
    return "SufficientPods" if allowed else "InsufficientPods"
