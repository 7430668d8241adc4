"""Who may do what in which cluster."""

from __future__ import annotations

import pytest

from tests.unit.controlplane.auth.stage import Objects, account, binding, group, on_paths, role, rule, user
from tmc_syncer.controlplane.auth import authorizer as module
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authorizer import Authorizer, Decision
from tmc_syncer.controlplane.auth.users import AUTHENTICATED, CLUSTER_KEY, MASTERS, SCOPES_KEY, User

PODS = rule("get", "''", "pods")
ANN = User("ann", groups=(AUTHENTICATED,))
GET_POD = Attributes("c", "get", "", "v1", "pods", "", "ns", "one")


@pytest.fixture
def objects() -> Objects:
    found = Objects()
    found.put("clusterroles", role("r", PODS), role("enter", on_paths("access", "/")))
    return found


@pytest.fixture
def authorizer(objects: Objects) -> Authorizer:
    return Authorizer(objects.list)


def test_masters_may_do_everything_everywhere(authorizer: Authorizer) -> None:
    root = User("root", groups=(MASTERS,))
    assert authorizer.allows(root, GET_POD) == Decision(True)
    assert authorizer.allows(root, GET_POD._replace(cluster="*")) == Decision(True)
    assert authorizer.allows(root, Attributes("x", "post", path="/anything")) == Decision(True)


def test_nobody_may_do_anything_by_default(authorizer: Authorizer) -> None:
    assert authorizer.allows(ANN, GET_POD) == Decision(False)
    assert authorizer.allows(User(MASTERS), GET_POD) == Decision(False), "the group's name is no user"


def test_rights_hold_in_their_namespace_or_everywhere(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("rolebindings", binding("b", "r", user("ann"), namespace="ns"))
    assert (
        authorizer.allows(ANN, GET_POD).reason
        == 'RBAC: allowed by RoleBinding "b/ns" of ClusterRole "r" to User "ann"'
    )
    assert not authorizer.allows(ANN, GET_POD._replace(namespace="other")).allowed
    assert not authorizer.allows(ANN, GET_POD._replace(namespace="")).allowed
    objects.put("clusterrolebindings", binding("b", "r", user("ann")))
    authorizer.forget("c", "clusterrolebindings")
    assert authorizer.allows(ANN, GET_POD._replace(namespace="other")).allowed
    assert authorizer.allows(ANN, GET_POD._replace(namespace="")).allowed


def test_a_denial_tells_of_missing_roles_each_once(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("a", "z", user("ann")), binding("b", "z", user("ann")))
    assert authorizer.allows(ANN, GET_POD._replace(namespace="")) == Decision(
        False, 'RBAC: clusterrole.rbac.authorization.k8s.io "z" not found'
    )
    objects.put("rolebindings", binding("c", "y", user("ann"), namespace="ns", kind="Role"))
    assert authorizer.allows(ANN, GET_POD).reason == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "z" not found, role.rbac.authorization.k8s.io "y" not found]'
    )


