"""Services.

Source: ``validateService`` and ``ValidateServiceUpdate`` in ``pkg/apis/core/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, dns1123_subdomain, label_key, port_number
from tmc_syncer.controlplane.types.rules.addresses import check_block, check_ip, family, is_ip, nonspecial
from tmc_syncer.controlplane.types.rules.handlers import check_port
from tmc_syncer.controlplane.types.rules.labels import check_labels

__all__ = ["check_ingress_points", "validate_service"]

Object = dict[str, Any]

TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
AFFINITIES = ("ClientIP", "None")
POLICIES = ("Cluster", "Local")
FAMILIES = ("IPv4", "IPv6")
FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
MAX_STICKY_SECONDS = 86400
ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"


def validate_service(obj: Object, old: Object | None) -> list[Cause]:
    """A Service."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        if old is not None:
            found += _check_change(spec, old["spec"])
        found += _check_spec(spec)
    if old is not None and obj["status"] != old["status"]:
        ingress = obj["status"]["loadBalancer"].get("ingress") or []
        if ingress and spec["type"] != "LoadBalancer":
            words = "may only be used when `spec.type` is 'LoadBalancer'"
            found.append(causes.forbidden("status.loadBalancer.ingress", words))
        else:
            found += check_ingress_points(ingress, modes=True)
    return found


def _is_headless(spec: Object) -> bool:
    return (spec.get("clusterIPs") or [""])[0] == "None" or spec.get("clusterIP") == "None"


def _check_spec(spec: Object) -> list[Cause]:
    kind, ports = spec.get("type", ""), spec.get("ports") or []
    found: list[Cause] = []
    if not ports and not _is_headless(spec) and kind != "ExternalName":
        found.append(causes.required("spec.ports"))
    if kind in ("LoadBalancer", "NodePort") and _is_headless(spec):
        words = f"may not be set to 'None' for {kind} services"
        found.append(causes.invalid("spec.clusterIPs[0]", "None", words))
    if kind == "ExternalName":
        found += _check_external_name(spec)
    names: set[str] = set()
    for number, port in enumerate(ports):
        found += _check_service_port(f"spec.ports[{number}]", port, names, named=len(ports) > 1)
    found += _check_duplicate_ports(ports, kind)
    if "selector" in spec:
        found += check_labels("spec.selector", spec["selector"])
    found += _check_affinity(spec)
    if kind != "ExternalName":
        found += _check_addresses(spec)
    for number, address in enumerate(spec.get("externalIPs") or ()):
        where = f"spec.externalIPs[{number}]"
        found += check_ip(where, address) or nonspecial(where, address)
    if kind not in TYPES:
        found.append(causes.not_supported("spec.type", kind, TYPES))
    return found + _check_load_balancer(spec) + _check_traffic(spec)


def _check_external_name(spec: Object) -> list[Cause]:
    words = "may not be set for ExternalName services"
    found = [
        causes.forbidden(f"spec.{field}", words)
        for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy")
        if spec.get(field)
    ]
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        return [*found, causes.required("spec.externalName")]
    return found + causes.wrong("spec.externalName", name, dns1123_subdomain(name))


def _check_service_port(path: str, port: Object, names: set[str], *, named: bool) -> list[Cause]:
    found: list[Cause] = []
    name, protocol = port.get("name", ""), port.get("protocol", "")
    if name:
        found += causes.wrong(f"{path}.name", name, dns1123_label(name))
        if name in names:
            found.append(causes.duplicate(f"{path}.name", name))
        names.add(name)
    elif named:
        found.append(causes.required(f"{path}.name"))
    found += causes.wrong(f"{path}.port", port["port"], port_number(port["port"]))
    if protocol not in PROTOCOLS:
        found.append(causes.not_supported(f"{path}.protocol", protocol, PROTOCOLS))
    found += check_port(f"{path}.targetPort", port["targetPort"])
    application = port.get("appProtocol")
    if application is not None:
        found += causes.wrong(f"{path}.appProtocol", application, label_key(application))
    return found


