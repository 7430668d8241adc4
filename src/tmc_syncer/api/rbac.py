"""The rights that an agent needs, as RBAC rules: least for what it does, on either side.

Upstream it reads the synced types and Namespaces, patches finalizers and status, reads its SyncTarget, writes
that one's status, and holds one Lease. Downstream it owns the synced types and namespaces; `list` on everything
is for the census before a namespace is deleted (a type that it may not list keeps the namespace, so this rule
may be left out where namespaces need not be cleaned up).

Pure data: `cluster_role` builds the object, whoever deploys the agent applies it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.api.resources import GVR

__all__ = ["cluster_role", "cluster_role_binding", "downstream_rules", "upstream_rules"]

Rule = dict[str, Any]
_READ = ("get", "list", "watch")
_AUTOSCALERS: Rule = {
    "apiGroups": ["autoscaling"],
    "resources": ["horizontalpodautoscalers"],
    "verbs": list(_READ),
}


def upstream_rules(types: Iterable[GVR], *, install: bool = True) -> list[Rule]:
    """Rules upstream for an agent that syncs `types`; with `install` it may create the CRD and its SyncTarget."""
    rules = [
        _rule("", ("namespaces",), (*_READ, "create")),
        _rule("coordination.k8s.io", ("leases",), ("get", "create", "update")),
        _rule("workload.kcp.io", ("synctargets",), (*_READ, "patch", *(("create",) if install else ()))),
        _rule("workload.kcp.io", ("synctargets/status",), ("patch",)),
        _AUTOSCALERS,
    ]
    if install:
        rules.append(_rule("apiextensions.k8s.io", ("customresourcedefinitions",), ("get", "create")))
    for group, resources in _grouped(types).items():
        rules.append(_rule(group, resources, (*_READ, "patch")))
        rules.append(_rule(group, tuple(f"{resource}/status" for resource in resources), ("patch",)))
    return rules


def downstream_rules(types: Iterable[GVR], *, census: bool = True) -> list[Rule]:
    """Rules downstream for an agent that syncs `types`; with `census` it may list everything."""
    write = (*_READ, "create", "patch", "delete")
    rules = [
        _rule("", ("namespaces",), write),
        _rule("coordination.k8s.io", ("leases",), ("get", "create", "patch")),
        _AUTOSCALERS,
    ]
    rules += [_rule(group, resources, write) for group, resources in _grouped(types).items()]
    if census:
        rules.append(_rule("*", ("*",), ("list",)))
    return rules


def cluster_role(name: str, rules: list[Rule]) -> dict[str, Any]:
    """A ClusterRole of these rules."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def cluster_role_binding(name: str, subject: dict[str, str]) -> dict[str, Any]:
    """A ClusterRoleBinding of the role `name` to one subject (``{"kind": "User", "name": …}``)."""
    if subject.get("kind") in ("User", "Group"):
        subject = {"apiGroup": "rbac.authorization.k8s.io", **subject}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    }


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _grouped(types: Iterable[GVR]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for gvr in types:
        groups[gvr.group] = (*groups.get(gvr.group, ()), gvr.resource)
    return groups
