"""The Deployment controller: one ReplicaSet for each template, and the rollout from the old ones to the new one.

What it does to one Deployment, in the order of the real one: claim ReplicaSets; note pause and resume; a paused Deployment is
scaled only; a rollback takes over an older template; a change of scale is shared out before anything else; then a step of the
rollout, by strategy. Sizes come from `rollouts`, the status from `progress`, revisions from `history`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.objects.pods import terminal
from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.objects.selection import is_empty, matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads import history, progress, rollouts
from tmc_syncer.controlplane.cluster.workloads.names import DEPLOYMENTS, MANAGER, PODS, REPLICA_SETS
from tmc_syncer.controlplane.cluster.workloads.replicas import Rollout
from tmc_syncer.controlplane.cluster.workloads.rollouts import actual, max_unavailable, size, wanted

__all__ = ["DeploymentController"]

Object = dict[str, Any]


class DeploymentController:
    """See the module."""

    name = "deployment-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self.sources = (
            Source(DEPLOYMENTS, itself),
            Source(REPLICA_SETS, self._of_set),
            Source(PODS, self._of_pod),
        )

    # Whom a change concerns

    def _of_set(self, replica_set: Object) -> Iterable[Key]:
        reference = controller_of(replica_set)
        namespace = replica_set["metadata"]["namespace"]
        if reference is not None:
            return ((namespace, reference["name"]),) if reference.get("kind") == "Deployment" else ()
        labels = replica_set["metadata"].get("labels")
        return [
            key_of(deployment)
            for deployment in self._world.view(DEPLOYMENTS).all(namespace)
            if matches(deployment["spec"].get("selector"), labels)
        ]

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        """Only a Recreate waits for pods themselves."""
        reference = controller_of(pod)
        if reference is None or reference.get("kind") != "ReplicaSet":
            return ()
        replica_set = self._world.view(REPLICA_SETS).by_uid(reference["uid"])
        owner = None if replica_set is None else controller_of(replica_set)
        deployment = None if owner is None else self._world.view(DEPLOYMENTS).by_uid(owner["uid"])
        if deployment is None or rollouts.is_rolling(deployment):
            return ()
        return (key_of(deployment),)

    # The work

    def reconcile(self, key: Key) -> float | None:
        """One look at one Deployment."""
        deployment = self._world.view(DEPLOYMENTS).get(key)
        if deployment is None:
            return None
        if is_empty(deployment["spec"].get("selector")):
            self._select_all(deployment)
            return None
        sets = claim(
            self._world,
            REPLICA_SETS,
            deployment,
            self._world.view(REPLICA_SETS).all(key[0]),
            lambda obj: matches(deployment["spec"]["selector"], obj["metadata"].get("labels")),
            MANAGER,
        )
        rollout = Rollout(self._world, self._recorder, self.name, deployment, sets)
        if "deletionTimestamp" in deployment["metadata"]:
            rollout.find(create=False)
            rollout.write(rollout.counted())
            return None
        self._note_pause(rollout)
        if deployment["spec"].get("paused"):
            self._scale(rollout, paused=True)
        elif history.ROLLBACK in (deployment["metadata"].get("annotations") or {}):
            rollout.find(create=True)
            rollout.roll_back()
        elif self._is_scaling(rollout):
            self._scale(rollout, paused=False)
        elif rollouts.is_rolling(deployment):
            return self._roll(rollout)
        else:
            return self._recreate(rollout)
        return None

    def _select_all(self, deployment: Object) -> None:
        message = "This deployment is selecting all pods. A non-empty selector is required."
        self._recorder.tell(self.name, deployment, WARNING, "SelectingAll", message)
        status = deployment.get("status") or {}
        generation = deployment["metadata"].get("generation", 0)
        if status.get("observedGeneration", 0) < generation:
            self._world.set_status(
                DEPLOYMENTS, deployment, {**status, "observedGeneration": generation}, MANAGER
            )

    def _note_pause(self, rollout: Rollout) -> None:
        deployment = rollout.deployment
        if not progress.has_deadline(deployment):
            return
        status = deployment.get("status") or {}
        found = conditions.find(status.get("conditions"), "Progressing")
        if found is not None and found.get("reason") == progress.TIMED_OUT:
            return
        noted = found is not None and found.get("reason") == "DeploymentPaused"
        paused = bool(deployment["spec"].get("paused"))
        if paused != noted:
            reason = "DeploymentPaused" if paused else "DeploymentResumed"
            message = "Deployment is paused" if paused else "Deployment is resumed"
            rollout.note("Unknown", reason, message)

    def _is_scaling(self, rollout: Rollout) -> bool:
        rollout.find(create=False)
        total = str(wanted(rollout.deployment))
        for replica_set in rollout.active():
            known = (replica_set["metadata"].get("annotations") or {}).get(rollouts.DESIRED, "")
            if known.isdigit() and known != total:
                return True
        return False

    def _scale(self, rollout: Rollout, *, paused: bool) -> None:
        rollout.find(create=False)
        self._share(rollout)
        if paused:
            rollout.clean_up()
        rollout.write(rollout.counted())

    def _share(self, rollout: Rollout) -> None:
        deployment = rollout.deployment
        active = rollout.active()
        if len(active) <= 1:
            newest = history.by_age(rollout.old)[-1:]
            only = active or ([rollout.new] if rollout.new is not None else newest)
            for replica_set in only:
                rollout.resize(replica_set, wanted(deployment))
            return
        if rollouts.is_saturated(deployment, rollout.new):
            for replica_set in rollout.active_old():
                rollout.resize(replica_set, 0)
        elif rollouts.is_rolling(deployment):
            growing = wanted(deployment) + rollouts.max_surge(deployment) > sum(map(size, active))
            aged = history.by_age(active)
            ordered = sorted(aged[::-1] if growing else aged, key=size, reverse=True)
            sizes = rollouts.proportional(deployment, ordered)
            for replica_set in ordered:
                rollout.resize(replica_set, sizes[replica_set["metadata"]["name"]], always=True)

    def _roll(self, rollout: Rollout) -> float | None:
        rollout.find(create=True)
        if rollout.new is None:
            return None
        deployment, new = rollout.deployment, rollout.new
        target = wanted(deployment)
        if size(new) < target:
            target = rollouts.new_size(deployment, rollout.sets, size(new))
        if rollout.resize(new, target) or self._shrink(rollout):
            return rollout.finish()
        if progress.is_complete(deployment, deployment.get("status") or {}):
            rollout.clean_up()
        return rollout.finish()

    def _shrink(self, rollout: Rollout) -> bool:
        deployment, new = rollout.deployment, rollout.new
        old = history.by_age(rollout.active_old())
        if not old or new is None:
            return False
        floor = wanted(deployment) - max_unavailable(deployment)
        missing = size(new) - actual(new, "availableReplicas")
        at_most = sum(map(size, rollout.sets)) - floor - missing
        if at_most <= 0:
            return False
        sizes = rollouts.shrink_unhealthy(old, at_most)
        spare = sum(actual(replica_set, "availableReplicas") for replica_set in rollout.sets) - floor
        sizes |= rollouts.shrink_old(old, sizes, spare)
        done = [rollout.resize(s, sizes[name]) for s in old if (name := s["metadata"]["name"]) in sizes]
        return any(done)

    def _recreate(self, rollout: Rollout) -> float | None:
        rollout.find(create=False)
        shrunk = [rollout.resize(replica_set, 0) for replica_set in rollout.active_old()]
        if any(shrunk) or self._old_pods_live(rollout):
            return rollout.finish()
        rollout.find(create=True)
        if rollout.new is None:
            return None
        rollout.resize(rollout.new, wanted(rollout.deployment))
        status = rollout.deployment.get("status") or {}
        if progress.is_complete(rollout.deployment, status):
            rollout.clean_up()
        return rollout.finish()

    def _old_pods_live(self, rollout: Rollout) -> bool:
        if any(actual(replica_set) for replica_set in rollout.old):
            return True
        pods = self._world.view(PODS)
        return any(
            not terminal(pod)
            for replica_set in rollout.old
            for pod in pods.owned_by(replica_set["metadata"]["uid"])
        )
