"""Volumes as containers see them: mounts and devices.

Source: ``ValidateVolumeMounts``, ``ValidateVolumeDevices``; some paths there lack the index of the mount. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes

__all__ = ["check_devices", "check_mounts", "check_no_steps_back", "check_relative"]

Object = dict[str, Any]

PROPAGATION = ("Bidirectional", "HostToContainer", "None")
RECURSIVE = ("Disabled", "Enabled", "IfPossible")
BLOCK_SOURCES = ("persistentVolumeClaim", "ephemeral")


def check_mounts(path: str, container: Object, volumes: Mapping[str, Object]) -> list[Cause]:
    """The mounts of a container; `volumes` are those of the pod that are valid, by name."""
    mounts = container.get("volumeMounts")
    if not mounts:
        return []
    found: list[Cause] = []
    devices = {
        device.get("name"): device.get("devicePath") for device in container.get("volumeDevices") or ()
    }
    points: set[str] = set()
    for number, mount in enumerate(mounts):
        where, name, point = f"{path}[{number}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            found.append(causes.required(f"{where}.name"))
        if name not in volumes:
            found.append(causes.not_found(f"{where}.name", name))
        if not point:
            found.append(causes.required(f"{where}.mountPath"))
        if point in points:
            found.append(causes.invalid(f"{where}.mountPath", point, "must be unique"))
        points.add(point)
        if name in devices:
            found.append(causes.invalid(f"{where}.name", name, "must not already exist in volumeDevices"))
        if point in devices.values():
            words = "must not already exist as a path in volumeDevices"
            found.append(causes.invalid(f"{where}.mountPath", point, words))
        if len(mount) > 2:
            found += _check_details(path, where, mount, container)
    return found


def _check_details(path: str, where: str, mount: Object, container: Object) -> list[Cause]:
    found: list[Cause] = []
    below, expression = mount.get("subPath"), mount.get("subPathExpr")
    if below:
        found += check_relative(f"{path}.subPath", below)
    if expression:
        if below:
            words = "subPathExpr and subPath are mutually exclusive"
            found.append(causes.invalid(f"{where}.subPathExpr", expression, words))
        found += check_relative(f"{path}.subPathExpr", expression)
    propagation = mount.get("mountPropagation")
    if propagation is not None:
        found += _check_propagation(f"{path}.mountPropagation", propagation, container)
    recursive = mount.get("recursiveReadOnly")
    if recursive is not None:
        found += _check_recursive(f"{path}.recursiveReadOnly", recursive, mount)
    return found


def _check_propagation(path: str, propagation: str, container: Object) -> list[Cause]:
    if propagation not in PROPAGATION:
        return [causes.not_supported(path, propagation, PROPAGATION)]
    if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        words = "Bidirectional mount propagation is available only to privileged containers"
        return [causes.forbidden(path, words)]
    return []


def _check_recursive(path: str, recursive: str, mount: Object) -> list[Cause]:
    if recursive not in RECURSIVE:
        return [causes.not_supported(path, recursive, RECURSIVE)]
    found: list[Cause] = []
    if recursive != "Disabled":
        if not mount.get("readOnly"):
            found.append(causes.forbidden(path, "may only be specified when readOnly is true"))
        if mount.get("mountPropagation", "None") != "None":
            words = "may only be specified when mountPropagation is None or not specified"
            found.append(causes.forbidden(path, words))
    return found


def check_devices(path: str, container: Object, volumes: Mapping[str, Object]) -> list[Cause]:
    """The block devices of a container."""
    devices = container.get("volumeDevices")
    if not devices:
        return []
    found: list[Cause] = []
    mounts = {mount.get("name"): mount.get("mountPath") for mount in container.get("volumeMounts") or ()}
    names: set[str] = set()
    points: set[str] = set()
    for number, device in enumerate(devices):
        where, name, point = f"{path}[{number}]", device.get("name", ""), device.get("devicePath", "")
        if not name:
            found.append(causes.required(f"{where}.name"))
        if name in names:
            found.append(causes.invalid(f"{where}.name", name, "must be unique"))
        if name not in volumes:
            found.append(causes.not_found(f"{where}.name", name))
        elif not any(source in volumes[name] for source in BLOCK_SOURCES):
            words = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            found.append(causes.invalid(f"{where}.name", name, words))
        if not point:
            found.append(causes.required(f"{where}.devicePath"))
        if point in points:
            found.append(causes.invalid(f"{where}.devicePath", point, "must be unique"))
        if ".." in point.split("/"):
            words = "can not contain backsteps ('..')"
            found.append(causes.invalid(f"{where}.devicePath", point, words))
        else:
            points.add(point)
        if name in mounts:
            found.append(causes.invalid(f"{where}.name", name, "must not already exist in volumeMounts"))
        if point in mounts.values():
            words = "must not already exist as a path in volumeMounts"
            found.append(causes.invalid(f"{where}.devicePath", point, words))
        names.add(name)
    return found


def check_no_steps_back(path: str, target: str) -> list[Cause]:
    """A path that stays where it is."""
    if ".." in target.split("/"):
        return [causes.invalid(path, target, "must not contain '..'")]
    return []


def check_relative(path: str, target: str) -> list[Cause]:
    """A relative path that goes down."""
    found = [causes.invalid(path, target, "must be a relative path")] if target.startswith("/") else []
    return found + check_no_steps_back(path, target)
