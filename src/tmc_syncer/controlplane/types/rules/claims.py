"""Persistent volumes and claims.

Source: ``ValidatePersistentVolume*`` in ``pkg/apis/core/validation``. The message of a refused change of a spec ends before the
difference that a real server appends, which is printed from Go's internal types. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_subdomain
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.amounts import check_amount, check_resource_name
from tmc_syncer.controlplane.types.rules.labels import check_selector

__all__ = ["check_claim_spec", "check_modes", "validate_claim"]

Object = dict[str, Any]

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
STORAGE = "storage"
IMMUTABLE_SPEC = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def check_modes(path: str, modes: list[str]) -> list[Cause]:
    """Access modes of a volume or a claim."""
    found = [causes.not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    if "ReadWriteOncePod" in modes and any(
        mode in ACCESS_MODES and mode != "ReadWriteOncePod" for mode in modes
    ):
        found.append(causes.forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return found


def check_claim_spec(path: str, spec: Object) -> list[Cause]:
    """The spec of a claim, also of one that a pod or a StatefulSet makes."""
    modes = spec.get("accessModes") or []
    found = [] if modes else [causes.required(f"{path}.accessModes", "at least 1 access mode is required")]
    found += check_modes(f"{path}.accessModes", modes)
    found += check_selector(f"{path}.selector", spec.get("selector"))
    where = f"{path}.resources[{STORAGE}]"
    amount = (spec["resources"].get("requests") or {}).get(STORAGE)
    if amount is None:
        found.append(causes.required(where))
    elif nanos(amount) <= 0:
        found.append(causes.invalid(where, amount, "must be greater than zero"))
    for field in ("storageClassName", "volumeAttributesClassName"):
        name = spec.get(field)
        if name:
            found += causes.wrong(f"{path}.{field}", name, dns1123_subdomain(name))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        found.append(causes.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES))
    for field in ("dataSource", "dataSourceRef"):
        if field in spec:
            found += _check_source(f"{path}.{field}", spec[field])
    return found


def _check_source(path: str, source: Object) -> list[Cause]:
    found = [causes.required(f"{path}.{field}") for field in ("name", "kind") if not source.get(field)]
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if not group and kind != "PersistentVolumeClaim":
        words = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(causes.invalid(path, kind, words))
    if group:
        found += causes.wrong(f"{path}.apiGroup", group, dns1123_subdomain(group))
    return found


def validate_claim(obj: Object, old: Object | None) -> list[Cause]:
    """A PersistentVolumeClaim."""
    if old is None:
        return check_claim_spec("spec", obj["spec"])
    found: list[Cause] = []
    if obj["spec"] != old["spec"]:
        found = check_claim_spec("spec", obj["spec"]) + _check_change(obj, old)
    if obj["status"] != old["status"]:
        found += _check_status(obj["status"])
    return found


def _check_change(obj: Object, old: Object) -> list[Cause]:
    found: list[Cause] = []
    spec, before = obj["spec"], old["spec"]
    if not before.get("volumeName"):
        before = {**before, "volumeName": spec.get("volumeName")}
    if "storageClassName" not in before:
        before = {**before, "storageClassName": spec.get("storageClassName")}
    new_size, old_size = _size(spec), _size(before)
    if obj["status"].get("phase") == "Bound":
        before = {
            **before,
            "resources": {
                **before["resources"],
                "requests": {**(before["resources"].get("requests") or {}), STORAGE: new_size},
            },
            "volumeAttributesClassName": spec.get("volumeAttributesClassName"),
        }
    if _present(spec) != _present(before):
        found.append(causes.forbidden("spec", IMMUTABLE_SPEC))
    if nanos(new_size) < nanos(old_size):
        status_size = (old["status"].get("capacity") or {}).get(STORAGE, "0")
        if nanos(new_size) <= nanos(status_size):
            words = "field can not be less than status.capacity"
            found.append(causes.forbidden("spec.resources.requests.storage", words))
    if spec.get("volumeMode") != old["spec"].get("volumeMode"):
        found.append(causes.invalid("volumeMode", spec.get("volumeMode"), causes.IMMUTABLE))
    return found


def _size(spec: Object) -> str:
    return str((spec["resources"].get("requests") or {}).get(STORAGE, "0"))


def _present(spec: Object) -> Object:
    return {field: value for field, value in spec.items() if value is not None}


def _check_status(status: Object) -> list[Cause]:
    found: list[Cause] = []
    for name, amount in (status.get("capacity") or {}).items():
        if nanos(amount) < 0:
            value = -(-nanos(amount) // 10**9)
            found.append(
                causes.invalid(f"status.capacity[{name}]", value, "must be a valid resource quantity")
            )
    for name, amount in (status.get("allocatedResources") or {}).items():
        where = f"status.allocatedResources[{name}]"
        found += check_resource_name("status.allocatedResources", name) or check_amount(
            where, STORAGE, amount
        )
    return found
