"""Decisions, messages and answers of our authentication and authorization are those of a real kube-apiserver.

Both get the same roles, bindings, accounts, keys and certificates (`auth_world`), and the same questions: hundreds drawn from a
seed, and the corner cases by hand.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.real.auth_world import (
    ISSUER,
    NAMESPACES,
    RBAC,
    SEED,
    AuthWorld,
    Question,
    WithAggregation,
    aged,
    as_headers,
    outcome,
    without_bookkeeping,
)
from tests.real.conftest import remembered
from tmc_syncer.controlplane.auth import jws
from tmc_syncer.controlplane.auth.access_reviews import ACCESS_REVIEWS, review_access, review_rules
from tmc_syncer.controlplane.auth.aggregation import effective_rules, is_aggregated
from tmc_syncer.controlplane.auth.assembly import Place
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.authenticator import Unauthenticated
from tmc_syncer.controlplane.auth.authority import Authority
from tmc_syncer.controlplane.auth.default_roles import default_objects
from tmc_syncer.controlplane.auth.identity_reviews import review_token
from tmc_syncer.controlplane.auth.openid import openid_documents
from tmc_syncer.controlplane.auth.rights import Rights
from tmc_syncer.controlplane.auth.rules import rules_of
from tmc_syncer.controlplane.auth.users import User, identities
from tmc_syncer.controlplane.server.assembly import ControlPlane as EmbeddedServer
from tmc_syncer.controlplane.server.assembly import Settings
from tmc_syncer.engine.env import SystemClock
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.cluster import running
from tmc_syncer.testing.polling import eventually

AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io/v1", "authentication.k8s.io/v1"
ADMIN = User("admin", "admin", ("system:masters", "system:authenticated"))


@pytest.fixture(scope="module")
def world(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[AuthWorld]:
    cluster = WithAggregation(tmp_path_factory.mktemp("auth") / "upstream", assets=assets)
    with remembered(request, cluster), running(cluster):
        kept_processes.update(server.pid for server in cluster.servers() if server.pid)
        filled = AuthWorld(cluster)
        eventually(lambda: gathered(filled), 30, message="aggregated roles to have their rules")
        yield filled
        filled.client.close()


def gathered(world: AuthWorld) -> bool:
    """Whether the controller has come to rest: each aggregated role has the rules that we compute, in any order."""
    world.read()
    roles = {role["metadata"]["name"]: role for role in world.list_objects("", "", "clusterroles", "")}
    return all(
        set(effective_rules(name, roles)) == set(rules_of(role))
        for name, role in roles.items()
        if is_aggregated(role)
    )


# Decisions


def test_access_reviews_of_a_drawn_matrix_are_decided_alike(world: AuthWorld) -> None:
    outcomes = {"allowed": 0, "refused": 0, "with a missing role": 0}
    for number in range(600):
        question = world.question()
        status, answer = world.client.request(
            "POST", f"/apis/{AUTHORIZATION}/subjectaccessreviews", review_of(question)
        )
        assert status == 201, answer
        real, ours = answer["status"], world.authorizer.allows(question.user, question.attributes)
        assert ours.allowed == real["allowed"], (number, question, real, ours)
        if ours.allowed:
            assert real["reason"] in possible_reasons(world, question), (number, question, real)
        else:
            assert parts(ours.reason) == parts(real.get("reason", "")), (number, question)
        outcomes["allowed" if ours.allowed else "refused"] += 1
        outcomes["with a missing role"] += "not found" in ours.reason
    assert min(outcomes.values()) > 50, outcomes  # a matrix in which all is refused would show nothing


def review_of(question: Question) -> dict[str, Any]:
    user, asked = question
    if asked.path is not None:
        attributes = {"nonResourceAttributes": {"path": asked.path, "verb": asked.verb}}
    else:
        fields = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
        attributes = {"resourceAttributes": {field: getattr(asked, field) for field in fields}}
    spec = {"user": user.name, "groups": list(user.groups), **attributes}
    return {"apiVersion": AUTHORIZATION, "kind": "SubjectAccessReview", "spec": spec}


def possible_reasons(world: AuthWorld, question: Question) -> set[str]:
    """The real server takes bindings in no certain order: any that allows may be its reason."""
    policy = world.authorizer._policy("home")
    who = identities(question.user, "home")
    scopes = ("", question.attributes.namespace) if question.attributes.namespace else ("",)
    grants = [grant for scope in scopes for grant in policy._grants(who, scope)]
    return {grant.reason for grant in grants if Rights([grant]).find(question.attributes) is not None}


def parts(reason: str) -> list[str]:
    """The errors in a reason, sorted, for the same cause."""
    return sorted(reason.removeprefix("RBAC: ").removeprefix("[").removesuffix("]").split(", "))


def test_requests_are_refused_with_the_same_message(world: AuthWorld) -> None:
    methods = {
        "get": "GET",
        "list": "GET",
        "watch": "GET",
        "create": "POST",
        "delete": "DELETE",
        "update": "PUT",
    }
    refusals = 0
    for _ in range(300):
        user, asked = world.question()
        if asked.path is None:
            if asked.verb not in methods or asked.subresource in ("proxy", "exec"):
                continue
            if asked.verb in ("list", "watch", "create") and not asked.subresource:
                asked = asked._replace(name="")
            elif not asked.name:
                asked = asked._replace(name="one")
            if asked.subresource and asked.verb in ("list", "watch"):
                asked = asked._replace(verb="get")
        method = "GET" if asked.path else methods[asked.verb]
        asked = asked._replace(verb="get") if asked.path else asked
        body: dict[str, Any] | None = {} if method in ("POST", "PUT") else None
        status, answer = world.client.request(method, url_of(asked), body, headers=as_headers(user))
        code, ours = outcome(partial(world.act_as, ADMIN, as_headers(user), asked))
        if code == 201:
            assert status != 403, (user, asked, answer)
        else:
            assert (code, parts_of(ours)) == (status, parts_of(answer)), (user, asked)
            refusals += 1
    assert refusals > 60


def url_of(asked: Attributes) -> str:
    if asked.path is not None:
        return asked.path
    start = f"/apis/{asked.group}/v1" if asked.group else "/api/v1"
    parts = [start, *(["namespaces", asked.namespace] if asked.namespace else []), asked.resource]
    parts += [part for part in (asked.name, asked.subresource) if part]
    url = "/".join(parts)
    return f"{url}?watch=true&timeoutSeconds=1" if asked.verb == "watch" else url


def parts_of(answer: dict[str, Any]) -> dict[str, Any]:
    """A refusal whose list of errors is in a certain order."""
    head, separator, reason = answer["message"].partition(": RBAC: ")
    return {**answer, "message": [head, separator, *parts(reason)]}


def test_the_rules_of_a_user_are_the_same(world: AuthWorld) -> None:
    users = {user.name: user for user in (world.user() for _ in range(60))}
    for user in users.values():
        for namespace in (*NAMESPACES, "green"):
            body: dict[str, Any] = {
                "kind": "SelfSubjectRulesReview",
                "apiVersion": AUTHORIZATION,
                "spec": {"namespace": namespace},
            }
            url = f"/apis/{AUTHORIZATION}/selfsubjectrulesreviews"
            status, answer = world.client.request("POST", url, body, headers=as_headers(user))
            assert status == 201, answer
            ours = review_rules(world.authorizer, body, user, "home")
            assert rule_sets(ours) == rule_sets(answer), (user, namespace)


def rule_sets(answer: dict[str, Any]) -> dict[str, Any]:
    status = answer["status"]
    found = {name: sorted(map(json.dumps, status[name])) for name in ("resourceRules", "nonResourceRules")}
    # Aggregated rules may come in another order than the controller's; what counts is which there are.
    return {
        **without_bookkeeping(answer),
        "status": {
            **found,
            "incomplete": status["incomplete"],
            "errors": parts(status.get("evaluationError", "")),
        },
    }


# Escalation


WRITERS = "writers"


@pytest.fixture(scope="module")
def writers(world: AuthWorld) -> None:
    """A group that may write every RBAC object, as far as authorization goes."""
    resources = ["roles", "clusterroles", "rolebindings", "clusterrolebindings"]
    rule = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": resources,
        "verbs": ["create", "update", "get"],
    }
    world.create(f"{RBAC}/clusterroles", {"metadata": {"name": WRITERS}, "rules": [rule]})
    subject = {"kind": "Group", "name": WRITERS, "apiGroup": "rbac.authorization.k8s.io"}
    world.create(
        f"{RBAC}/clusterrolebindings",
        {"metadata": {"name": WRITERS}, "roleRef": reference("ClusterRole", WRITERS), "subjects": [subject]},
    )
    world.read()
    world.authorizer.forget("home")


def test_nobody_gives_what_he_lacks_on_either_server(world: AuthWorld, writers: None) -> None:
    outcomes: dict[int, int] = {}
    for number in range(300):
        user = world.user()
        headers = as_headers(User(user.name, groups=(WRITERS, *user.groups)))
        resource, namespace, body = drawn_write(world, number)
        place = f"namespaces/{namespace}/" if namespace else ""
        url = f"{RBAC}/{place}{resource}?dryRun=All"
        status, answer = world.client.request("POST", url, body, headers=headers)
        request = Attributes("home", "create", "rbac.authorization.k8s.io", "v1", resource, "", namespace)
        code, ours = outcome(partial(written, world, headers, request, body))
        if status == 201:
            assert (code, ours) == (201, None), (user, url, body)
        else:
            assert (code, resolved(ours)) == (status, resolved(answer)), (user, url, body)
        outcomes[status] = outcomes.get(status, 0) + 1
    assert all(outcomes.get(status, 0) > 5 for status in (201, 403, 404)), outcomes


def written(
    world: AuthWorld,
    headers: tuple[tuple[str, str], ...],
    request: Attributes,
    new: dict[str, Any],
    old: dict[str, Any] | None = None,
) -> None:
    """Write as whom the headers name, on ours."""
    world.write(world.act_as(ADMIN, headers, request), request, new, old)


def drawn_write(world: AuthWorld, number: int) -> tuple[str, str, dict[str, Any]]:
    """A role or binding to create: resource, namespace, body."""
    rng = world.rng
    namespace = rng.choice(("", *NAMESPACES))
    metadata: dict[str, Any] = {"name": f"drawn-{number}"}
    if rng.random() < 0.5:
        resource = "roles" if namespace else "clusterroles"
        rules = world.rules() + ([] if namespace else world.path_rules())
        body: dict[str, Any] = {"metadata": metadata, "rules": rules[: rng.randint(0, 2)]}
        if not namespace and rng.random() < 0.3:
            body["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
        return resource, namespace, body
    names = ["role-1", "role-2", "role-3", "gathered-0", "view", "system:basic-user", "missing"]
    kind, name = "ClusterRole", rng.choice(names)
    if namespace and rng.random() < 0.5:
        kind, name = "Role", rng.choice(["local-0", "local-1", "gone"])
    body = {"metadata": metadata, "roleRef": reference(kind, name), "subjects": world.subjects(namespace)}
    return "rolebindings" if namespace else "clusterrolebindings", namespace, body


def reference(kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def resolved(answer: dict[str, Any]) -> dict[str, Any]:
    """A refusal whose resolution errors are in a certain order."""
    head, separator, errors = answer["message"].partition("; resolution errors: ")
    return {**answer, "message": [head, separator, *parts(errors.strip("[]"))]}


def test_an_update_is_checked_like_a_create_but_for_bookkeeping(world: AuthWorld, writers: None) -> None:
    headers = as_headers(User("zoe", groups=(WRITERS,)))
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    old = world.create(f"{RBAC}/namespaces/red/roles", {"metadata": {"name": "kept"}, "rules": rules})
    more = [{**rules[0], "verbs": ["get", "list", "delete"]}]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}
    changes = (
        {**old, "metadata": {**old["metadata"], "ownerReferences": [owner], "finalizers": ["a.example/b"]}},
        {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}},
        {**old, "rules": more},
        {**old, "rules": []},
        old,
    )
    statuses = []
    for new in changes:
        url = f"{RBAC}/namespaces/red/roles/kept?dryRun=All"
        status, answer = world.client.request("PUT", url, new, headers=headers)
        request = Attributes("home", "update", "rbac.authorization.k8s.io", "v1", "roles", "", "red", "kept")
        code, ours = outcome(partial(written, world, headers, request, new, old))
        assert (code, ours) == ((201, None) if status == 200 else (status, answer))
        statuses.append(status)
    assert statuses == [200, 403, 403, 200, 200]


# Impersonation


def give_rights(world: AuthWorld, name: str, rules: list[dict[str, Any]]) -> None:
    """Let a user do exactly this."""
    world.create(f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
    subject = {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    body = {"metadata": {"name": name}, "roleRef": reference("ClusterRole", name), "subjects": [subject]}
    world.create(f"{RBAC}/clusterrolebindings", body)
    world.read()
    world.authorizer.forget("home")


IMPERSONATE = {"apiGroups": [""], "verbs": ["impersonate"]}
EXTRAS = {"apiGroups": ["authentication.k8s.io"], "verbs": ["impersonate"]}
CONSTRAINED = {"apiGroups": ["authentication.k8s.io"], "verbs": ["impersonate:user-info"]}
SELF = {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}
RIGHTS: dict[str, list[dict[str, Any]]] = {
    "imp-none": [],
    "imp-users": [{**IMPERSONATE, "resources": ["users"], "resourceNames": ["bob", "system:anonymous"]}],
    "imp-all": [
        {**IMPERSONATE, "resources": ["users", "groups", "serviceaccounts"]},
        {**EXTRAS, "resources": ["userextras/scopes", "userextras/a.example/b", "uids"]},
    ],
    "imp-group": [
        {**IMPERSONATE, "resources": ["users"]},
        {**IMPERSONATE, "resources": ["groups"], "resourceNames": ["team-a"]},
    ],
    "imp-info": [
        {**CONSTRAINED, "resources": ["users", "groups", "userextras/a.example/b", "uids"]},
        {**SELF, "verbs": ["impersonate-on:user-info:create"]},
    ],
    "imp-info-half": [{**CONSTRAINED, "resources": ["users"]}],
    "imp-account": [
        {
            "apiGroups": ["authentication.k8s.io"],
            "verbs": ["impersonate:serviceaccount"],
            "resources": ["serviceaccounts"],
        },
        {**SELF, "verbs": ["impersonate-on:serviceaccount:create"]},
    ],
    "imp-node": [
        {
            "apiGroups": ["authentication.k8s.io"],
            "verbs": ["impersonate:arbitrary-node"],
            "resources": ["nodes"],
        },
        {**SELF, "verbs": ["impersonate-on:arbitrary-node:create"]},
    ],
}
ASKED: tuple[tuple[tuple[str, str], ...], ...] = (
    (("Impersonate-User", "bob"),),
    (("Impersonate-User", "eve"),),
    (("impersonate-user", "bob"), ("IMPERSONATE-GROUP", "team-a")),
    (("Impersonate-User", "bob"), ("Impersonate-Group", "team-a"), ("Impersonate-Group", "system:masters")),
    (("Impersonate-User", "bob"), ("Impersonate-Group", "system:authenticated")),
    (("Impersonate-User", "bob"), ("Impersonate-Group", "system:unauthenticated")),
    (("Impersonate-User", "bob"), *(("Impersonate-Group", f"g{number}") for number in range(5))),
    (("Impersonate-User", "system:anonymous"),),
    (("Impersonate-User", "system:serviceaccount:red:bot"),),
    (("Impersonate-User", "system:serviceaccount:red:bot"), ("Impersonate-Group", "team-a")),
    (("Impersonate-User", "system:serviceaccount:red"),),
    (("Impersonate-User", "system:serviceaccount:Red:bot"),),
    (("Impersonate-User", "system:node:n1"),),
    (("Impersonate-User", "system:node:"),),
    (("Impersonate-User", "bob"), ("Impersonate-Uid", "u-1")),
    (("Impersonate-User", "bob"), ("Impersonate-Extra-scopes", "all")),
    (
        ("Impersonate-User", "bob"),
        ("Impersonate-Extra-a.example%2fb", "1"),
        ("Impersonate-Extra-A.Example%2FB", "2"),
    ),
    (("Impersonate-User", "bob"), ("Impersonate-Extra-a.example%2fb", "")),
    (("Impersonate-User", "bob"), ("Impersonate-Group", "")),
    (("Impersonate-Group", "team-a"),),
    (("Impersonate-Uid", "u-1"), ("Impersonate-Extra-x", "y")),
    (("Impersonate-User", ""), ("Impersonate-Extra-x", "y")),
    (("Impersonate-User", ""),),
    (),
)


@pytest.mark.parametrize("name", list(RIGHTS))
def test_acting_as_somebody_else_is_allowed_and_refused_alike(
    world: AuthWorld, name: str, tmp_path: Path
) -> None:
    give_rights(world, name, RIGHTS[name])
    pair = world.cluster.apiserver.users.authority.client_certificate(name)
    pem = pair.public_pem + pair.private_pem
    requestor = world.authenticator.authenticate(None, x509.load_pem_x509_certificate(pair.public_pem))
    body = {"kind": "SelfSubjectReview", "apiVersion": AUTHENTICATION}
    request = Attributes("home", "create", "authentication.k8s.io", "v1", "selfsubjectreviews")
    for headers in ASKED:
        url = f"/apis/{AUTHENTICATION}/selfsubjectreviews"
        status, answer = world.client.as_certificate(pem, tmp_path / "user.pem", "POST", url, body, headers)
        code, ours = outcome(partial(world.act_as, requestor, headers, request))
        if status != 201:
            assert (code, ours) == (status, answer), headers
        else:
            assert (code, ours.to_object()) == (201, answer["status"]["userInfo"]), headers


# Reviews

SUBJECT_REVIEWS: tuple[dict[str, Any], ...] = (
    {},
    {"spec": None},
    {"spec": {"user": "ann"}},
    {
        "spec": {
            "user": "ann",
            "resourceAttributes": {},
            "nonResourceAttributes": {"path": "/x", "verb": "get"},
        }
    },
    {"spec": {"user": "ann", "resourceAttributes": {}}},
    {"spec": {"user": "ann", "nonResourceAttributes": {}}},
    {"spec": {"groups": ["system:masters"], "resourceAttributes": {"verb": "get"}}},
    {"spec": {"groups": [None], "user": None, "resourceAttributes": {"verb": "get"}}},
    {"spec": {"user": "ann", "extra": {"a": ["b"], "c": None}, "uid": "u", "resourceAttributes": {}}},
    {"metadata": {"name": "x", "labels": {"a": "b"}}, "spec": {"user": "ann", "resourceAttributes": {}}},
    {
        "metadata": {"annotations": {"a": "b"}, "generateName": "x"},
        "spec": {"user": "ann", "resourceAttributes": {}},
    },
    {"metadata": {"namespace": "red"}, "spec": {"user": "ann", "resourceAttributes": {"namespace": "red"}}},
    {"metadata": {"namespace": "red"}, "spec": {"user": "ann", "resourceAttributes": {"namespace": "blue"}}},
    {"metadata": {"namespace": "blue"}, "spec": {"user": "ann", "resourceAttributes": {"namespace": "red"}}},
    {
        "metadata": {"namespace": "red"},
        "spec": {"user": "ann", "nonResourceAttributes": {"path": "/", "verb": "get"}},
    },
    {"spec": {"user": 5}},
    {"spec": {"user": ["a"]}},
    {"spec": {"user": True}},
    {"spec": {"groups": "x"}},
    {"spec": {"groups": [1]}},
    {"spec": {"groups": {}}},
    {"spec": {"extra": {"a": "b"}}},
    {"spec": {"extra": {"a": [2.5]}}},
    {"spec": {"extra": []}},
    {"spec": {"resourceAttributes": "x"}},
    {"spec": {"resourceAttributes": {"verb": []}}},
    {"spec": {"resourceAttributes": {"labelSelector": {"requirements": {}}}}},
    {"spec": {"resourceAttributes": {"labelSelector": {"requirements": [{"key": 1}]}}}},
    {"spec": 5},
    {"spec": "x"},
    {"spec": [1]},
    {"spec": True},
    {"spec": 1.5},
)
SELECTORS: tuple[dict[str, Any], ...] = (
    {"fieldSelector": {}},
    {"labelSelector": {}},
    {"labelSelector": {"requirements": []}},
    {
        "fieldSelector": {
            "rawSelector": "a=b",
            "requirements": [{"key": "a", "operator": "In", "values": ["b"]}],
        }
    },
    {
        "labelSelector": {
            "rawSelector": "a=b",
            "requirements": [{"key": "a", "operator": "Exists", "values": []}],
        }
    },
    {
        "fieldSelector": {
            "requirements": [{"operator": "In"}, {"key": "a", "operator": "Exists", "values": ["b"]}]
        }
    },
    {"fieldSelector": {"requirements": [{"key": "a", "operator": "Odd", "values": ["x"]}]}},
    {"fieldSelector": {"requirements": [{"key": "a", "operator": "In", "values": ["x", "y"]}]}},
    {
        "fieldSelector": {
            "requirements": [
                {"key": "a", "operator": "Exists"},
                {"key": "b", "operator": "NotIn", "values": ["x"]},
            ]
        }
    },
    {
        "labelSelector": {
            "requirements": [{"key": "a", "operator": "Odd"}, {"key": "b", "operator": "Exists"}]
        }
    },
    {"labelSelector": {"requirements": [{"key": "a", "operator": "Odd"}]}},
    {
        "labelSelector": {
            "requirements": [{"key": "a", "operator": "In"}, {"key": "a/b/c", "operator": "Exists"}]
        }
    },
    {"labelSelector": {"requirements": [{"key": "", "operator": "Exists", "values": ["x"]}]}},
    {"labelSelector": {"requirements": [{"key": "/x", "operator": "DoesNotExist"}]}},
    {"labelSelector": {"requirements": [{"key": "A_b/x", "operator": "DoesNotExist"}]}},
    {"labelSelector": {"requirements": [{"key": "a", "operator": "NotIn", "values": ["_x_", "y" * 64]}]}},
    {"labelSelector": {"requirements": [{"key": "k" * 64, "operator": "DoesNotExist"}]}},
    *(
        {"fieldSelector": {"rawSelector": raw}}
        for raw in ("a=b", "a!=b,c==d", "a", "a=b,,c=d", "a=b=c", "a\\=b", "=", ",")
    ),
    *(
        {"labelSelector": {"rawSelector": raw}}
        for raw in (
            "a=b",
            "a in (b,c),!d",
            "a in",
            "a=b in",
            "a,,b",
            "!",
            "a notin ()",
            "x>1",
            "x>y",
            " ",
            "-a",
        )
    ),
)


def posted(
    world: AuthWorld, kind: str, group: str, body: dict[str, Any], namespace: str = ""
) -> tuple[int, Any]:
    place = f"namespaces/{namespace}/" if namespace else ""
    url = f"/apis/{group}/{place}{kind.lower()}s"
    status, answer = world.client.request("POST", url, {"kind": kind, "apiVersion": group, **body})
    return status, comparable(answer)


def comparable(answer: Any) -> Any:
    """An answer without managedFields, also where a message quotes them."""
    text = re.sub(r',?\\"managedFields\\":\[.*?\}\}\]', "", json.dumps(without_bookkeeping(answer)))
    return json.loads(text.replace("{,", "{"))


@pytest.mark.parametrize("kind", ACCESS_REVIEWS)
def test_access_reviews_are_answered_and_refused_alike(world: AuthWorld, kind: str) -> None:
    selecting = [
        {"user": "ann", "resourceAttributes": {"verb": "get", "namespace": "red", **each}}
        for each in SELECTORS
    ]
    bodies = (*SUBJECT_REVIEWS, *({"spec": spec} for spec in selecting))
    namespace = "red" if kind == "LocalSubjectAccessReview" else ""
    statuses = set()
    for body in bodies:
        real = posted(world, kind, AUTHORIZATION, body, namespace)
        code, ours = outcome(partial(review_access, world.authorizer, kind, body, ADMIN, "home", namespace))
        assert (code, comparable(ours)) == real, body
        statuses.add(real[0])
    assert statuses == {201, 400, 422}


def test_a_rules_review_needs_a_namespace_on_either_server(world: AuthWorld) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"spec": {}},
        {"spec": {"namespace": ""}},
        {"spec": {"namespace": 5}},
    )
    for body in bodies:
        real = posted(world, "SelfSubjectRulesReview", AUTHORIZATION, body)
        assert outcome(partial(review_rules, world.authorizer, body, ADMIN, "home")) == real


# Tokens


def test_token_requests_are_answered_and_refused_alike(world: AuthWorld) -> None:
    world.create("/api/v1/nodes", {"metadata": {"name": "n1"}})
    world.create("/api/v1/namespaces/red/secrets", {"metadata": {"name": "held"}})
    for name, account, node in (
        ("here", "bot", "n1"),
        ("lost", "bot", "gone"),
        ("new", "bot", ""),
        ("other", "job", ""),
    ):
        spec: dict[str, Any] = {"serviceAccountName": account, "containers": [{"name": "c", "image": "i"}]}
        world.create(
            "/api/v1/namespaces/red/pods", {"metadata": {"name": name}, "spec": {**spec, "nodeName": node}}
        )
    world.read()
    references = [
        {"kind": kind, "apiVersion": "v1", "name": name, **uid}
        for kind, name in (
            *(("Pod", name) for name in ("here", "lost", "new", "other", "none")),
            *(("Secret", "held"), ("Secret", "none"), ("Node", "n1"), ("Node", "none"), ("ConfigMap", "x")),
        )
        for uid in ({}, {"uid": "wrong"})
    ]
    references += [
        {},
        {"kind": "Deployment", "apiVersion": "apps/v1", "name": "x"},
        {"kind": "Pod", "name": "here"},
    ]
    bodies: list[dict[str, Any]] = [
        *({"spec": {"boundObjectRef": reference}} for reference in references),
        *(
            {"spec": {"expirationSeconds": value}}
            for value in (0, 599, 600, 2**32, 2**32 + 1, -1, "x", 1.5, True, 2**70)
        ),
        *(
            {"spec": {"audiences": value}}
            for value in ([], ["a", "b"], [""], [None], [ISSUER], "x", [1], None)
        ),
        *(
            {"metadata": value}
            for value in ({"name": "x"}, {"namespace": "blue"}, {"uid": "x"}, {"labels": {"a": "b"}})
        ),
        {
            "spec": {
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "here"},
                "expirationSeconds": 3607,
            }
        },
        {
            "spec": {
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "here"},
                "expirationSeconds": 3607,
                "audiences": ["elsewhere"],
            }
        },
        {},
        {"spec": {"boundObjectRef": []}},
    ]
    statuses = set()
    for name in ("bot", "nobody"):
        for body in bodies:
            url = f"/api/v1/namespaces/red/serviceaccounts/{name}/token"
            full = {"kind": "TokenRequest", "apiVersion": AUTHENTICATION, **body}
            status, answer = world.client.request("POST", url, full)
            code, ours = outcome(partial(world.token_requests.create, full, "home", "red", name))
            assert (code, issued(ours)) == (status, issued(answer)), body
            statuses.add(status)
    assert statuses == {201, 400, 404, 409, 422}


def issued(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its token taken apart, and without what differs from second to second."""
    answer = without_bookkeeping(answer)
    if "token" not in (answer.get("status") or {}) or isinstance(answer["status"], str):
        return answer
    header, claims, _ = (decoded(part) for part in answer["status"]["token"].split("."))
    jti, now = claims.pop("jti"), claims.pop("iat")
    assert isinstance(jti, str)
    assert claims.pop("nbf") == now
    marks = {"exp": claims["exp"] - now, "warnafter": claims["kubernetes.io"].get("warnafter", now) - now}
    claims = {**claims, **marks, "kubernetes.io": {**claims["kubernetes.io"], "warnafter": None}}
    return {**answer, "status": {"header": header, "claims": claims}}


