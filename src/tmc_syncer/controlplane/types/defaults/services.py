"""Defaults of what connects pods: Services, Endpoints, EndpointSlices, NetworkPolicies, IngressClasses.

Source: ``pkg/apis/core/v1/defaults.go``, ``pkg/apis/networking/v1/defaults.go``, ``pkg/apis/discovery/v1/defaults.go``. Pure.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "default_endpoint_slice",
    "default_endpoints",
    "default_ingress_class",
    "default_network_policy",
    "default_service",
]

Object = dict[str, Any]

STICKY_SECONDS = 10800
"""How long a client stays with a pod under session affinity."""


def default_service(obj: Object) -> None:
    """Fill in a Service."""
    spec, status = obj["spec"], obj["status"]
    if spec.setdefault("sessionAffinity", "None") == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if "timeoutSeconds" not in client:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": STICKY_SECONDS}}
    kind = spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port["targetPort"]:
            port["targetPort"] = port["port"]
    external = kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and spec.get("externalIPs"))
    if external:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in ("LoadBalancer", "NodePort", "ClusterIP"):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in status["loadBalancer"].get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def default_endpoints(obj: Object) -> None:
    """Fill in Endpoints."""
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def default_endpoint_slice(obj: Object) -> None:
    """Fill in an EndpointSlice."""
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def default_network_policy(obj: Object) -> None:
    """Fill in a NetworkPolicy."""
    spec = obj["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for direction in ("ingress", "egress"):
        for rule in spec.get(direction) or ():
            for port in rule.get("ports") or ():
                port.setdefault("protocol", "TCP")


def default_ingress_class(obj: Object) -> None:
    """Fill in an IngressClass."""
    parameters = obj["spec"].get("parameters")
    if parameters and parameters.get("scope") is None:
        parameters["scope"] = "Cluster"
