"""The simulated controllers do what the real ones do.

Each story is told to the test bed's physical cluster (kube-controller-manager, kube-scheduler, kwok) and to the simulated cluster on the
embedded server; after each step, once both have settled, everything that controllers write must be equal: specs, statuses, conditions
with reasons and messages, owner references, labels, annotations, generations. What kubelets report is compared no further than
the phase, since kwok reports what no kubelet does.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.real.cluster_worlds import RealWorld, SimulatedWorld, World, normalized, simulated
from tmc_syncer.testing.cluster import PhysicalCluster

Object = dict[str, Any]


@pytest.fixture
def worlds(downstream: PhysicalCluster) -> Iterator[tuple[RealWorld, SimulatedWorld]]:
    with simulated(downstream.name) as other:
        yield RealWorld(downstream), other


class Story:
    """One story in a namespace of its own, told to both worlds."""

    def __init__(self, worlds: tuple[World, World], namespace: str) -> None:
        self._worlds = worlds
        self._namespace = namespace
        for world in worlds:
            world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.settled(lambda world: world.objects("ServiceAccount", namespace))

    def create(self, manifest: Object) -> None:
        placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": self._namespace}}
        for world in self._worlds:
            world.create(placed)

    def patch(self, kind: str, name: str, patch: Object) -> None:
        for world in self._worlds:
            world.patch(kind, name, self._namespace, patch)

    def delete(self, kind: str, name: str, propagation: str = "Background") -> None:
        for world in self._worlds:
            world.delete(kind, name, self._namespace, propagation)

    def settled(self, holds: Callable[[World], Any]) -> None:
        for world in self._worlds:
            world.settle(self._namespace, holds)

    def same(self, step: str, holds: Callable[[World], Any] = lambda world: True) -> None:
        """Both worlds are the same once they have settled."""
        self.settled(holds)
        real, simulated_ = (normalized(world.picture(self._namespace)) for world in self._worlds)
        for kind in real:
            theirs = "\n".join(real[kind]).splitlines()
            ours = "\n".join(simulated_[kind]).splitlines()
            differences = list(difflib.unified_diff(theirs, ours, "real", "simulated", lineterm="", n=6))
            assert not differences, f"{step}: {kind}\n" + "\n".join(differences)

    def one(self, world: World, kind: str, name: str) -> Object:
        found = [o for o in world.objects(kind, self._namespace) if o["metadata"]["name"] == name]
        return found[0] if found else {}

    def observed(self, kind: str, name: str, **status: Any) -> Callable[[World], bool]:
        """The controller has seen the object, and its status has these values."""

        def holds(world: World) -> bool:
            obj = self.one(world, kind, name)
            shown = obj.get("status") or {}
            if shown.get("observedGeneration", 0) < obj.get("metadata", {}).get("generation", 0):
                return False
            return all(shown.get(field, 0) == value for field, value in status.items())

        return holds

    def gone(self, kind: str, name: str) -> Callable[[World], bool]:
        return lambda world: not self.one(world, kind, name)


def template(name: str, image: str = "nginx:1", **spec: Any) -> Object:
    ports = [{"name": "http", "containerPort": 80}]
    containers = [{"name": "main", "image": image, "ports": ports}]
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers, **spec}}


def workload(kind: str, name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "annotations": {"team": "shop"}},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name), **spec},
    }


def image(value: str) -> Object:
    return {"spec": {"template": template("web", value)}}


def job(name: str, **spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"spec": pod}, **spec},
    }


def finished(story: Story, name: str, kind: str = "Complete") -> Callable[[World], bool]:
    def holds(world: World) -> bool:
        listed = (story.one(world, "Job", name).get("status") or {}).get("conditions") or ()
        return any(condition["type"] == kind and condition["status"] == "True" for condition in listed)

    return holds


def test_a_deployment_rolls_out_scales_and_goes(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-deployment")
    story.create(workload("Deployment", "web", replicas=3))
    story.same("created", story.observed("Deployment", "web", availableReplicas=3, updatedReplicas=3))
    story.patch("Deployment", "web", image("nginx:2"))
    story.same("new image", story.observed("Deployment", "web", replicas=3, updatedReplicas=3))
    story.patch("Deployment", "web", {"spec": {"replicas": 5}})
    story.same("scaled up", story.observed("Deployment", "web", availableReplicas=5))
    story.patch("Deployment", "web", {"spec": {"replicas": 2}})
    story.same("scaled down", story.observed("Deployment", "web", replicas=2, availableReplicas=2))
    story.patch("Deployment", "web", image("nginx:1"))
    story.same("back to the first image", story.observed("Deployment", "web", replicas=2, updatedReplicas=2))
    story.patch("Deployment", "web", {"spec": {"paused": True}})
    story.same("paused", story.observed("Deployment", "web"))
    story.patch("Deployment", "web", image("nginx:3"))
    story.same("changed while paused", story.observed("Deployment", "web"))
    story.patch("Deployment", "web", {"spec": {"paused": False, "revisionHistoryLimit": 1}})
    story.same("resumed", story.observed("Deployment", "web", replicas=2, updatedReplicas=2))
    story.patch("Deployment", "web", {"metadata": {"annotations": {"team": "other"}}})
    story.same("annotated", story.observed("Deployment", "web"))
    story.patch("Deployment", "web", {"spec": {"replicas": 0}})
    story.same("scaled to nothing", story.observed("Deployment", "web", replicas=0))
    story.delete("Deployment", "web", "Foreground")
    story.same("deleted", story.gone("Deployment", "web"))


def test_a_deployment_recreates_and_is_orphaned(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-recreate")
    story.create(workload("Deployment", "web", replicas=2, strategy={"type": "Recreate"}, minReadySeconds=1))
    story.same("created", story.observed("Deployment", "web", availableReplicas=2))
    story.patch("Deployment", "web", image("nginx:2"))
    story.same("new image", story.observed("Deployment", "web", availableReplicas=2, updatedReplicas=2))
    story.delete("Deployment", "web", "Orphan")
    story.same("orphaned", story.gone("Deployment", "web"))
    story.create(workload("Deployment", "web", replicas=2, strategy={"type": "Recreate"}, minReadySeconds=1))
    story.same("adopted", story.observed("Deployment", "web", availableReplicas=2, updatedReplicas=2))


def test_a_stateful_set_rolls_out_in_order(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-stateful")
    story.create(workload("StatefulSet", "web", replicas=3, serviceName="web"))
    story.same("created", story.observed("StatefulSet", "web", availableReplicas=3))
    story.patch("StatefulSet", "web", image("nginx:2"))
    story.same(
        "new image",
        story.observed("StatefulSet", "web", updatedReplicas=3, currentReplicas=3, readyReplicas=3),
    )
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    story.patch("StatefulSet", "web", {"spec": {**image("nginx:3")["spec"], "updateStrategy": rolling}})
    story.same("partitioned", story.observed("StatefulSet", "web", updatedReplicas=1, readyReplicas=3))
    story.patch("StatefulSet", "web", {"spec": {"replicas": 1}})
    story.same("scaled down", story.observed("StatefulSet", "web", replicas=1, readyReplicas=1))
    story.delete("StatefulSet", "web", "Foreground")
    story.same("deleted", story.gone("StatefulSet", "web"))


def test_a_parallel_stateful_set_with_claims(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-claims")
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    spec: Object = {"podManagementPolicy": "Parallel", "persistentVolumeClaimRetentionPolicy": policy}
    story.create(
        workload("StatefulSet", "web", replicas=0, serviceName="web", volumeClaimTemplates=[claim], **spec)
    )
    story.same("created", story.observed("StatefulSet", "web", replicas=0))


def test_a_daemon_set_is_on_every_node(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-daemon")
    story.create(workload("DaemonSet", "web"))
    story.same("created", story.observed("DaemonSet", "web", numberAvailable=3))
    story.patch("DaemonSet", "web", image("nginx:2"))
    story.same("new image", story.observed("DaemonSet", "web", numberAvailable=3, updatedNumberScheduled=3))
    somewhere = {"nodeSelector": {"kubernetes.io/hostname": "downstream-1"}}
    story.patch("DaemonSet", "web", {"spec": {"template": template("web", "nginx:2", **somewhere)}})
    story.same(
        "on one node",
        story.observed("DaemonSet", "web", numberAvailable=1, updatedNumberScheduled=1, numberMisscheduled=0),
    )
    story.delete("DaemonSet", "web", "Foreground")
    story.same("deleted", story.gone("DaemonSet", "web"))


def test_jobs_complete(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-jobs")
    story.create(job("plain", completions=3, parallelism=2))
    story.create(job("indexed", completions=3, parallelism=2, completionMode="Indexed"))
    story.create(job("queue", parallelism=1))
    for name in ("plain", "indexed", "queue"):
        story.settled(finished(story, name))
    story.same("done")
    story.create(job("later", suspend=True))
    story.same("suspended")
    story.patch("Job", "later", {"spec": {"suspend": False}})
    story.same("resumed", finished(story, "later"))
    story.create(job("short", ttlSecondsAfterFinished=1))
    story.same("cleaned up", story.gone("Job", "short"))
    story.delete("Job", "plain", "Foreground")
    story.same("deleted", story.gone("Job", "plain"))


def test_a_service_has_endpoints_and_a_budget_counts(worlds: tuple[World, World]) -> None:
    story = Story(worlds, "parity-service")
    ports = [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "other", "port": 81, "targetPort": 8080},
    ]
    story.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "labels": {"a": "b"}},
            "spec": {"selector": {"app": "web"}, "ports": ports},
        }
    )
    story.same("without pods", lambda world: world.objects("Endpoints", "parity-service"))
    story.create(workload("Deployment", "web", replicas=3))
    story.create(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": "web"}}},
        }
    )
    budget = story.observed("PodDisruptionBudget", "web", currentHealthy=3, expectedPods=3)
    deployed = story.observed("Deployment", "web", availableReplicas=3)
    story.same("with pods", lambda world: budget(world) and deployed(world))
    story.patch("Deployment", "web", {"spec": {"replicas": 1}})
    story.same("scaled down", story.observed("PodDisruptionBudget", "web", currentHealthy=1, expectedPods=1))
    story.delete("Service", "web")
    story.same("without service", lambda world: not world.objects("Endpoints", "parity-service"))


def test_nothing_went_wrong_in_the_simulated_cluster(worlds: tuple[RealWorld, SimulatedWorld]) -> None:
    story = Story(worlds, "parity-failures")
    story.create(workload("Deployment", "web", replicas=3))
    story.settled(story.observed("Deployment", "web", availableReplicas=3))
    assert worlds[1].failures == []
