"""Who a request is from and what that user may do: 401, 403, RBAC, impersonation, reviews of tokens and access."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.objects import at, config_map, named, names, widget
from tests.contract.servers import LIMITED, Server
from tests.contract.wire import JsonObject, cause, like
from tmc_syncer.testing.polling import eventually

RBAC = "rbac.authorization.k8s.io"


def role(namespace: str, *rules: JsonObject, kind: str = "Role") -> JsonObject:
    metadata = {"namespace": namespace} if namespace else {}
    return {**named(kind, "reader", f"{RBAC}/v1", **metadata), "rules": list(rules)}


def binding(server: Server, namespace: str, *, kind: str = "Role") -> JsonObject:
    return {
        **named("RoleBinding", "reader", f"{RBAC}/v1", namespace=namespace),
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": "reader"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": server.limited_name}],
    }


def rule(resources: list[str], verbs: list[str], group: str = "", **more: Any) -> JsonObject:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs, **more}


@pytest.fixture
def reading(server: Server, namespace: str, maps: str) -> str:
    """The path of ConfigMaps that the limited user may get and list."""
    server.post(at("roles", namespace), role(namespace, rule(["configmaps"], ["get", "list"]))).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    eventually(lambda: server.get(maps, user=LIMITED).status == 200, interval=0.02)
    return maps


def forbidden(server: Server, verb: str, resource: str, place: str, group: str = "") -> str:
    return f'User "{server.limited_name}" cannot {verb} resource "{resource}" in API group "{group}" {place}'


# 401 and 403


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30."], ids=["word", "dots", "jwt"]
)
def test_a_token_that_nobody_has_is_refused(server: Server, maps: str, header: str) -> None:
    answer = server.request("GET", maps, user="", headers={"Authorization": header})
    answer.refused(401, "Unauthorized", "Unauthorized")


def test_a_request_without_a_token_is_anonymous_and_may_do_nothing(server: Server, maps: str) -> None:
    namespace = maps.split("/")[4]
    answer = server.request("GET", maps, user="")
    answer.refused(
        403,
        "Forbidden",
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group ""'
        f' in the namespace "{namespace}"',
        {"kind": "configmaps"},
    )


@pytest.mark.parametrize("path", ["/version", "/readyz", "/livez", "/healthz"])
def test_everybody_may_see_version_and_health(server: Server, path: str) -> None:
    assert server.request("GET", path, user="").status == 200


@pytest.mark.parametrize("path", ["/api", "/apis", "/openapi/v2", "/api/v1"])
def test_only_known_users_may_discover(server: Server, path: str) -> None:
    assert server.request("GET", path, user=LIMITED).status == 200
    answer = server.request("GET", path, user="")
    answer.refused(403, "Forbidden", f'forbidden: User "system:anonymous" cannot get path "{path}"', {})


def test_a_list_is_refused_by_its_namespace(server: Server, namespace: str, maps: str) -> None:
    why = forbidden(server, "list", "configmaps", f'in the namespace "{namespace}"')
    server.get(maps, user=LIMITED).refused(
        403, "Forbidden", f"configmaps is forbidden: {why}", {"kind": "configmaps"}
    )


def test_an_object_is_refused_by_its_name(server: Server, namespace: str, maps: str) -> None:
    why = forbidden(server, "get", "configmaps", f'in the namespace "{namespace}"')
    server.get(f"{maps}/a", user=LIMITED).refused(
        403, "Forbidden", f'configmaps "a" is forbidden: {why}', {"name": "a", "kind": "configmaps"}
    )


def test_a_grouped_type_is_refused_with_its_group(server: Server, namespace: str, widgets: str) -> None:
    why = forbidden(server, "create", "widgets", f'in the namespace "{namespace}"', "contract.example.com")
    server.post(widgets, widget("a"), user=LIMITED).refused(
        403,
        "Forbidden",
        f"widgets.contract.example.com is forbidden: {why}",
        {"group": "contract.example.com", "kind": "widgets"},
    )


def test_a_cluster_scoped_list_is_refused_at_the_cluster_scope(server: Server) -> None:
    why = forbidden(server, "list", "namespaces", "at the cluster scope")
    server.get(at("namespaces"), user=LIMITED).refused(
        403, "Forbidden", f"namespaces is forbidden: {why}", {"kind": "namespaces"}
    )


def test_a_subresource_is_refused_by_its_name(server: Server, namespace: str, widgets: str) -> None:
    why = forbidden(
        server, "patch", "widgets/status", f'in the namespace "{namespace}"', "contract.example.com"
    )
    server.patch(f"{widgets}/a/status", "merge", {}, user=LIMITED).refused(
        403,
        "Forbidden",
        f'widgets.contract.example.com "a" is forbidden: {why}',
        {"name": "a", "group": "contract.example.com", "kind": "widgets"},
    )


@pytest.mark.parametrize(("method", "verb"), [("PUT", "update"), ("PATCH", "patch"), ("DELETE", "delete")])
def test_each_method_is_a_verb(server: Server, maps: str, method: str, verb: str) -> None:
    answer = server.request(method, f"{maps}/a", {}, user=LIMITED)
    assert answer.status == 403
    assert f'cannot {verb} resource "configmaps"' in answer.body["message"]


def test_watching_and_deleting_many_are_verbs_of_their_own(server: Server, reading: str) -> None:
    answer = server.get(reading, user=LIMITED, watch="true")
    assert answer.status == 403
    assert 'cannot watch resource "configmaps"' in answer.body["message"]
    answer = server.delete(reading, user=LIMITED)
    assert answer.status == 403
    assert 'cannot deletecollection resource "configmaps"' in answer.body["message"]


def test_a_path_that_is_no_resource_is_refused_by_itself(server: Server) -> None:
    server.get("/metrics", user=LIMITED).refused(
        403, "Forbidden", f'forbidden: User "{server.limited_name}" cannot get path "/metrics"', {}
    )


def test_what_is_not_allowed_is_refused_before_it_is_looked_for(server: Server) -> None:
    assert server.get(at("configmaps", "nowhere", "none"), user=LIMITED).status == 403


# RBAC


def test_a_role_grants_its_verbs_and_no_others(server: Server, reading: str) -> None:
    server.post(reading, config_map("a")).ok(201)
    assert names(server.get(reading, user=LIMITED).ok()) == ["a"]
    assert server.get(f"{reading}/a", user=LIMITED).status == 200
    assert server.post(reading, config_map("b"), user=LIMITED).status == 403
    assert server.delete(f"{reading}/a", user=LIMITED).status == 403


def test_a_role_grants_nothing_in_other_namespaces(server: Server, reading: str) -> None:
    other = at("configmaps", server.create_namespace())
    assert server.get(other, user=LIMITED).status == 403
    assert server.get(at("configmaps"), user=LIMITED).status == 403


def test_a_role_may_be_about_certain_names(server: Server, namespace: str, maps: str) -> None:
    only = rule(["configmaps"], ["get", "list"], resourceNames=["a"])
    server.post(at("roles", namespace), role(namespace, only)).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    server.post(maps, config_map("a")).ok(201)
    eventually(lambda: server.get(f"{maps}/a", user=LIMITED).status == 200, interval=0.02)
    assert server.get(f"{maps}/b", user=LIMITED).status == 403
    assert server.get(maps, user=LIMITED).status == 403
    assert server.get(maps, user=LIMITED, fieldSelector="metadata.name=a").status == 200


def test_a_right_to_an_object_is_none_to_its_subresources(
    server: Server, namespace: str, widgets: str
) -> None:
    rules = rule(["widgets"], ["get", "patch"], "contract.example.com")
    server.post(at("roles", namespace), role(namespace, rules)).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    server.post(widgets, widget("a")).ok(201)
    eventually(lambda: server.get(f"{widgets}/a", user=LIMITED).status == 200, interval=0.02)
    assert server.get(f"{widgets}/a/status", user=LIMITED).status == 403
    assert server.patch(f"{widgets}/a", "merge", {"spec": {"size": 2}}, user=LIMITED).status == 200


def test_applying_anew_needs_the_right_to_create(server: Server, namespace: str, maps: str) -> None:
    server.post(at("roles", namespace), role(namespace, rule(["configmaps"], ["get", "patch"]))).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    eventually(lambda: server.get(f"{maps}/a", user=LIMITED).status == 404, interval=0.02)
    answer = server.apply(f"{maps}/a", config_map("a"), "m", user=LIMITED)
    assert answer.status == 403
    assert 'cannot create resource "configmaps"' in answer.body["message"]
    server.post(maps, config_map("a")).ok(201)
    assert server.apply(f"{maps}/a", config_map("a"), "m", user=LIMITED).status == 200


def test_a_cluster_role_may_be_bound_in_one_namespace(server: Server, namespace: str, maps: str) -> None:
    name = server.unique("reader")
    obj = role("", rule(["configmaps"], ["list"]), kind="ClusterRole")
    obj["metadata"]["name"] = name
    server.post(at("clusterroles"), obj).ok(201)
    bound = binding(server, namespace, kind="ClusterRole")
    bound["roleRef"]["name"] = name
    server.post(at("rolebindings", namespace), bound).ok(201)
    eventually(lambda: server.get(maps, user=LIMITED).status == 200, interval=0.02)
    assert server.get(at("configmaps"), user=LIMITED).status == 403


def test_a_right_that_is_taken_away_is_gone(server: Server, namespace: str, reading: str) -> None:
    server.delete(at("rolebindings", namespace, "reader")).ok()
    eventually(lambda: server.get(reading, user=LIMITED).status == 403, interval=0.02)


def test_nobody_can_grant_what_they_do_not_have(server: Server, namespace: str, maps: str) -> None:
    grant = rule(["roles", "rolebindings"], ["create", "get"], RBAC)
    server.post(at("roles", namespace), role(namespace, grant)).ok(201)
    server.post(at("rolebindings", namespace), binding(server, namespace)).ok(201)
    path = at("roles", namespace)
    eventually(lambda: server.get(f"{path}/none", user=LIMITED).status == 404, interval=0.02)
    more = role(namespace, rule(["secrets"], ["get"]))
    more["metadata"]["name"] = "more"
    answer = server.post(path, more, user=LIMITED)
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert "is attempting to grant RBAC permissions not currently held" in answer.body["message"]


def test_the_role_of_a_binding_cannot_change(server: Server, namespace: str, reading: str) -> None:
    path = at("rolebindings", namespace, "reader")
    answer = server.patch(path, "merge", {"roleRef": {"name": "other"}})
    message = like('Invalid value: {"(?i:apiGroup)":.*"other"}: cannot change roleRef')
    answer.refused(
        422,
        "Invalid",
        like('RoleBinding.rbac.authorization.k8s.io "reader" is invalid: roleRef: .*: cannot change roleRef'),
        {
            "name": "reader",
            "group": RBAC,
            "kind": "RoleBinding",
            "causes": [cause("FieldValueInvalid", message, "roleRef")],
        },
    )


# Impersonation


def as_user(name: str, *groups: str) -> dict[str, Any]:
    return {"Impersonate-User": name, **({"Impersonate-Group": groups[0]} if groups else {})}


def test_an_admin_may_act_as_another(server: Server, maps: str) -> None:
    answer = server.request("GET", maps, headers=as_user("somebody"))
    assert answer.status == 403
    assert answer.body["message"].startswith('configmaps is forbidden: User "somebody" cannot list')


def test_an_admin_may_act_as_a_group(server: Server, maps: str) -> None:
    assert server.request("GET", maps, headers=as_user("somebody", "system:masters")).status == 200


def test_others_may_not_act_as_anybody(server: Server, maps: str) -> None:
    answer = server.request("GET", maps, headers=as_user("admin"), user=LIMITED)
    namespace = maps.split("/")[4]
    answer.refused(
        403,
        "Forbidden",
        f'configmaps is forbidden: User "{server.limited_name}" cannot impersonate-on:user-info:list resource'
        f' "configmaps" in API group "" in the namespace "{namespace}"',
        {"kind": "configmaps"},
    )


def test_groups_without_a_user_make_no_sense(server: Server, maps: str) -> None:
    answer = server.request("GET", maps, headers={"Impersonate-Group": "system:masters"})
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert answer.body["message"].endswith("without impersonating a user name")


def test_who_acts_as_another_is_that_user(server: Server) -> None:
    answer = server.request(
        "POST",
        at("selfsubjectreviews"),
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        headers=as_user("somebody", "friends"),
    )
    info = answer.ok(201)["status"]["userInfo"]
    assert info["username"] == "somebody"
    assert sorted(info["groups"]) == ["friends", "system:authenticated"]


def test_a_service_account_brings_its_groups(server: Server) -> None:
    answer = server.request(
        "POST",
        at("selfsubjectreviews"),
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        headers=as_user("system:serviceaccount:shop:agent"),
    )
    assert sorted(answer.ok(201)["status"]["userInfo"]["groups"]) == [
        "system:authenticated",
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
    ]


def test_an_unreadable_body_of_a_forbidden_request_is_not_read(server: Server, maps: str) -> None:
    answer = server.post(maps, "{", user=LIMITED)
    assert answer.status == 403
    assert like("configmaps is forbidden: .*") == answer.body["message"]
