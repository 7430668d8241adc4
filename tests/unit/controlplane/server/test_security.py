from __future__ import annotations

from typing import Any

from tests.unit.controlplane.server.serving import MERGE, NAMESPACES, Http, Json, made, running
from tmc_syncer.controlplane.auth.users import User

RBAC = "/apis/rbac.authorization.k8s.io/v1"
TOKENS = {
    "root-token": User("root", groups=("system:masters",)),
    "ann-token": User("ann", "ann-uid", ("team",)),
}


def as_(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}-token"}


def guarded(**settings: Any) -> Any:
    return made(open=False, tokens=TOKENS, **settings)


def role(name: str, *verbs: str, resources: tuple[str, ...] = ("configmaps",), group: str = "") -> Json:
    rules = [{"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name},
        "rules": rules,
    }


def binding(role_name: str, user: str) -> Json:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{role_name}-{user}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role_name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }


async def allow(http: Http, role_object: Json, user: str = "ann") -> None:
    path = f"{RBAC}/namespaces/default"
    assert (await http.ask("POST", f"{path}/roles", role_object, as_("root"))).code == 201
    bound = binding(role_object["metadata"]["name"], user)
    assert (await http.ask("POST", f"{path}/rolebindings", bound, as_("root"))).code == 201


CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


async def test_rights_come_with_a_binding_and_go_with_it_at_once() -> None:
    async with running(guarded()) as http:
        assert (await http.ask("GET", CONFIGMAPS, headers={"Authorization": "Bearer wrong"})).code == 401
        anonymous = await http.ask("GET", CONFIGMAPS)
        assert (anonymous.code, "system:anonymous" in anonymous.message) == (403, True)
        assert (await http.ask("GET", "/readyz")).code == 200, "health is for everybody"
        assert (await http.ask("GET", CONFIGMAPS, headers=as_("ann"))).code == 403
        await allow(http, role("reader", "get", "list"))
        assert (await http.ask("GET", CONFIGMAPS, headers=as_("ann"))).code == 200
        assert (await http.ask("POST", CONFIGMAPS, {"metadata": {"name": "a"}}, as_("ann"))).code == 403
        path = f"{RBAC}/namespaces/default/roles/reader"
        await http.ask("PATCH", path, {"rules": []}, {**MERGE, **as_("root")})
        assert (await http.ask("GET", CONFIGMAPS, headers=as_("ann"))).code == 403


async def test_a_cluster_wide_binding_counts_everywhere() -> None:
    async with running(guarded()) as http:
        body = {**role("lister", "list"), "kind": "ClusterRole"}
        assert (await http.ask("POST", f"{RBAC}/clusterroles", body, as_("root"))).code == 201
        bound = binding("lister", "ann")
        bound |= {"kind": "ClusterRoleBinding", "roleRef": {**bound["roleRef"], "kind": "ClusterRole"}}
        assert (await http.ask("POST", f"{RBAC}/clusterrolebindings", bound, as_("root"))).code == 201
        assert (await http.ask("GET", "/api/v1/configmaps", headers=as_("ann"))).code == 200
        await http.ask("DELETE", f"{RBAC}/clusterrolebindings/lister-ann", headers=as_("root"))
        assert (await http.ask("GET", "/api/v1/configmaps", headers=as_("ann"))).code == 403


async def test_nobody_grants_what_he_does_not_have() -> None:
    async with running(guarded()) as http:
        await allow(
            http,
            role(
                "granter",
                "create",
                "delete",
                "get",
                resources=("roles", "rolebindings"),
                group="rbac.authorization.k8s.io",
            ),
        )
        path = f"{RBAC}/namespaces/default/roles"
        refused = await http.ask("POST", path, role("mine", "get"), as_("ann"))
        assert (
            refused.code,
            "attempting to grant RBAC permissions not currently held" in refused.message,
        ) == (403, True)
        await allow(http, role("reader", "get"))
        assert (await http.ask("POST", path, role("mine", "get"), as_("ann"))).code == 201
        assert (await http.ask("DELETE", f"{path}/mine", headers=as_("ann"))).code == 200


async def test_a_user_may_act_as_another_when_he_is_allowed_to() -> None:
    async with running(guarded()) as http:
        await allow(http, role("reader", "list"))
        headers = {**as_("root"), "Impersonate-User": "ann"}
        assert (await http.ask("GET", CONFIGMAPS, headers=headers)).code == 200
        assert (await http.ask("GET", "/api/v1/nodes", headers=headers)).code == 403
        assert (
            await http.ask("GET", CONFIGMAPS, headers={**as_("ann"), "Impersonate-User": "root"})
        ).code == 403


async def test_reviews_are_answered_and_not_stored() -> None:
    async with running(guarded()) as http:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        spec = {"resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": "default"}}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        answer = await http.ask("POST", path, body, as_("ann"))
        assert (answer.code, answer.obj["status"]["allowed"]) == (201, False)
        await allow(http, role("reader", "list"))
        assert (await http.ask("POST", path, body, as_("ann"))).obj["status"]["allowed"]
        assert (await http.ask("GET", path, headers=as_("root"))).code == 405
        who = await http.ask(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
            as_("ann"),
        )
        assert who.obj["status"]["userInfo"]["username"] == "ann"
        token = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": "ann-token"},
        }
        reviewed = await http.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", token, as_("root"))
        assert reviewed.obj["status"]["user"]["username"] == "ann"


async def test_service_accounts_get_tokens() -> None:
    async with running(guarded()) as http:
        path = "/api/v1/namespaces/default/serviceaccounts"
        await http.ask("POST", path, {"metadata": {"name": "robot"}}, as_("root"))
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 600},
        }
        made_token = await http.ask("POST", f"{path}/robot/token", body, as_("root"))
        assert made_token.code == 201
        headers = {"Authorization": f"Bearer {made_token.obj['status']['token']}"}
        refused = await http.ask("GET", CONFIGMAPS, headers=headers)
        assert (refused.code, "system:serviceaccount:default:robot" in refused.message) == (403, True)
        assert (await http.ask("GET", f"{path}/robot/token", headers=as_("root"))).code == 405
        await http.ask("DELETE", f"{path}/robot", headers=as_("root"))
        assert (await http.ask("GET", CONFIGMAPS, headers=headers)).code == 401


async def test_rights_in_one_cluster_are_none_in_another() -> None:
    plane = guarded(workspaces=True)
    plane.add_cluster("one")
    plane.add_cluster("two")
    async with running(plane) as http:
        path = f"/clusters/one{RBAC}/namespaces/default"
        await http.ask("POST", f"{path}/roles", role("reader", "list"), as_("root"))
        await http.ask("POST", f"{path}/rolebindings", binding("reader", "ann"), as_("root"))
        assert (await http.ask("GET", f"/clusters/one{CONFIGMAPS}", headers=as_("ann"))).code == 200
        assert (await http.ask("GET", f"/clusters/two{CONFIGMAPS}", headers=as_("ann"))).code == 403
        assert (await http.ask("GET", "/clusters/*/api/v1/configmaps", headers=as_("ann"))).code == 403
        assert (await http.ask("GET", NAMESPACES, headers=as_("root"))).code == 200