def decoded(part: str) -> Any:
    content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    try:
        return json.loads(content)
    except ValueError:
        return len(content)  # the signature


MINUTE = timedelta(minutes=1)


def test_tokens_are_recognised_and_refused_alike(world: AuthWorld) -> None:
    world.read()
    account = world.get_object("home", "serviceaccounts", "red", "bot")
    assert account is not None
    good = world.signer.token(account, audiences=[ISSUER], seconds=3600)
    claims = decoded(good.split(".")[1])
    head, payload, signature = good.split(".")
    gone = {"name": "gone", "uid": "1"}
    uid = account["metadata"]["uid"]

    def signed(**changes: Any) -> str:
        return jws.sign({**claims, **changes}, world.key)

    def private(**changes: Any) -> str:
        return signed(**{"kubernetes.io": {**claims["kubernetes.io"], **changes}})

    def encoded(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    kid = decoded(head)["kid"]
    tokens = {
        "good": good,
        "of the real server": real_token(world),
        "expired": jws.sign(aged(claims, exp=-2 * MINUTE), world.key),
        "expired within the leeway": jws.sign(aged(claims, exp=-MINUTE / 2), world.key),
        "not yet": jws.sign(aged(claims, nbf=2 * MINUTE), world.key),
        "soon": jws.sign(aged(claims, nbf=MINUTE / 2), world.key),
        "issued later": jws.sign(aged(claims, iat=2 * MINUTE), world.key),
        "without times": jws.sign(
            {k: v for k, v in claims.items() if k not in ("exp", "nbf", "iat")}, world.key
        ),
        "without audience": jws.sign({k: v for k, v in claims.items() if k != "aud"}, world.key),
        "for others": signed(aud=["other"]),
        "for others, as text": signed(aud="other"),
        "for us, as text": signed(aud=ISSUER),
        "for several": signed(aud=["other", ISSUER]),
        "of another issuer": signed(iss="https://elsewhere.example"),
        "of no issuer": signed(iss=None),
        "without id": signed(jti=""),
        "of another uid": private(serviceaccount={"name": "bot", "uid": "other"}),
        "of nobody": private(serviceaccount={"name": "nobody", "uid": uid}),
        "of another namespace": private(namespace="green"),
        "bound to a lost pod": private(pod=gone),
        "bound to a lost secret": private(secret=gone),
        "bound to a lost node": private(node=gone),
        "without private claims": jws.sign(
            {k: v for k, v in claims.items() if k != "kubernetes.io"}, world.key
        ),
        "alg none": f"{encoded({'alg': 'none'})}.{payload}.",
        "alg none with kid": f"{encoded({'alg': 'none', 'kid': kid})}.{payload}.{signature}",
        "alg HS256": f"{encoded({'alg': 'HS256', 'kid': kid})}.{payload}.{signature}",
        "another kid": f"{encoded({'alg': 'ES256', 'kid': 'x'})}.{payload}.{signature}",
        "no kid": f"{encoded({'alg': 'ES256'})}.{payload}.{signature}",
        "critical": f"{encoded({'alg': 'ES256', 'kid': kid, 'crit': ['x'], 'x': 1})}.{payload}.{signature}",
        "other claims": f"{head}.{encoded({**claims, 'exp': claims['exp'] + 1})}.{signature}",
        "other signature": f"{head}.{payload}.{'A' * len(signature)}",
        "short signature": f"{head}.{payload}.AAAA",
        "no signature": f"{head}.{payload}.",
        "two parts": f"{head}.{payload}",
        "four parts": f"{good}.x",
        "no JSON": "a.b.c",
        "dots": "..",
        "one word": "junk",
        "two words": "junk more",
        "blank": " ",
        "JSON": json.dumps({"payload": payload}),
        "static": world.cluster.token("admin"),
        "long": "x" * 5000,
    }
    audience_lists: tuple[list[str], ...] = ([], ["other"], [ISSUER], ["other", ISSUER])
    recognised = set()
    for name, token in tokens.items():
        for audiences in audience_lists:
            body = {"spec": {"token": token, "audiences": audiences}}
            status, answer = posted(world, "TokenReview", AUTHENTICATION, body)
            assert status == 201, answer
            ours = comparable(review_token(world.authenticator, body))
            assert ours == answer, (name, audiences)
            if answer["status"].get("authenticated"):
                recognised.add(name)
    assert recognised == {
        *(
            "good",
            "of the real server",
            "expired within the leeway",
            "soon",
            "without times",
            "without audience",
        ),
        *(
            "for others",
            "for others, as text",
            "for us, as text",
            "for several",
            "without id",
            "static",
            "blank",
        ),
    }


def real_token(world: AuthWorld) -> str:
    url = "/api/v1/namespaces/blue/serviceaccounts/job/token"
    body = {"kind": "TokenRequest", "apiVersion": AUTHENTICATION}
    status, answer = world.client.request("POST", url, body)
    assert status == 201, answer
    return str(answer["status"]["token"])


def test_a_token_ends_with_its_account_on_either_server(world: AuthWorld) -> None:
    path = "/api/v1/namespaces/red/serviceaccounts"
    account = world.create(path, {"metadata": {"name": "brief"}})
    world.read()
    token = world.signer.token(account, audiences=[ISSUER], seconds=3600)
    status, answer = world.client.request("DELETE", f"{path}/brief")
    assert status == 200, answer
    world.create(path, {"metadata": {"name": "brief"}})
    world.read()
    body: dict[str, Any] = {"spec": {"token": token}}
    status, answer = posted(world, "TokenReview", AUTHENTICATION, body)
    assert answer["status"].get("authenticated") is None
    assert comparable(review_token(world.authenticator, body)) == answer


def test_headers_name_users_alike(world: AuthWorld) -> None:
    token = real_token(world)
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    protocol = f"base64url.bearer.authorization.k8s.io.{encoded}"
    upgrade = (("Connection", "Upgrade"), ("Upgrade", "websocket"))
    cases: tuple[tuple[tuple[str, str], ...], ...] = (
        (("Authorization", f"Bearer {token}"),),
        (("Authorization", f"bearer {token}"),),
        (("Authorization", f"Bearer  {token}"),),
        (("Authorization", f"Bearer {token} more"),),
        (("Authorization", "Bearer "),),
        (("Authorization", "Bearer"),),
        (("Authorization", "Basic YTpi"),),
        (("Authorization", ""),),
        (("Authorization", "Bearer wrong"),),
        (),
        (("Sec-WebSocket-Protocol", protocol),),
        (*upgrade, ("Sec-WebSocket-Protocol", f"{protocol}, v4.channel.k8s.io")),
        (*upgrade, ("Sec-WebSocket-Protocol", protocol)),
        (*upgrade, ("Sec-WebSocket-Protocol", f"{protocol}, {protocol}, x")),
        (*upgrade, ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io.@@, x")),
        (*upgrade, ("Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io., x")),
    )
    body = {"kind": "SelfSubjectReview", "apiVersion": AUTHENTICATION}
    url = f"/apis/{AUTHENTICATION}/selfsubjectreviews"
    outcomes = set()
    for headers in cases:
        status, answer = world.client.request("POST", url, body, headers=headers, as_admin=False)
        ours = answered(world, headers)
        if status == 201:
            assert ours == answer["status"]["userInfo"], headers
        elif status == 403:
            assert ours == {"username": "system:anonymous", "groups": ["system:unauthenticated"]}, headers
        else:
            assert (ours, status) == (None, 401), headers
        outcomes.add(status)
    assert outcomes == {201, 401, 403}


def answered(world: AuthWorld, headers: tuple[tuple[str, str], ...]) -> dict[str, Any] | None:
    """Who sends these headers, for ours; None for nobody."""
    found = dict(headers)
    protocols = [value for name, value in headers if name == "Sec-WebSocket-Protocol" and "Upgrade" in found]
    try:
        return world.authenticator.authenticate(found.get("Authorization"), protocols=protocols).to_object()
    except Unauthenticated:
        return None


# Certificates


def test_client_certificates_name_users_alike(world: AuthWorld, tmp_path: Path) -> None:
    ours = world.cluster.apiserver.users.authority
    authority = Authority(x509.load_pem_x509_certificate(ours.certificate_pem), ours._key)
    now, long = world.clock.now(), timedelta(days=1)
    pairs = {
        "plain": authority.client("ann", (), now),
        "groups": authority.client("ann", ("team-a", "team-b", "team-a"), now),
        "uid": authority.client("ann", ("team-a",), now, uid="u-7"),
        "ünï": authority.client("ünï <&>", ("ä",), now),
        "expired": authority.client("ann", (), now, lifetime=-timedelta(hours=1)),
        "future": authority.client("ann", (), now + 3 * long),
        "of a server": authority.server(("localhost",), now),
        "of another authority": Authority.create("other", now).client("ann", (), now),
    }
    body = {"kind": "SelfSubjectReview", "apiVersion": AUTHENTICATION}
    url = f"/apis/{AUTHENTICATION}/selfsubjectreviews"
    outcomes = set()
    for name, pair in pairs.items():
        pem = pair.certificate_pem + pair.key_pem
        status, answer = world.client.as_certificate(pem, tmp_path / "client.pem", "POST", url, body)
        try:
            user = world.authenticator.authenticate(None, pair.certificate)
        except Unauthenticated:
            assert status == 401, (name, answer)
        else:
            assert (status, user.to_object()) == (201, answer["status"]["userInfo"]), name
        outcomes.add(status)
    assert outcomes == {201, 401}


# Data and documents


def test_the_default_roles_are_those_of_the_real_server(world: AuthWorld) -> None:
    for resource, body in default_objects():
        status, answer = world.client.request("GET", f"{RBAC}/{resource}/{body['metadata']['name']}")
        assert status == 200, answer
        kept = {key: answer["metadata"][key] for key in ("name", "labels", "annotations")}
        assert {**answer, "metadata": kept} == body


def test_the_openid_documents_have_the_form_of_the_real_ones(world: AuthWorld) -> None:
    for path, ours in openid_documents(world.key.public_key(), ISSUER, world.cluster.url).items():
        status, answer = world.client.request("GET", path)
        assert status == 200, answer
        real = answer if isinstance(answer, dict) else json.loads(answer)
        real["jwks_uri"] = ours.get("jwks_uri")  # the real one names the address that it advertises
        assert real == {"jwks_uri": None, **ours}


# Kubectl

KUBECTL: tuple[tuple[str, str], ...] = (
    ("root", "create namespace house"),
    ("pia", "auth whoami -o yaml"),
    ("pia", "auth can-i get pods -n house"),
    ("pia", "get pods -n house"),
    ("root", "create rolebinding sees --clusterrole=view --user=pia -n house"),
    ("pia", "auth can-i get pods -n house"),
    ("pia", "auth can-i get pods/log -n house"),
    ("pia", "auth can-i get secrets -n house"),
    ("pia", "auth can-i get /metrics"),
    ("pia", "get configmaps -n house -o name"),
    ("pia", "get secrets -n house"),
    ("root", "create serviceaccount porter -n house"),
    ("root", "create token porter -n house --duration=20m"),
    ("root", "create token nobody -n house"),
    ("root", "create token porter -n house --duration=1m"),
    ("root", "create rolebinding edits --clusterrole=edit --serviceaccount=house:porter -n house"),
    ("porter", "auth whoami -o yaml"),
    ("porter", "create configmap made -n house"),
    ("porter", "get configmap made -n house -o name"),
    ("porter", "create role r --verb=get --resource=nodes -n house"),
    ("root", "get pods -n house --as=bob"),
    ("root", "get pods -n house --as=pia --as-group=team"),
    ("pia", "get pods -n house --as=bob"),
    ("root", "auth can-i get pods -n house --as=system:serviceaccount:house:porter"),
    ("root", "create role writes --verb=create --resource=roles -n house"),
    ("root", "create rolebinding writes --role=writes --user=pia -n house"),
    ("pia", "create role more --verb=delete --resource=pods -n house"),
    ("pia", "create role same --verb=get --resource=pods -n house"),
    ("root", "delete rolebinding sees -n house"),
    ("pia", "auth can-i get pods -n house"),
    ("root", "delete serviceaccount porter -n house"),
    ("stale", "auth whoami"),
)


async def test_kubectl_is_answered_alike_by_both_servers(world: AuthWorld, tmp_path: Path) -> None:
    world.cluster.add_user("pia", ("team",))
    world.cluster.add_user("root", ("system:masters",))
    embedded = EmbeddedServer(Settings("embedded", cluster="home"), SystemClock(), random.Random(SEED))
    await embedded.start()
    try:
        groups = {"pia": ("team",), "root": ("system:masters",)}
        documents = {
            name: embedded.auth.kubeconfig([Place("x", embedded.url, name, groups[name])]) for name in groups
        }
        real = {name: json.loads(world.cluster.kubeconfig(name).read_text()) for name in groups}
        for number, (name, command) in enumerate(KUBECTL):
            ours, theirs = [
                await kubectl(world, server, name, command, tmp_path / f"{side}-{number}")
                for side, server in (("ours", documents), ("theirs", real))
            ]
            assert ours == theirs, (name, command)
        assert list(embedded.failures) == []
    finally:
        await embedded.stop()


async def kubectl(
    world: AuthWorld, users: dict[str, Any], name: str, command: str, folder: Path
) -> tuple[int | None, str]:
    """Exit code and output of one command; a token that it makes is from then on that of `porter`."""
    path = written_to(folder, users[name])
    process = await asyncio.create_subprocess_exec(
        world.cluster.assets.program("kubectl"),
        f"--kubeconfig={path}",
        *command.split(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    content, _ = await process.communicate()
    text = content.decode()
    if command.startswith("create token porter") and text.count(".") == 2:
        for user in (
            "porter",
            "stale",
        ):  # the real server remembers a token for ten seconds, but not this one
            users[user] = with_token(
                users["pia"], text.strip() if user == "porter" else await another(path, world)
            )
        text = "a token"
    return process.returncode, CHANGING.sub("…", text)


def written_to(folder: Path, document: dict[str, Any]) -> Path:
    """A kubeconfig in a folder of its own."""
    folder.mkdir()
    path = folder / "kubeconfig.json"
    path.write_text(json.dumps(document))
    return path


CHANGING = re.compile(
    r"X509SHA256=[0-9a-f]{64}|JTI=[0-9a-f-]{36}|creationTimestamp: .*|uid: [0-9a-f-]{36}|127.0.0.1:\d+|E\d{4} [\d:.]+ +\d+"
)
"""What differs from run to run."""


async def another(path: Path, world: AuthWorld) -> str:
    """One more token of the same account."""
    process = await asyncio.create_subprocess_exec(
        world.cluster.assets.program("kubectl"),
        f"--kubeconfig={path}",
        *("create", "token", "porter", "-n", "house"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={"HOME": str(path.parent), "PATH": "/usr/bin:/bin"},
    )
    content, _ = await process.communicate()
    return content.decode().strip()


def with_token(document: dict[str, Any], token: str) -> dict[str, Any]:
    """A kubeconfig like this one, for the owner of a token."""
    (entry,) = document["users"]
    return {**document, "users": [{**entry, "user": {"token": token}}]}
