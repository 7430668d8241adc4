"""Defaults of volumes in a pod, and of the sources that persistent volumes share with them.

A volume without a source is an ``emptyDir``; modes of files, API versions of field references, and the pool names of
storage systems are filled in. Source: ``pkg/apis/core/v1/defaults.go`` and the generated calls around it. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.defaults.amounts import default_claim_spec
from tmc_syncer.controlplane.types.images import pull_policy

__all__ = ["default_field_ref", "default_source", "default_volume"]

Object = dict[str, Any]

FILE_MODE = 0o644
TOKEN_SECONDS = 3600

_CEPH: Object = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}
_AZURE: Object = {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"}

SOURCES: dict[str, Object] = {
    "hostPath": {"type": ""},
    "secret": {"defaultMode": FILE_MODE},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": _CEPH,
    "downwardAPI": {"defaultMode": FILE_MODE},
    "configMap": {"defaultMode": FILE_MODE},
    "azureDisk": _AZURE,
    "projected": {"defaultMode": FILE_MODE},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
"""Fields of volume sources and their defaults."""


def default_volume(volume: Object) -> None:
    """Fill in a volume of a pod."""
    if len(volume) < 2:
        volume["emptyDir"] = {}
        return
    default_source(volume)
    if "downwardAPI" in volume:
        _default_items(volume["downwardAPI"])
    if "projected" in volume:
        for source in volume["projected"].get("sources") or ():
            if "downwardAPI" in source:
                _default_items(source["downwardAPI"])
            if "serviceAccountToken" in source:
                source["serviceAccountToken"].setdefault("expirationSeconds", TOKEN_SECONDS)
    if "image" in volume:
        image = volume["image"]
        image.setdefault("pullPolicy", pull_policy(image.get("reference", "")))
    template = volume.get("ephemeral", {}).get("volumeClaimTemplate")
    if template:
        default_claim_spec(template["spec"])


def default_source(holder: Object) -> None:
    """Fill in the source that `holder` (a volume, or the spec of a persistent volume) has."""
    for name in SOURCES.keys() & holder.keys():
        source = holder[name]
        for field, value in SOURCES[name].items():
            source.setdefault(field, value)


def _default_items(downward: Object) -> None:
    for item in downward.get("items") or ():
        if "fieldRef" in item:
            default_field_ref(item["fieldRef"])


def default_field_ref(reference: Object) -> None:
    """A reference to a field of the pod names a version."""
    reference.setdefault("apiVersion", "v1")
