"""Rows of what connects pods: Services, Ingresses, Endpoints, EndpointSlices, NetworkPolicies.

Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.instants import age
from tmc_syncer.controlplane.types.tables.wording import NONE, UNSET, labels, selector, shortened

__all__ = [
    "address_cells",
    "endpoint_slice_cells",
    "endpoints_cells",
    "ingress_cells",
    "ingress_class_cells",
    "network_policy_cells",
    "service_cells",
    "service_range_cells",
]

Object = dict[str, Any]

MOST = 3
"""Hosts, ports and addresses that are listed."""


def _parts(obj: Object, now: datetime) -> tuple[str, Object, Object, str]:
    metadata = obj["metadata"]
    created = age(metadata.get("creationTimestamp"), now)
    return metadata.get("name", ""), obj.get("spec") or {}, obj.get("status") or {}, created


def service_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, type, cluster address, external address, ports, age; selector."""
    name, spec, status, created = _parts(obj, now)
    address = (spec.get("clusterIPs") or [NONE])[0]
    ports = ",".join(_port(port) for port in spec.get("ports") or ()) or NONE
    kind = spec.get("type", "")
    return [name, kind, address, _external(kind, spec, status), ports, created, labels(spec.get("selector"))]


def _port(port: Object) -> str:
    node = port.get("nodePort", 0)
    number = f"{port.get('port', 0)}:{node}" if node > 0 else str(port.get("port", 0))
    return f"{number}/{port.get('protocol', '')}"


def _external(kind: str, spec: Object, status: Object) -> str:
    given: list[str] = spec.get("externalIPs") or []
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(given) or NONE
    if kind == "LoadBalancer":
        balanced = _balanced(status)
        if given:
            return ",".join([balanced, *given] if balanced else given)
        return balanced or "<pending>"
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    return "<unknown>"


def _balanced(status: Object) -> str:
    points = (status.get("loadBalancer") or {}).get("ingress") or ()
    return ",".join(sorted({point.get("ip") or point.get("hostname") or "" for point in points} - {""}))


def ingress_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, class, hosts, address, ports, age."""
    name, spec, status, created = _parts(obj, now)
    rules = spec.get("rules") or []
    hosts = [rule["host"] for rule in rules[:MOST] if rule.get("host")]
    shown = ",".join(hosts) or "*"
    if hosts and len(rules) > MOST:
        shown = f"{shown} + {len(rules) - MOST} more..."
    chosen = spec.get("ingressClassName")
    ports = "80, 443" if spec.get("tls") else "80"
    return [name, NONE if chosen is None else chosen, shown, _balanced(status), ports, created]


DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"


def ingress_class_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, controller, parameters, age."""
    name, spec, _, created = _parts(obj, now)
    if (obj["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true":
        name = f"{name} (default)"
    shown, parameters = NONE, spec.get("parameters")
    if parameters is not None:
        kind, group = parameters.get("kind", ""), parameters.get("apiGroup")
        shown = f"{kind}{'' if group is None else f'.{group}'}/{parameters.get('name', '')}"
    return [name, spec.get("controller", ""), shown, created]


def endpoints_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, addresses, age."""
    name, _, _, created = _parts(obj, now)
    listed: list[str] = []
    for subset in obj.get("subsets") or ():
        addresses = [address.get("ip", "") for address in subset.get("addresses") or ()]
        ports = subset.get("ports")
        if not ports:
            listed += addresses
        for port in ports or ():
            listed += [_joined(address, port.get("port", 0)) for address in addresses]
    empty = "" if obj.get("subsets") else NONE
    return [name, shortened(listed, MOST, empty), created]


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def endpoint_slice_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, type of addresses, ports, addresses, age."""
    name, _, _, created = _parts(obj, now)
    ports = [_slice_port(port) for port in obj.get("ports") or ()]
    addresses = [
        address for endpoint in obj.get("endpoints") or () for address in endpoint.get("addresses") or ()
    ]
    return [
        name, obj.get("addressType", ""), shortened(ports, MOST, UNSET), shortened(addresses, MOST, UNSET), created,
    ]  # fmt: skip


def _slice_port(port: Object) -> str:
    if port.get("port") is not None:
        return str(port["port"])
    return "*" if port.get("name") is None else str(port["name"])


def network_policy_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, pods, age."""
    name, spec, _, created = _parts(obj, now)
    return [name, selector(spec.get("podSelector")), created]


def service_range_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, blocks, age of a ServiceCIDR."""
    name, spec, _, created = _parts(obj, now)
    return [name, ",".join(spec.get("cidrs") or ()), created]


def address_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, parent of an IPAddress; a real server gives the age as a cell that has no column."""
    name, spec, _, created = _parts(obj, now)
    parent = spec.get("parentRef")
    shown = NONE
    if parent is not None:
        group, resource = parent.get("group", ""), parent.get("resource", "")
        where = f"{resource}.{group}" if group else resource
        shown = "/".join(
            [
                where.lower(),
                *([parent["namespace"]] if parent.get("namespace") else []),
                parent.get("name", ""),
            ]
        )
    return [name, shown, created]
