"""The environment of a container: variables, where their values come from, and references to fields of the pod.

Source: ``ValidateEnv``, ``ValidateEnvFrom`` and what they call in ``pkg/apis/core/validation``. Pure.
"""

from __future__ import annotations

import re
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import (
    config_key,
    dns1123_label,
    dns1123_subdomain,
    label_key,
    name_prefix,
    relaxed_env_name,
)

__all__ = ["VOLUME_FIELDS", "check_environment", "check_field_ref", "check_resource_ref"]

Object = dict[str, Any]

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)

_KNOWN_FIELDS = {
    *ENV_FIELDS,
    *VOLUME_FIELDS,
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.hostNetwork",
    "status.phase",
    "status.nominatedNodeName",
}
_SUBSCRIPT = re.compile(r"(.*)\['(.*)'\]")

RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE = ("limits.hugepages-", "requests.hugepages-")
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_DIVISORS = {"cpu": ("1m", "1"), "memory": _SIZES, "ephemeral-storage": _SIZES}
_DIVISOR_NAMES = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "local ephemeral storage"}

_ONE_SOURCE = (
    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
)
_MANY_SOURCES = "may not have more than one field specified at a time"


def check_environment(path: str, container: Object) -> list[Cause]:
    """The variables of a container."""
    found: list[Cause] = []
    for number, variable in enumerate(container.get("env") or ()):
        name = variable.get("name", "")
        if not name:
            found.append(causes.required(f"{path}.env[{number}].name"))
        elif wrong := relaxed_env_name(name):
            found += causes.wrong(f"{path}.env[{number}].name", name, wrong)
        if "valueFrom" in variable:
            found += _check_source(f"{path}.env[{number}].valueFrom", variable)
    for number, source in enumerate(container.get("envFrom") or ()):
        found += _check_env_from(f"{path}.envFrom", number, source)
    return found


def _check_source(path: str, variable: Object) -> list[Cause]:
    source = variable["valueFrom"]
    found: list[Cause] = []
    if "fieldRef" in source:
        found += check_field_ref(f"{path}.fieldRef", source["fieldRef"], ENV_FIELDS)
    if "resourceFieldRef" in source:
        found += check_resource_ref(f"{path}.resourceFieldRef", source["resourceFieldRef"], in_volume=False)
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in source:
            found += _check_key_ref(f"{path}.{name}", source[name])
    if "fileKeyRef" in source:
        found += _check_file_ref(f"{path}.fileKeyRef", source["fileKeyRef"])
    if not source:
        found.append(causes.invalid(path, "", _ONE_SOURCE))
    elif variable.get("value"):
        found.append(causes.invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(source) > 1:
        found.append(causes.invalid(path, "", _MANY_SOURCES))
    return found


def check_field_ref(path: str, reference: Object, fields: tuple[str, ...]) -> list[Cause]:
    """A reference to a field of the pod."""
    field = reference.get("fieldPath", "")
    if not field:
        return [causes.required(f"{path}.fieldPath")]
    subscript = _SUBSCRIPT.fullmatch(field)
    if subscript is not None:
        outer, key = subscript[1], subscript[2]
        if outer == "metadata.annotations":
            return causes.wrong(path, key.lower(), label_key(key.lower()))
        if outer == "metadata.labels":
            return causes.wrong(path, key, label_key(key))
        return [causes.invalid(f"{path}.fieldPath", field, _unknown_field(field))]
    if field not in _KNOWN_FIELDS:
        return [causes.invalid(f"{path}.fieldPath", field, _unknown_field(field))]
    if field not in fields:
        return [causes.not_supported(f"{path}.fieldPath", field, fields)]
    return []


def _unknown_field(field: str) -> str:
    return f"error converting fieldPath: field label not supported: {field}"


def check_resource_ref(path: str, reference: Object, *, in_volume: bool) -> list[Cause]:
    """A reference to an amount that a container asks for or may use."""
    found: list[Cause] = []
    resource = reference.get("resource", "")
    if in_volume and not reference.get("containerName"):
        found.append(causes.required(f"{path}.containerName"))
    elif not resource:
        found.append(causes.required(f"{path}.resource"))
    elif resource not in RESOURCES and not resource.startswith(_HUGE):
        found.append(causes.not_supported(f"{path}.resource", resource, RESOURCES))
    divisor = reference.get("divisor", "0")
    if divisor != "0":
        kind = resource.partition(".")[2]
        allowed = _SIZES if resource.startswith(_HUGE) else _DIVISORS.get(kind)
        if allowed is not None and divisor not in allowed:
            named = "hugepages" if resource.startswith(_HUGE) else _DIVISOR_NAMES[kind]
            listed = "1m and 1" if kind == "cpu" else ", ".join(_SIZES)
            words = f"only divisor's values {listed} are supported with the {named} resource"
            found.append(causes.invalid(f"{path}.divisor", resource, words))
    return found


def _check_key_ref(path: str, reference: Object) -> list[Cause]:
    name, key = reference.get("name", ""), reference.get("key", "")
    found = causes.wrong(f"{path}.name", name, dns1123_subdomain(name))
    if not key:
        return [*found, causes.required(f"{path}.key")]
    return found + causes.wrong(f"{path}.key", key, config_key(key))


def _check_file_ref(path: str, reference: Object) -> list[Cause]:
    key, volume, file = (reference.get(name, "") for name in ("key", "volumeName", "path"))
    found = (
        [causes.required(f"{path}.key")]
        if not key
        else causes.wrong(f"{path}.key", key, relaxed_env_name(key))
    )
    if not volume:
        found.append(causes.required(f"{path}.volumeName"))
    else:
        found += causes.wrong(f"{path}.volumeName", volume, dns1123_label(volume))
    if not file:
        found.append(causes.required(f"{path}.path"))
    elif ".." in file.split("/"):
        found.append(causes.invalid(f"{path}.path", file, "must not contain '..'"))
    return found


def _check_env_from(path: str, number: int, source: Object) -> list[Cause]:
    found: list[Cause] = []
    prefix = source.get("prefix", "")
    if prefix:
        found += causes.wrong(f"{path}[{number}].prefix", prefix, relaxed_env_name(prefix))
    references = [name for name in ("configMapRef", "secretRef") if name in source]
    for reference in references:
        name = source[reference].get("name", "")
        where = f"{path}[{number}].{reference}.name"
        if not name:
            found.append(causes.required(where))
        else:
            found += causes.wrong(where, name, dns1123_subdomain(name_prefix(name)))
    if not references:
        found.append(causes.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
    elif len(references) > 1:
        found.append(causes.invalid(path, "", _MANY_SOURCES))
    return found
