"""Namespaces, nodes, endpoints, quotas and limits.

Source: ``pkg/apis/core/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import (
    dns1123_label,
    dns1123_subdomain,
    label_key,
    label_value,
    port_number,
)
from tmc_syncer.controlplane.types.rules.addresses import check_block, check_ip, nonspecial
from tmc_syncer.controlplane.types.rules.amounts import check_amount
from tmc_syncer.controlplane.types.rules.scheduling import EFFECTS
from tmc_syncer.controlplane.types.rules.services import PROTOCOLS

__all__ = ["validate_endpoints", "validate_namespace", "validate_node"]

Object = dict[str, Any]

FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
KEPT_CIDR = 'node updates may not change podCIDR except from "" to valid'
KEPT_PROVIDER = 'node updates may not change providerID except from "" to valid'


def validate_namespace(obj: Object, old: Object | None) -> list[Cause]:
    """A Namespace."""
    found: list[Cause] = []
    finalizers = obj["spec"].get("finalizers") or []
    if old is None:
        for finalizer in finalizers:
            found += _check_finalizer("spec.finalizers", finalizer)
        return found
    if finalizers != (old["spec"].get("finalizers") or []):
        for number, finalizer in enumerate(finalizers):
            found += _check_finalizer(f"spec.finalizers[{number}]", finalizer)
    if obj["status"] != old["status"]:
        deleted, phase = "deletionTimestamp" in obj["metadata"], obj["status"].get("phase", "")
        wanted = "Terminating" if deleted else "Active"
        if phase != wanted:
            state = "not empty" if deleted else "empty"
            words = f"may only be '{wanted}' if `deletionTimestamp` is {state}"
            found.append(causes.invalid("status.Phase", phase, words))
    return found


def _check_finalizer(path: str, finalizer: str) -> list[Cause]:
    found = causes.wrong(path, finalizer, label_key(finalizer))
    if "/" not in finalizer and finalizer not in FINALIZERS:
        words = "name is neither a standard finalizer name nor is it fully qualified"
        found.append(causes.invalid(path, finalizer, words))
    return found


def validate_node(obj: Object, old: Object | None) -> list[Cause]:
    """A Node."""
    spec, status = obj["spec"], obj["status"]
    found = _check_taints("metadata.taints", spec.get("taints") or [])
    for field in ("capacity", "allocatable"):
        for name, amount in (status.get(field) or {}).items():
            found += check_amount(f"status.{field}.{name}", name, amount)
    if old is None:
        for number, block in enumerate(spec.get("podCIDRs") or ()):
            found += check_block(f"spec.podCIDRs[{number}]", block)
        return found
    before = old["spec"]
    for number, address in enumerate(status.get("addresses") or ()):
        if address in status["addresses"][:number]:
            shown = {"Type": address.get("type", ""), "Address": address.get("address", "")}
            found.append(causes.duplicate(f"status.addresses[{number}]", shown))
    if before.get("podCIDRs") and spec.get("podCIDRs") != before["podCIDRs"]:
        found.append(causes.forbidden("spec.podCIDRs", KEPT_CIDR))
    if before.get("providerID") and spec.get("providerID") != before["providerID"]:
        found.append(causes.forbidden("spec.providerID", KEPT_PROVIDER))
    return found


def _check_taints(path: str, taints: list[Object]) -> list[Cause]:
    found: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for number, taint in enumerate(taints):
        where = f"{path}[{number}]"
        key, value, effect = (taint.get(field, "") for field in ("key", "value", "effect"))
        found += causes.wrong(f"{where}.key", key, label_key(key))
        if wrong := label_value(value):
            found.append(causes.invalid(f"{where}.value", value, ";".join(wrong)))
        if not effect:
            found.append(causes.required(f"{where}.effect"))
        elif effect not in EFFECTS:
            found.append(causes.not_supported(f"{where}.effect", effect, EFFECTS))
        if (key, effect) in seen:
            shown = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": taint.get("timeAdded")}
            cause = causes.duplicate(where, shown)
            words = f"{cause.message}: taints must be unique by key and effect pair"
            found.append(Cause(cause.reason, words, cause.field))
        seen.add((key, effect))
    return found


def validate_endpoints(obj: Object, old: Object | None) -> list[Cause]:
    """Endpoints."""
    subsets = obj.get("subsets") or []
    if old is not None and subsets == (old.get("subsets") or []):
        return []
    found: list[Cause] = []
    for number, subset in enumerate(subsets):
        where = f"subsets[{number}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            found.append(causes.required(where, "must specify `addresses` or `notReadyAddresses`"))
        for field in ("addresses", "notReadyAddresses"):
            for index, address in enumerate(subset.get(field) or ()):
                found += _check_address(f"{where}.{field}[{index}]", address)
        ports = subset.get("ports") or []
        for index, port in enumerate(ports):
            found += _check_port(f"{where}.ports[{index}]", port, named=len(ports) > 1)
    return found


def _check_address(path: str, address: Object) -> list[Cause]:
    text = address.get("ip", "")
    found = check_ip(f"{path}.ip", text) + nonspecial(f"{path}.ip", text)
    if address.get("hostname"):
        found += causes.wrong(f"{path}.hostname", address["hostname"], dns1123_label(address["hostname"]))
    if "nodeName" in address:
        found += causes.wrong(f"{path}.nodeName", address["nodeName"], dns1123_subdomain(address["nodeName"]))
    return found


def _check_port(path: str, port: Object, *, named: bool) -> list[Cause]:
    name, number, protocol = port.get("name", ""), port.get("port", 0), port.get("protocol", "")
    found: list[Cause] = []
    if name:
        found += causes.wrong(f"{path}.name", name, dns1123_label(name))
    elif named:
        found.append(causes.required(f"{path}.name"))
    found += causes.wrong(f"{path}.port", number, port_number(number))
    if protocol not in PROTOCOLS:
        found.append(causes.not_supported(f"{path}.protocol", protocol, PROTOCOLS))
    application = port.get("appProtocol")
    if application is not None:
        found += causes.wrong(f"{path}.appProtocol", application, label_key(application))
    return found
