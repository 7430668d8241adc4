"""Rows of namespaces, nodes, volumes, configuration, accounts, events and quotas.

Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.instants import age
from tmc_syncer.controlplane.types.tables.wording import NONE, UNSET, amounts

__all__ = [
    "claim_cells",
    "config_map_cells",
    "event_cells",
    "namespace_cells",
    "node_cells",
    "quota_cells",
    "secret_cells",
    "service_account_cells",
    "volume_cells",
]

Object = dict[str, Any]

ROLE_PREFIX = "node-role.kubernetes.io/"
ROLE_LABEL = "kubernetes.io/role"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
UNKNOWN = "<unknown>"


def _parts(obj: Object, now: datetime) -> tuple[str, Object, Object, str]:
    metadata = obj["metadata"]
    created = age(metadata.get("creationTimestamp"), now)
    return metadata.get("name", ""), obj.get("spec") or {}, obj.get("status") or {}, created


def namespace_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, status, age."""
    name, _, status, created = _parts(obj, now)
    return [name, status.get("phase", ""), created]


def secret_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, type, number of data, age."""
    name, _, _, created = _parts(obj, now)
    return [name, obj.get("type", ""), len(obj.get("data") or ()), created]


def config_map_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, number of data, age."""
    name, _, _, created = _parts(obj, now)
    return [name, len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), created]


def service_account_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, age."""
    name, _, _, created = _parts(obj, now)
    return [name, created]


def node_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, status, roles, age, version; addresses, operating system, kernel, runtime."""
    name, spec, status, created = _parts(obj, now)
    ready = [condition for condition in status.get("conditions") or () if condition.get("type") == "Ready"]
    words = [("Ready" if ready[-1].get("status") == "True" else "NotReady") if ready else "Unknown"]
    if spec.get("unschedulable"):
        words.append("SchedulingDisabled")
    info = status.get("nodeInfo") or {}
    kernel = info.get("kernelVersion") or UNKNOWN
    if info.get("architecture"):
        kernel = f"{kernel} ({info['architecture']})"
    return [
        name,
        ",".join(words),
        ",".join(_roles(obj)) or NONE,
        created,
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        kernel,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _roles(obj: Object) -> list[str]:
    found: set[str] = set()
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if key.startswith(ROLE_PREFIX):
            found.add(key.removeprefix(ROLE_PREFIX))
        elif key == ROLE_LABEL:
            found.add(value)
    return sorted(found - {""})


def _address(status: Object, kind: str) -> str:
    found = (entry for entry in status.get("addresses") or () if entry.get("type") == kind)
    return str(next(found, {"address": NONE}).get("address", ""))


def _phase(obj: Object, status: Object) -> str:
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else status.get("phase", "")


def _class(obj: Object, spec: Object) -> str:
    annotated = (obj["metadata"].get("annotations") or {}).get(BETA_CLASS)
    return str(annotated if annotated is not None else spec.get("storageClassName", ""))


def volume_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, capacity, modes, reclaim policy, status, claim, class, attributes class, reason, age; volume mode."""
    name, spec, status, created = _parts(obj, now)
    claim = spec.get("claimRef")
    return [
        name,
        (spec.get("capacity") or {}).get("storage", "0"),
        amounts(spec.get("accessModes") or ()),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(obj, status),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(obj, spec),
        spec.get("volumeAttributesClassName", UNSET),
        status.get("reason", ""),
        created,
        spec.get("volumeMode", UNSET),
    ]


def claim_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, status, volume, capacity, modes, class, attributes class, age; volume mode."""
    name, spec, status, created = _parts(obj, now)
    volume = spec.get("volumeName", "")
    return [
        name,
        _phase(obj, status),
        volume,
        (status.get("capacity") or {}).get("storage", "0") if volume else "",
        amounts(status.get("accessModes") or ()) if volume else "",
        _class(obj, spec),
        spec.get("volumeAttributesClassName", UNSET),
        created,
        spec.get("volumeMode", UNSET),
    ]


def event_cells(obj: Object, now: datetime) -> list[Any]:
    """Last seen, type, reason, object, part, source, message, first seen, count, name; of the form of core/v1."""
    first = age(obj.get("firstTimestamp") or obj.get("eventTime"), now)
    last = age(obj["lastTimestamp"], now) if obj.get("lastTimestamp") else first
    count, series = obj.get("count", 0) or 1, obj.get("series")
    if series is not None:
        last, count = age(series.get("lastObservedTime"), now), series.get("count", 0)
    involved, source = obj.get("involvedObject") or {}, obj.get("source") or {}
    target = involved.get("kind", "").lower()
    if involved.get("name"):
        target = f"{target}/{involved['name']}"
    component = source.get("component") or obj.get("reportingComponent") or ""
    instance = source.get("host") or obj.get("reportingInstance") or ""
    return [
        last,
        obj.get("type", ""),
        obj.get("reason", ""),
        target,
        involved.get("fieldPath", ""),
        f"{component}, {instance}" if instance else component,
        obj.get("message", "").strip(),
        first,
        count,
        obj["metadata"].get("name", ""),
    ]


def quota_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, requests, limits, age."""
    name, _, status, created = _parts(obj, now)
    hard, used = status.get("hard") or {}, status.get("used") or {}
    columns: tuple[list[str], list[str]] = ([], [])
    for resource in sorted(hard):
        columns[resource.startswith("limits.")].append(
            f"{resource}: {used.get(resource, '0')}/{hard[resource]}"
        )
    return [name, ", ".join(columns[0]), ", ".join(columns[1]), created]
