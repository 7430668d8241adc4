"""The ReplicaSet controller, and the ReplicationController's, which differs in the form of its selector only.

Keeps as many pods as wanted: creates what is missing, deletes what is too much (those first that are missed least), and
counts. Terminating pods do not count as present; they have a counter of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.objects.references import controller_of, controller_reference
from tmc_syncer.controlplane.cluster.objects.selection import contains, matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS, REPLICA_SETS
from tmc_syncer.controlplane.cluster.workloads.podset import BATCH, PodSet, controlled_by_kind
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["REPLICATION_CONTROLLER", "REPLICA_SET", "ReplicaSetController", "Replicating"]

Object = dict[str, Any]

_COUNTERS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")


@dataclass(frozen=True, slots=True)
class Replicating:
    """A kind that keeps a number of pods."""

    resource: str
    kind: str
    component: str
    plain_selector: bool = False
    counts_terminating: bool = True

    def selects(self, owner: Object, obj: Object) -> bool:
        """Whether the owner's selector selects the object."""
        selector, labels = owner["spec"].get("selector"), obj["metadata"].get("labels")
        if self.plain_selector:
            return bool(selector) and contains(selector, labels)
        return matches(selector, labels)


REPLICA_SET = Replicating(REPLICA_SETS, "ReplicaSet", "replicaset-controller")
REPLICATION_CONTROLLER = Replicating(
    "replicationcontrollers",
    "ReplicationController",
    "replication-controller",
    plain_selector=True,
    counts_terminating=False,
)


class ReplicaSetController:
    """See the module."""

    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder, kind: Replicating = REPLICA_SET) -> None:
        self.name = kind.component
        self._world = world
        self._kind = kind
        self._pods = PodSet(world, recorder, kind.component)
        self.sources = (Source(kind.resource, itself), Source(PODS, self._of_pod))

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        if controller_of(pod) is not None:
            return controlled_by_kind(pod, self._kind.kind)
        owners = self._world.view(self._kind.resource).all(pod["metadata"]["namespace"])
        return [key_of(owner) for owner in owners if self._kind.selects(owner, pod)]

    def reconcile(self, key: Key) -> float | None:
        """One look at one set."""
        owner = self._world.view(self._kind.resource).get(key)
        if owner is None:
            return None
        view = self._world.view(PODS)
        owned = view.owned_by(owner["metadata"]["uid"])
        candidates = [pod for pod in [*owned, *view.orphans(key[0])] if pods.active(pod)]
        present = claim(
            self._world, PODS, owner, candidates, lambda pod: self._kind.selects(owner, pod), MANAGER
        )
        ending = [pod for pod in owned if pods.terminating(pod) and self._kind.selects(owner, pod)]
        failure: ApiError | None = None
        surplus = len(present) - owner["spec"].get("replicas", 1)
        if "deletionTimestamp" not in owner["metadata"]:
            failure = self._manage(owner, present, surplus)
        wait = self._count(owner, present, ending, failure)
        if failure is not None:
            raise failure
        return 0.0 if abs(surplus) > BATCH else wait

    def _manage(self, owner: Object, present: list[Object], surplus: int) -> ApiError | None:
        if surplus < 0:
            reference = controller_reference(owner)
            pod = pods.from_template(owner["spec"]["template"], owner, reference)
            return self._pods.create_many(owner, [pod] * min(-surplus, BATCH))[1]
        try:
            for pod in self._superfluous(owner, present, surplus):
                self._pods.delete(owner, pod)
        except ApiError as error:
            return error
        return None

    def _superfluous(self, owner: Object, present: list[Object], surplus: int) -> list[Object]:
        if not 0 < surplus < len(present):
            return present[: max(0, surplus)][:BATCH]
        neighbours: Counter[str] = Counter()
        reference = controller_of(owner)
        family = (
            [owner] if reference is None else self._world.view(self._kind.resource).owned_by(reference["uid"])
        )
        for relative in family:
            for pod in self._world.view(PODS).owned_by(relative["metadata"]["uid"]):
                if pods.active(pod):
                    neighbours[pod["spec"].get("nodeName") or ""] += 1
        return pods.deletion_order(present, self._world.now(), neighbours)[: min(surplus, BATCH)]

    def _count(
        self, owner: Object, present: list[Object], ending: list[Object], failure: ApiError | None
    ) -> float | None:
        now = self._world.now()
        delay = owner["spec"].get("minReadySeconds", 0)
        old = owner.get("status") or {}
        template = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        counters = {
            "fullyLabeledReplicas": sum(contains(template, pod["metadata"].get("labels")) for pod in present),
            "readyReplicas": sum(map(pods.ready, present)),
            "availableReplicas": sum(pods.available(pod, delay, now) for pod in present),
        }
        status: Object = {name: old[name] for name in old if name not in _COUNTERS}
        status |= {"replicas": len(present), "observedGeneration": owner["metadata"].get("generation", 0)}
        status |= {name: value for name, value in counters.items() if value}
        if self._kind.counts_terminating:
            status["terminatingReplicas"] = len(ending)
        status["conditions"] = self._conditions(owner, len(present), failure)
        if not status["conditions"]:
            del status["conditions"]
        if status != old:
            self._world.set_status(self._kind.resource, owner, status, MANAGER)
        return pods.seconds_until_available(present, delay, now)

    def _conditions(self, owner: Object, present: int, failure: ApiError | None) -> list[Object]:
        listed = list((owner.get("status") or {}).get("conditions") or ())
        known = conditions.find(listed, "ReplicaFailure")
        if failure is None:
            return conditions.without(listed, "ReplicaFailure")
        if known is not None:
            return listed
        missing = present < owner["spec"].get("replicas", 1)
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": self._world.stamp(),
            "reason": "FailedCreate" if missing else "FailedDelete",
            "message": failure.message,
        }
        return conditions.put(listed, condition)
