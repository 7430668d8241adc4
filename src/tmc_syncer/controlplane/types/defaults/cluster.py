"""Defaults of namespaces, secrets, volumes and claims, nodes, limits and quotas, priority and storage classes.

Source: ``pkg/apis/core/v1/defaults.go``, ``pkg/apis/storage/v1/defaults.go``, ``pkg/apis/scheduling/v1/defaults.go``. Pure.
"""

from __future__ import annotations

import base64
from typing import Any

from tmc_syncer.controlplane.types.defaults.amounts import default_amounts, default_claim_spec
from tmc_syncer.controlplane.types.defaults.volumes import default_source

__all__ = [
    "default_claim",
    "default_csi_driver",
    "default_limit_range",
    "default_namespace",
    "default_node",
    "default_priority_class",
    "default_quota",
    "default_secret",
    "default_storage_class",
    "default_volume",
]

Object = dict[str, Any]

NAME_LABEL = "kubernetes.io/metadata.name"


def default_namespace(obj: Object) -> None:
    """Fill in a Namespace: its name is a label too, so that selectors can choose it."""
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]
    obj["status"].setdefault("phase", "Active")


def default_secret(obj: Object) -> None:
    """Fill in a Secret; what was given as text becomes data."""
    obj.setdefault("type", "Opaque")
    texts = obj.pop("stringData", None)
    if texts:
        data = obj.setdefault("data", {})
        for key, text in texts.items():
            data[key] = base64.b64encode(text.encode()).decode()


def default_volume(obj: Object) -> None:
    """Fill in a PersistentVolume."""
    spec = obj["spec"]
    obj["status"].setdefault("phase", "Pending")
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    default_amounts(spec.get("capacity"))
    default_source(spec)


def default_claim(obj: Object) -> None:
    """Fill in a PersistentVolumeClaim."""
    status = obj["status"]
    status.setdefault("phase", "Pending")
    default_claim_spec(obj["spec"])
    default_amounts(status.get("capacity"))
    default_amounts(status.get("allocatedResources"))


def default_node(obj: Object) -> None:
    """Fill in a Node."""
    spec, status = obj["spec"], obj["status"]
    if "capacity" in status and "allocatable" not in status:
        status["allocatable"] = dict(status["capacity"])
    default_amounts(status.get("capacity"))
    default_amounts(status.get("allocatable"))
    single, listed = spec.get("podCIDR"), spec.get("podCIDRs")
    if single:
        if not listed or listed[0] != single:
            spec["podCIDRs"] = [single]
    elif listed:
        spec["podCIDR"] = listed[0]


def default_limit_range(obj: Object) -> None:
    """Fill in a LimitRange."""
    for item in obj["spec"].get("limits") or ():
        if item.get("type") == "Container":
            default, request = dict(item.get("default") or {}), dict(item.get("defaultRequest") or {})
            for name, amount in (item.get("max") or {}).items():
                default.setdefault(name, amount)
            for name, amount in (*default.items(), *(item.get("min") or {}).items()):
                request.setdefault(name, amount)
            for field, amounts in (("default", default), ("defaultRequest", request)):
                if amounts:
                    item[field] = amounts
        for field in ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio"):
            default_amounts(item.get(field))


def default_quota(obj: Object) -> None:
    """Fill in a ResourceQuota."""
    default_amounts(obj["spec"].get("hard"))
    default_amounts(obj["status"].get("hard"))
    default_amounts(obj["status"].get("used"))


def default_priority_class(obj: Object) -> None:
    """Fill in a PriorityClass."""
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


def default_storage_class(obj: Object) -> None:
    """Fill in a StorageClass."""
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def default_csi_driver(obj: Object) -> None:
    """Fill in a CSIDriver."""
    spec = obj["spec"]
    spec.setdefault("attachRequired", True)
    for field in ("podInfoOnMount", "storageCapacity", "requiresRepublish", "seLinuxMount"):
        spec.setdefault(field, False)
    spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
    spec.setdefault("volumeLifecycleModes", ["Persistent"])
