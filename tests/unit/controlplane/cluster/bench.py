"""A simulated cluster on a real control plane, under virtual time: what the tests of this folder stand on.

`Bench` is an async context manager. It makes a control plane without a socket, a `SimulatedCluster` on its in-process client, and
lets it run. `settle` waits (in virtual time) until nobody has anything to do; `run_for` lets time pass. Nothing here looks at calls:
tests look at objects.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.cluster.assembly import Options, SimulatedCluster
from tmc_syncer.controlplane.cluster.runtime.served import served_resources
from tmc_syncer.controlplane.server.assembly import ControlPlane, Settings
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.local import Local

Object = dict[str, Any]

EPOCH = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SEED = 7

RESOURCES = {
    "ConfigMap": "configmaps",
    "ControllerRevision": "controllerrevisions.apps",
    "CronJob": "cronjobs.batch",
    "DaemonSet": "daemonsets.apps",
    "Deployment": "deployments.apps",
    "Endpoints": "endpoints",
    "EndpointSlice": "endpointslices.discovery.k8s.io",
    "Event": "events",
    "Ingress": "ingresses.networking.k8s.io",
    "Job": "jobs.batch",
    "Namespace": "namespaces",
    "Node": "nodes",
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Pod": "pods",
    "PodDisruptionBudget": "poddisruptionbudgets.policy",
    "ReplicaSet": "replicasets.apps",
    "ReplicationController": "replicationcontrollers",
    "Secret": "secrets",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets.apps",
}


class LoopClock:
    """The time of the running loop, virtual under looptime."""

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class BindingLocal(Local):
    """A client that can bind pods, as long as the server's own cannot."""

    def update(self, resource: str, obj: Object, *, manager: str = "", subresource: str = "") -> Object:
        if subresource != "binding":
            return super().update(resource, obj, manager=manager, subresource=subresource)
        metadata = obj["metadata"]
        call = self._call(resource, metadata["namespace"], metadata["name"], manager)
        shelf = self._resources.shelf
        live = shelf.load(call.kind, shelf.require(call))
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        scheduled["lastTransitionTime"] = timestamp(self._resources.clock.now())
        others = [c for c in live["status"].get("conditions") or () if c["type"] != "PodScheduled"]
        spec = {**live["spec"], "nodeName": obj["spec"]["nodeName"]}
        status = {**live["status"], "conditions": [*others, scheduled]}
        return shelf.put(call, {**live, "spec": spec, "status": status})[1]


@asynccontextmanager
async def bench(options: Options | None = None, *, seed: int = SEED) -> AsyncIterator[Bench]:
    """A running cluster."""
    made = Bench(options, seed=seed)
    task = asyncio.create_task(made.cluster.run(), name="cluster")
    try:
        await made.settle()
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled(), "the cluster ended by itself"


