"""Volumes whose files are made from data: Secrets, ConfigMaps, fields of the pod, tokens, and several of these together.

Source: ``validateVolumeSource``, ``validateProjectionSources`` in ``pkg/apis/core/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.rules.environment import (
    VOLUME_FIELDS,
    check_field_ref,
    check_resource_ref,
)
from tmc_syncer.controlplane.types.rules.mounts import check_relative

__all__ = ["check_config_map", "check_downward", "check_projected", "check_secret"]

Object = dict[str, Any]

FILE_MODE = 0o777
MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive"
TOKEN_SECONDS = (600, 2**32)


def _mode(path: str, field: str, holder: Object) -> list[Cause]:
    mode = holder.get(field)
    if mode is not None and not 0 <= mode <= FILE_MODE:
        return [causes.invalid(f"{path}.{field}", mode, MODE_WORDS)]
    return []


def _check_keys(path: str, source: Object) -> list[Cause]:
    found: list[Cause] = []
    for number, item in enumerate(source.get("items") or ()):
        where = f"{path}.items[{number}]"
        if not item.get("key"):
            found.append(causes.required(f"{where}.key"))
        found += _check_file_path(f"{where}.path", item.get("path", ""))
        found += _mode(where, "mode", item)
    return found


def _check_file_path(path: str, target: str) -> list[Cause]:
    found = [] if target else [causes.required(path)]
    found += check_relative(path, target)
    if target.startswith("..") and not target.startswith("../"):
        found.append(causes.invalid(path, target, "must not start with '..'"))
    return found


def check_secret(path: str, source: Object) -> list[Cause]:
    """The keys of a Secret as files."""
    found = [] if source.get("secretName") else [causes.required(f"{path}.secretName")]
    return found + _mode(path, "defaultMode", source) + _check_keys(path, source)


def check_config_map(path: str, source: Object) -> list[Cause]:
    """The keys of a ConfigMap as files."""
    found = [] if source.get("name") else [causes.required(f"{path}.name")]
    return found + _mode(path, "defaultMode", source) + _check_keys(path, source)


def check_downward(path: str, source: Object) -> list[Cause]:
    """Fields of the pod as files."""
    found = _mode(path, "defaultMode", source)
    for item in source.get("items") or ():
        found += _check_downward_file(path, item)
    return found


def _check_downward_file(path: str, item: Object) -> list[Cause]:
    found = _check_file_path(f"{path}.path", item.get("path", ""))
    if "fieldRef" in item:
        found += check_field_ref(f"{path}.fieldRef", item["fieldRef"], VOLUME_FIELDS)
        if "resourceFieldRef" in item:
            words = "fieldRef and resourceFieldRef can not be specified simultaneously"
            found.append(causes.invalid(path, "resource", words))
    elif "resourceFieldRef" in item:
        found += check_resource_ref(f"{path}.resourceFieldRef", item["resourceFieldRef"], in_volume=True)
    else:
        found.append(causes.required(path, "one of fieldRef and resourceFieldRef is required"))
    return found + _mode(path, "mode", item)


def check_projected(path: str, source: Object) -> list[Cause]:
    """Files from several sources."""
    found = _mode(path, "defaultMode", source)
    taken: set[str] = set()
    for number, projection in enumerate(source.get("sources") or ()):
        where = f"{path}.sources[{number}]"
        for kind in list(projection)[1:]:
            found.append(
                causes.forbidden(where, f"may not specify more than 1 volume type per source: {kind}")
            )
        found += _check_projection(path, where, projection)
        for kind in ("secret", "configMap", "downwardAPI"):
            for item in (projection.get(kind) or {}).get("items") or ():
                target = item.get("path", "")
                if target and target in taken:
                    shown = target if kind == "downwardAPI" else projection[kind].get("name", "")
                    found.append(causes.invalid(path, shown, "conflicting duplicate paths"))
                taken.add(target)
    return found


def _check_projection(path: str, where: str, projection: Object) -> list[Cause]:
    found: list[Cause] = []
    for kind in ("secret", "configMap"):
        if kind in projection:
            if not projection[kind].get("name"):
                found.append(causes.required(f"{where}.{kind}.name"))
            found += _check_keys(f"{where}.{kind}", projection[kind])
    for item in (projection.get("downwardAPI") or {}).get("items") or ():
        found += _check_downward_file(f"{where}.downwardAPI", item)
    token = projection.get("serviceAccountToken")
    if token is not None:
        seconds, field = token.get("expirationSeconds", 0), f"{where}.serviceAccountToken.expirationSeconds"
        if seconds < TOKEN_SECONDS[0]:
            found.append(causes.invalid(field, seconds, "may not specify a duration less than 10 minutes"))
        if seconds > TOKEN_SECONDS[1]:
            found.append(
                causes.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")
            )
        found += (
            _check_file_path(f"{path}.path", token.get("path", ""))
            if token.get("path")
            else [causes.required(f"{path}.path")]
        )
    return found
