"""The scheduler: binds each pod that has no node to the best one that it fits on, or says why there is none.

A pod that fits nowhere gets the condition PodScheduled=False and a FailedScheduling Event, and is tried again when a node, another pod
or a claim changes. Pods of other schedulers, gated pods and pods being deleted are left alone. Claims that do not exist
hold a pod back. Of equally good nodes one is drawn. Nobody is preempted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.scheduling.affinity import REQUIRED, Topology
from tmc_syncer.controlplane.cluster.scheduling.fitting import Place, failure_message, faults, score
from tmc_syncer.controlplane.cluster.workloads.names import NODES, PODS

__all__ = ["Scheduler"]

Object = dict[str, Any]

DEFAULT = "default-scheduler"
MANAGER = "kube-scheduler"
CLAIMS = "persistentvolumeclaims"
NAMESPACES = "namespaces"


class Dice(Protocol):
    """What is used of `random.Random`."""

    def random(self) -> float: ...


class Scheduler:
    """See the module. `name` is the ``schedulerName`` that it serves."""

    needs = (NAMESPACES,)

    def __init__(self, world: World, recorder: Recorder, dice: Dice, *, name: str = DEFAULT) -> None:
        self.name = name
        self._world = world
        self._recorder = recorder
        self._dice = dice
        self._places: dict[str, Place] = {}
        self._waiting: dict[Key, None] = {}
        self.sources = (
            Source(PODS, self._of_pod),
            Source(NODES, self._of_node),
            Source(CLAIMS, lambda _: list(self._waiting)),
        )

    # Whom a change concerns

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        """The pod, if it is to be bound; those that wait, if it may have made room for them."""
        node = pod["spec"].get("nodeName")
        if not node:
            return (key_of(pod),)
        uid, place = pod["metadata"]["uid"], self._places.get(node)
        present = self._world.view(PODS).by_uid(uid)
        leaving = present is None or pods.terminal(present)
        if place is not None and (present is None or leaving):
            place.drop(uid)
        elif place is not None and present is not None:
            place.put(present)
        if self._waiting and (leaving or self._has_affinity()):
            return list(self._waiting)
        return ()

    def _of_node(self, node: Object) -> Iterable[Key]:
        name = node["metadata"]["name"]
        present, place = self._world.view(NODES).get(("", name)), self._places.get(name)
        if present is None:
            self._places.pop(name, None)
        elif place is not None and place.is_of(present):
            return ()
        return list(self._waiting)

    def _has_affinity(self) -> bool:
        """Whether somebody waits for the company of others."""
        for key in self._waiting:
            pod = self._world.view(PODS).get(key)
            affinity = {} if pod is None else pod["spec"].get("affinity") or {}
            if (affinity.get("podAffinity") or {}).get(REQUIRED):
                return True
        return False

    # The work

    def reconcile(self, key: Key) -> float | None:
        """One look at one pod."""
        pod = self._world.view(PODS).get(key)
        self._waiting.pop(key, None)
        if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
            return None
        if pod["spec"].get("schedulerName", DEFAULT) != self.name or pods.terminal(pod):
            return None
        if pod["spec"].get("schedulingGates"):
            message = "Scheduling is blocked due to non-empty scheduling gates"
            self._condition(pod, "SchedulingGated", message)
            return None
        places = list(self._all_places())
        if missing := self._missing_claim(pod):
            message = f'persistentvolumeclaim "{missing}" not found'
            if places:
                message = f"0/{len(places)} nodes are available: {message}. not found"
            self._refuse(key, pod, message)
            return None
        topology = Topology(places, self._namespace_labels)
        refusals = [faults(pod, place, topology) for place in places]
        fitting = [place for place, reasons in zip(places, refusals, strict=True) if not reasons]
        if fitting:
            self._bind(pod, self._best(pod, fitting))
        else:
            self._refuse(key, pod, failure_message(refusals))
        return None

    def _all_places(self) -> Iterator[Place]:
        for node in self._world.view(NODES).all():
            name = node["metadata"]["name"]
            place = self._places.get(name)
            if place is None or not (place.node is node or place.is_of(node)):
                place = self._places[name] = Place(node)
                for pod in self._world.view(PODS).on_node(name):
                    if not pods.terminal(pod):
                        place.put(pod)
            place.node = node
            yield place

    def _best(self, pod: Object, fitting: list[Place]) -> Place:
        scored = [(score(pod, place), place) for place in fitting]
        top = max(points for points, _ in scored)
        best = [place for points, place in scored if points == top]
        return best[int(self._dice.random() * len(best))]

    def _missing_claim(self, pod: Object) -> str:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if name and self._world.view(CLAIMS).get((namespace, name)) is None:
                return str(name)
        return ""

    def _namespace_labels(self, name: str) -> dict[str, str]:
        namespace = self._world.view(NAMESPACES).get(("", name))
        found: dict[str, str] = {} if namespace is None else namespace["metadata"].get("labels") or {}
        return found

    # Writing

    def _bind(self, pod: Object, place: Place) -> None:
        metadata, node = pod["metadata"], place.node["metadata"]["name"]
        bound = self._world.bind(pod, node, MANAGER)
        if bound is None:
            return
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        self._recorder.tell(self.name, pod, NORMAL, "Scheduled", message, action="Binding")

    def _refuse(self, key: Key, pod: Object, message: str) -> None:
        self._waiting[key] = None
        if self._condition(pod, "Unschedulable", message):
            self._recorder.tell(self.name, pod, WARNING, "FailedScheduling", message, action="Scheduling")

    def _condition(self, pod: Object, reason: str, message: str) -> bool:
        """Say that the pod is not scheduled; whether that is news."""
        status = pod.get("status") or {}
        known = conditions.find(status.get("conditions"), "PodScheduled")
        if known is not None and (known.get("reason"), known.get("message")) == (reason, message):
            return False
        condition: Object = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": self._world.stamp(),
            "reason": reason,
            "message": message,
        }
        if generation := pod["metadata"].get("generation"):
            condition["observedGeneration"] = generation
        listed = conditions.merged(status.get("conditions"), condition)
        self._world.set_status(PODS, pod, {**status, "conditions": listed}, MANAGER)
        return True
