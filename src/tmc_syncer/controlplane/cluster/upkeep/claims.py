"""Volumes: claims are bound to volumes that are made for them, and nothing is removed while it is in use.

`VolumeBinder` binds a claim at once, to a free volume that fits or to a new one of the size that it asks for; when the claim goes, a
volume that was made for it goes too. Switchable: without it claims stay Pending, as on a cluster without storage.
`ClaimProtection` takes the finalizer off a claim that is being deleted once no pod uses it, and off a volume that no claim has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep.ownership import without_finalizer
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER, PODS
from tmc_syncer.controlplane.types.quantities import nanos

__all__ = ["ClaimProtection", "VolumeBinder", "VolumeProtection"]

Object = dict[str, Any]

CLAIMS = "persistentvolumeclaims"
VOLUMES = "persistentvolumes"
CLAIM_IN_USE = "kubernetes.io/pvc-protection"
VOLUME_IN_USE = "kubernetes.io/pv-protection"
BOUND = "pv.kubernetes.io/bind-completed"
BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
PROVISIONED = "pv.kubernetes.io/provisioned-by"
PROVISIONER = "simulation.tmc.io/volumes"


def _claim_of(volume: Object) -> Iterable[Key]:
    reference = volume["spec"].get("claimRef")
    return () if reference is None else ((reference.get("namespace", ""), reference.get("name", "")),)


class VolumeBinder:
    """See the module."""

    name = "persistentvolume-binder"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self.sources = (Source(CLAIMS, itself), Source(VOLUMES, _claim_of))

    def reconcile(self, key: Key) -> float | None:
        """One look at one claim and its volume."""
        claim = self._world.view(CLAIMS).get(key)
        if claim is None:
            self._release(key)
            return None
        if "deletionTimestamp" in claim["metadata"]:
            return None
        name = claim["spec"].get("volumeName", "")
        volume = self._world.view(VOLUMES).get(("", name)) if name else self._find(claim)
        if volume is None:
            if not name:
                volume = self._world.create(VOLUMES, _volume(claim), MANAGER)
                message = f"Successfully provisioned volume {volume['metadata']['name']}"
                self._recorder.tell(self.name, claim, NORMAL, "ProvisioningSucceeded", message)
            elif (claim.get("status") or {}).get("phase") == "Bound":
                status = {**claim["status"], "phase": "Lost"}
                self._world.set_status(CLAIMS, claim, status, MANAGER)
            if volume is None:
                return None
        self._bind(claim, volume)
        return None

    def _find(self, claim: Object) -> Object | None:
        """The smallest free volume that is large enough."""
        wanted = claim["spec"]
        size = nanos(_size(wanted))
        fitting = [
            volume
            for volume in self._world.view(VOLUMES).all()
            if _is_free(volume, claim)
            and volume["spec"].get("storageClassName", "") == (wanted.get("storageClassName") or "")
            and set(wanted.get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())
            and nanos(volume["spec"]["capacity"]["storage"]) >= size
        ]
        return min(
            fitting,
            key=lambda volume: (nanos(volume["spec"]["capacity"]["storage"]), volume["metadata"]["name"]),
            default=None,
        )

    def _bind(self, claim: Object, volume: Object) -> None:
        name = volume["metadata"]["name"]
        volume = self._world.change(VOLUMES, volume, lambda v: _reserved(v, claim), MANAGER) or volume
        if (volume.get("status") or {}).get("phase") != "Bound":
            self._world.set_status(VOLUMES, volume, {"phase": "Bound"}, MANAGER)
        bound = self._world.change(CLAIMS, claim, lambda present: _bound(present, name), MANAGER)
        if bound is not None and (bound.get("status") or {}).get("phase") != "Bound":
            status = {
                **(bound.get("status") or {}),
                "phase": "Bound",
                "accessModes": volume["spec"].get("accessModes") or [],
                "capacity": volume["spec"]["capacity"],
            }
            self._world.set_status(CLAIMS, bound, status, MANAGER)

    def _release(self, key: Key) -> None:
        for volume in self._world.view(VOLUMES).all():
            if key not in _claim_of(volume):
                continue
            annotations = volume["metadata"].get("annotations") or {}
            if annotations.get(PROVISIONED) == PROVISIONER:
                self._world.delete(VOLUMES, volume)
            elif (volume.get("status") or {}).get("phase") == "Bound":
                self._world.set_status(VOLUMES, volume, {"phase": "Released"}, MANAGER)


def _size(spec: Object) -> str:
    return str(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))


def _is_free(volume: Object, claim: Object) -> bool:
    reference = volume["spec"].get("claimRef")
    if "deletionTimestamp" in volume["metadata"]:
        return False
    if reference is None:
        return (volume.get("status") or {}).get("phase") != "Released"
    metadata = claim["metadata"]
    is_named = (reference.get("namespace"), reference.get("name")) == (
        metadata["namespace"],
        metadata["name"],
    )
    return is_named and bool(reference.get("uid", metadata["uid"]) == metadata["uid"])


def _reserved(volume: Object, claim: Object) -> Object:
    metadata = claim["metadata"]
    reference = volume["spec"].get("claimRef") or {}
    if reference.get("uid") == metadata["uid"]:
        return volume
    wanted = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
    annotations = {**(volume["metadata"].get("annotations") or {}), BY_CONTROLLER: "yes"}
    return {
        **volume,
        "metadata": {**volume["metadata"], "annotations": annotations},
        "spec": {**volume["spec"], "claimRef": wanted},
    }


def _bound(claim: Object, volume: str) -> Object:
    annotations = claim["metadata"].get("annotations") or {}
    if claim["spec"].get("volumeName") == volume and BOUND in annotations:
        return claim
    made = {**annotations, BOUND: "yes"}
    if not claim["spec"].get("volumeName"):
        made[BY_CONTROLLER] = "yes"
    return {
        **claim,
        "metadata": {**claim["metadata"], "annotations": made},
        "spec": {**claim["spec"], "volumeName": volume},
    }


def _volume(claim: Object) -> Object:
    spec = claim["spec"]
    name = f"pvc-{claim['metadata']['uid']}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {PROVISIONED: PROVISIONER}},
        "spec": {
            "accessModes": list(spec.get("accessModes") or ()),
            "capacity": {"storage": _size(spec)},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.get("storageClassName") or "",
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "hostPath": {"path": f"/simulated/{name}", "type": ""},
        },
    }


class ClaimProtection:
    """See the module."""

    name = "pvc-protection-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(CLAIMS, itself), Source(PODS, self._of_pod))

    @staticmethod
    def _of_pod(pod: Object) -> Iterable[Key]:
        namespace = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            used = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if used:
                yield namespace, used

    def reconcile(self, key: Key) -> float | None:
        """One look at one claim."""
        claim = self._world.view(CLAIMS).get(key)
        if claim is None or "deletionTimestamp" not in claim["metadata"]:
            return None
        if CLAIM_IN_USE in (claim["metadata"].get("finalizers") or ()) and not self._in_use(key):
            self._world.change(CLAIMS, claim, lambda c: without_finalizer(c, CLAIM_IN_USE), MANAGER)
        return None

    def _in_use(self, key: Key) -> bool:
        return any(
            key in self._of_pod(pod) and pod["spec"].get("nodeName") and not pods.terminal(pod)
            for pod in self._world.view(PODS).all(key[0])
        )


class VolumeProtection:
    """See the module."""

    name = "pv-protection-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(VOLUMES, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one volume."""
        volume = self._world.view(VOLUMES).get(key)
        if volume is None or "deletionTimestamp" not in volume["metadata"]:
            return None
        bound = (volume.get("status") or {}).get("phase") == "Bound"
        if bound and (claims := list(_claim_of(volume))) and self._world.fresh(CLAIMS, claims[0]):
            return None
        if VOLUME_IN_USE in (volume["metadata"].get("finalizers") or ()):
            self._world.change(VOLUMES, volume, lambda v: without_finalizer(v, VOLUME_IN_USE), MANAGER)
        return None
