"""The Endpoints controller: one Endpoints object for each Service with a selector.

Pods with the same addresses share one subset with all ports, pods that are not ready stand apart in it. Endpoints of a Service that
is gone, and that this controller made, are deleted. At most 1,000 addresses are listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.selection import contains
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself, namespace_is_terminating
from tmc_syncer.controlplane.cluster.runtime.recorder import WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep import addresses
from tmc_syncer.controlplane.cluster.upkeep.addresses import HEADLESS
from tmc_syncer.controlplane.cluster.upkeep.triggers import TriggerTimes, stamped
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["SERVICES", "EndpointsController", "services_of_pod"]

Object = dict[str, Any]

SERVICES = "services"
ENDPOINTS = "endpoints"

MANAGED_BY = "endpoints.kubernetes.io/managed-by"
MANAGED = "endpoint-controller"
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"
CAPACITY = 1000


def services_of_pod(world: World, pod: Object) -> Iterable[Key]:
    """The Services that select a pod."""
    labels = pod["metadata"].get("labels")
    return [
        key_of(service)
        for service in world.view(SERVICES).all(pod["metadata"]["namespace"])
        if service["spec"].get("selector") and contains(service["spec"]["selector"], labels)
    ]


class EndpointsController:
    """See the module."""

    name = "endpoint-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._triggers = TriggerTimes()
        self.sources = (
            Source(SERVICES, itself),
            Source(PODS, lambda pod: services_of_pod(world, pod)),
            Source(ENDPOINTS, itself),
        )

    def reconcile(self, key: Key) -> float | None:
        """One look at one Service."""
        service = self._world.view(SERVICES).get(key)
        standing = self._world.view(ENDPOINTS).get(key)
        if service is None:
            self._triggers.forget(key)
            labels = {} if standing is None else standing["metadata"].get("labels") or {}
            if standing is not None and labels.get(MANAGED_BY) == MANAGED:
                self._world.delete(ENDPOINTS, standing)
            return None
        spec = service["spec"]
        if spec.get("type") == "ExternalName" or not spec.get("selector"):
            return None
        wanted = self._wanted(key, service)
        if standing is None:
            self._create(service, wanted)
        else:
            self._world.change(ENDPOINTS, standing, lambda present: _changed(present, wanted), MANAGER)
        return None

    def _create(self, service: Object, wanted: Object) -> None:
        try:
            self._world.create(ENDPOINTS, wanted, MANAGER)
        except ApiError as error:
            if not namespace_is_terminating(error):
                where = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
                message = f"Failed to create endpoint for service {where}: {error.message}"
                self._recorder.tell(self.name, service, WARNING, "FailedToCreateEndpoint", message)
            raise

    def _wanted(self, key: Key, service: Object) -> Object:
        metadata = service["metadata"]
        found = [
            pod
            for pod in self._world.view(PODS).all(metadata["namespace"])
            if contains(service["spec"]["selector"], pod["metadata"].get("labels"))
        ]
        subsets, over = _subsets(service, addresses.by_name(found))
        labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HEADLESS}
        if addresses.is_headless(service):
            labels[HEADLESS] = ""
        annotations = stamped(None, self._triggers.look(key, service, found))
        if over:
            annotations[OVER_CAPACITY] = "truncated"
        made: Object = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "labels": {**labels, MANAGED_BY: MANAGED},
            },
        }
        if annotations:
            made["metadata"]["annotations"] = annotations
        if subsets:
            made["subsets"] = subsets
        return made


def _changed(present: Object, wanted: Object) -> Object:
    """The standing object with what is wanted; the time of the change moves only with a change."""
    labels = wanted["metadata"]["labels"]
    annotations = present["metadata"].get("annotations") or {}
    new = wanted["metadata"].get("annotations") or {}
    over = new.get(OVER_CAPACITY)
    same = (
        present.get("subsets") == wanted.get("subsets")
        and present["metadata"].get("labels") == labels
        and annotations.get(OVER_CAPACITY) == over
    )
    if same:
        return present
    kept = {name: value for name, value in stamped(annotations, None).items() if name != OVER_CAPACITY}
    metadata = {**present["metadata"], "labels": labels, "annotations": {**kept, **new}}
    made = {**present, "metadata": metadata}
    made.pop("subsets", None)
    if "subsets" in wanted:
        made["subsets"] = wanted["subsets"]
    return made


def _subsets(service: Object, found: list[Object]) -> tuple[list[Object], bool]:
    """The subsets, and whether some addresses had to be left out."""
    family = addresses.families_of(service)[0]
    early = bool(service["spec"].get("publishNotReadyAddresses"))
    groups: dict[tuple[tuple[Any, ...], ...], tuple[list[Object], Object]] = {}
    total = 0
    for pod in found:
        ip = addresses.address_of(pod, family)
        if not ip or not addresses.counts(pod, terminating=early):
            continue
        ports = addresses.ports_of(service, pod)
        if not ports and (service["spec"].get("ports") or not addresses.is_headless(service)):
            continue
        if total == CAPACITY:
            return _made(groups), True
        total += 1
        shape = tuple(tuple(port.items()) for port in ports)
        _, group = groups.setdefault(shape, (ports, {}))
        side = "addresses" if early or pods.ready(pod) else "notReadyAddresses"
        group.setdefault(side, []).append(_address(service, pod, ip))
    return _made(groups), False


def _address(service: Object, pod: Object, ip: str) -> Object:
    made: Object = {"ip": ip}
    if addresses.sets_hostname(pod, service):
        made["hostname"] = pod["spec"]["hostname"]
    if pod["spec"].get("nodeName"):
        made["nodeName"] = pod["spec"]["nodeName"]
    return {**made, "targetRef": addresses.target_of(pod)}


def _made(groups: dict[tuple[tuple[Any, ...], ...], tuple[list[Object], Object]]) -> list[Object]:
    made = []
    for ports, sides in groups.values():
        subset = {side: sorted(listed, key=lambda entry: entry["ip"]) for side, listed in sides.items()}
        if ports:
            named = [{name: value for name, value in port.items() if value != ""} for port in ports]
            subset["ports"] = named
        made.append(subset)
    return made
