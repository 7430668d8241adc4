"""Ingresses, IngressClasses, NetworkPolicies, EndpointSlices.

Source: ``pkg/apis/networking/validation`` and ``pkg/apis/discovery/validation``. Pure.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import (
    dns1123_label,
    dns1123_subdomain,
    port_name,
    port_number,
    wildcard_subdomain,
)
from tmc_syncer.controlplane.types.rules.addresses import check_block, is_ip
from tmc_syncer.controlplane.types.rules.handlers import check_port
from tmc_syncer.controlplane.types.rules.labels import check_selector
from tmc_syncer.controlplane.types.rules.services import check_ingress_points

__all__ = ["check_domain_path", "validate_ingress", "validate_ingress_class", "validate_network_policy"]

Object = dict[str, Any]

PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
FORBIDDEN_IN_PATH = ("//", "/./", "/../", "%2f", "%2F")
FORBIDDEN_AT_END = ("/..", "/.")
CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PROTOCOLS = ("TCP", "UDP", "SCTP")
POLICY_TYPES = ("Egress", "Ingress")


def validate_ingress(obj: Object, old: Object | None) -> list[Cause]:
    """An Ingress."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        found = _check_ingress(spec)
    if old is None:
        annotated = (obj["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
        name = spec.get("ingressClassName")
        if annotated is not None and name is not None and annotated != name:
            words = "must match `ingressClassName` when both are specified"
            found.append(causes.invalid(f"annotations.{CLASS_ANNOTATION}", annotated, words))
        return found
    if obj["status"] != old["status"]:
        points = obj["status"]["loadBalancer"].get("ingress") or []
        found += check_ingress_points(points, modes=False)
    return found


def _check_ingress(spec: Object) -> list[Cause]:
    rules, default = spec.get("rules") or [], spec.get("defaultBackend")
    found: list[Cause] = []
    if not rules and default is None:
        words = "either `defaultBackend` or `rules` must be specified"
        found.append(causes.invalid("spec", spec.get("rules"), words))
    if default is not None:
        found += _check_backend("spec.defaultBackend", default)
    for number, rule in enumerate(rules):
        found += _check_rule(f"spec.rules[{number}]", rule)
    for number, tls in enumerate(spec.get("tls") or ()):
        for index, host in enumerate(tls.get("hosts") or ()):
            found += _check_host(f"spec.tls[{number}].hosts[{index}]", host)
        name = tls.get("secretName")
        if name:
            found += causes.wrong(f"spec.tls[{number}].secretName", name, dns1123_subdomain(name))
    name = spec.get("ingressClassName")
    if name is not None:
        found += causes.wrong("spec.ingressClassName", name, dns1123_subdomain(name))
    return found


def _check_host(path: str, host: str) -> list[Cause]:
    return causes.wrong(path, host, wildcard_subdomain(host) if "*" in host else dns1123_subdomain(host))


def _check_rule(path: str, rule: Object) -> list[Cause]:
    found: list[Cause] = []
    host = rule.get("host")
    if host:
        if is_ip(host):
            found.append(causes.invalid(f"{path}.host", host, "must be a DNS name, not an IP address"))
        else:
            found += _check_host(f"{path}.host", host)
    http = rule.get("http")
    if http is None:
        return found
    if not http.get("paths"):
        found.append(causes.required(f"{path}.http.paths"))
    for number, entry in enumerate(http.get("paths") or ()):
        where = f"{path}.http.paths[{number}]"
        found += _check_path(where, entry) + _check_backend(f"{where}.backend", entry["backend"])
    return found


def _check_path(path: str, entry: Object) -> list[Cause]:
    kind, target = entry.get("pathType"), entry.get("path", "")
    where = f"{path}.path"
    if kind is None:
        return [causes.required(f"{path}.pathType", "pathType must be specified")]
    if kind not in PATH_TYPES:
        return [causes.not_supported(f"{path}.pathType", kind, PATH_TYPES)]
    if kind == "ImplementationSpecific":
        if target and not target.startswith("/"):
            return [causes.invalid(where, target, "must be an absolute path")]
        return []
    if not target.startswith("/"):
        return [causes.invalid(where, target, "must be an absolute path")]
    found = [
        causes.invalid(where, target, f"must not contain '{part}'")
        for part in FORBIDDEN_IN_PATH
        if part in target
    ]
    return found + [
        causes.invalid(where, target, f"cannot end with '{part}'")
        for part in FORBIDDEN_AT_END
        if target.endswith(part)
    ]


def _check_backend(path: str, backend: Object) -> list[Cause]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        return [causes.invalid(path, "", "cannot set both resource and service backends")]
    if resource is not None:
        return [
            causes.required(f"{path}.resource.{field}")
            for field in ("kind", "name")
            if not resource.get(field)
        ]
    if service is None:
        return [causes.invalid(path, "", "resource or service backend is required")]
    name, port = service.get("name", ""), service["port"]
    where = f"{path}.service.name"
    found = causes.wrong(where, name, dns1123_label(name)) if name else [causes.required(where)]
    number, port_said = port.get("number", 0), port.get("name", "")
    if port_said and number:
        found.append(causes.invalid(path, "", "cannot set both port name & port number"))
    elif port_said:
        found += causes.wrong(f"{path}.service.port.name", port_said, port_name(port_said))
    elif number:
        found += causes.wrong(f"{path}.service.port.number", number, port_number(number))
    else:
        found.append(causes.required(path, "port name or number is required"))
    return found


def check_domain_path(path: str, value: str) -> list[Cause]:
    """A name with a domain before it."""
    if not value:
        return [causes.required(path)]
    host, slash, rest = value.partition("/")
    if not (slash and host and rest):
        return [causes.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    return causes.wrong(path, host, dns1123_subdomain(host))


def validate_ingress_class(obj: Object, old: Object | None) -> list[Cause]:
    """An IngressClass."""
    spec = obj["spec"]
    controller, parameters = spec.get("controller", ""), spec.get("parameters")
    if old is not None and controller != old["spec"].get("controller", ""):
        return [causes.invalid("spec.controller", controller, causes.IMMUTABLE)]
    found = check_domain_path("spec.controller", controller) if old is None else []
    if parameters is not None:
        found += [
            causes.required(f"spec.parameters.{field}")
            for field in ("kind", "name")
            if not parameters.get(field)
        ]
        scope, namespace = parameters.get("scope"), parameters.get("namespace")
        if scope not in ("Cluster", "Namespace"):
            supported = ("Cluster", "Namespace")
            found.append(causes.not_supported("spec.parameters.scope", scope or "", supported))
        elif scope == "Namespace" and not namespace:
            words = "`parameters.scope` is set to 'Namespace'"
            found.append(causes.required("spec.parameters.namespace", words))
        elif scope == "Cluster" and namespace is not None:
            words = "`parameters.scope` is set to 'Cluster'"
            found.append(causes.forbidden("spec.parameters.namespace", words))
    return found


def validate_network_policy(obj: Object, old: Object | None) -> list[Cause]:
    """A NetworkPolicy."""
    spec = obj["spec"]
    if old is not None and spec == old["spec"]:
        return []
    found = check_selector("spec.podSelector", spec.get("podSelector"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{number}]"
            for index, port in enumerate(rule.get("ports") or ()):
                found += _check_policy_port(f"{path}.ports[{index}]", port)
            for index, peer in enumerate(rule.get(peers) or ()):
                found += _check_peer(f"{path}.{peers}[{index}]", peer)
    kinds = spec.get("policyTypes") or []
    if len(kinds) > 2:
        return [
            *found,
            causes.invalid("spec.policyTypes", kinds, "may not specify more than two policyTypes"),
        ]
    return found + [
        causes.not_supported(f"spec.policyTypes[{number}]", kind, POLICY_TYPES)
        for number, kind in enumerate(kinds)
        if kind not in POLICY_TYPES
    ]


def _check_policy_port(path: str, entry: Object) -> list[Cause]:
    found: list[Cause] = []
    protocol, port, end = entry.get("protocol"), entry.get("port"), entry.get("endPort")
    if protocol is not None and protocol not in PROTOCOLS:
        found.append(causes.not_supported(f"{path}.protocol", protocol, PROTOCOLS))
    if port is None:
        if end is not None:
            words = "may not be specified when `port` is not specified"
            found.append(causes.invalid(f"{path}.endPort", end, words))
        return found
    found += check_port(f"{path}.port", port)
    if end is not None:
        if isinstance(port, str):
            words = "may not be specified when `port` is non-numeric"
            found.append(causes.invalid(f"{path}.endPort", end, words))
        elif end < port:
            words = "must be greater than or equal to `port`"
            found.append(causes.invalid(f"{path}.endPort", port, words))
        else:
            found += causes.wrong(f"{path}.endPort", end, port_number(end))
    return found


def _check_peer(path: str, peer: Object) -> list[Cause]:
    found: list[Cause] = []
    for field in ("podSelector", "namespaceSelector"):
        found += check_selector(f"{path}.{field}", peer.get(field))
    block = peer.get("ipBlock")
    if block is not None:
        found += _check_ip_block(f"{path}.ipBlock", block)
        if len(peer) > 1:
            found.append(causes.forbidden(path, "may not specify both ipBlock and another peer"))
    elif not peer:
        found.append(causes.required(path, "must specify a peer"))
    return found


def _check_ip_block(path: str, block: Object) -> list[Cause]:
    whole = block.get("cidr", "")
    if not whole:
        return [causes.required(f"{path}.cidr")]
    found = check_block(f"{path}.cidr", whole)
    for number, text in enumerate(block.get("except") or ()):
        where = f"{path}.except[{number}]"
        wrong = check_block(where, text)
        if not wrong and not found and not _is_inside(text, whole):
            wrong = [causes.invalid(where, text, "must be a strict subset of `cidr`")]
        found += wrong
    return found


def _is_inside(text: str, whole: str) -> bool:
    inner, outer = ipaddress.ip_network(text, strict=False), ipaddress.ip_network(whole, strict=False)
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer
