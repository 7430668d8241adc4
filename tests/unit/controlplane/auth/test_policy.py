"""The RBAC of one cluster: who is bound to what, what is read when, and what is told."""

from __future__ import annotations

import pytest

from tests.unit.controlplane.auth.stage import Objects, account, binding, group, on_paths, role, rule, user
from tmc_syncer.controlplane.auth import policy as module
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.policy import Policy
from tmc_syncer.controlplane.auth.rights import MissingRole
from tmc_syncer.controlplane.auth.rules import Rule
from tmc_syncer.controlplane.auth.users import Identities

PODS = rule("get", "''", "pods")
BOT = "system:serviceaccount:ns:bot"


@pytest.fixture
def objects() -> Objects:
    return Objects()


@pytest.fixture
def policy(objects: Objects) -> Policy:
    return Policy("c", objects.list)


def reason(
    policy: Policy, name: str, *groups: str, namespace: str = "", resource: str = "pods"
) -> str | None:
    asked = Attributes("c", "get", "", "v1", resource, "", namespace)
    return policy.rights(Identities((name,), groups), namespace).find(asked)


def test_a_cluster_role_binding_gives_its_role_everywhere(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r", PODS))
    objects.put("clusterrolebindings", binding("b", "r", group("g"), user("ann"), group("h")))
    assert reason(policy, "ann") == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "ann"'
    assert (
        reason(policy, "bob", "g")
        == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g"'
    )
    assert reason(policy, "ann", "g") == reason(policy, "bob", "g"), "the first subject that fits is named"
    assert reason(policy, "ann", "h") == reason(policy, "ann")
    assert reason(policy, "bob") is None
    assert reason(policy, "g") is None, "a group is no user"


def test_a_role_binding_gives_its_role_in_its_namespace(policy: Policy, objects: Objects) -> None:
    objects.put(
        "roles", role("r", PODS, namespace="ns"), role("r", rule("get", "''", "nodes"), namespace="other")
    )
    objects.put("rolebindings", binding("b", "r", user("ann"), namespace="ns", kind="Role"))
    assert (
        reason(policy, "ann", namespace="ns")
        == 'RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "ann"'
    )
    assert reason(policy, "ann", namespace="other") is None
    assert reason(policy, "ann") is None


def test_service_accounts_are_bound_by_namespace_and_name(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r", PODS))
    objects.put("clusterrolebindings", binding("everywhere", "r", account("bot", "ns"), account("lost")))
    assert reason(policy, BOT) == (
        'RBAC: allowed by ClusterRoleBinding "everywhere" of ClusterRole "r" to ServiceAccount "bot/ns"'
    )
    assert reason(policy, "system:serviceaccount::lost") is None
    objects.put("rolebindings", binding("here", "r", account("bot"), namespace="ns"))
    assert reason(policy, BOT, namespace="ns") == (
        'RBAC: allowed by RoleBinding "here/ns" of ClusterRole "r" to ServiceAccount "bot/ns"'
    )


def test_bindings_are_asked_in_the_order_of_their_names(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r", PODS))
    objects.put("clusterrolebindings", *(binding(name, "r", user("ann")) for name in ("c", "a", "b")))
    assert 'ClusterRoleBinding "a"' in str(reason(policy, "ann"))


def test_a_missing_role_is_an_error_and_other_bindings_count_all_the_same(
    policy: Policy, objects: Objects
) -> None:
    objects.put("clusterroles", role("r", PODS))
    objects.put(
        "rolebindings",
        binding("a", "gone", user("ann"), namespace="ns", kind="Role"),
        binding("b", "lost", user("ann"), namespace="ns"),
        binding("c", "odd", user("ann"), namespace="ns", kind="Odd"),
        binding("d", "r", user("ann"), namespace="ns"),
    )
    rights = policy.rights(Identities(("ann",), ()), "ns")
    assert rights.errors == (
        'role.rbac.authorization.k8s.io "gone" not found',
        'clusterrole.rbac.authorization.k8s.io "lost" not found',
        'unsupported role reference kind: "Odd"',
    )
    assert reason(policy, "ann", namespace="ns") is not None


def test_a_role_of_no_namespace_is_never_found(policy: Policy, objects: Objects) -> None:
    objects.put("roles", role("r", PODS, namespace="ns"))
    with pytest.raises(MissingRole):
        policy.rules_of_reference("Role", "r", "")


def test_all_rules_are_those_of_the_cluster_and_of_the_namespace(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r", PODS, on_paths("get", "/x")))
    objects.put("roles", role("l", PODS, namespace="ns"))
    objects.put("clusterrolebindings", binding("b", "r", user("ann")), binding("z", "gone", user("ann")))
    objects.put("rolebindings", binding("b", "l", user("ann"), namespace="ns", kind="Role"))
    pods, path = Rule(("get",), ("",), ("pods",)), Rule(("get",), paths=("/x",))
    everywhere = policy.rules(Identities(("ann",), ()), "")
    assert (everywhere.rules, [error.name for error in everywhere.errors]) == ((pods, path), ["gone"])
    assert policy.rules(Identities(("ann",), ()), "ns").rules == (pods, path, pods)


def test_objects_are_read_once_until_they_are_forgotten(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r"))
    objects.put("roles", role("l", namespace="ns"))
    objects.put(
        "rolebindings",
        binding("b", "r", user("ann"), namespace="ns"),
        binding("l", "l", user("ann"), namespace="ns", kind="Role"),
    )
    assert reason(policy, "ann", namespace="ns") is None
    reads = objects.lists
    objects.put("clusterroles", role("r", PODS))
    objects.put("roles", role("l", rule("get", "''", "nodes"), namespace="ns"))
    objects.put("rolebindings", binding("b", "r", user("bob"), user("ann"), namespace="ns"))
    assert reason(policy, "ann", namespace="ns") is None
    assert objects.lists == reads
    policy.forget("clusterroles", "")
    assert reason(policy, "ann", namespace="ns") is not None
    assert reason(policy, "ann", namespace="ns", resource="nodes") is None
    policy.forget("roles", "ns")
    assert reason(policy, "ann", namespace="ns", resource="nodes") is not None
    assert reason(policy, "bob", namespace="ns") is None
    policy.forget("rolebindings", "ns")
    assert reason(policy, "bob", namespace="ns") is not None
    assert reason(policy, "cat") is None
    objects.put("clusterrolebindings", binding("b", "r", user("cat")))
    assert reason(policy, "cat") is None
    policy.forget("clusterrolebindings", "")
    assert reason(policy, "cat") is not None


def test_a_change_in_another_namespace_reads_nothing_of_this_one(policy: Policy, objects: Objects) -> None:
    objects.put("roles", role("l", PODS, namespace="ns"))
    objects.put("rolebindings", binding("l", "l", user("ann"), namespace="ns", kind="Role"))
    assert reason(policy, "ann", namespace="ns") is not None
    reads = objects.lists
    policy.forget("roles", "other")
    policy.forget("rolebindings", "other")
    assert reason(policy, "ann", namespace="ns") is not None
    assert objects.lists == reads


def test_what_was_compiled_is_used_again(policy: Policy, objects: Objects) -> None:
    objects.put("clusterroles", role("r", PODS))
    objects.put("clusterrolebindings", binding("b", "r", user("ann")))
    who = Identities(("ann",), ())
    assert policy.rights(who, "") is policy.rights(who, "")
    rules = policy.rules_of_reference("ClusterRole", "r", "")
    assert policy.rules_of_reference("ClusterRole", "r", "") is rules


def test_compiled_rights_are_bounded(
    policy: Policy, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ENTRIES", 100)
    objects.put("clusterroles", role("r", PODS))
    objects.put("clusterrolebindings", binding("b", "r", group("g")))
    for number in range(50):
        assert reason(policy, f"u{number}", "g") is not None
        assert len(policy._compiled) <= 10


def test_made_up_namespaces_fill_no_memory(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_SCOPES", 5)
    for number in range(20):
        assert reason(policy, "ann", namespace=f"made-up-{number}") is None
        assert len(policy._scopes) <= 5
