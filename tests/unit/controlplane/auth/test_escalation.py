"""Nobody gives away rights that he does not have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.auth.stage import Objects, account, binding, on_paths, role, rule, user
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.escalation import check_write
from tmc_syncer.controlplane.auth.rules import GROUP
from tmc_syncer.controlplane.auth.users import MASTERS, User
from tmc_syncer.controlplane.server.errors import ApiError

PODS = rule("get list", "''", "pods")
MORE = rule("get delete", "''", "pods secrets")
ANN = User("ann", groups=("team",))


@pytest.fixture
def objects() -> Objects:
    found = Objects()
    found.put(
        "clusterroles",
        role("pods", PODS),
        role("more", MORE),
        role("root", rule("*", "*", "*"), on_paths("*", "*")),
    )
    found.put("clusterrolebindings", binding("ann", "pods", user("ann")), binding("eve", "root", user("eve")))
    return found


@pytest.fixture
def authorizer(objects: Objects) -> Authorizer:
    return Authorizer(objects.list)


def create(resource: str, namespace: str = "") -> Attributes:
    return Attributes("c", "create", GROUP, "v1", resource, "", namespace)


def message(authorizer: Authorizer, request: Attributes, new: Any, old: Any = None, who: User = ANN) -> str:
    """What the refusal says, empty when there is none."""
    try:
        check_write(authorizer, who, request, new, old)
    except ApiError as error:
        return f"{error.code} {error.message}"
    return ""


def test_rights_that_one_has_may_be_given(authorizer: Authorizer) -> None:
    assert message(authorizer, create("clusterroles"), role("new", PODS)) == ""
    assert (
        message(
            authorizer, create("roles", "ns"), role("new", rule("get", "''", "pods", "x"), namespace="ns")
        )
        == ""
    )
    assert message(authorizer, create("clusterrolebindings"), binding("new", "pods", user("bob"))) == ""
    assert (
        message(
            authorizer, create("rolebindings", "ns"), binding("new", "pods", account("x"), namespace="ns")
        )
        == ""
    )


@pytest.mark.parametrize(
    ("request_", "new"),
    [
        (create("clusterroles"), role("new", MORE)),
        (create("clusterrolebindings"), binding("new", "more", user("bob"))),
    ],
)
def test_rights_that_one_lacks_may_not(
    authorizer: Authorizer, request_: Attributes, new: dict[str, Any]
) -> None:
    assert message(authorizer, request_, new) == (
        f'403 {request_.resource}.{GROUP} "new" is forbidden: user "ann" (groups=["team"]) is attempting to grant RBAC '
        "permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}'
    )


def test_masters_and_who_has_everything_may_give_everything(authorizer: Authorizer) -> None:
    for who in (User("root", groups=(MASTERS,)), User("eve")):
        for new in (
            role("new", MORE, rule("*", "*", "*")),
            role("all", aggregationRule={"clusterRoleSelectors": [{}]}),
        ):
            assert message(authorizer, create("clusterroles"), new, who=who) == ""
        assert (
            message(authorizer, create("clusterrolebindings"), binding("new", "root", user("bob")), who=who)
            == ""
        )


def test_rights_in_one_namespace_may_be_given_in_that_namespace_only(
    authorizer: Authorizer, objects: Objects
) -> None:
    objects.put("rolebindings", binding("b", "more", user("ann"), namespace="ns"))
    assert message(authorizer, create("roles", "ns"), role("new", MORE, namespace="ns")) == ""
    assert message(authorizer, create("roles", "other"), role("new", MORE, namespace="other")) != ""
    assert message(authorizer, create("clusterroles"), role("new", MORE)) != ""


def test_the_verb_escalate_allows_to_write_any_role(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterroles", role("escalates", rule("escalate", GROUP, "clusterroles", "allowed")))
    objects.put("clusterrolebindings", binding("e", "escalates", user("ann")))
    update = Attributes("c", "update", GROUP, "v1", "clusterroles", "", "", "allowed")
    assert message(authorizer, update, role("allowed", MORE), role("allowed")) == ""
    assert message(authorizer, update._replace(name="other"), role("other", MORE), role("other")) != ""
    assert message(authorizer, create("clusterroles"), role("allowed", MORE)) != "", (
        "a create has no name yet"
    )


def test_the_verb_bind_allows_to_bind_that_role(authorizer: Authorizer, objects: Objects) -> None:
    objects.put("clusterroles", role("binds", rule("bind", GROUP, "clusterroles roles", "more")))
    objects.put("rolebindings", binding("e", "binds", user("ann"), namespace="ns"))
    objects.put("roles", role("more", MORE, namespace="ns"), role("odd", MORE, namespace="ns"))
    there = create("rolebindings", "ns")
    assert message(authorizer, there, binding("new", "more", user("bob"), namespace="ns")) == ""
    assert message(authorizer, there, binding("new", "more", user("bob"), namespace="ns", kind="Role")) == ""
    assert message(authorizer, there, binding("new", "odd", user("bob"), namespace="ns", kind="Role")) != ""
    assert message(authorizer, create("clusterrolebindings"), binding("new", "more", user("bob"))) != ""


def test_binding_a_role_that_is_not_there_is_a_404_in_the_name_of_the_binding(authorizer: Authorizer) -> None:
    expected = f'404 rolebindings.{GROUP} "gone" not found'
    for kind in ("Role", "ClusterRole"):
        new = binding("new", "gone", user("bob"), namespace="ns", kind=kind)
        assert message(authorizer, create("rolebindings", "ns"), new) == expected
    assert message(authorizer, create("rolebindings", "ns"), {"metadata": {"name": "new"}}).startswith("404")


def test_a_role_of_the_namespace_may_be_bound_by_who_has_its_rights(
    authorizer: Authorizer, objects: Objects
) -> None:
    objects.put(
        "roles", role("few", rule("get", "''", "pods"), namespace="ns"), role("many", MORE, namespace="ns")
    )
    there = create("rolebindings", "ns")
    assert message(authorizer, there, binding("new", "few", user("bob"), namespace="ns", kind="Role")) == ""
    assert message(authorizer, there, binding("new", "many", user("bob"), namespace="ns", kind="Role")) != ""


def test_an_object_without_a_name_yet_is_refused_without_one(authorizer: Authorizer) -> None:
    said = message(
        authorizer, create("clusterroles"), {"metadata": {"generateName": "new-"}, "rules": [MORE]}
    )
    assert said.startswith(f"403 clusterroles.{GROUP} is forbidden: user")


def test_an_aggregation_rule_asks_for_all_rights(authorizer: Authorizer, objects: Objects) -> None:
    gathering = role("all", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})
    said = f'403 clusterroles.{GROUP} "all" is forbidden: must have cluster-admin privileges to use the aggregationRule'
    assert message(authorizer, create("clusterroles"), gathering) == said
    update = Attributes("c", "update", GROUP, "v1", "clusterroles", "", "", "all")
    assert message(authorizer, update, role("all"), gathering) == said, "taking it away is a change of it too"
    assert (
        message(authorizer, create("clusterroles"), role("all", aggregationRule={"clusterRoleSelectors": []}))
        == ""
    )
    objects.put("clusterroles", role("nearly", on_paths("*", "*")))
    objects.put("clusterrolebindings", binding("n", "nearly", user("ann")))
    authorizer.forget("c")
    assert message(authorizer, create("clusterroles"), gathering) == said


def test_bookkeeping_by_controllers_passes(authorizer: Authorizer) -> None:
    old = role("old", MORE)
    kept = {
        **old,
        "metadata": {**old["metadata"], "finalizers": ["x"], "ownerReferences": [{}], "managedFields": []},
    }
    update = Attributes("c", "update", GROUP, "v1", "clusterroles", "", "", "old")
    assert message(authorizer, update, kept, old) == ""
    assert (
        message(authorizer, update, {**kept, "metadata": {**kept["metadata"], "labels": {"a": "b"}}}, old)
        != ""
    )
    assert message(authorizer, update, {**kept, "rules": [MORE, MORE]}, old) != ""
    bound = binding("old", "more", user("bob"))
    update = update._replace(resource="clusterrolebindings")
    assert message(authorizer, update, {**bound, "metadata": {"name": "old", "finalizers": []}}, bound) == ""
    assert message(authorizer, update, binding("old", "more", user("bob"), user("x")), bound) != ""


def test_missing_roles_of_the_writer_are_told_in_the_name_of_what_is_written(
    authorizer: Authorizer, objects: Objects
) -> None:
    objects.put("clusterrolebindings", binding("x", "lost", user("ann")))
    said = message(authorizer, create("clusterroles"), role("new", rule("get", "''", "nodes")))
    assert said.endswith(
        '\n{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}; '
        f'resolution errors: [clusterroles.{GROUP} "lost" not found]'
    )


def test_other_objects_are_not_looked_at(authorizer: Authorizer) -> None:
    assert message(authorizer, create("roles", "ns")._replace(group="shop.example"), role("new", MORE)) == ""
    assert message(authorizer, create("carts", "ns"), role("new", MORE)) == ""
