"""Reviews: TokenReview, SubjectAccessReview and its kin, tokens of service accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, named, names
from tests.contract.servers import LIMITED, Server
from tests.contract.test_auth import binding, role, rule
from tests.contract.wire import JsonObject, cause, like
from tmc_syncer.testing.polling import eventually


def token_review(server: Server, token: str, **spec: Any) -> JsonObject:
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, **spec},
    }
    answer: JsonObject = server.post(at("tokenreviews"), review).ok(201)
    return answer


def access_review(kind: str, **spec: Any) -> JsonObject:
    return {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}


def attributes(namespace: str, verb: str = "list", **more: Any) -> JsonObject:
    return {"namespace": namespace, "verb": verb, "group": "", "resource": "configmaps", **more}


# Tokens


def test_a_token_that_is_known_is_reviewed_with_its_user(server: Server) -> None:
    review = token_review(server, server.limited_token)
    assert review["kind"] == "TokenReview"
    status = review["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == server.limited_name
    assert "system:authenticated" in status["user"]["groups"]


def test_a_token_that_is_unknown_is_reviewed_as_such(server: Server) -> None:
    status = token_review(server, "wrong")["status"]
    assert status == {"user": {}, "error": like(".+")}


def test_a_review_without_a_token_is_refused(server: Server) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {}}
    server.post(at("tokenreviews"), review).refused(
        400, "BadRequest", "token is required for TokenReview in authentication"
    )


def test_a_review_is_not_stored(server: Server) -> None:
    review = token_review(server, server.limited_token)
    assert review["metadata"].keys() <= {"managedFields"}


def test_the_limited_user_may_not_review_tokens(server: Server) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}}
    assert server.post(at("tokenreviews"), review, user=LIMITED).status == 403


def test_everybody_may_ask_who_they_are(server: Server) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = server.post(at("selfsubjectreviews"), review, user=LIMITED).ok(201)
    assert answer["status"]["userInfo"]["username"] == server.limited_name


def account(server: Server, namespace: str) -> str:
    server.post(at("serviceaccounts", namespace), named("ServiceAccount", "agent")).ok(201)
    return at("serviceaccounts", namespace, "agent", "token")


def request_token(**spec: Any) -> JsonObject:
    return {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}


def test_a_token_of_a_service_account_is_issued_and_logs_in(server: Server, namespace: str) -> None:
    path = account(server, namespace)
    issued = server.post(path, request_token(expirationSeconds=3600)).ok(201)
    assert issued["kind"] == "TokenRequest"
    assert issued["status"]["expirationTimestamp"] > issued["metadata"]["creationTimestamp"]
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = server.request(
        "POST",
        at("selfsubjectreviews"),
        review,
        user="",
        headers={"Authorization": f"Bearer {issued['status']['token']}"},
    )
    info = answer.ok(201)["status"]["userInfo"]
    assert info["username"] == f"system:serviceaccount:{namespace}:agent"
    assert {f"system:serviceaccounts:{namespace}", "system:serviceaccounts"} <= set(info["groups"])


def test_a_token_of_a_service_account_is_reviewed(server: Server, namespace: str) -> None:
    issued = server.post(account(server, namespace), request_token()).ok(201)["status"]["token"]
    status = token_review(server, issued)["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{namespace}:agent"


def test_a_token_for_others_is_not_accepted_by_the_server(server: Server, namespace: str) -> None:
    path = account(server, namespace)
    issued = server.post(path, request_token(audiences=["vault"])).ok(201)["status"]["token"]
    answer = server.request("GET", "/api", user="", headers={"Authorization": f"Bearer {issued}"})
    assert answer.status == 401
    status = token_review(server, issued, audiences=["vault"])["status"]
    assert (status["authenticated"], status["audiences"]) == (True, ["vault"])


def test_the_token_of_an_account_that_is_gone_is_not_accepted(server: Server, namespace: str) -> None:
    issued = server.post(account(server, namespace), request_token()).ok(201)["status"]["token"]
    server.delete(at("serviceaccounts", namespace, "agent")).ok()

    def status() -> int:
        headers = {"Authorization": f"Bearer {issued}"}
        return server.request("GET", "/api", user="", headers=headers).status

    eventually(lambda: status() == 401, 20)


def test_a_token_lives_ten_minutes_at_least(server: Server, namespace: str) -> None:
    answer = server.post(account(server, namespace), request_token(expirationSeconds=60))
    assert answer.status == 422
    (found,) = answer.body["details"]["causes"]
    assert found == {
        "reason": "FieldValueInvalid",
        "message": "Invalid value: 60: may not specify a duration less than 10 minutes",
        "field": "spec.expirationSeconds",
    }


def test_a_token_of_nobody_is_not_found(server: Server, namespace: str) -> None:
    answer = server.post(at("serviceaccounts", namespace, "none", "token"), request_token())
    answer.refused(
        404, "NotFound", 'serviceaccounts "none" not found', {"name": "none", "kind": "serviceaccounts"}
    )


# Access


@pytest.fixture
def granted(server: Server, namespace: str, maps: str) -> str:
    """A namespace in which the limited user may list ConfigMaps."""
    server.post(at("roles", namespace), role(namespace, rule(["configmaps"], ["list"]))).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    eventually(lambda: server.get(maps, user=LIMITED).status == 200, interval=0.02)
    return namespace


def test_a_user_may_ask_what_they_may_do(server: Server, granted: str) -> None:
    for verb, allowed in (("list", True), ("delete", False)):
        review = access_review("SelfSubjectAccessReview", resourceAttributes=attributes(granted, verb))
        answer = server.post(at("selfsubjectaccessreviews"), review, user=LIMITED).ok(201)
        assert answer["status"]["allowed"] is allowed
        assert answer["spec"]["resourceAttributes"]["verb"] == verb


def test_a_grant_says_where_it_comes_from(server: Server, granted: str) -> None:
    review = access_review("SelfSubjectAccessReview", resourceAttributes=attributes(granted))
    status = server.post(at("selfsubjectaccessreviews"), review, user=LIMITED).ok(201)["status"]
    assert status["reason"] == like(
        rf'RBAC: allowed by RoleBinding "reader/{granted}" of Role "reader" to User "{server.limited_name}"'
    )


def test_an_admin_may_ask_for_others(server: Server, granted: str) -> None:
    for user, allowed in ((server.limited_name, True), ("somebody", False)):
        review = access_review("SubjectAccessReview", user=user, resourceAttributes=attributes(granted))
        assert server.post(at("subjectaccessreviews"), review).ok(201)["status"]["allowed"] is allowed


def test_groups_count_too(server: Server, namespace: str) -> None:
    review = access_review(
        "SubjectAccessReview",
        user="somebody",
        groups=["system:masters"],
        resourceAttributes=attributes(namespace),
    )
    assert server.post(at("subjectaccessreviews"), review).ok(201)["status"]["allowed"] is True


def test_a_path_may_be_asked_for(server: Server) -> None:
    for path, allowed in (("/version", True), ("/metrics", False)):
        review = access_review("SelfSubjectAccessReview", nonResourceAttributes={"path": path, "verb": "get"})
        answer = server.post(at("selfsubjectaccessreviews"), review, user=LIMITED).ok(201)
        assert answer["status"]["allowed"] is allowed


def test_a_review_is_about_something(server: Server) -> None:
    answer = server.post(at("selfsubjectaccessreviews"), access_review("SelfSubjectAccessReview"))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    message = (
        "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
    )
    expected = cause("FieldValueInvalid", message, "spec.resourceAttributes")
    assert answer.body["details"]["causes"] == [expected]


def test_a_review_is_about_somebody(server: Server, namespace: str) -> None:
    review = access_review("SubjectAccessReview", resourceAttributes=attributes(namespace))
    answer = server.post(at("subjectaccessreviews"), review)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    message = 'Invalid value: "": at least one of user or group must be specified'
    assert answer.body["details"]["causes"] == [cause("FieldValueInvalid", message, "spec.user")]


def test_a_local_review_is_about_its_namespace(server: Server, granted: str) -> None:
    review = access_review(
        "LocalSubjectAccessReview", user=server.limited_name, resourceAttributes=attributes(granted)
    )
    path = at("localsubjectaccessreviews", granted)
    assert server.post(path, review).ok(201)["status"]["allowed"] is True
    other = at("localsubjectaccessreviews", server.create_namespace())
    assert server.post(other, review).status == 422


def test_the_limited_user_may_not_ask_for_others(server: Server, namespace: str) -> None:
    review = access_review("SubjectAccessReview", user="x", resourceAttributes=attributes(namespace))
    assert server.post(at("subjectaccessreviews"), review, user=LIMITED).status == 403


def test_a_user_may_ask_for_all_rules(server: Server, granted: str) -> None:
    review = access_review("SelfSubjectRulesReview", namespace=granted)
    status = server.post(at("selfsubjectrulesreviews"), review, user=LIMITED).ok(201)["status"]
    assert {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]} in status["resourceRules"]
    assert status["incomplete"] is False


def test_the_first_roles_are_there(server: Server) -> None:
    found = set(names(server.get(at("clusterroles")).ok()))
    assert {"cluster-admin", "admin", "edit", "view", "system:discovery"} <= found
