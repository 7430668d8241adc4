"""Rows of autoscalers, disruption budgets, roles and bindings, Leases, classes, CSI and admission.

Pure.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.instants import age
from tmc_syncer.controlplane.types.tables.wording import NONE, UNSET

__all__ = [
    "attachment_cells",
    "autoscaler_cells",
    "binding_cells",
    "csi_driver_cells",
    "csi_node_cells",
    "disruption_budget_cells",
    "lease_cells",
    "policy_binding_cells",
    "policy_cells",
    "priority_class_cells",
    "storage_class_cells",
    "webhook_cells",
]

Object = dict[str, Any]

MOST_METRICS = 2
UNKNOWN = "<unknown>"
DEFAULT_CLASSES = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def _parts(obj: Object, now: datetime) -> tuple[str, Object, Object, str]:
    metadata = obj["metadata"]
    created = age(metadata.get("creationTimestamp"), now)
    return metadata.get("name", ""), obj.get("spec") or {}, obj.get("status") or {}, created


def autoscaler_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, reference, targets, least, most, replicas, age; of the form of autoscaling/v2."""
    name, spec, status, created = _parts(obj, now)
    target = spec.get("scaleTargetRef") or {}
    current = status.get("currentMetrics") or []
    shown = [
        _metric(metric, current[number] if number < len(current) else {})
        for number, metric in enumerate(spec.get("metrics") or ())
    ]
    targets = ", ".join(shown[:MOST_METRICS]) or NONE
    if len(shown) > MOST_METRICS:
        targets = f"{targets} + {len(shown) - MOST_METRICS} more..."
    least = spec.get("minReplicas")
    return [
        name,
        f"{target.get('kind', '')}/{target.get('name', '')}",
        targets,
        UNSET if least is None else str(least),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        created,
    ]


_SOURCES = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
            "External": "external"}  # fmt: skip


def _metric(metric: Object, current: Object) -> str:
    kind = metric.get("type", "")
    field = _SOURCES.get(kind)
    if field is None:
        return "<unknown type>"
    source = metric.get(field) or {}
    target, is_known = source.get("target") or {}, field in current
    values = (current.get(field) or {}).get("current") or {}
    if kind in ("Resource", "ContainerResource"):
        prefix = f"{source.get('name', '')}: "
        if "averageValue" in target:
            return (
                f"{prefix}{values.get('averageValue', '0') if is_known else UNKNOWN}/{target['averageValue']}"
            )
        share, wanted = values.get("averageUtilization"), target.get("averageUtilization")
        shown = UNKNOWN if share is None else f"{share}%"
        return f"{prefix}{shown}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if kind == "Pods":
        return f"{values.get('averageValue', '0') if is_known else UNKNOWN}/{target.get('averageValue', '0')}"
    if "averageValue" in target:
        return f"{values.get('averageValue', UNKNOWN)}/{target['averageValue']} (avg)"
    return f"{values.get('value', '0') if is_known else UNKNOWN}/{target.get('value', '0')}"


def disruption_budget_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, least available, most unavailable, allowed disruptions, age."""
    name, spec, status, created = _parts(obj, now)
    bounds = [str(spec[field]) if field in spec else "N/A" for field in ("minAvailable", "maxUnavailable")]
    return [name, *bounds, status.get("disruptionsAllowed", 0), created]


def binding_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, role, age; users, groups, service accounts."""
    name, _, _, created = _parts(obj, now)
    role = obj.get("roleRef") or {}
    subjects = obj.get("subjects") or ()
    lists = [
        ", ".join(subject.get("name", "") for subject in subjects if subject.get("kind") == kind)
        for kind in ("User", "Group")
    ]
    accounts = ", ".join(
        f"{subject.get('namespace', '')}/{subject.get('name', '')}"
        for subject in subjects
        if subject.get("kind") == "ServiceAccount"
    )
    return [name, f"{role.get('kind', '')}/{role.get('name', '')}", created, *lists, accounts]


def lease_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, holder, age."""
    name, spec, _, created = _parts(obj, now)
    return [name, spec.get("holderIdentity") or "", created]


def priority_class_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, value, whether it is the default, age; preemption policy."""
    name, _, _, created = _parts(obj, now)
    return [
        name,
        obj.get("value", 0),
        obj.get("globalDefault", False),
        created,
        obj.get("preemptionPolicy", ""),
    ]


def storage_class_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, provisioner, reclaim policy, binding mode, expansion, age."""
    name, _, _, created = _parts(obj, now)
    annotations = obj["metadata"].get("annotations") or {}
    if any(annotations.get(key) == "true" for key in DEFAULT_CLASSES):
        name = f"{name} (default)"
    return [
        name,
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        obj.get("allowVolumeExpansion", False),
        created,
    ]


def csi_driver_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, attach, pod info, capacity, token requests, republish, modes, age."""
    name, spec, _, created = _parts(obj, now)
    requests = spec.get("tokenRequests")
    audiences = UNSET if requests is None else ",".join(request.get("audience", "") for request in requests)
    return [
        name,
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        audiences,
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        created,
    ]


def csi_node_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, number of drivers, age."""
    name, spec, _, created = _parts(obj, now)
    return [name, len(spec.get("drivers") or ()), created]


def attachment_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, attacher, volume, node, whether it is attached, age."""
    name, spec, status, created = _parts(obj, now)
    volume = (spec.get("source") or {}).get("persistentVolumeName", "")
    return [
        name,
        spec.get("attacher", ""),
        volume,
        spec.get("nodeName", ""),
        status.get("attached", False),
        created,
    ]


def webhook_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, number of webhooks, age."""
    name, _, _, created = _parts(obj, now)
    return [name, len(obj.get("webhooks") or ()), created]


def policy_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, number of validations or mutations, kind of parameters, age."""
    name, spec, _, created = _parts(obj, now)
    kind = spec.get("paramKind")
    count = len(spec.get("validations") or spec.get("mutations") or ())
    shown = UNSET if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"
    return [name, count, shown, created]


def policy_binding_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, policy, parameters, age."""
    name, spec, _, created = _parts(obj, now)
    reference = spec.get("paramRef") or {}
    shown = UNSET
    if reference.get("name"):
        shown = f"{reference.get('namespace') or '*'}/{reference['name']}"
    return [name, spec.get("policyName", ""), shown, created]
