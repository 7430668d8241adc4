"""Access reviews, from body to answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.auth.stage import Objects, binding, group, on_paths, role, rule, user
from tmc_syncer.controlplane.auth.access_reviews import own_metadata, review_access, review_rules
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError

ANN = User("ann", groups=("system:authenticated",))
GET_PODS = {"verb": "get", "resource": "pods", "namespace": "ns"}


@pytest.fixture
def authorizer() -> Authorizer:
    objects = Objects()
    objects.put(
        "clusterroles",
        role("r", rule("get", "''", "pods", "one"), on_paths("get", "/x"), rule("get", "''", "nodes")),
    )
    objects.put(
        "clusterrolebindings",
        binding("b", "r", user("ann"), group("team")),
        binding("l", "lost", user("bob")),
    )
    return Authorizer(objects.list)


def access(
    authorizer: Authorizer, kind: str, spec: Any, metadata: Any = None, namespace: str = ""
) -> dict[str, Any]:
    return review_access(authorizer, kind, {"spec": spec, "metadata": metadata}, ANN, "c", namespace)


def test_a_review_echoes_what_was_asked_and_adds_the_decision(authorizer: Authorizer) -> None:
    attributes = {**GET_PODS, "name": "one", "unknown": 1}
    spec = {
        "user": "eve",
        "groups": ["team"],
        "uid": "7",
        "extra": {"a": ["b"], "c": None},
        "resourceAttributes": attributes,
    }
    answer = access(authorizer, "SubjectAccessReview", spec, {"managedFields": [{"manager": "kubectl"}]})
    assert answer == {
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"managedFields": [{"manager": "kubectl"}]},
        "spec": {**spec, "resourceAttributes": {**GET_PODS, "name": "one"}},
        "status": {
            "allowed": True,
            "reason": 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "team"',
        },
    }


def test_a_refusal_tells_of_missing_roles_only(authorizer: Authorizer) -> None:
    asked = {"resourceAttributes": GET_PODS}
    assert access(authorizer, "SubjectAccessReview", {"user": "eve", **asked})["status"] == {"allowed": False}
    assert access(authorizer, "SubjectAccessReview", {"user": "bob", **asked})["status"] == {
        "allowed": False,
        "reason": 'RBAC: clusterrole.rbac.authorization.k8s.io "lost" not found',
    }


def test_a_self_review_is_about_the_sender(authorizer: Authorizer) -> None:
    spec = {"nonResourceAttributes": {"path": "/x", "verb": "get"}}
    assert access(authorizer, "SelfSubjectAccessReview", spec)["status"]["allowed"]
    spec = {"nonResourceAttributes": {"path": "/y", "verb": "get"}}
    assert not access(authorizer, "SelfSubjectAccessReview", spec)["status"]["allowed"]
    assert not access(authorizer, "SelfSubjectAccessReview", {"nonResourceAttributes": {}})["status"][
        "allowed"
    ]


def test_ignored_selectors_are_told(authorizer: Authorizer) -> None:
    spec = {
        "resourceAttributes": {
            **GET_PODS,
            "labelSelector": {"rawSelector": "a in"},
            "fieldSelector": {"rawSelector": "a"},
        }
    }
    assert access(authorizer, "SelfSubjectAccessReview", spec)["status"]["evaluationError"] == (
        "spec.resourceAttributes.fieldSelector ignored due to parse error; "
        "spec.resourceAttributes.labelSelector ignored due to parse error"
    )


def test_a_local_review_is_given_the_namespace_of_its_path(authorizer: Authorizer) -> None:
    spec = {"user": "ann", "resourceAttributes": {**GET_PODS, "name": "one"}}
    for metadata in (None, {"namespace": "ns"}):
        answer = access(authorizer, "LocalSubjectAccessReview", spec, metadata, "ns")
        assert (answer["metadata"], answer["status"]["allowed"]) == ({"namespace": "ns"}, True)
    with pytest.raises(ApiError, match="does not match the namespace sent on the request") as caught:
        access(authorizer, "LocalSubjectAccessReview", spec, {"namespace": "other"}, "ns")
    assert caught.value.code == 400


def test_a_faulty_review_is_invalid_without_a_kind_as_on_the_real_server(authorizer: Authorizer) -> None:
    with pytest.raises(ApiError) as caught:
        access(authorizer, "SubjectAccessReview", {"user": "ann"})
    assert caught.value.code == 422
    assert caught.value.message.startswith('.authorization.k8s.io "" is invalid: spec.resourceAttributes: ')
    assert (caught.value.details or {})["group"] == "authorization.k8s.io"


def test_metadata_is_that_of_the_request() -> None:
    assert own_metadata({}, "") == {}
    assert own_metadata({"metadata": {"namespace": "ns", "name": "x"}}, "") == {"name": "x"}, (
        "a type without namespaces"
    )
    with pytest.raises(ApiError, match="must be an object"):
        own_metadata({"metadata": 5}, "")


# Rules


def test_a_rules_review_lists_the_rules_of_resources_and_of_paths(authorizer: Authorizer) -> None:
    answer = review_rules(authorizer, {"spec": {"namespace": "ns"}, "metadata": {"name": "x"}}, ANN, "c")
    assert answer == {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {},
        "status": {
            "resourceRules": [
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["one"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]},
            ],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
            "incomplete": False,
        },
    }


def test_a_rules_review_tells_of_missing_roles(authorizer: Authorizer) -> None:
    status = review_rules(authorizer, {"spec": {"namespace": "ns"}}, User("bob"), "c")["status"]
    assert status["evaluationError"] == 'clusterrole.rbac.authorization.k8s.io "lost" not found'
    assert status["resourceRules"] == []


def test_a_rules_review_needs_a_namespace(authorizer: Authorizer) -> None:
    with pytest.raises(ApiError, match="no namespace on request") as caught:
        review_rules(authorizer, {"spec": {"namespace": ""}}, ANN, "c")
    assert caught.value.code == 400
