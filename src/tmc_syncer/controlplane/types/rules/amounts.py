"""Resources of containers and pods: which names there are, and how requests and limits go together.

Source: ``validateResourceRequirements`` and ``pkg/apis/core/helper`` (what is native, what may be overcommitted). Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, label_key
from tmc_syncer.controlplane.types.quantities import nanos

__all__ = [
    "STANDARD",
    "check_amount",
    "check_pod_resources",
    "check_resource_name",
    "check_resources",
    "is_huge",
    "may_overcommit",
]

Object = dict[str, Any]

CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
QUOTA = frozenset(
    {
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    }
)
STANDARD = (
    CONTAINER
    | QUOTA
    | {"storage"}
    | {f"{kind}.{name}" for kind in ("requests", "limits") for name in ("cpu", "memory", "ephemeral-storage")}
    | {"requests.storage"}
)
HUGE = "hugepages-"
NATIVE_DOMAIN = "kubernetes.io/"
ONE = 10**9


def is_huge(name: str) -> bool:
    """Huge pages of some size."""
    return name.startswith(HUGE)


def _is_native(name: str) -> bool:
    return "/" not in name or NATIVE_DOMAIN in name


def may_overcommit(name: str) -> bool:
    """Whether more may be used than is asked for."""
    return _is_native(name) and not is_huge(name)


def _is_extended(name: str) -> bool:
    return not _is_native(name) and not name.startswith("requests.") and not label_key(f"requests.{name}")


def check_resource_name(path: str, name: str) -> list[Cause]:
    """The name of a resource of some kind."""
    if wrong := label_key(name):
        return causes.wrong(path, name, wrong)
    if (
        "/" not in name
        and name not in STANDARD
        and not is_huge(name)
        and not name.startswith("requests.hugepages-")
    ):
        return [causes.invalid(path, name, "must be a standard resource type or fully qualified")]
    return []


def _check_container_resource(path: str, name: str) -> list[Cause]:
    if name in CONTAINER:
        return []
    found = check_resource_name(path, name)
    if "/" not in name:
        if not is_huge(name):
            found.append(causes.invalid(path, name, "must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name):
        found.append(causes.invalid(path, name, "doesn't follow extended resource name standard"))
    return found


def _check_pod_resource(path: str, name: str) -> list[Cause]:
    if found := check_resource_name(path, name):
        return found
    if name in ("cpu", "memory") or is_huge(name):
        return []
    return [causes.not_supported(path, name, ("cpu", "hugepages-", "memory"))]


def check_amount(path: str, name: str, amount: str) -> list[Cause]:
    """The amount of a resource."""
    value = nanos(amount)
    found = [causes.invalid(path, amount, causes.NOT_NEGATIVE)] if value < 0 else []
    countable = name in QUOTA or _is_extended(name) or is_huge(name)
    if countable and value % ONE:
        found.append(causes.invalid(path, amount, "must be an integer"))
    return found


def check_resources(path: str, resources: Object, claims: frozenset[str] = frozenset()) -> list[Cause]:
    """The resources of a container."""
    if not resources:
        return []
    return _check(path, resources, _check_container_resource, claims)


def check_pod_resources(path: str, resources: Object) -> list[Cause]:
    """The resources of a whole pod."""
    found = _check(path, resources, _check_pod_resource, frozenset())
    if "claims" in resources:
        words = "claims may not be set for Resources at pod-level"
        found.append(causes.forbidden(f"{path}.claims", words))
    return found


def _check(path: str, resources: Object, check_name: Any, claims: frozenset[str]) -> list[Cause]:
    found: list[Cause] = []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            where = f"{path}.{kind}[{name}]"
            found += check_name(where, name)
            found += check_amount(where, name, amount)
            if is_huge(name):
                found += _check_huge(where, name, amount)
    for name, amount in requests.items():
        limit = limits.get(name)
        if limit is None:
            if not may_overcommit(name):
                words = "Limit must be set for non overcommitable resources"
                found.append(causes.required(f"{path}.limits", words))
        elif nanos(amount) != nanos(limit):
            if not may_overcommit(name):
                words = f"must be equal to {name} limit of {limit}"
                found.append(causes.invalid(f"{path}.requests", amount, words))
            elif nanos(amount) > nanos(limit):
                words = f"must be less than or equal to {name} limit of {limit}"
                found.append(causes.invalid(f"{path}.requests", amount, words))
    names = limits.keys() | requests.keys()
    if any(is_huge(name) for name in names) and not names & {"cpu", "memory"}:
        found.append(causes.forbidden(path, "HugePages require cpu or memory"))
    return found + _check_claims(f"{path}.claims", resources.get("claims") or (), claims)


def _check_huge(path: str, name: str, amount: str) -> list[Cause]:
    size = name.removeprefix(HUGE)
    try:
        page = nanos(size)
    except ValueError:
        return []
    if page <= 0 or nanos(amount) % page == 0:
        return []
    words = f"{amount} is not positive integer multiple of {size}"
    return [causes.invalid(path, amount, words)]


def _check_claims(path: str, claims: Any, known: frozenset[str]) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for number, claim in enumerate(claims):
        where, name, request = f"{path}[{number}]", claim.get("name", ""), claim.get("request", "")
        if not name:
            found.append(causes.required(where))
            continue
        key = f"{name}/{request}" if request else name
        if request:
            found += causes.wrong(f"{where}.request", request, dns1123_label(request))
        if (
            key in seen
            or name in seen
            or (not request and any(other.startswith(f"{name}/") for other in seen))
        ):
            found.append(causes.duplicate(where, key if request and name not in seen else name))
        seen.add(key)
        if name not in known:
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            cause = causes.not_found(where, name)
            words = f"{cause.message}: must be one of the names in pod.spec.resourceClaims{listed}"
            found.append(Cause(cause.reason, words, cause.field))
    return found
