"""One world for two servers: a real kube-apiserver with roles, bindings and accounts drawn from a seed, and our authorization of it.

`AuthWorld` fills the real server, reads everything back, and gives it to the parts under test, which share the real server's signing
key and client CA: every token and certificate is good for both, so that each question can be put to both. `Client` speaks to the
real server with any headers.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.authenticator import Authenticator
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.certificates import CertificateReader
from tmc_syncer.controlplane.auth.escalation import check_write
from tmc_syncer.controlplane.auth.impersonation import Impersonation, wanted
from tmc_syncer.controlplane.auth.token_claims import TokenSigner, TokenVerifier
from tmc_syncer.controlplane.auth.token_requests import TokenRequests
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.testing.cluster import ControlPlane

SEED = 20261124
ISSUER = "https://kubernetes.default.svc"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NAMESPACES = ("red", "blue")
USERS = ("ann", "bob", "cat", "dan", "eve")
GROUPS = ("team-a", "team-b", "team-c")
ACCOUNTS = ("bot", "job")
VERBS = (
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "escalate",
    "bind",
)
RESOURCES = (
    ("", "pods"),
    ("", "pods/log"),
    ("", "pods/exec"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "nodes"),
    ("", "services/proxy"),
    ("apps", "deployments"),
    ("apps", "deployments/scale"),
    ("apps", "statefulsets/scale"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("shop.example", "carts"),
)
PATHS = ("/metrics", "/healthz", "/api", "/apis/apps", "/custom/a", "/custom/b/c", "/logs/x")
NAMES = ("one", "two", "three")


class RealClock:
    """Wall time: the tokens and certificates are judged by the real server too."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


class WithAggregation(ControlPlane):
    """The real server, with the controller that fills aggregated roles."""

    controllers = (*ControlPlane.controllers, "clusterrole-aggregation-controller")


class Client:
    """Requests to the real server, as admin or without any credential of its own."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._cluster = cluster
        self._context = ssl.create_default_context(cadata=cluster.apiserver.ca_pem.decode())
        self._connection = self._connect(self._context)
        self.admin = (("Authorization", f"Bearer {cluster.token()}"),)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        as_admin: bool = True,
    ) -> tuple[int, Any]:
        """Status and answer; `headers` may repeat names."""
        return self._send(self._connection, method, path, body, (*(self.admin if as_admin else ()), *headers))

    def as_certificate(
        self,
        pem: bytes,
        path: Path,
        method: str,
        url: str,
        body: object,
        headers: Sequence[tuple[str, str]] = (),
    ) -> tuple[int, Any]:
        """A request on a connection of its own, with a client certificate (and its key) that is put into `path`."""
        path.write_bytes(pem)
        context = ssl.create_default_context(cadata=self._cluster.apiserver.ca_pem.decode())
        context.load_cert_chain(path)
        connection = self._connect(context)
        try:
            return self._send(connection, method, url, body, headers)
        finally:
            connection.close()

    def close(self) -> None:
        self._connection.close()

    def _connect(self, context: ssl.SSLContext) -> http.client.HTTPSConnection:
        port = self._cluster.apiserver.port
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)

    def _send(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        body: object,
        headers: Sequence[tuple[str, str]],
    ) -> tuple[int, Any]:
        payload = None if body is None else json.dumps(body).encode()
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        if payload is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(payload)))
        connection.endheaders(payload)
        response = connection.getresponse()
        content = response.read()
        try:
            return response.status, json.loads(content)
        except ValueError:  # text, or the events of a watch
            return response.status, content.decode(errors="replace")


class Question(NamedTuple):
    """What is asked of both: may this user do this."""

    user: User
    attributes: Attributes


class AuthWorld:
    """The real server `cluster`, filled, and the parts under test on the same objects."""

    def __init__(self, cluster: ControlPlane) -> None:
        self.cluster = cluster
        self.client = Client(cluster)
        self.rng = random.Random(SEED)
        self.clock = RealClock()
        self._objects: dict[str, list[dict[str, Any]]] = {}
        self._fill()
        self.read()
        server = cluster.apiserver
        self.key = private_key(server.service_account_key_path.read_bytes())
        authority = x509.load_pem_x509_certificate(server.users.authority.certificate_pem)
        self.authorizer = Authorizer(self.list_objects)
        self.verifier = TokenVerifier(
            [self.key.public_key()], ISSUER, (ISSUER,), self.get_object, self.clock, home="home"
        )
        static = {cluster.token("admin"): User("admin", "admin", ("system:masters",))}
        self.authenticator = Authenticator(
            CertificateReader(authority, self.clock), self.verifier, audiences=(ISSUER,), static_tokens=static
        )
        ids = iter(range(10**9))
        self.signer = TokenSigner(self.key, ISSUER, self.clock, lambda: f"id-{next(ids)}")
        self.token_requests = TokenRequests(self.signer, (ISSUER,), self.get_object, self.clock, home="home")
        self.impersonation = Impersonation(self.authorizer)

    # Objects

    def read(self) -> None:
        """Read all objects that matter from the real server again."""
        paths = {
            **dict.fromkeys(("roles", "rolebindings", "clusterroles", "clusterrolebindings"), RBAC),
            **dict.fromkeys(("serviceaccounts", "pods", "secrets", "nodes"), "/api/v1"),
        }
        for resource, path in paths.items():
            status, answer = self.client.request("GET", f"{path}/{resource}")
            assert status == 200, answer
            self._objects[resource] = answer["items"]

    def list_objects(self, cluster: str, group: str, resource: str, namespace: str) -> list[dict[str, Any]]:
        """As the store of an embedded server would."""
        found = self._objects[resource]
        return [item for item in found if not namespace or item["metadata"].get("namespace") == namespace]

    def get_object(self, cluster: str, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        """As the store of an embedded server would."""
        found = (item for item in self._objects[resource] if item["metadata"]["name"] == name)
        return next((item for item in found if item["metadata"].get("namespace", "") == namespace), None)

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object on the real server."""
        status, answer = self.client.request("POST", path, body)
        assert status == 201, answer
        return answer

    def _fill(self) -> None:
        for namespace in NAMESPACES:
            self.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
            for account in ACCOUNTS:
                path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
                self.create(path, {"metadata": {"name": account}})
        for number in range(10):
            labels = {"gather": f"set-{number % 2}"} if number % 3 == 0 else {}
            rules = self.rules() + self.path_rules()
            body = {"metadata": {"name": f"role-{number}", "labels": labels}, "rules": rules}
            self.create(f"{RBAC}/clusterroles", body)
        for number in range(3):
            selectors: list[dict[str, Any]] = [{"matchLabels": {"gather": f"set-{number % 2}"}}]
            if number == 2:
                selectors.append(
                    {"matchExpressions": [{"key": "gather", "operator": "In", "values": ["set-0"]}]}
                )
            gathered = {
                "metadata": {"name": f"gathered-{number}", "labels": {"gather": "nested"}},
                "aggregationRule": {"clusterRoleSelectors": selectors},
            }
            self.create(f"{RBAC}/clusterroles", gathered)
        nested = {"clusterRoleSelectors": [{"matchLabels": {"gather": "nested"}}]}
        self.create(f"{RBAC}/clusterroles", {"metadata": {"name": "gathered-all"}, "aggregationRule": nested})
        for namespace in NAMESPACES:
            for number in range(6):
                local = {"metadata": {"name": f"local-{number}"}, "rules": self.rules()}
                self.create(f"{RBAC}/namespaces/{namespace}/roles", local)
        self._bind()

    def _bind(self) -> None:
        cluster_roles = [f"role-{number}" for number in range(10)]
        cluster_roles += ["gathered-0", "gathered-2", "gathered-all", "view", "missing", "absent"]
        for number in range(12):
            body = {
                "metadata": {"name": f"everywhere-{number}"},
                "roleRef": _reference("ClusterRole", self.rng.choice(cluster_roles)),
                "subjects": self.subjects(""),
            }
            self.create(f"{RBAC}/clusterrolebindings", body)
        for namespace in NAMESPACES:
            for number in range(14):
                local = self.rng.random() < 0.5
                names = [*(f"local-{n}" for n in range(6)), "gone"] if local else [*cluster_roles, "edit"]
                body = {
                    "metadata": {"name": f"here-{number}"},
                    "roleRef": _reference("Role" if local else "ClusterRole", self.rng.choice(names)),
                    "subjects": self.subjects(namespace),
                }
                self.create(f"{RBAC}/namespaces/{namespace}/rolebindings", body)

    # Drawing

    def rules(self) -> list[dict[str, Any]]:
        """Some rules about resources."""
        return [self._rule() for _ in range(self.rng.randint(1, 3))]

    def path_rules(self) -> list[dict[str, Any]]:
        """None or one rule about paths."""
        if self.rng.random() < 0.6:
            return []
        paths = self._some([*PATHS, "/custom/*", "/api*", "*"], 2)
        return [{"verbs": self._some(["get", "post", "*"], 1), "nonResourceURLs": paths}]

    def subjects(self, namespace: str) -> list[dict[str, Any]]:
        """Some subjects of a binding."""
        found: list[dict[str, Any]] = []
        for _ in range(self.rng.randint(1, 2)):
            kind = self.rng.choice(("User", "User", "Group", "ServiceAccount"))
            if kind == "ServiceAccount":
                place = self.rng.choice(NAMESPACES)
                found.append({"kind": kind, "name": self.rng.choice(ACCOUNTS), "namespace": place})
                if namespace and self.rng.random() < 0.5:
                    del found[-1]["namespace"]
            else:
                name = self.rng.choice(USERS if kind == "User" else GROUPS)
                found.append({"kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io"})
        return found

    def user(self) -> User:
        """Somebody, sometimes a service account."""
        if self.rng.random() < 0.25:
            place, name = self.rng.choice(NAMESPACES), self.rng.choice(ACCOUNTS)
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{place}", "system:authenticated")
            return User(f"system:serviceaccount:{place}:{name}", groups=groups)
        teams = self._some(GROUPS, 2) if self.rng.random() < 0.5 else []
        return User(self.rng.choice(USERS), groups=(*teams, "system:authenticated"))

    def question(self) -> Question:
        """A question about a resource or a path."""
        user = self.user()
        if self.rng.random() < 0.2:
            verb = self.rng.choice(("get", "post"))
            return Question(
                user, Attributes("home", verb, path=self.rng.choice((*PATHS, "/custom/", "/zzz")))
            )
        group, combined = self.rng.choice(RESOURCES)
        resource, _, subresource = combined.partition("/")
        namespace = self.rng.choice(("", *NAMESPACES, *NAMESPACES, "green"))
        name = self.rng.choice(("", *NAMES))
        verb = self.rng.choice(VERBS)
        return Question(user, Attributes("home", verb, group, "v1", resource, subresource, namespace, name))

    def _rule(self) -> dict[str, Any]:
        picked = [self.rng.choice(RESOURCES) for _ in range(self.rng.randint(1, 2))]
        groups = sorted({group for group, _ in picked})
        resources = sorted({name for _, name in picked})
        if self.rng.random() < 0.15:
            resources = ["*"]
        elif self.rng.random() < 0.15:
            resources.append("*/scale")
        if self.rng.random() < 0.1:
            groups = ["*"]
        verbs = ["*"] if self.rng.random() < 0.1 else self._some(VERBS, 4)
        rule = {"verbs": verbs, "apiGroups": groups, "resources": resources}
        if self.rng.random() < 0.25:
            rule["resourceNames"] = self._some(NAMES, 2)
        return rule

    def _some(self, values: Sequence[str], most: int) -> list[str]:
        return self.rng.sample(list(values), self.rng.randint(1, most))

    # What ours says

    def act_as(self, requestor: User, headers: Sequence[tuple[str, str]], request: Attributes) -> User:
        """As whom our server would go on with a request. Raises `ApiError`."""
        asked = wanted(headers)
        user = requestor if asked is None else self.impersonation.impersonate(requestor, asked, request)
        decision = self.authorizer.allows(user, request)
        if not decision.allowed:
            raise refusal(user, request, decision.reason)
        return user

    def write(self, user: User, request: Attributes, new: dict[str, Any], old: dict[str, Any] | None) -> None:
        """What our server would refuse. Raises `ApiError`."""
        decision = self.authorizer.allows(user, request)
        if not decision.allowed:
            raise refusal(user, request, decision.reason)
        check_write(self.authorizer, user, request, new, old)


