"""The roles of a new cluster do what their names promise."""

from __future__ import annotations

import pytest

from tests.unit.controlplane.auth.stage import Objects, binding, user
from tmc_syncer.controlplane.auth.aggregation import outdated
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.default_roles import default_objects
from tmc_syncer.controlplane.auth.users import ANONYMOUS_USER, AUTHENTICATED, User

ANN = User("ann", groups=(AUTHENTICATED,))


@pytest.fixture
def authorizer() -> Authorizer:
    objects = Objects()
    for resource, item in default_objects():
        objects.put(resource, item)
    for name in ("admin", "edit", "view"):
        objects.put("rolebindings", binding(name, name, user(name), namespace="ns"))
    return Authorizer(objects.list)


def may(authorizer: Authorizer, name: str, verb: str, resource: str, group: str = "") -> bool:
    resource, _, subresource = resource.partition("/")
    asked = Attributes("c", verb, group, "v1", resource, subresource, "ns", "x")
    return authorizer.allows(User(name, groups=(AUTHENTICATED,)), asked).allowed


def test_everybody_may_look_around_and_ask_about_himself(authorizer: Authorizer) -> None:
    for path in ("/api", "/apis/apps/v1", "/openapi/v3", "/healthz", "/version"):
        assert authorizer.allows(ANN, Attributes("c", "get", path=path)).allowed
    for path in ("/healthz", "/readyz", "/livez", "/version"):
        assert authorizer.allows(ANONYMOUS_USER, Attributes("c", "get", path=path)).allowed
    assert not authorizer.allows(ANONYMOUS_USER, Attributes("c", "get", path="/api")).allowed
    assert not authorizer.allows(ANN, Attributes("c", "get", path="/metrics")).allowed
    assert may(authorizer, "ann", "create", "selfsubjectaccessreviews", "authorization.k8s.io")
    assert not may(authorizer, "ann", "create", "subjectaccessreviews", "authorization.k8s.io")


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        (
            "view",
            ["get pods", "list configmaps", "get pods/log"],
            ["get secrets", "create pods", "get roles"],
        ),
        (
            "edit",
            ["create pods", "get secrets", "update deployments.apps/scale"],
            ["create roles", "delete nodes"],
        ),
        (
            "admin",
            ["create pods", "create roles", "delete rolebindings"],
            ["update namespaces", "create clusterroles"],
        ),
    ],
)
def test_the_roles_for_users_allow_what_they_say(
    authorizer: Authorizer, name: str, allowed: list[str], refused: list[str]
) -> None:
    def asks(text: str) -> bool:
        verb, _, resource = text.partition(" ")
        resource, slash, subresource = resource.partition("/")
        resource, _, group = resource.partition(".")
        if "role" in resource:
            group = "rbac.authorization.k8s.io"
        return may(authorizer, name, verb, f"{resource}{slash}{subresource}", group)

    assert [text for text in allowed if not asks(text)] == []
    assert [text for text in refused if asks(text)] == []


def test_the_recorded_rules_of_aggregated_roles_are_the_gathered_ones() -> None:
    roles = {
        item["metadata"]["name"]: item for resource, item in default_objects() if resource == "clusterroles"
    }
    for name, rules in outdated(roles):
        assert sorted(map(str, rules)) == sorted(map(str, roles[name]["rules"])), name


def test_each_call_gives_objects_of_its_own() -> None:
    first, second = default_objects(), default_objects()
    first[0][1]["metadata"]["name"] = "changed"
    assert second[0][1]["metadata"]["name"] == "cluster-admin"
    assert {item["kind"] for _, item in second} == {"ClusterRole", "ClusterRoleBinding"}
