"""The part `auth` behind the doors of a server: the gate, the check of RBAC writes, the reviews, and what these read.

    AuthGate        who asks, as whom, and whether they may
    Escalation      admission: nobody grants what he does not have
    Reviews         POST of TokenReviews, …AccessReviews, …; they are answered, not stored
    reading         roles and bindings for the authorizer, service accounts for tokens, straight from the store

`forget_rights` hooks the authorizer's memory to the writes that make it stale.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from tmc_syncer.controlplane.auth.assembly import Auth
from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.escalation import GUARDED
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.server.admission import Admission
from tmc_syncer.controlplane.server.encoding import encode_json, view
from tmc_syncer.controlplane.server.errors import method_not_allowed
from tmc_syncer.controlplane.server.extensions import Extensions, Invocation
from tmc_syncer.controlplane.server.kinds import Kinds
from tmc_syncer.controlplane.server.media import body_type
from tmc_syncer.controlplane.server.options import WriteOptions
from tmc_syncer.controlplane.server.reading import Reading
from tmc_syncer.controlplane.server.records import Shelf
from tmc_syncer.controlplane.server.served import Object, ServedType
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.types.defaults.table import defaulted

__all__ = ["REVIEWS", "AuthGate", "Escalation", "Reviews", "StoreReader", "forget_rights"]

RBAC = "rbac.authorization.k8s.io"

REVIEWS = (
    "tokenreviews.authentication.k8s.io",
    "selfsubjectreviews.authentication.k8s.io",
    "subjectaccessreviews.authorization.k8s.io",
    "localsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
)
"""Collections that are asked, not kept."""


class AuthGate:
    """The gate of `gate.Gate`, made of `Auth`."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def user(self, request: web.BaseRequest) -> User:
        """Who sent this request. Raises `ApiError` 401."""
        return self._auth.authenticate(request)

    def check(self, request: web.BaseRequest, user: User, attributes: Attributes) -> User:
        """As whom the request goes on. Raises `ApiError` 403."""
        return self._auth.authorize(user, attributes, request.headers)


class Escalation:
    """Admission of writes of roles and bindings."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def __call__(self, write: Admission) -> Object:
        """Refuse to give away rights that the user lacks (`ApiError` 403)."""
        kind = write.kind
        if kind.group == RBAC and write.verb != "delete":
            attributes = Attributes(
                write.cluster,
                write.verb,
                kind.group,
                kind.served.version,
                kind.resource,
                write.subresource,
                write.namespace,
                write.name if write.old is not None else "",
            )
            self._auth.check_write(write.user, attributes, write.obj, write.old)
        return write.obj


class Reviews:
    """Answers reviews and requests for tokens."""

    def __init__(self, auth: Auth, reading: Reading) -> None:
        self._auth = auth
        self._reading = reading

    def register(self, extensions: Extensions) -> None:
        """Serve all of them."""
        for collection in REVIEWS:
            extensions.add(collection, "", self)
        extensions.add("serviceaccounts", "token", self)

    async def __call__(self, invocation: Invocation) -> web.StreamResponse:
        """Answer one."""
        if invocation.verb != "create":
            raise method_not_allowed()
        exchange = invocation.exchange
        answer = exchange.answer()
        media = body_type(exchange.request.headers.get("Content-Type", ""))
        options = WriteOptions.of(exchange.query, "CreateOptions")
        served = _token_request(invocation.kind.served) if invocation.subresource else invocation.kind.served
        data = await exchange.body()
        warnings: list[str] = []
        body = self._reading.body(served, media, data, options.validation, warnings)
        made = self._auth.review(
            served.kind,
            served.default(body),
            exchange.user,
            exchange.cluster,
            namespace=invocation.namespace,
            name=invocation.name,
        )
        return exchange.reply(encode_json(made) + b"\n", answer, code=201, warnings=warnings)


def _token_request(accounts: ServedType) -> ServedType:
    """The type of the body of a request for a token, which is no resource of its own."""
    group, version, kind = "authentication.k8s.io", "v1", "TokenRequest"
    return replace(
        accounts,
        group=group,
        version=version,
        resource="tokenrequests",
        kind=kind,
        default=partial(defaulted, f"{group}/{version}", kind),
        schema_source=partial(schema_of, group, version, kind),
    )


class StoreReader:
    """Objects for `auth`, by cluster and resource."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds

    def list_objects(self, cluster: str, group: str, resource: str, namespace: str) -> list[dict[str, Any]]:
        """All objects of a type, or those of one namespace; none where the cluster does not serve it."""
        kind = self._kinds.preferred(cluster, f"{resource}.{group}" if group else resource)
        if kind is None:
            return []
        page = self._store.collection(kind.collection).page(
            kind.prefix(cluster, namespace), self._store.revision
        )
        return [view(record, kind.served) for record in page.records]

    def get_object(self, cluster: str, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        """One object, None when there is none."""
        kind = self._kinds.preferred(cluster, resource)
        if kind is None:
            return None
        record = self._store.collection(kind.collection).live.get(kind.key(cluster, namespace, name))
        return None if record is None else view(record, kind.served)


def forget_rights(auth: Auth, shelf: Shelf) -> None:
    """Let the authorizer forget what a write of a role or a binding makes stale."""
    for resource in GUARDED:

        def observe(key: str, record: Record | None, resource: str = resource) -> None:
            del record
            cluster, _, rest = key.partition("/")
            auth.forget(cluster, resource, rest.partition("/")[0] if "/" in rest else "")

        shelf.observe(f"{resource}.{RBAC}", observe)
