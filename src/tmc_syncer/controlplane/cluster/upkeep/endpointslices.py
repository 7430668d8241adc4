"""The EndpointSlice controller: the endpoints of each Service in slices of at most a hundred.

Slices are told apart by address family and by ports. An endpoint keeps its slice as long as it is there; new ones fill slices that are
written anyway, then ones with room, then new ones. A Service without endpoints has one empty slice. Source:
``k8s.io/endpointslice/reconciler.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.references import controller_reference, owners_of
from tmc_syncer.controlplane.cluster.objects.selection import contains
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep import addresses
from tmc_syncer.controlplane.cluster.upkeep.addresses import HEADLESS
from tmc_syncer.controlplane.cluster.upkeep.endpoints import SERVICES, services_of_pod
from tmc_syncer.controlplane.cluster.upkeep.slicing import Shape, share
from tmc_syncer.controlplane.cluster.upkeep.triggers import TriggerTimes, stamped
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, NODES, PODS

__all__ = ["EndpointSliceController"]

Object = dict[str, Any]

SLICES = "endpointslices.discovery.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGED = "endpointslice-controller.k8s.io"
ZONE = "topology.kubernetes.io/zone"
RESERVED = frozenset({SERVICE_NAME, MANAGED_BY, HEADLESS})


@dataclass(frozen=True, slots=True)
class _Look:
    """A Service, the pods that it selects, when what is seen now happened, and the labels of its slices."""

    service: Object
    pods: list[Object]
    when: str | None
    labels: dict[str, str]


class EndpointSliceController:
    """See the module."""

    name = "endpoint-slice-controller"
    needs = (NODES,)

    def __init__(self, world: World) -> None:
        self._world = world
        self._triggers = TriggerTimes()
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
            self._triggers.forget(key)
            return None  # the garbage collector takes its slices
        spec = service["spec"]
        if spec.get("type") == "ExternalName" or not spec.get("selector"):
            return None
        selected = [
            pod
            for pod in self._world.view(PODS).all(key[0])
            if contains(spec["selector"], pod["metadata"].get("labels"))
        ]
        look = _Look(service, selected, self._triggers.look(key, service, selected), _labels(service))
        standing = [obj for obj in self._world.view(SLICES).all(key[0]) if self._of_slice(obj) == [key]]
        families = addresses.families_of(service)
        for obj in standing:
            if obj["addressType"] not in families:
                self._world.delete(SLICES, obj)
        for family in families:
            self._reconcile(look, family, [obj for obj in standing if obj["addressType"] == family])
        return None

    def _reconcile(self, look: _Look, family: str, standing: list[Object]) -> None:
        uid = look.service["metadata"]["uid"]
        ours = [obj for obj in standing if any(r.get("uid") == uid for r in owners_of(obj))]
        plan = share(self._wanted(look, family), ours, look.labels)
        doomed = [obj for obj in standing if obj not in ours] + plan.delete
        for ports, endpoints in plan.create:
            reusable = next((obj for obj in doomed if obj in ours), None)
            if reusable is None:
                if "deletionTimestamp" not in look.service["metadata"]:
                    self._world.create(SLICES, _slice(look, family, ports, endpoints), MANAGER)
            else:
                doomed.remove(reusable)
                self._write(look, reusable, endpoints, ports)
        for obj, endpoints in plan.update:
            self._write(look, obj, endpoints, obj.get("ports") or [])
        for obj in doomed:
            self._world.delete(SLICES, obj)

    def _write(self, look: _Look, obj: Object, endpoints: list[Object], ports: list[Object]) -> None:
        def how(present: Object) -> Object:
            annotations = stamped(present["metadata"].get("annotations"), look.when)
            metadata = {**present["metadata"], "labels": look.labels, "annotations": annotations}
            return {**present, "metadata": metadata, "endpoints": endpoints, "ports": ports}

        self._world.change(SLICES, obj, how, MANAGER)

    def _wanted(self, look: _Look, family: str) -> dict[Shape, list[Object]]:
        """The endpoints by their ports."""
        found: dict[Shape, list[Object]] = {}
        for pod in addresses.by_name(look.pods):
            ip = addresses.address_of(pod, family)
            if not ip or not addresses.counts(pod, terminating=True):
                continue
            ports = addresses.ports_of(look.service, pod)
            shape: Shape = tuple(tuple(sorted(port.items())) for port in ports)
            found.setdefault(shape, []).append(self._endpoint(look.service, pod, ip))
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


def _labels(service: Object) -> dict[str, str]:
    metadata = service["metadata"]
    own = {name: value for name, value in (metadata.get("labels") or {}).items() if name not in RESERVED}
    if addresses.is_headless(service):
        own[HEADLESS] = ""
    return {**own, SERVICE_NAME: metadata["name"], MANAGED_BY: MANAGED}


def _slice(look: _Look, family: str, ports: list[Object], endpoints: list[Object]) -> Object:
    service = look.service
    made: Object = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{service['metadata']['name']}-",
            "namespace": service["metadata"]["namespace"],
            "labels": look.labels,
            "ownerReferences": [controller_reference({**service, "apiVersion": "v1", "kind": "Service"})],
        },
        "addressType": family,
        "endpoints": endpoints,
        "ports": ports,
    }
    if look.when is not None:
        made["metadata"]["annotations"] = stamped(None, look.when)
    return made
