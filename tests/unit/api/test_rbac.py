"""The rights of an agent: what it needs on either side, and nothing that would let it do more."""

from __future__ import annotations

from typing import Any

from tmc_syncer.api.rbac import cluster_role, cluster_role_binding, downstream_rules, upstream_rules
from tmc_syncer.api.resources import GVR

TYPES = (GVR("apps", "v1", "deployments"), GVR("", "v1", "secrets"), GVR("apps", "v1", "statefulsets"))


def verbs(rules: list[dict[str, Any]], group: str, resource: str) -> set[str]:
    """What the rules allow on one resource."""
    return {
        verb
        for rule in rules
        if group in rule["apiGroups"] and resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_upstream_it_reads_types_and_patches_them_but_never_creates_or_deletes() -> None:
    rules = upstream_rules(TYPES)
    assert verbs(rules, "apps", "deployments") == {"get", "list", "watch", "patch"}
    assert verbs(rules, "apps", "statefulsets") == {"get", "list", "watch", "patch"}
    assert verbs(rules, "apps", "deployments/status") == {"patch"}
    assert verbs(rules, "", "namespaces") == {"get", "list", "watch", "create"}


def test_without_installing_it_creates_no_types_and_no_targets() -> None:
    rules = upstream_rules(TYPES, install=False)
    assert "create" not in verbs(rules, "workload.kcp.io", "synctargets")
    assert not verbs(rules, "apiextensions.k8s.io", "customresourcedefinitions")
    assert "create" in verbs(upstream_rules(TYPES), "workload.kcp.io", "synctargets")


def test_downstream_it_owns_its_types_and_namespaces() -> None:
    rules = downstream_rules(TYPES)
    assert verbs(rules, "", "secrets") == {"get", "list", "watch", "create", "patch", "delete"}
    assert verbs(rules, "", "namespaces") == {"get", "list", "watch", "create", "patch", "delete"}
    assert verbs(rules, "*", "*") == {"list"}
    assert not verbs(downstream_rules(TYPES, census=False), "*", "*")


def test_nobody_may_impersonate_or_change_rights() -> None:
    for rules in (upstream_rules(TYPES), downstream_rules(TYPES)):
        allowed = {verb for rule in rules for verb in rule["verbs"]}
        assert not allowed & {"impersonate", "escalate", "bind", "*"}


def test_a_binding_names_users_by_their_group_and_service_accounts_without() -> None:
    role = cluster_role("agent", downstream_rules(TYPES))
    user = cluster_role_binding("agent", {"kind": "User", "name": "agent"})
    account = cluster_role_binding("agent", {"kind": "ServiceAccount", "name": "a", "namespace": "tmc"})
    assert user["roleRef"]["name"] == role["metadata"]["name"]
    assert user["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    assert "apiGroup" not in account["subjects"][0]