def _check_duplicate_ports(ports: list[Object], kind: str) -> list[Cause]:
    found: list[Cause] = []
    numbers: set[tuple[str, int]] = set()
    node_ports: set[tuple[str, int]] = set()
    for number, port in enumerate(ports):
        where, protocol, node_port = (
            f"spec.ports[{number}]",
            port.get("protocol", ""),
            port.get("nodePort", 0),
        )
        if node_port:
            if kind == "ClusterIP":
                words = "may not be used when `type` is 'ClusterIP'"
                found.append(causes.forbidden(f"{where}.nodePort", words))
            if (protocol, node_port) in node_ports:
                found.append(causes.duplicate(f"{where}.nodePort", node_port))
            node_ports.add((protocol, node_port))
        if (protocol, port["port"]) in numbers:
            shown = {"Name": "", "Protocol": protocol, "AppProtocol": None, "Port": port["port"],
                     "TargetPort": 0, "NodePort": 0}  # fmt: skip
            found.append(causes.duplicate(where, shown))
        numbers.add((protocol, port["port"]))
    return found


def _check_affinity(spec: Object) -> list[Cause]:
    affinity, config = spec.get("sessionAffinity", ""), spec.get("sessionAffinityConfig")
    if affinity not in AFFINITIES:
        return [causes.not_supported("spec.sessionAffinity", affinity, AFFINITIES)]
    if affinity == "None":
        return []
    seconds = ((config or {}).get("clientIP") or {}).get("timeoutSeconds", 0)
    if 0 < seconds <= MAX_STICKY_SECONDS:
        return []
    words = f"must be greater than 0 and less than {MAX_STICKY_SECONDS}"
    return [causes.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, words)]


def _check_addresses(spec: Object) -> list[Cause]:
    single, listed, families = (
        spec.get("clusterIP", ""),
        spec.get("clusterIPs") or [],
        spec.get("ipFamilies") or [],
    )
    found: list[Cause] = []
    if single and not listed:
        found.append(causes.required("spec.clusterIPs"))
    elif single and listed[0] != single:
        found.append(causes.invalid("spec.clusterIPs", listed, "first value must match `clusterIP`"))
    elif listed and not single:
        words = "must be empty when `clusterIP` is not specified"
        found.append(causes.invalid("spec.clusterIPs", listed, words))
    found += _check_families(families, spec.get("ipFamilyPolicy"))
    wrong = _check_listed(listed)
    if len(listed) > 2:
        found.append(causes.invalid("spec.clusterIPs", listed, "may only hold up to 2 values"))
    if wrong:
        return found + wrong
    if len(listed) > 1 and len({family(address) for address in listed}) < 2:
        words = "may specify no more than one IP for each IP family"
        found.append(causes.invalid("spec.clusterIPs", listed, words))
    if not _is_headless(spec):
        for number, (address, name) in enumerate(zip(listed, families, strict=False)):
            if family(address) != name:
                words = f"expected an {name} value as indicated by `ipFamilies[{number}]`"
                found.append(causes.invalid(f"spec.clusterIPs[{number}]", address, words))
    return found


def _check_families(families: list[str], policy: str | None) -> list[Cause]:
    found: list[Cause] = []
    for number, name in enumerate(families):
        if name not in FAMILIES:
            found.append(causes.not_supported(f"spec.ipFamilies[{number}]", name, FAMILIES))
        if name in families[:number]:
            found.append(causes.duplicate(f"spec.ipFamilies[{number}]", name))
    if policy is not None and policy not in FAMILY_POLICIES:
        found.append(causes.not_supported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES))
    return found


def _check_listed(listed: list[str]) -> list[Cause]:
    found: list[Cause] = []
    if listed[:1] == ["None"] and len(listed) > 1:
        found.append(causes.invalid("spec.clusterIPs", listed, "'None' must be the first and only value"))
    for number, address in enumerate(listed):
        if number or address != "None":
            found += check_ip(f"spec.clusterIPs[{number}]", address)
    return found


