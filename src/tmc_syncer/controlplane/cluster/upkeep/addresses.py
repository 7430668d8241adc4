"""Which addresses and ports a Service has behind it: for Endpoints and EndpointSlices alike.

A pod counts when it has an address and has not ended; whether terminating ones do is the caller's to say. A port by name is looked up
in the containers of each pod, so pods of one Service may have different numbers. `labels_for` are the labels of a Service with
what its endpoints carry beside. Source: ``k8s.io/endpointslice`` and ``pkg/controller/endpoint``. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods

__all__ = [
    "HEADLESS",
    "address_of",
    "counts",
    "families_of",
    "is_headless",
    "port_number",
    "ports_of",
    "sets_hostname",
    "target_of",
]

Object = dict[str, Any]

HEADLESS = "service.kubernetes.io/headless"


def counts(pod: Object, *, terminating: bool) -> bool:
    """Whether a pod is behind its Services at all."""
    status = pod.get("status") or {}
    if pods.terminal(pod) or not (status.get("podIP") or status.get("podIPs")):
        return False
    return terminating or "deletionTimestamp" not in pod["metadata"]


def is_headless(service: Object) -> bool:
    """Whether the Service has no address of its own."""
    return service["spec"].get("clusterIP") in (None, "", "None")


def families_of(service: Object) -> list[str]:
    """The address types of a Service: IPv4, IPv6, or both."""
    families: list[str] = service["spec"].get("ipFamilies") or []
    if families:
        return families
    address = service["spec"].get("clusterIP")
    if address and address != "None":
        return ["IPv6" if ":" in address else "IPv4"]
    return ["IPv4", "IPv6"]


def address_of(pod: Object, family: str) -> str:
    """The pod's address of a family, empty when it has none."""
    status = pod.get("status") or {}
    for entry in status.get("podIPs") or [{"ip": status.get("podIP", "")}]:
        text = entry.get("ip", "")
        if text and (ipaddress.ip_address(text).version == 6) == (family == "IPv6"):
            return str(text)
    return ""


def port_number(pod: Object, port: Object) -> int | None:
    """The number of a Service's port in this pod; None when the pod has no such port."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    protocol = port.get("protocol", "TCP")
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*spec["containers"], *sidecars]:
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and candidate.get("protocol", "TCP") == protocol:
                return int(candidate["containerPort"])
    return None


def ports_of(service: Object, pod: Object) -> list[Object]:
    """The ports of a Service in this pod: name, number, protocol, application protocol."""
    found: list[Object] = []
    for port in service["spec"].get("ports") or ():
        number = port_number(pod, port)
        if number is not None:
            made = {
                "name": port.get("name", ""),
                "port": number,
                "protocol": port.get("protocol", "TCP"),
            }
            if "appProtocol" in port:
                made["appProtocol"] = port["appProtocol"]
            found.append(made)
    return found


def sets_hostname(pod: Object, service: Object) -> bool:
    """Whether the pod is found by its own name under the Service."""
    spec = pod["spec"]
    return bool(spec.get("hostname")) and bool(spec.get("subdomain") == service["metadata"]["name"])


def target_of(pod: Object) -> Object:
    """The reference to a pod."""
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def by_name(found: Sequence[Object]) -> list[Object]:
    """Sorted by name, so that the same pods give the same object."""
    return sorted(found, key=lambda pod: pod["metadata"]["name"])
