"""ResourceQuotas and LimitRanges.

Source: ``ValidateResourceQuota*`` and ``ValidateLimitRange``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import label_key
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.amounts import (
    CONTAINER,
    QUOTA,
    check_amount,
    check_resource_name,
    is_huge,
)

__all__ = ["validate_limit_range", "validate_quota"]

Object = dict[str, Any]

SCOPES = (
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
)
CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
LIMIT_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
COMPUTED = CONTAINER | {f"{kind}.{name}" for kind in ("requests", "limits") for name in CONTAINER}
STANDARD_QUOTA = QUOTA | COMPUTED | {"requests.storage"}


def validate_quota(obj: Object, old: Object | None) -> list[Cause]:
    """A ResourceQuota."""
    spec, status = obj["spec"], obj["status"]
    found: list[Cause] = []
    if old is None or spec != old["spec"]:
        found = _check_amounts("spec.hard", spec.get("hard")) + _check_scopes(spec)
    if old is None:
        return found
    scopes = spec.get("scopes")
    if set(scopes or ()) != set(old["spec"].get("scopes") or ()):
        found.append(causes.invalid("spec.scopes", scopes, causes.IMMUTABLE))
    if status != old["status"]:
        for field in ("hard", "used"):
            found += _check_amounts(f"status.{field}", status.get(field))
    return found


def _check_amounts(path: str, amounts: Object | None) -> list[Cause]:
    found: list[Cause] = []
    for name, amount in (amounts or {}).items():
        where = f"{path}[{name}]"
        found += check_resource_name(where, name)
        if "/" not in name and name not in STANDARD_QUOTA and not is_huge(name.removeprefix("requests.")):
            words = "must be a standard resource for quota"
            found.append(causes.invalid(where, name, words))
        found += check_amount(where, name, amount)
    return found


def _check_scopes(spec: Object) -> list[Cause]:
    scopes = spec.get("scopes") or []
    found: list[Cause] = []
    for scope in scopes:
        if scope not in SCOPES:
            found.append(causes.invalid("spec.scopes", scopes, "unsupported scope"))
        found += [
            causes.invalid("spec.scopes", scopes, "unsupported scope applied to resource")
            for name in sorted(spec.get("hard") or ())
            if name in STANDARD_QUOTA and not _fits(scope, name)
        ]
    if any(pair <= set(scopes) for pair in CONFLICTS):
        found.append(causes.invalid("spec.scopes", scopes, "conflicting scopes"))
    return found


def _fits(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    if scope in (
        "Terminating",
        "NotTerminating",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
    ):
        return name == "pods" or name in COMPUTED
    return True


def validate_limit_range(obj: Object, old: Object | None) -> list[Cause]:
    """A LimitRange."""
    del old
    found: list[Cause] = []
    seen: set[str] = set()
    for number, item in enumerate(obj["spec"].get("limits") or ()):
        path, kind = f"spec.limits[{number}]", item.get("type", "")
        found += _check_type(f"{path}.type", kind)
        if kind in seen:
            found.append(causes.duplicate(f"{path}.type", kind))
        seen.add(kind)
        found += _check_item(path, item, kind)
    return found


def _check_type(path: str, kind: str) -> list[Cause]:
    found = causes.wrong(path, kind, label_key(kind))
    if not found and "/" not in kind and kind not in LIMIT_TYPES:
        found.append(causes.invalid(path, kind, "must be a standard limit type or fully qualified"))
    return found


def _check_item(path: str, item: Object, kind: str) -> list[Cause]:
    found: list[Cause] = []
    fields = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"]
    if kind == "Pod":
        for field in ("default", "defaultRequest"):
            fields.remove(field)
            if item.get(field):
                words = "may not be specified when `type` is 'Pod'"
                found.append(causes.forbidden(f"{path}.{field}", words))
    for field in fields:
        for name in item.get(field) or ():
            found += _check_name(f"{path}.{field}[{name}]", name, kind)
    bounded = any("storage" in (item.get(field) or ()) for field in ("min", "max"))
    if kind == "PersistentVolumeClaim" and not bounded:
        words = "either minimum or maximum storage value is required, but neither was provided"
        found.append(causes.required(f"{path}.limits", words))
    names = {name for field in fields for name in item.get(field) or ()}
    for name in sorted(names):
        amounts = {field: (item.get(field) or {}).get(name) for field in fields}
        found += _check_order(path, name, amounts)
    return found


def _check_name(path: str, name: str, kind: str) -> list[Cause]:
    found = check_resource_name(path, name)
    if kind in ("Pod", "Container") and "/" not in name and name not in CONTAINER and not is_huge(name):
        found.append(causes.invalid(path, name, "must be a standard resource for containers"))
    return found


ORDER = (
    ("min", "max", "min", "min", "min value {0} is greater than max value {1}"),
    ("min", "defaultRequest", "defaultRequest", "defaultRequest",
     "min value {0} is greater than default request value {1}"),
    ("defaultRequest", "max", "defaultRequest", "defaultRequest",
     "default request value {0} is greater than max value {1}"),
    ("defaultRequest", "default", "defaultRequest", "defaultRequest",
     "default request value {0} is greater than default limit value {1}"),
    ("min", "default", "default", "min", "min value {0} is greater than default value {1}"),
    ("default", "max", "default", "max", "default value {0} is greater than max value {1}"),
)  # fmt: skip
"""What must not be greater than what; the field and the value that the message is about; the words."""


def _check_order(path: str, name: str, amounts: dict[str, str | None]) -> list[Cause]:
    found: list[Cause] = []
    for low, high, field, value, words in ORDER:
        less, more = amounts.get(low), amounts.get(high)
        if less is not None and more is not None and nanos(less) > nanos(more):
            said = words.format(less, more)
            found.append(causes.invalid(f"{path}.{field}[{name}]", amounts[value], said))
    ratio = amounts.get("maxLimitRequestRatio")
    if ratio is not None and nanos(ratio) < nanos("1"):
        where = f"{path}.maxLimitRequestRatio[{name}]"
        found.append(causes.invalid(where, ratio, f"ratio {ratio} is less than 1"))
    return found
