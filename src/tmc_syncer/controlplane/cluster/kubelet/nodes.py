"""The nodes of a simulated cluster: created with their capacity, ready, and on request with a heartbeat.

`NodePool` makes the wanted nodes when they are missing, and gives any node that somebody creates what a kubelet reports: addresses, capacity,
conditions, versions. Heartbeats (a Lease for each node) are off by default, since nobody here judges a node by them and each is a
write every ten seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet.addresses import node_address, node_range
from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.names import NODES
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["NODE_RANGE", "NodeHeartbeat", "NodePool", "NodeSpec"]

Object = dict[str, Any]

LEASES = "leases.coordination.k8s.io"
LEASE_NAMESPACE = "kube-node-lease"
MANAGER = "kubelet"
NODE_RANGE = node_range(0)
"""The range of the pods of a node that has none of its own."""

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 40
VERSION = "v1.36.3"

_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def _capacity() -> dict[str, str]:
    return {"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"}


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A node to make: its name, capacity, labels and taints."""

    name: str
    capacity: Mapping[str, str] = field(default_factory=_capacity)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Object, ...] = ()


class NodePool:
    """See the module."""

    name = "node-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, specs: Iterable[NodeSpec]) -> None:
        self._world = world
        self._specs = {spec.name: spec for spec in specs}
        self.sources = (Source(NODES, itself),)

    def make(self) -> None:
        """Create the nodes that are missing."""
        for number, spec in enumerate(self._specs.values()):
            if self._world.fresh(NODES, ("", spec.name)) is None:
                self._world.create(NODES, _node(spec, number), MANAGER)

    def reconcile(self, key: Key) -> float | None:
        """One look at one node: report what a kubelet reports, where nobody has."""
        node = self._world.view(NODES).get(key)
        if node is None or "deletionTimestamp" in node["metadata"]:
            return None
        status = node.get("status") or {}
        if conditions.find(status.get("conditions"), "Ready") is not None:
            return None
        self._world.set_status(NODES, node, self._status(node), MANAGER)
        return None

    def _status(self, node: Object) -> Object:
        name, status = node["metadata"]["name"], dict(node.get("status") or {})
        names = list(self._specs)
        index = names.index(name) if name in names else len(names) + len(self._world.view(NODES))
        spec = self._specs.get(name, NodeSpec(name))
        now = self._world.stamp()
        status.setdefault("capacity", dict(spec.capacity))
        status.setdefault("allocatable", dict(status["capacity"]))
        status.setdefault(
            "addresses",
            [
                {"type": "InternalIP", "address": node_address(index)},
                {"type": "Hostname", "address": name},
            ],
        )
        status["conditions"] = [
            {
                "type": kind,
                "status": value,
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
                "reason": reason,
                "message": message,
            }
            for kind, value, reason, message in _CONDITIONS
        ]
        status.setdefault(
            "nodeInfo",
            {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "containerd://2.1.0",
                "kernelVersion": "6.1.0-simulated",
                "kubeProxyVersion": VERSION,
                "kubeletVersion": VERSION,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "Simulated Linux",
                "systemUUID": "",
            },
        )
        status.setdefault("daemonEndpoints", {"kubeletEndpoint": {"Port": 10250}})
        return status


def _node(spec: NodeSpec, number: int) -> Object:
    pod_range = node_range(number)
    made: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": spec.name,
                "kubernetes.io/os": "linux",
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                **spec.labels,
            },
        },
        "spec": {"podCIDR": pod_range, "podCIDRs": [pod_range]},
    }
    if spec.taints:
        made["spec"]["taints"] = [dict(taint) for taint in spec.taints]
    return made


class NodeHeartbeat:
    """Renews the Lease of each node that is alive."""

    name = "node-heartbeat"
    needs = (LEASES,)

    def __init__(self, world: World, dead: str) -> None:
        self._world = world
        self._dead = dead
        self.sources = (Source(NODES, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One heartbeat of one node."""
        node = self._world.view(NODES).get(key)
        if node is None or (node["metadata"].get("annotations") or {}).get(self._dead) == "true":
            return None
        now = self._world.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease = self._world.view(LEASES).get((LEASE_NAMESPACE, key[1]))
        if lease is None:
            self._create(node, now)
        else:
            self._world.change(
                LEASES, lease, lambda held: {**held, "spec": {**held["spec"], "renewTime": now}}, MANAGER
            )
        return HEARTBEAT_SECONDS

    def _create(self, node: Object, now: str) -> None:
        metadata = node["metadata"]
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": metadata["name"],
                "namespace": LEASE_NAMESPACE,
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
                ],
            },
            "spec": {
                "holderIdentity": metadata["name"],
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": now,
            },
        }
        try:
            self._world.create(LEASES, lease, MANAGER)
        except ApiError as error:
            if error.code != 404:  # the namespace of leases may be missing
                raise
