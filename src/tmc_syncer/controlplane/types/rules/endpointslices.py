"""EndpointSlices.

Source: ``pkg/apis/discovery/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, dns1123_subdomain, label_key
from tmc_syncer.controlplane.types.rules.addresses import check_ip, family, nonspecial

__all__ = ["validate_endpoint_slice"]

Object = dict[str, Any]

TYPES = ("FQDN", "IPv4", "IPv6")
PROTOCOLS = ("SCTP", "TCP", "UDP")
MAX_ENDPOINTS = 1000
MAX_PORTS = 20000
MAX_ADDRESSES = 100


def validate_endpoint_slice(obj: Object, old: Object | None) -> list[Cause]:
    """An EndpointSlice."""
    kind = obj.get("addressType", "")
    found: list[Cause] = []
    if old is not None and kind != old.get("addressType"):
        found.append(causes.invalid("addressType", kind, causes.IMMUTABLE))
    if kind not in TYPES:
        return [causes.not_supported("addressType", kind, TYPES) if kind else causes.required("addressType")]
    if old is not None and found:
        return found
    endpoints, ports = obj.get("endpoints") or [], obj.get("ports") or []
    if len(endpoints) > MAX_ENDPOINTS:
        found.append(causes.too_many("endpoints", len(endpoints), MAX_ENDPOINTS))
    for number, endpoint in enumerate(endpoints):
        found += _check_endpoint(f"endpoints[{number}]", endpoint, kind)
    return found + _check_ports(ports)


def _check_endpoint(path: str, endpoint: Object, kind: str) -> list[Cause]:
    addresses = endpoint.get("addresses") or []
    where = f"{path}.addresses"
    found = [] if addresses else [causes.required(where, "must contain at least 1 address")]
    if len(addresses) > MAX_ADDRESSES:
        found.append(causes.too_many(where, len(addresses), MAX_ADDRESSES))
    for number, address in enumerate(addresses):
        if kind == "FQDN":
            found += causes.wrong(f"{where}[{number}]", address, dns1123_subdomain(address))
            continue
        wrong = check_ip(f"{where}[{number}]", address)
        if not wrong and family(address) != kind:
            wrong = [causes.invalid(where, address, f"must be an {kind} address")]
        found += wrong or nonspecial(f"{where}[{number}]", address)
    if "nodeName" in endpoint:
        name = endpoint["nodeName"]
        found += causes.wrong(f"{path}.nodeName", name, dns1123_subdomain(name))
    if "hostname" in endpoint:
        found += causes.wrong(f"{path}.hostname", endpoint["hostname"], dns1123_label(endpoint["hostname"]))
    return found


def _check_ports(ports: list[Object]) -> list[Cause]:
    found = [causes.too_many("ports", len(ports), MAX_PORTS)] if len(ports) > MAX_PORTS else []
    names: set[str] = set()
    for number, port in enumerate(ports):
        path, name, protocol = f"ports[{number}]", port.get("name", ""), port.get("protocol", "")
        if name:
            found += causes.wrong(f"{path}.name", name, dns1123_label(name))
        if name in names:
            found.append(causes.duplicate(f"{path}.name", name))
        names.add(name)
        if protocol not in PROTOCOLS:
            found.append(causes.not_supported(f"{path}.protocol", protocol, PROTOCOLS))
        application = port.get("appProtocol")
        if application is not None:
            found += causes.wrong(f"{path}.appProtocol", application, label_key(application))
    return found