class Bench:
    """See the module."""

    def __init__(
        self, options: Options | None = None, *, clock: Clock | None = None, seed: int = SEED
    ) -> None:
        self.clock: Clock = clock or LoopClock()
        self.plane = ControlPlane(
            Settings("physical", open=True, tls=False),
            self.clock,
            random.Random(seed),
            keyring=Keyring(None, self.clock),
        )
        plane = self.plane
        self.local = BindingLocal(plane.settings.cluster, plane.kinds, plane.resources, plane._views)
        registry, cluster = self.plane.registry, self.plane.settings.cluster
        self.cluster = SimulatedCluster(
            self.local,
            self.clock,
            random.Random(seed + 1),
            types=lambda: served_resources(registry.all(cluster)),
            options=options or Options(),
        )

    # Time

    async def settle(self, limit: float = 60.0) -> None:
        """Wait until everybody is done with everything that comes within the next two seconds."""
        end = self.clock.monotonic() + limit
        calm = 0
        while calm < 40:
            await asyncio.sleep(0.05)
            calm = calm + 1 if self.cluster.quiet() else 0
            assert self.clock.monotonic() < end, "the cluster does not come to rest"

    async def run_for(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def until(self, holds: Callable[[], Any], limit: float = 60.0) -> Any:
        """Wait until something holds; its value."""
        end = self.clock.monotonic() + limit
        while not (found := holds()):
            assert self.clock.monotonic() < end, f"not within {limit} s"
            await asyncio.sleep(0.01)
        return found

    # Objects

    def create(self, obj: Object, namespace: str = "default") -> Object:
        made = {**obj, "metadata": dict(obj["metadata"])}
        resource = RESOURCES[obj["kind"]]
        if resource not in ("namespaces", "nodes", "persistentvolumes"):
            made["metadata"].setdefault("namespace", namespace)
        return self.local.create(resource, made, manager="test")

    def get(self, kind: str, name: str, namespace: str = "default") -> Object | None:
        scope = "" if kind in ("Namespace", "Node", "PersistentVolume") else namespace
        return self.local.get(RESOURCES[kind], name, scope)

    def must(self, kind: str, name: str, namespace: str = "default") -> Object:
        found = self.get(kind, name, namespace)
        assert found is not None, f"{kind} {namespace}/{name} is not there"
        return found

    def status(self, kind: str, name: str, namespace: str = "default") -> Object:
        found: Object = self.must(kind, name, namespace).get("status") or {}
        return found

    def all(self, kind: str, namespace: str = "default", **labels: str) -> list[Object]:
        wanted = labels.items()
        return [
            obj
            for obj in self.local.list(RESOURCES[kind], namespace)
            if wanted <= (obj["metadata"].get("labels") or {}).items()
        ]

    def names(self, kind: str, namespace: str = "default", **labels: str) -> list[str]:
        return sorted(obj["metadata"]["name"] for obj in self.all(kind, namespace, **labels))

    def patch(self, kind: str, name: str, patch: Object, namespace: str = "default", sub: str = "") -> Object:
        scope = "" if kind in ("Namespace", "Node", "PersistentVolume") else namespace
        return self.local.patch(RESOURCES[kind], name, scope, patch, manager="test", subresource=sub)

    def delete(self, kind: str, name: str, namespace: str = "default", **options: Any) -> None:
        scope = "" if kind in ("Namespace", "Node", "PersistentVolume") else namespace
        self.local.delete(RESOURCES[kind], name, scope, **options)

    def events(self, name: str, namespace: str = "default") -> list[tuple[str, str]]:
        """Reason and message of what was told about an object."""
        found = [e for e in self.all("Event", namespace) if e["involvedObject"]["name"] == name]
        return [(event["reason"], event["message"]) for event in found]


def pods_spec(image: str = "nginx:1.27", **fields: Any) -> Object:
    return {"containers": [{"name": "web", "image": image, **fields}]}


def workload(kind: str, name: str, replicas: int | None = None, **spec: Any) -> Object:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet of pods with one container."""
    template = {"metadata": {"labels": {"app": name}}, "spec": pods_spec()}
    made: Object = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    if replicas is not None:
        made["replicas"] = replicas
    if kind == "StatefulSet":
        made.setdefault("serviceName", name)
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": made}


def job(name: str, *, containers: list[Object] | None = None, restart: str = "Never", **spec: Any) -> Object:
    """A Job of pods with one container."""
    pod = {"restartPolicy": restart, "containers": containers or [{"name": "main", "image": "busybox:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {}, "spec": pod}, **spec},
    }


def condition(status: Object, kind: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition; empty strings when it is not there."""
    for one in status.get("conditions") or ():
        if one["type"] == kind:
            return one["status"], one.get("reason", ""), one.get("message", "")
    return "", "", ""


def refused(action: partial[Any]) -> ApiError | None:
    """The error of something that should be refused."""
    try:
        action()
    except ApiError as error:
        return error
    return None