def as_headers(user: User) -> tuple[tuple[str, str], ...]:
    """The headers by which admin becomes this user; ``system:authenticated`` comes by itself."""
    groups = [group for group in user.groups if group != "system:authenticated"]
    found = [("Impersonate-User", user.name), *(("Impersonate-Group", group) for group in groups)]
    if user.uid:
        found.append(("Impersonate-Uid", user.uid))
    return tuple(found)


def without_bookkeeping(answer: Any) -> Any:
    """An answer without managedFields and times, which differ from run to run."""
    if not isinstance(answer, dict):
        return answer
    metadata = {
        key: value
        for key, value in (answer.get("metadata") or {}).items()
        if key not in ("managedFields", "creationTimestamp")
    }
    return {**answer, "metadata": metadata}


def outcome(call: Callable[[], Any]) -> tuple[int, Any]:
    """201 and what was returned, or status and body of the refusal."""
    try:
        return 201, call()
    except ApiError as error:
        return refused(error)


def refused(error: ApiError) -> tuple[int, dict[str, Any]]:
    """Status and body of one of our refusals, as the wire carries them."""
    answer: dict[str, Any] = json.loads(json.dumps(error.to_object()))
    return error.code, answer


def aged(claims: dict[str, Any], **shifts: timedelta) -> dict[str, Any]:
    """Claims with moments relative to now."""
    now = datetime.now(UTC)
    return {**claims, **{key: int((now + shift).timestamp()) for key, shift in shifts.items()}}


def private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The real server's signing key."""
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
