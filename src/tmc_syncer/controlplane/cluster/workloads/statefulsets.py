"""The StatefulSet controller: pods with numbers, made and replaced in order.

OrderedReady takes one step at a time, from the lowest number up and from the highest down, and waits until a pod is available; Parallel
makes and deletes all at once. A rolling update replaces pods from the highest number down to the partition, one at a time in
both. The template that each pod has is told by its revision label. Source: ``pkg/controller/statefulset``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.objects.selection import matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS, REVISIONS, STATEFUL_SETS
from tmc_syncer.controlplane.cluster.workloads.ordinals import (
    has_identity,
    has_storage,
    is_member,
    new_pod,
    ordinal_of,
    replicas_of,
    start_of,
)
from tmc_syncer.controlplane.cluster.workloads.podset import controlled_by_kind
from tmc_syncer.controlplane.cluster.workloads.revisions import REVISION_LABEL, Revisions
from tmc_syncer.controlplane.cluster.workloads.statefulpods import CLAIMS, StatefulPods

__all__ = ["StatefulSetController"]

Object = dict[str, Any]

HASH = "controller.kubernetes.io/hash"
"""Label of a revision."""

_COUNTERS = ("readyReplicas", "currentReplicas", "updatedReplicas")


@dataclass(slots=True)
class _Sync:
    """One set during one reconcile. `replicas` by number from the start, present or to be made; `condemned` highest first."""

    owner: Object
    current: Object
    update: Object
    replicas: list[Object]
    condemned: list[Object]
    now: datetime

    @property
    def delay(self) -> int:
        return int(self.owner["spec"].get("minReadySeconds", 0))

    @property
    def monotonic(self) -> bool:
        return bool(self.owner["spec"].get("podManagementPolicy") != "Parallel")

    def unavailable(self, pod: Object) -> bool:
        """Whether a step of an ordered set has to wait for this pod."""
        return not pods.available(pod, self.delay, self.now) or "deletionTimestamp" in pod["metadata"]


class StatefulSetController:
    """See the module."""

    name = "statefulset-controller"
    needs = (CLAIMS,)

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._pods = StatefulPods(world, recorder, self.name)
        self.sources = (
            Source(STATEFUL_SETS, itself),
            Source(PODS, self._of_pod),
            Source(REVISIONS, lambda revision: controlled_by_kind(revision, "StatefulSet")),
        )

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        if controller_of(pod) is not None:
            return controlled_by_kind(pod, "StatefulSet")
        owners = self._world.view(STATEFUL_SETS).all(pod["metadata"]["namespace"])
        return [key_of(owner) for owner in owners if self._is_ours(owner, pod)]

    @staticmethod
    def _is_ours(owner: Object, pod: Object) -> bool:
        labels = pod["metadata"].get("labels")
        return matches(owner["spec"].get("selector"), labels) and is_member(owner, pod)

    def reconcile(self, key: Key) -> float | None:
        """One look at one set."""
        owner = self._world.view(STATEFUL_SETS).get(key)
        if owner is None:
            return None
        revisions = Revisions(self._world, owner, HASH)
        view = self._world.view(PODS)
        candidates = [*view.owned_by(owner["metadata"]["uid"]), *view.orphans(key[0])]
        members = claim(self._world, PODS, owner, candidates, lambda pod: self._is_ours(owner, pod), MANAGER)
        revisions.collisions = revisions.collisions or 0
        ending = "deletionTimestamp" in owner["metadata"]
        if ending and not revisions.all:
            return None  # made anew, it would keep the garbage collector from ever being done
        update = revisions.all[-1] if ending else revisions.current()
        current = revisions.named((owner.get("status") or {}).get("currentRevision", "")) or update
        sync = self._sorted(owner, current, update, members)
        status = self._counted(sync, members, revisions.collisions)
        try:
            if not ending:
                status = self._step(sync, status)
        finally:
            self._write(owner, status)
            live = {current["metadata"]["name"], update["metadata"]["name"]}
            revisions.truncate(live | {_revision(pod) for pod in members})
        return pods.seconds_until_available(members, sync.delay, sync.now)

    def _sorted(self, owner: Object, current: Object, update: Object, members: list[Object]) -> _Sync:
        start, count = start_of(owner), replicas_of(owner)
        by_number = {ordinal_of(pod): pod for pod in members}
        replicas = [
            by_number.pop(number) if number in by_number else new_pod(owner, current, update, number)
            for number in range(start, start + count)
        ]
        condemned = [by_number[number] for number in sorted(by_number, reverse=True)]
        return _Sync(owner, current, update, replicas, condemned, self._world.now())

    # Status

    def _counted(self, sync: _Sync, members: Iterable[Object], collisions: int) -> Object:
        status: Object = {
            "observedGeneration": sync.owner["metadata"].get("generation", 0),
            "replicas": 0,
            "availableReplicas": 0,
            **dict.fromkeys(_COUNTERS, 0),
            "currentRevision": sync.current["metadata"]["name"],
            "updateRevision": sync.update["metadata"]["name"],
            "collisionCount": collisions,
        }
        for pod in members:
            made = bool(pods.phase(pod))
            status["replicas"] += made
            is_ready = pods.phase(pod) == "Running" and pods.ready(pod)
            status["readyReplicas"] += is_ready
            status["availableReplicas"] += is_ready and pods.available(pod, sync.delay, sync.now)
            if made and "deletionTimestamp" not in pod["metadata"]:
                status["currentReplicas"] += _revision(pod) == status["currentRevision"]
                status["updatedReplicas"] += _revision(pod) == status["updateRevision"]
        return status

    def _write(self, owner: Object, status: Object) -> None:
        wanted = replicas_of(owner)
        rolling = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
        done = status["updatedReplicas"] == status["readyReplicas"] == status["replicas"] == wanted
        if rolling and done:
            status = {
                **status,
                "currentReplicas": status["updatedReplicas"],
                "currentRevision": status["updateRevision"],
            }
        shown = {name: value for name, value in status.items() if value or name not in _COUNTERS}
        known = owner.get("status") or {}
        newer = shown["observedGeneration"] > known.get("observedGeneration", 0)
        ignored = ("observedGeneration", "conditions", "collisionCount")
        if newer or _but(shown, ignored) != _but(known, ignored):
            self._world.set_status(STATEFUL_SETS, owner, shown, MANAGER)

    # Steps

    def _step(self, sync: _Sync, status: Object) -> Object:
        first = next((pod for pod in [*sync.replicas, *sync.condemned[::-1]] if sync.unavailable(pod)), None)
        stopped = False
        for pod in sync.replicas:
            stopped = self._process(sync, pod)
            if stopped and sync.monotonic:
                return status
        for pod in sync.condemned:
            self._pods.keep_owners(sync.owner, pod)
        for pod in sync.condemned:
            stopped = self._condemn(sync, pod, first)
            if stopped and sync.monotonic:
                return status
        return self._update(sync, status)

    def _process(self, sync: _Sync, pod: Object) -> bool:
        """Make one of the wanted pods what it should be; whether an ordered set stops here."""
        owner = sync.owner
        if pods.terminal(pod):
            if "deletionTimestamp" not in pod["metadata"]:
                self._pods.delete(owner, pod)
            return True
        if not pods.phase(pod):
            if not self._pods.has_stale_claim(owner, pod):
                self._pods.create(owner, pod)
            return True
        if pods.phase(pod) == "Pending":
            self._pods.make_claims(owner, pod)
            self._pods.keep_owners(owner, pod)
        if sync.monotonic and sync.unavailable(pod):
            return True
        if not (has_identity(owner, pod) and has_storage(owner, pod)):
            self._pods.repair(owner, pod)
        else:
            self._pods.keep_owners(owner, pod)
        return False

    def _condemn(self, sync: _Sync, pod: Object, first: Object | None) -> bool:
        if "deletionTimestamp" in pod["metadata"]:
            return True
        if sync.monotonic and sync.unavailable(pod) and pod is not first:
            return True
        self._pods.delete(sync.owner, pod)
        return True

    def _update(self, sync: _Sync, status: Object) -> Object:
        strategy = sync.owner["spec"].get("updateStrategy") or {}
        if strategy.get("type") == "OnDelete":
            return status
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for pod in sync.replicas[partition:][::-1]:
            is_old = _revision(pod) != status["updateRevision"]
            if is_old and "deletionTimestamp" not in pod["metadata"]:
                self._pods.delete(sync.owner, pod)
                return {**status, "currentReplicas": max(0, status["currentReplicas"] - 1)}
            if sync.unavailable(pod):
                return status
        return status


def _revision(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get(REVISION_LABEL, ""))


def _but(status: Object, names: Iterable[str]) -> Object:
    return {name: value for name, value in status.items() if name not in names}