def _check_load_balancer(spec: Object) -> list[Cause]:
    found: list[Cause] = []
    is_balanced = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and not is_balanced:
        found.append(causes.forbidden("spec.LoadBalancerSourceRanges", ONLY_LOAD_BALANCER))
    for number, block in enumerate(ranges):
        found += check_block(f"spec.LoadBalancerSourceRanges[{number}]", block.strip())
    if "allocateLoadBalancerNodePorts" in spec and not is_balanced:
        found.append(causes.forbidden("spec.allocateLoadBalancerNodePorts", ONLY_LOAD_BALANCER))
    name = spec.get("loadBalancerClass")
    if name is not None:
        if not is_balanced:
            found.append(causes.forbidden("spec.loadBalancerClass", ONLY_LOAD_BALANCER))
        found += causes.wrong("spec.loadBalancerClass", name, label_key(name))
    return found


def _check_traffic(spec: Object) -> list[Cause]:
    found: list[Cause] = []
    kind, external = spec.get("type"), spec.get("externalTrafficPolicy", "")
    is_external = kind in ("LoadBalancer", "NodePort") or (
        kind == "ClusterIP" and bool(spec.get("externalIPs"))
    )
    if not is_external:
        if external:
            words = "may only be set for externally-accessible services"
            found.append(causes.invalid("spec.externalTrafficPolicy", external, words))
    elif external not in POLICIES:
        found.append(causes.not_supported("spec.externalTrafficPolicy", external, POLICIES))
    health = spec.get("healthCheckNodePort", 0)
    if health and not (kind == "LoadBalancer" and external == "Local"):
        words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.append(causes.invalid("spec.healthCheckNodePort", health, words))
    elif health:
        found += causes.wrong("spec.healthCheckNodePort", health, port_number(health))
    internal = spec.get("internalTrafficPolicy")
    if internal is not None and internal not in POLICIES:
        found.append(causes.not_supported("spec.internalTrafficPolicy", internal, POLICIES))
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in DISTRIBUTIONS:
        found.append(causes.not_supported("spec.trafficDistribution", distribution, DISTRIBUTIONS))
    return found


def _check_change(spec: Object, old: Object) -> list[Cause]:
    found: list[Cause] = []
    if spec.get("type") != "ExternalName" and old.get("type") != "ExternalName":
        new, before = spec.get("clusterIPs") or [], old.get("clusterIPs") or []
        if before and (not new or new[0] != before[0]):
            words = "may not change once set"
            found.append(causes.invalid("spec.clusterIPs[0]", new or None, words))
    if spec.get("type") == old.get("type") == "LoadBalancer":
        if spec.get("loadBalancerClass") != old.get("loadBalancerClass"):
            name = spec.get("loadBalancerClass")
            found.append(causes.invalid("spec.loadBalancerClass", name, "may not change once set"))
        stays_local = spec.get("externalTrafficPolicy") == old.get("externalTrafficPolicy") == "Local"
        if stays_local and spec.get("healthCheckNodePort") != old.get("healthCheckNodePort"):
            found.append(causes.forbidden("spec.healthCheckNodePort", causes.IMMUTABLE))
    return found


def check_ingress_points(points: list[Object], *, modes: bool) -> list[Cause]:
    """Where a load balancer takes traffic: of a Service (with modes of addresses) or of an Ingress."""
    found: list[Cause] = []
    for number, point in enumerate(points):
        where = f"status.loadBalancer.ingress[{number}]"
        address, name, mode = point.get("ip", ""), point.get("hostname", ""), point.get("ipMode")
        if address:
            found += check_ip(f"{where}.ip", address)
        if modes and mode is not None:
            if not address:
                found.append(causes.forbidden(f"{where}.ipMode", "may not be specified when `ip` is not set"))
            elif mode not in ("Proxy", "VIP"):
                found.append(causes.not_supported(f"{where}.ipMode", mode, ("Proxy", "VIP")))
        if name:
            found += causes.wrong(f"{where}.hostname", name, dns1123_subdomain(name))
            if is_ip(name):
                words = "must be a DNS name, not an IP address"
                found.append(causes.invalid(f"{where}.hostname", name, words))
    return found
