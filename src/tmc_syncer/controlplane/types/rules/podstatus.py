"""The status of a pod, which a server looks at although only the kubelet writes it.

Source: ``ValidatePodStatusUpdate``: one address per family, no way back from a terminated container that must not be
restarted, a QoS class that stays. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_subdomain, label_key
from tmc_syncer.controlplane.types.rules.addresses import check_ip, family

__all__ = ["check_pod_status"]

Object = dict[str, Any]

SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")


def check_pod_status(obj: Object, old: Object) -> list[Cause]:
    """A pod whose status changed."""
    status, before, spec = obj["status"], old["status"], old["spec"]
    found: list[Cause] = []
    for number, condition in enumerate(status.get("conditions") or ()):
        where, kind = f"status.conditions[{number}]", condition.get("type", "")
        if condition.get("observedGeneration", 0) < 0:
            value = condition["observedGeneration"]
            found.append(
                causes.invalid(f"{where}.observedGeneration", value, "must be a non-negative integer")
            )
        if kind not in SYSTEM_CONDITIONS:
            found += causes.wrong(f"{where}.Type", kind, label_key(kind))
    found += _check_nomination(status, before, spec)
    if status.get("observedGeneration", 0) < 0:
        value = status["observedGeneration"]
        found.append(causes.invalid("status.observedGeneration", value, "must be a non-negative integer"))
    if status.get("qosClass") != before.get("qosClass"):
        found.append(causes.invalid("status.qosClass", status.get("qosClass", ""), causes.IMMUTABLE))
    for field, containers in (
        ("containerStatuses", "containers"),
        ("initContainerStatuses", "initContainers"),
    ):
        found += _check_transitions(field, status, before, spec, containers)
    found += _check_addresses("status.podIPs", status.get("podIPs") or [])
    hosts = status.get("hostIPs") or []
    if hosts and status.get("hostIP") != hosts[0].get("ip"):
        found.append(
            causes.invalid("status.hostIPs[0].ip", hosts[0].get("ip", ""), "must be equal to `hostIP`")
        )
    return found + _check_addresses("status.hostIPs", hosts)


def _check_nomination(status: Object, before: Object, spec: Object) -> list[Cause]:
    name, where = status.get("nominatedNodeName", ""), "status.nominatedNodeName"
    if not name or name == before.get("nominatedNodeName"):
        return []
    found = causes.wrong(where, name, dns1123_subdomain(name))
    if spec.get("nodeName"):
        found.append(causes.forbidden(where, "may not be set on pods that are already bound to a node"))
    return found


def _check_transitions(
    field: str, status: Object, before: Object, spec: Object, containers: str
) -> list[Cause]:
    found: list[Cause] = []
    policies = {container.get("name"): container for container in spec.get(containers) or ()}
    running = {
        entry.get("name")
        for entry in status.get(field) or ()
        if "terminated" not in (entry.get("state") or {})
    }
    for number, entry in enumerate(before.get(field) or ()):
        terminated = (entry.get("state") or {}).get("terminated")
        if terminated is None or entry.get("name") not in running:
            continue
        if not _may_restart(policies.get(entry.get("name")) or {}, spec, terminated.get("exitCode", 0)):
            words = "may not be transitioned to non-terminated state"
            found.append(causes.forbidden(f"status.{field}[{number}].state", words))
    return found


def _may_restart(container: Object, spec: Object, code: int) -> bool:
    policy = container.get("restartPolicy") or spec.get("restartPolicy")
    return bool(
        policy == "Always" or (policy == "OnFailure" and code != 0) or container.get("restartPolicyRules")
    )


def _check_addresses(path: str, entries: list[Object]) -> list[Cause]:
    addresses = [entry.get("ip", "") for entry in entries]
    found: list[Cause] = []
    for number, address in enumerate(addresses):
        found += check_ip(f"{path}[{number}]", address)
    if len(addresses) > 1 and (len(addresses) > 2 or len({family(address) for address in addresses}) < 2):
        words = "may specify no more than one IP for each IP family"
        found.append(causes.invalid(path, [{"IP": address} for address in addresses], words))
    return found
