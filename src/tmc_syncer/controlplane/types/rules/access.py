"""Roles, bindings, Leases, priority and storage classes.

Source: ``pkg/apis/{rbac,coordination,scheduling,storage}/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_subdomain, label_key
from tmc_syncer.controlplane.types.rules.labels import check_selector
from tmc_syncer.controlplane.types.rules.numbers import check_counters

__all__ = [
    "validate_binding",
    "validate_cluster_role",
    "validate_lease",
    "validate_priority_class",
    "validate_role",
    "validate_storage_class",
]

Object = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
MAX_PRIORITY = 1_000_000_000
SYSTEM_PREFIX = "system-"
SYSTEM_PRIORITIES = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
STORAGE_FIELDS = ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")


def validate_role(obj: Object, old: Object | None) -> list[Cause]:
    """A Role."""
    del old
    return _check_rules(obj.get("rules") or [], namespaced=True)


def validate_cluster_role(obj: Object, old: Object | None) -> list[Cause]:
    """A ClusterRole."""
    del old
    found = _check_rules(obj.get("rules") or [], namespaced=False)
    aggregation = obj.get("aggregationRule")
    if aggregation is not None:
        path, selectors = (
            "aggregationRule.clusterRoleSelectors",
            aggregation.get("clusterRoleSelectors") or [],
        )
        if not selectors:
            words = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            found.append(causes.required(path, words))
        for number, selector in enumerate(selectors):
            found += check_selector(f"{path}[{number}]", selector)
    return found


def _check_rules(rules: list[Object], *, namespaced: bool) -> list[Cause]:
    found: list[Cause] = []
    for number, rule in enumerate(rules):
        path, urls = f"rules[{number}]", rule.get("nonResourceURLs") or []
        groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
        if not rule.get("verbs"):
            found.append(causes.required(f"{path}.verbs", "verbs must contain at least one value"))
        if urls:
            if namespaced:
                words = "namespaced rules cannot apply to non-resource URLs"
                found.append(causes.invalid(f"{path}.nonResourceURLs", urls, words))
            if groups or resources or rule.get("resourceNames"):
                words = "rules cannot apply to both regular resources and non-resource URLs"
                found.append(causes.invalid(f"{path}.nonResourceURLs", urls, words))
            continue
        if not groups:
            found.append(
                causes.required(f"{path}.apiGroups", "resource rules must supply at least one api group")
            )
        if not resources:
            found.append(
                causes.required(f"{path}.resources", "resource rules must supply at least one resource")
            )
    return found


def validate_binding(obj: Object, old: Object | None) -> list[Cause]:
    """A RoleBinding or ClusterRoleBinding."""
    kinds = ("ClusterRole",) if obj.get("kind") == "ClusterRoleBinding" else ("Role", "ClusterRole")
    role = obj["roleRef"]
    group, kind, name = (role.get(field, "") for field in ("apiGroup", "kind", "name"))
    found: list[Cause] = []
    if group != RBAC:
        found.append(causes.not_supported("roleRef.apiGroup", group, (RBAC,)))
    if kind not in kinds:
        found.append(causes.not_supported("roleRef.kind", kind, kinds))
    if not name:
        found.append(causes.required("roleRef.name"))
    if old is not None and role != old["roleRef"]:
        shown = {"APIGroup": group, "Kind": kind, "Name": name}
        found.append(causes.invalid("roleRef", shown, "cannot change roleRef"))
    for number, subject in enumerate(obj.get("subjects") or ()):
        found += _check_subject(f"subjects[{number}]", subject, namespaced=kinds[0] == "Role")
    return found


def _check_subject(path: str, subject: Object, *, namespaced: bool) -> list[Cause]:
    kind, name, group = (subject.get(field, "") for field in ("kind", "name", "apiGroup"))
    found = [] if name else [causes.required(f"{path}.name")]
    if kind == "ServiceAccount":
        if name:
            found += causes.wrong(f"{path}.name", name, dns1123_subdomain(name))
        if group:
            found.append(causes.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            found.append(causes.required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if group != RBAC:
            found.append(causes.not_supported(f"{path}.apiGroup", group, (RBAC,)))
    else:
        supported = ("ServiceAccount", "User", "Group")
        found.append(causes.not_supported(f"{path}.kind", kind, supported))
    return found


def validate_lease(obj: Object, old: Object | None) -> list[Cause]:
    """A Lease."""
    del old
    spec = obj["spec"]
    found: list[Cause] = []
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        found.append(causes.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    return found + check_counters("spec", spec, ("leaseTransitions",))


def validate_priority_class(obj: Object, old: Object | None) -> list[Cause]:
    """A PriorityClass."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    if old is not None:
        found = (
            []
            if value == old.get("value", 0)
            else [causes.forbidden("value", "may not be changed in an update.")]
        )
        if obj.get("preemptionPolicy") != old.get("preemptionPolicy"):
            found.append(causes.invalid("preemptionPolicy", obj.get("preemptionPolicy"), causes.IMMUTABLE))
        return found
    if name.startswith(SYSTEM_PREFIX):
        if SYSTEM_PRIORITIES.get(name) == value:
            return []
        words = (
            "priority class names with 'system-' prefix are reserved for system use only. error: "
            f"{name} is not a known system priority class"
        )
        return [causes.forbidden("metadata.name", words)]
    if value > MAX_PRIORITY:
        words = f"maximum allowed value of a user defined priority is {MAX_PRIORITY}"
        return [causes.forbidden("value", words)]
    policy = obj.get("preemptionPolicy")
    if policy not in ("PreemptLowerPriority", "Never"):
        return [causes.not_supported("preemptionPolicy", policy or "", ("PreemptLowerPriority", "Never"))]
    return []


def validate_storage_class(obj: Object, old: Object | None) -> list[Cause]:
    """A StorageClass."""
    if old is not None:
        return [
            causes.invalid(field, obj.get(field), causes.IMMUTABLE)
            for field in STORAGE_FIELDS
            if obj.get(field) != old.get(field)
        ]
    provisioner = obj.get("provisioner", "")
    found: list[Cause] = []
    if not provisioner:
        found.append(causes.required("provisioner"))
    else:
        found += causes.wrong("provisioner", provisioner, label_key(provisioner.lower()))
    for field, supported in (
        ("reclaimPolicy", ("Delete", "Retain")),
        ("volumeBindingMode", ("Immediate", "WaitForFirstConsumer")),
    ):
        if obj.get(field) not in supported:
            found.append(causes.not_supported(field, obj.get(field, ""), supported))
    return found
