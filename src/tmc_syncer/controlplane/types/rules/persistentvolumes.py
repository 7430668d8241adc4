"""Persistent volumes.

Source: ``ValidatePersistentVolume*`` in ``pkg/apis/core/validation``. Of the sources, those that a simulated cluster can have are
looked into; of the others only that there is one. Pure.
"""

from __future__ import annotations

import posixpath
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_subdomain
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.claims import VOLUME_MODES, check_modes
from tmc_syncer.controlplane.types.rules.mounts import check_no_steps_back
from tmc_syncer.controlplane.types.rules.scheduling import check_node_selector
from tmc_syncer.controlplane.types.rules.volumes import check_csi_driver_name, check_host_path, check_nfs

__all__ = ["validate_volume"]

Object = dict[str, Any]

SOURCES = (
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
)
POLICIES = ("Delete", "Recycle", "Retain")


def validate_volume(obj: Object, old: Object | None) -> list[Cause]:
    """A PersistentVolume."""
    if old is not None and obj["spec"] == old["spec"]:
        return []
    found = _check_spec(obj["spec"])
    if old is None:
        return found
    spec, before = obj["spec"], old["spec"]
    if any(spec.get(source) != before.get(source) for source in SOURCES):
        words = "spec.persistentvolumesource is immutable after creation"
        found.append(causes.forbidden("spec.persistentvolumesource", words))
    if spec.get("volumeMode") != before.get("volumeMode"):
        found.append(causes.invalid("volumeMode", spec.get("volumeMode"), causes.IMMUTABLE))
    return found


def _check_spec(spec: Object) -> list[Cause]:
    modes = spec.get("accessModes") or []
    found = [] if modes else [causes.required("spec.accessModes")]
    found += check_modes("spec.accessModes", modes)
    found += _check_capacity(spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy", "")
    if policy and policy not in POLICIES:
        found.append(causes.not_supported("spec.persistentVolumeReclaimPolicy", policy, POLICIES))
    affinity = (spec.get("nodeAffinity") or {}).get("required")
    if "nodeAffinity" in spec:
        if affinity is None:
            words = "must specify required node constraints"
            found.append(causes.required("spec.nodeAffinity.required", words))
        else:
            found += check_node_selector("spec.nodeAffinity.required", affinity)
    present = [source for source in SOURCES if source in spec]
    if not present:
        found.append(causes.required("spec", "must specify a volume type"))
    for extra in present[1:]:
        found.append(causes.forbidden(f"spec.{extra}", "may not specify more than 1 volume type"))
    if present:
        found += _check_source(present[0], spec[present[0]], has_affinity=bool(affinity))
    target = (spec.get("hostPath") or {}).get("path")
    if target and posixpath.normpath(target) == "/" and policy == "Recycle":
        words = "may not be 'recycle' for a hostPath mount of '/'"
        found.append(causes.forbidden("spec.persistentVolumeReclaimPolicy", words))
    name = spec.get("storageClassName")
    if name:
        found += causes.wrong("spec.storageClassName", name, dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        found.append(causes.not_supported("spec.volumeMode", mode, VOLUME_MODES))
    return found


def _check_capacity(capacity: Object) -> list[Cause]:
    found: list[Cause] = []
    if not capacity:
        found.append(causes.required("spec.capacity"))
    if "storage" not in capacity or len(capacity) > 1:
        found.append(causes.not_supported("spec.capacity", _as_go(capacity), ("storage",)))
    for name, amount in capacity.items():
        where = f"spec.capacity[{name}]"
        if nanos(amount) < 0:
            value = -(-nanos(amount) // 10**9)
            found.append(causes.invalid(where, value, "must be a valid resource quantity"))
        if nanos(amount) <= 0:
            found.append(causes.invalid(where, amount, "must be greater than zero"))
    return found


def _as_go(capacity: Object) -> Any:
    return capacity or None


def _check_source(name: str, source: Object, *, has_affinity: bool) -> list[Cause]:
    path = f"spec.{name}"
    if name == "hostPath":
        return check_host_path(path, source)
    if name == "nfs":
        return check_nfs(path, source)
    if name == "csi":
        found = check_csi_driver_name(f"{path}.driver", source.get("driver", ""))
        if not source.get("volumeHandle"):
            found.append(causes.required(f"{path}.volumeHandle"))
        return found
    if name == "local":
        target = source.get("path", "")
        found = check_no_steps_back(f"{path}.path", target) if target else [causes.required(f"{path}.path")]
        if not has_affinity:
            found.append(causes.required("spec.nodeAffinity", "Local volume requires node affinity"))
        return found
    return []