def test_bindings_of_one_cluster_count_nowhere_else(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", user("ann")), cluster="c")
    objects.put("clusterroles", role("r", PODS), cluster="d")
    assert authorizer.allows(ANN, GET_POD).allowed
    assert not authorizer.allows(ANN, GET_POD._replace(cluster="d")).allowed


def test_all_clusters_at_once_are_for_masters_only() -> None:
    """Even if the store lists the bindings of all clusters for the name of all clusters."""
    objects = Objects()
    objects.put("clusterroles", role("r", rule("*", "*", "*")), cluster="*")
    objects.put("clusterrolebindings", binding("b", "r", user("ann")), cluster="*")
    authorizer = Authorizer(objects.list)
    assert authorizer.allows(ANN, GET_POD._replace(cluster="*")) == Decision(False, "access denied")


def test_a_namesake_of_another_cluster_is_not_let_in(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", account("bot", "ns")))
    bot = "system:serviceaccount:ns:bot"
    extra = {CLUSTER_KEY: ("elsewhere",), SCOPES_KEY: ("cluster:elsewhere",)}
    assert authorizer.allows(User(bot), GET_POD).allowed
    assert authorizer.allows(User(bot, extra={CLUSTER_KEY: ("c",)}), GET_POD).allowed
    assert not authorizer.allows(User(bot, extra=extra), GET_POD).allowed
    objects.put("clusterrolebindings", binding("g", "r", user("system:kcp:serviceaccount:elsewhere:ns:bot")))
    authorizer.forget("c", "clusterrolebindings")
    assert authorizer.allows(User(bot, extra=extra), GET_POD).allowed


def test_a_foreign_service_account_is_no_master(authorizer: Authorizer) -> None:
    extra = {CLUSTER_KEY: ("elsewhere",)}
    bot = User("system:serviceaccount:ns:bot", groups=(MASTERS, AUTHENTICATED), extra=extra)
    assert not authorizer.allows(bot, GET_POD).allowed


def test_a_guarded_cluster_lets_in_who_has_access_or_is_at_home(objects: Objects) -> None:
    authorizer = Authorizer(objects.list, guarded=lambda cluster: cluster == "c")
    for cluster in ("c", "open"):
        objects.put("clusterroles", role("r", PODS), role("enter", on_paths("access", "/")), cluster=cluster)
        objects.put(
            "clusterrolebindings", binding("b", "r", user("ann"), account("bot", "ns")), cluster=cluster
        )
    assert authorizer.allows(ANN, GET_POD) == Decision(False, "access denied")
    assert authorizer.allows(ANN, GET_POD._replace(cluster="open")).allowed
    bot = User("system:serviceaccount:ns:bot", extra={CLUSTER_KEY: ("c",)})
    assert authorizer.allows(bot, GET_POD).allowed
    objects.put("clusterrolebindings", binding("e", "enter", group(AUTHENTICATED)))
    authorizer.forget("c", "clusterrolebindings")
    assert authorizer.allows(ANN, GET_POD).allowed


def test_rules_and_roles_are_those_of_the_cluster(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", user("ann")))
    (only,) = authorizer.rules(ANN, "c", "ns").rules
    assert authorizer.rules_of_reference("c", "ClusterRole", "r", "") == (only,)
    assert authorizer.rules(ANN, "d", "ns").rules == ()


def test_rules_are_those_of_who_the_user_is_there(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", account("bot", "ns")))
    bot = "system:serviceaccount:ns:bot"
    assert authorizer.rules(User(bot, extra={CLUSTER_KEY: ("c",)}), "c", "").rules != ()
    assert authorizer.rules(User(bot, extra={CLUSTER_KEY: ("d",)}), "c", "").rules == ()


def test_a_role_is_found_in_its_namespace(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("roles", role("l", PODS, namespace="ns"))
    assert len(authorizer.rules_of_reference("c", "Role", "l", "ns")) == 1


def test_only_what_is_named_is_forgotten(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", user("ann")))
    objects.put("rolebindings", binding("b", "r", user("bob"), namespace="ns"))
    for name in ("ann", "bob"):
        assert authorizer.allows(User(name), GET_POD).allowed
    reads = objects.lists
    authorizer.forget("c", "rolebindings", "ns")
    assert authorizer.allows(User("bob"), GET_POD).allowed
    assert objects.lists == reads + 1
    authorizer.forget("c", "clusterroles")
    assert authorizer.allows(User("bob"), GET_POD).allowed
    assert objects.lists == reads + 2
    authorizer.forget("c")
    assert authorizer.allows(User("bob"), GET_POD).allowed
    assert objects.lists == reads + 5


def test_what_is_forgotten_is_read_again(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterrolebindings", binding("b", "r", user("ann")))
    assert authorizer.allows(ANN, GET_POD).allowed
    objects.remove("clusterrolebindings", "b")
    assert authorizer.allows(ANN, GET_POD).allowed
    authorizer.forget("d", "clusterrolebindings")
    assert authorizer.allows(ANN, GET_POD).allowed
    authorizer.forget("c")
    assert not authorizer.allows(ANN, GET_POD).allowed
    authorizer.forget("never asked for")


def test_made_up_clusters_fill_no_memory(
    authorizer: Authorizer, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_CLUSTERS", 5)
    for number in range(20):
        authorizer.allows(ANN, GET_POD._replace(cluster=f"made-up-{number}"))
        assert len(authorizer._policies) <= 5
