"""Load balancers without a cloud: a Service of type LoadBalancer gets an address, an Ingress that of the ingress controller.

Addresses come from a documentation range (203.0.113.0/24) and are given by a counter that goes round; what has one keeps it. When a
Service is no load balancer any more, its status is emptied. Switchable: a real cluster without a cloud leaves both pending.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep.endpoints import SERVICES

__all__ = ["IngressBalancer", "ServiceBalancer"]

Object = dict[str, Any]

INGRESSES = "ingresses.networking.k8s.io"
RANGE = ipaddress.ip_network("203.0.113.0/24")
"""TEST-NET-3 of RFC 5737: nobody's addresses."""

INGRESS_ADDRESS = str(RANGE[254])
SHARED = RANGE.num_addresses - 3
"""Addresses for Services: not those of the network, its broadcast, and the ingress controller."""

MANAGER = "cloud-controller-manager"


class ServiceBalancer:
    """Gives addresses to Services."""

    name = "service-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self._next = 0
        self.sources = (Source(SERVICES, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one Service."""
        service = self._world.view(SERVICES).get(key)
        if service is None or "deletionTimestamp" in service["metadata"]:
            return None
        status = service.get("status") or {}
        present = (status.get("loadBalancer") or {}).get("ingress")
        spec = service["spec"]
        wanted = spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass")
        if wanted and not present:
            address = spec.get("loadBalancerIP") or self._draw()
            self._recorder.tell(self.name, service, NORMAL, "EnsuringLoadBalancer", "Ensuring load balancer")
            entry = {"ip": address, "ipMode": "VIP"}
            status = {**status, "loadBalancer": {"ingress": [entry]}}
            self._world.set_status(SERVICES, service, status, MANAGER)
            self._recorder.tell(self.name, service, NORMAL, "EnsuredLoadBalancer", "Ensured load balancer")
        elif not wanted and present and spec.get("type") != "LoadBalancer":
            self._world.set_status(SERVICES, service, {**status, "loadBalancer": {}}, MANAGER)
        return None

    def _draw(self) -> str:
        taken = {
            entry.get("ip")
            for service in self._world.view(SERVICES).all()
            for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        }
        for _ in range(SHARED):
            self._next = self._next % SHARED + 1
            if str(RANGE[self._next]) not in taken:
                break  # else there are more load balancers than addresses: some share one
        return str(RANGE[self._next])


class IngressBalancer:
    """Gives every Ingress the address of the ingress controller."""

    name = "ingress-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(INGRESSES, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one Ingress."""
        ingress = self._world.view(INGRESSES).get(key)
        if ingress is not None and not ((ingress.get("status") or {}).get("loadBalancer") or {}).get(
            "ingress"
        ):
            status = {"loadBalancer": {"ingress": [{"ip": INGRESS_ADDRESS}]}}
            self._world.set_status(INGRESSES, ingress, status, self.name)
        return None
