"""The volumes of a pod and their sources.

Source: ``ValidateVolumes`` and ``validateVolumeSource`` in ``pkg/apis/core/validation``. The sources that workloads use are looked
into; of those of single storage vendors only the number of sources is checked. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, dns1123_subdomain
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.claims import check_claim_spec
from tmc_syncer.controlplane.types.rules.labels import check_annotations, check_labels
from tmc_syncer.controlplane.types.rules.mounts import check_no_steps_back
from tmc_syncer.controlplane.types.rules.projections import (
    check_config_map,
    check_downward,
    check_projected,
    check_secret,
)

__all__ = ["check_csi_driver_name", "check_host_path", "check_nfs", "check_volumes"]

Object = dict[str, Any]

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
ORDER = (
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "projected",
    "portworxVolume",
    "scaleIO",
    "storageos",
    "csi",
    "ephemeral",
    "image",
)
"""Sources in the order in which a server looks at them: those after the first are one too many."""


def check_volumes(path: str, volumes: list[Object], pod: str) -> tuple[dict[str, Object], list[Cause]]:
    """The valid volumes by name, and what is wrong with the others. `pod` is the pod's name, empty for a template."""
    found: list[Cause] = []
    valid: dict[str, Object] = {}
    created = {f"{pod}-{volume.get('name')}" for volume in volumes if pod and "ephemeral" in volume}
    for number, volume in enumerate(volumes):
        where, name = f"{path}[{number}]", volume.get("name", "")
        wrong = _check_source(where, volume)
        if not name:
            wrong.append(causes.required(f"{where}.name"))
        else:
            wrong += causes.wrong(f"{where}.name", name, dns1123_label(name))
        if name in valid:
            wrong.append(causes.duplicate(f"{where}.name", name))
        if wrong:
            found += wrong
        else:
            valid[name] = volume
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim in created:
            words = "must not reference a PVC that gets created for an ephemeral volume"
            found.append(causes.invalid(f"{where}.persistentVolumeClaim.claimName", claim, words))
    return valid, found


def _check_source(path: str, volume: Object) -> list[Cause]:
    present = [source for source in ORDER if source in volume] if len(volume) > 2 else list(volume)[1:]
    if "name" not in volume:
        present = [source for source in ORDER if source in volume]
    if not present:
        return [causes.required(path, "must specify a volume type")]
    found = [
        causes.forbidden(f"{path}.{extra}", "may not specify more than 1 volume type")
        for extra in present[1:]
    ]
    check = _SOURCES.get(present[0])
    if check is not None:
        found += check(f"{path}.{present[0]}", volume[present[0]])
    return found


def _check_empty_dir(path: str, source: Object) -> list[Cause]:
    if nanos(source.get("sizeLimit", "0")) < 0:
        return [causes.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")]
    return []


def check_host_path(path: str, source: Object) -> list[Cause]:
    """A directory of the node."""
    target = source.get("path", "")
    if not target:
        return [causes.required(f"{path}.path")]
    found = check_no_steps_back(f"{path}.path", target)
    if source.get("type", "") not in HOST_PATH_TYPES:
        found.append(causes.not_supported(f"{path}.type", source["type"], HOST_PATH_TYPES))
    return found


def _check_claim(path: str, source: Object) -> list[Cause]:
    return [] if source.get("claimName") else [causes.required(f"{path}.claimName")]


def check_nfs(path: str, source: Object) -> list[Cause]:
    """A directory of an NFS server."""
    found = [causes.required(f"{path}.{field}") for field in ("server", "path") if not source.get(field)]
    if not source.get("path", "").startswith("/"):
        found.append(causes.invalid(f"{path}.path", source.get("path", ""), "must be an absolute path"))
    return found


def check_csi_driver_name(path: str, name: str) -> list[Cause]:
    """The name of a CSI driver."""
    if not name:
        return [causes.required(path)]
    found = [causes.too_long(path, 63)] if len(name) > 63 else []
    return found + causes.wrong(path, name, dns1123_subdomain(name.lower()))


def _check_csi(path: str, source: Object) -> list[Cause]:
    found = check_csi_driver_name(f"{path}.driver", source.get("driver", ""))
    reference = source.get("nodePublishSecretRef")
    if reference is not None:
        name = reference.get("name", "")
        if not name:
            found.append(causes.required(f"{path}.nodePublishSecretRef.name"))
        else:
            found += causes.wrong(f"{path}.name", name, dns1123_subdomain(name))
    return found


def _check_ephemeral(path: str, source: Object) -> list[Cause]:
    template = source.get("volumeClaimTemplate")
    where = f"{path}.volumeClaimTemplate"
    if template is None:
        return [causes.required(where)]
    metadata = template["metadata"]
    found = check_annotations(f"{where}.metadata.annotations", metadata.get("annotations"))
    found += check_labels(f"{where}.metadata.labels", metadata.get("labels"))
    for field in metadata.keys() - {"annotations", "labels"}:
        found.append(causes.forbidden(f"{where}.metadata.{field}", "cannot be set"))
    return found + check_claim_spec(f"{where}.spec", template["spec"])


def _check_image(path: str, source: Object) -> list[Cause]:
    found = [] if source.get("reference") else [causes.required(f"{path}.reference")]
    policy = source.get("pullPolicy", "")
    if policy not in ("Always", "IfNotPresent", "Never"):
        found.append(causes.not_supported(f"{path}.pullPolicy", policy, ("Always", "IfNotPresent", "Never")))
    return found


_SOURCES: dict[str, Callable[[str, Object], list[Cause]]] = {
    "configMap": check_config_map,
    "csi": _check_csi,
    "downwardAPI": check_downward,
    "emptyDir": _check_empty_dir,
    "ephemeral": _check_ephemeral,
    "hostPath": check_host_path,
    "image": _check_image,
    "nfs": check_nfs,
    "persistentVolumeClaim": _check_claim,
    "projected": check_projected,
    "secret": check_secret,
}
