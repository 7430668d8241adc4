"""The EndpointSlice controller: the endpoints of each Service in slices of at most a hundred.

Slices are told apart by address family and by ports. An endpoint keeps its slice as long as it is there; new ones fill slices that are
written anyway, then ones with room, then new ones. A Service without endpoints has one empty slice. Source:
``k8s.io/endpointslice/reconciler.go``.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.references import controller_reference, owners_of
from tmc_syncer.controlplane.cluster.objects.selection import contains
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep import addresses
from tmc_syncer.controlplane.cluster.upkeep.addresses import HEADLESS
from tmc_syncer.controlplane.cluster.upkeep.endpoints import SERVICES, TRIGGER_TIME, services_of_pod
from tmc_syncer.controlplane.cluster.upkeep.slicing import Shape, share
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, NODES, PODS

__all__ = ["EndpointSliceController"]

Object = dict[str, Any]

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGED = "endpointslice-controller.k8s.io"
ZONE = "topology.kubernetes.io/zone"
RESERVED = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS})


class EndpointSliceController:
    """See the module."""

    name = "endpoint-slice-controller"
    needs = (NODES,)

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (
            Source(SERVICES, itself),
            Source(PODS, lambda pod: services_of_pod(world, pod)),
            Source(SLICES, self._of_slice),
        )

    @staticmethod
    def _of_slice(obj: Object) -> list[Key]:
        metadata = obj["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get(MANAGED_BY) != MANAGED or not labels.get(SERVICE_NAME):
            return []
        return [(metadata["namespace"], labels[SERVICE_NAME])]

    def reconcile(self, key: Key) -> float | None:
        """One look at one Service."""
        service = self._world.view(SERVICES).get(key)
        if service is None:
            return None  # the garbage collector takes its slices
        spec = service["spec"]
        if spec.get("type") == "ExternalName" or not spec.get("selector"):
            return None
        standing = [obj for obj in self._world.view(SLICES).all(key[0]) if self._of_slice(obj) == [key]]
        families = addresses.families_of(service)
        for obj in standing:
            if obj["addressType"] not in families:
                self._world.delete(SLICES, obj)
        for family in families:
            ours = [obj for obj in standing if obj["addressType"] == family]
            self._reconcile(service, family, ours)
        return None

    def _reconcile(self, service: Object, family: str, standing: list[Object]) -> None:
        uid = service["metadata"]["uid"]
        ours = [obj for obj in standing if any(r.get("uid") == uid for r in owners_of(obj))]
        labels = self._labels(service)
        plan = share(self._wanted(service, family), ours, labels)
        doomed = [obj for obj in standing if obj not in ours] + plan.delete
        for ports, endpoints in plan.create:
            fresh = self._slice(service, family, ports, endpoints, labels)
            reusable = next((obj for obj in doomed if obj in ours), None)
            if reusable is None:
                if "deletionTimestamp" not in service["metadata"]:
                    self._world.create(SLICES, fresh, MANAGER)
            else:
                doomed.remove(reusable)
                self._write(reusable, endpoints, ports, labels)
        for obj, endpoints in plan.update:
            self._write(obj, endpoints, obj.get("ports") or [], labels)
        for obj in doomed:
            self._world.delete(SLICES, obj)

    def _write(
        self, obj: Object, endpoints: list[Object], ports: list[Object], labels: dict[str, str]
    ) -> None:
        def how(present: Object) -> Object:
            annotations = present["metadata"].get("annotations") or {}
            metadata = {
                **present["metadata"],
                "labels": labels,
                "annotations": {**annotations, TRIGGER_TIME: self._world.stamp()},
            }
            return {**present, "metadata": metadata, "endpoints": endpoints, "ports": ports}

        self._world.change(SLICES, obj, how, MANAGER)

    def _wanted(self, service: Object, family: str) -> dict[Shape, list[Object]]:
        """The endpoints by their ports."""
        found: dict[Shape, list[Object]] = {}
        selected = [
            pod
            for pod in self._world.view(PODS).all(service["metadata"]["namespace"])
            if contains(service["spec"]["selector"], pod["metadata"].get("labels"))
        ]
        for pod in addresses.by_name(selected):
            ip = addresses.address_of(pod, family)
            if not ip or not addresses.counts(pod, terminating=True):
                continue
            ports = addresses.ports_of(service, pod)
            shape: Shape = tuple(tuple(sorted(port.items())) for port in ports)
            found.setdefault(shape, []).append(self._endpoint(service, pod, ip))
        return found

    def _endpoint(self, service: Object, pod: Object, ip: str) -> Object:
        serving, terminating = pods.ready(pod), "deletionTimestamp" in pod["metadata"]
        early = bool(service["spec"].get("publishNotReadyAddresses"))
        endpoint: Object = {
            "addresses": [ip],
            "conditions": {
                "ready": early or (serving and not terminating),
                "serving": serving,
                "terminating": terminating,
            },
        }
        if addresses.sets_hostname(pod, service):
            endpoint["hostname"] = pod["spec"]["hostname"]
        if node_name := pod["spec"].get("nodeName"):
            endpoint["nodeName"] = node_name
            node = self._world.view(NODES).get(("", node_name))
            zone = ((node or {"metadata": {}})["metadata"].get("labels") or {}).get(ZONE)
            if zone:
                endpoint["zone"] = zone
        endpoint["targetRef"] = addresses.target_of(pod)
        return endpoint

    @staticmethod
    def _labels(service: Object) -> dict[str, str]:
        metadata = service["metadata"]
        own = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in RESERVED}
        if addresses.is_headless(service):
            own[HEADLESS] = ""
        return {**own, SERVICE_NAME: metadata["name"], MANAGED_BY: MANAGED}

    def _slice(
        self,
        service: Object,
        family: str,
        ports: list[Object],
        endpoints: list[Object],
        labels: dict[str, str],
    ) -> Object:
        owner = {**service, "apiVersion": "v1", "kind": "Service"}
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": f"{service['metadata']['name']}-",
                "namespace": service["metadata"]["namespace"],
                "labels": labels,
                "annotations": {TRIGGER_TIME: self._world.stamp()},
                "ownerReferences": [controller_reference(owner)],
            },
            "addressType": family,
            "endpoints": endpoints,
            "ports": ports,
        }
