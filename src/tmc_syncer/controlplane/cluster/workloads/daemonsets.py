"""The DaemonSet controller: one pod on each node that the template fits.

What is planned comes from `daemonpods`; this claims pods and revisions, carries plans out, deletes pods that ended (failed ones with
back-off), and counts. The scheduler binds the pods, each by an affinity for its node.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.references import controller_of, controller_reference
from tmc_syncer.controlplane.cluster.objects.selection import is_empty, matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.daemonpods import (
    Fleet,
    Plan,
    by_age,
    pinned,
    placement,
    pod_spec,
    target_node,
)
from tmc_syncer.controlplane.cluster.workloads.names import DAEMON_SETS, MANAGER, NODES, PODS, REVISIONS
from tmc_syncer.controlplane.cluster.workloads.podset import BATCH, PodSet, controlled_by_kind
from tmc_syncer.controlplane.cluster.workloads.revisions import REVISION_LABEL, Revisions

__all__ = ["DaemonSetController"]

Object = dict[str, Any]

GENERATION = "deprecated.daemonset.template.generation"
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 900.0
"""Failed pods of a node are replaced after 1 s, 2 s, … 15 min, as in Kubernetes."""

REMEMBERED = 10_000
"""Nodes with failures that are remembered; beyond it all are forgotten, which only makes replacing quicker."""

_ZERO_SHOWN = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")


class DaemonSetController:
    """See the module."""

    name = "daemonset-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._pods = PodSet(world, recorder, self.name)
        self._failures: dict[tuple[str, str], tuple[float, float]] = {}
        self.sources = (
            Source(DAEMON_SETS, itself),
            Source(PODS, self._of_pod),
            Source(REVISIONS, lambda revision: controlled_by_kind(revision, "DaemonSet")),
            Source(NODES, self._of_node),
        )

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        if controller_of(pod) is not None:
            return controlled_by_kind(pod, "DaemonSet")
        owners = self._world.view(DAEMON_SETS).all(pod["metadata"]["namespace"])
        labels = pod["metadata"].get("labels")
        return [key_of(owner) for owner in owners if matches(owner["spec"].get("selector"), labels)]

    def _of_node(self, node: Object) -> Iterable[Key]:
        """Those that the node makes a difference to: it should have a pod and has none, or the other way round."""
        on_node = self._world.view(PODS).on_node(node["metadata"]["name"])
        owners = {reference["uid"] for pod in on_node if (reference := controller_of(pod)) is not None}
        found = []
        for owner in self._world.view(DAEMON_SETS).all():
            should, may_stay = placement(owner, node)
            has = owner["metadata"]["uid"] in owners
            misplaced = (owner.get("status") or {}).get("numberMisscheduled", 0)
            if (should and not has) or (has and (not may_stay or misplaced or not should)):
                found.append(key_of(owner))
        return found

    def reconcile(self, key: Key) -> float | None:
        """One look at one set."""
        owner = self._world.view(DAEMON_SETS).get(key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return None
        if is_empty(owner["spec"].get("selector")):
            message = "This daemon set is selecting all pods. A non-empty selector is required."
            self._pods.tell(owner, WARNING, "SelectingAll", message)
            return None
        revisions = Revisions(self._world, owner, REVISION_LABEL)
        current = revisions.current()
        fleet = self._fleet(owner, current)
        try:
            wait = self._manage(fleet)
            strategy = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
            if strategy == "RollingUpdate":
                # A look of its own, with the pods that are there now: each deletes what the other does not know of.
                fleet = self._fleet(owner, current)
                self._carry_out(fleet, fleet.replace())
            self._truncate(revisions, fleet)
        finally:
            after = self._fleet(owner, current)
            self._count(after, revisions.collisions)
        delay = owner["spec"].get("minReadySeconds", 0)
        members = [pod for present in after.on_node.values() for pod in present]
        waits = [pods.seconds_until_available(members, delay, after.now), wait]
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _fleet(self, owner: Object, current: Object) -> Fleet:
        view = self._world.view(PODS)
        candidates = [
            *view.owned_by(owner["metadata"]["uid"]),
            *view.orphans(owner["metadata"]["namespace"]),
        ]
        members = claim(
            self._world,
            PODS,
            owner,
            candidates,
            lambda pod: matches(owner["spec"]["selector"], pod["metadata"].get("labels")),
            MANAGER,
        )
        on_node: dict[str, list[Object]] = {}
        for pod in members:
            if node := target_node(pod):
                on_node.setdefault(node, []).append(pod)
        return Fleet(
            owner,
            self._world.view(NODES).all(),
            on_node,
            current["metadata"]["labels"].get(REVISION_LABEL, ""),
            (owner["metadata"].get("annotations") or {}).get(GENERATION, ""),
            self._world.now(),
        )

    # Carrying out

    def _manage(self, fleet: Fleet) -> float | None:
        plan = fleet.manage()
        waits = [self._judge(fleet, plan, pod) for pod in plan.ended]
        self._carry_out(fleet, plan)
        return min((seconds for seconds in waits if seconds is not None), default=None)

    def _judge(self, fleet: Fleet, plan: Plan, pod: Object) -> float | None:
        """Delete a pod that ended, a failed one not too often; the seconds until it may go."""
        metadata, node = pod["metadata"], target_node(pod)
        where = f"{metadata['namespace']}/{metadata['name']} on node {node}"
        if pods.phase(pod) == "Succeeded":
            message = f"Found succeeded daemon pod {where}, will try to delete it"
            self._pods.tell(fleet.owner, NORMAL, "SucceededDaemonPod", message)
            plan.delete.append(pod)
            return None
        now = self._world.clock.monotonic()
        key = (fleet.owner["metadata"]["uid"], node)
        until, pause = self._failures.get(key, (0.0, FIRST_BACKOFF_SECONDS / 2))
        if now < until:
            return until - now
        if now > until + 2 * LONGEST_BACKOFF_SECONDS:
            pause = FIRST_BACKOFF_SECONDS / 2
        pause = min(pause * 2, LONGEST_BACKOFF_SECONDS)
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()
        self._failures[key] = (now + pause, pause)
        message = f"Found failed daemon pod {where}, will try to kill it"
        self._pods.tell(fleet.owner, WARNING, "FailedDaemonPod", message)
        plan.delete.append(pod)
        return None

    def _carry_out(self, fleet: Fleet, plan: Plan) -> None:
        owner = fleet.owner
        template = self._template(fleet)
        reference = controller_reference(owner)
        wanted = [
            pods.from_template({**template, "spec": pinned(template["spec"], node)}, owner, reference)
            for node in plan.create[:BATCH]
        ]
        _, failure = self._pods.create_many(owner, wanted)
        for pod in plan.delete[:BATCH]:
            self._pods.delete(owner, pod)
        if failure is not None:
            raise failure

    @staticmethod
    def _template(fleet: Fleet) -> Object:
        template = fleet.owner["spec"]["template"]
        metadata = dict(template.get("metadata") or {})
        labels = {**(metadata.get("labels") or {}), REVISION_LABEL: fleet.digest}
        if fleet.generation:
            labels["pod-template-generation"] = fleet.generation
        return {"metadata": {**metadata, "labels": labels}, "spec": pod_spec(template["spec"])}

    def _truncate(self, revisions: Revisions, fleet: Fleet) -> None:
        digests = {
            (pod["metadata"].get("labels") or {}).get(REVISION_LABEL)
            for present in fleet.on_node.values()
            for pod in present
        }
        digests.add(fleet.digest)
        revisions.truncate(
            {
                revision["metadata"]["name"]
                for revision in revisions.all
                if revision["metadata"]["labels"].get(REVISION_LABEL) in digests
            }
        )

    # Counting

    def _count(self, fleet: Fleet, collisions: int | None) -> None:
        owner, known = fleet.owner, fleet.owner.get("status") or {}
        numbers = dict.fromkeys(
            (*_ZERO_SHOWN, "updatedNumberScheduled", "numberAvailable", "numberUnavailable"), 0
        )
        for node in fleet.nodes:
            present = fleet.on_node.get(node["metadata"]["name"])
            if not placement(owner, node)[0]:
                numbers["numberMisscheduled"] += bool(present)
                continue
            numbers["desiredNumberScheduled"] += 1
            if present:
                pod = by_age(present)[0]
                numbers["currentNumberScheduled"] += 1
                numbers["numberReady"] += pods.ready(pod)
                numbers["numberAvailable"] += fleet.available(pod)
                numbers["updatedNumberScheduled"] += fleet.updated(pod)
        numbers["numberUnavailable"] = numbers["desiredNumberScheduled"] - numbers["numberAvailable"]
        status: Object = {name: value for name, value in numbers.items() if value or name in _ZERO_SHOWN}
        status["observedGeneration"] = owner["metadata"].get("generation", 0)
        if collisions is not None:
            status["collisionCount"] = collisions
        if "conditions" in known:
            status["conditions"] = known["conditions"]
        if status != known:
            self._world.set_status(DAEMON_SETS, owner, status, MANAGER)
