"""Everything about identity and rights of one server in one object, for the HTTP side: `Auth`.

    request ─► authenticate ─► authorize (impersonation, RBAC) ─► check_write (RBAC objects) ─► the verb
                                                               └► review (TokenReview, …AccessReview, TokenRequest …)

`Auth` is made of a `Keyring` (kept in a folder, or in memory) and of two ways to read objects. What it needs in return: `forget` for each
write to an object of ``rbac.authorization.k8s.io`` before that write is answered, and the `default_objects` created in each new
cluster.

Refusals are `ApiError`: 401 without a hint why, 403 with the message of kube-apiserver. No I/O but reading and writing keys at the
start and when a kubeconfig is made; no task, no state but caches. Called by `server`; `tmc demo` and `tmc up` ask for kubeconfigs.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tmc_syncer.controlplane.auth.access_reviews import ACCESS_REVIEWS, review_access, review_rules
from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.authenticator import Authenticator, Unauthenticated
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.certificates import CertificateReader
from tmc_syncer.controlplane.auth.default_roles import default_objects
from tmc_syncer.controlplane.auth.escalation import check_write
from tmc_syncer.controlplane.auth.identity_reviews import review_self, review_token
from tmc_syncer.controlplane.auth.impersonation import Impersonation, wanted
from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.auth.kubeconfigs import Context, kubeconfig
from tmc_syncer.controlplane.auth.openid import openid_documents
from tmc_syncer.controlplane.auth.policy import ListObjects
from tmc_syncer.controlplane.auth.tls import peer_certificate, server_context
from tmc_syncer.controlplane.auth.token_claims import GetObject, TokenSigner, TokenVerifier
from tmc_syncer.controlplane.auth.token_requests import TokenRequests
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.errors import no_such_path, unauthorized

__all__ = ["ISSUER", "Auth", "Headers", "Options", "Place", "RequestLike"]

Object = Mapping[str, Any]

ISSUER = "https://kubernetes.default.svc"
"""Who signs service-account tokens, and the audience of this server, as kube-apiserver calls itself."""


class Headers(Protocol):
    """Headers of a request: names without case, several values to a name (as `multidict` has them)."""

    def get(self, key: str, /) -> str | None: ...
    def getall(self, key: str, default: Sequence[str], /) -> Sequence[str]: ...
    def items(self) -> Iterable[tuple[str, str]]: ...


class _Transport(Protocol):
    def get_extra_info(self, name: str, /) -> Any: ...


class RequestLike(Protocol):
    """What is needed of a request; aiohttp's have it."""

    @property
    def headers(self) -> Headers: ...
    @property
    def transport(self) -> _Transport | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """One context of a kubeconfig: where it leads and who uses it; `groups` are in the certificate that is issued."""

    name: str
    server: str
    user: str
    groups: tuple[str, ...] = ()
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What differs between servers.

    `home` is the one cluster of a server that is one physical cluster, None for a server with workspaces. `static_tokens`
    are users by their tokens. Without `anonymous`, requests without a credential are refused. `guarded` tells the clusters
    that one must have ``access`` to (see `authorizer`).
    """

    home: str | None = None
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    guarded: Callable[[str], bool] | None = None


class Auth:
    """Identity and rights of one server; `keyring`, `authenticator` and `authorizer` are its parts."""

    def __init__(
        self,
        keyring: Keyring,
        list_objects: ListObjects,
        get_object: GetObject,
        clock: Clock,
        new_id: Callable[[], str],
        options: Options,
    ) -> None:
        audiences = (ISSUER,)
        key = keyring.signing_key
        signer = TokenSigner(key, ISSUER, clock, new_id)
        verifier = TokenVerifier([key.public_key()], ISSUER, audiences, get_object, clock, home=options.home)
        certificates = CertificateReader(keyring.authority.certificate, clock)
        self.keyring = keyring
        self.authenticator = Authenticator(
            certificates,
            verifier,
            audiences=audiences,
            static_tokens=options.static_tokens,
            anonymous=options.anonymous,
        )
        self.authorizer = Authorizer(list_objects, guarded=options.guarded)
        self._impersonation = Impersonation(self.authorizer)
        self._token_requests = TokenRequests(signer, audiences, get_object, clock, home=options.home)
        self._clock = clock

    # Requests

    def authenticate(self, request: RequestLike) -> User:
        """Who sent a request. Raises `ApiError` 401."""
        headers, transport = request.headers, request.transport
        connection = None if transport is None else transport.get_extra_info("ssl_object")
        upgrade = headers.get("Upgrade")
        protocols = headers.getall("Sec-WebSocket-Protocol", ()) if upgrade else ()
        try:
            return self.authenticator.authenticate(
                headers.get("Authorization"), peer_certificate(connection), protocols=protocols
            )
        except Unauthenticated as error:
            raise unauthorized() from error

    def authorize(self, user: User, attributes: Attributes, headers: Headers) -> User:
        """As whom a request goes on, which is then allowed to. Raises `ApiError` 400 or 403."""
        asked = wanted(headers.items())
        if asked is not None:
            user = self._impersonation.impersonate(user, asked, attributes)
        decision = self.authorizer.allows(user, attributes)
        if not decision.allowed:
            raise refusal(user, attributes, decision.reason)
        return user

    def check_write(self, user: User, request: Attributes, new: Object, old: Object | None = None) -> None:
        """Refuse (`ApiError` 403) to store an RBAC object that gives rights which the user lacks; see `escalation`."""
        check_write(self.authorizer, user, request, new, old)

    def review(
        self, kind: str, body: Object, user: User, cluster: str, *, namespace: str = "", name: str = ""
    ) -> dict[str, Any]:
        """Answer a review or a TokenRequest: what a POST of `body` returns with 201.

        `namespace` and `name` are those of the path (``namespaces/<namespace>/serviceaccounts/<name>/token``). Raises
        `ApiError`, 404 for a kind that is none.
        """
        if kind in ACCESS_REVIEWS:
            return review_access(self.authorizer, kind, body, user, cluster, namespace)
        if kind == "SelfSubjectRulesReview":
            return review_rules(self.authorizer, body, user, cluster)
        if kind == "TokenReview":
            return review_token(self.authenticator, body)
        if kind == "SelfSubjectReview":
            return review_self(user, self._clock.now())
        if kind == "TokenRequest":
            return self._token_requests.create(body, cluster, namespace, name)
        raise no_such_path()

    def forget(self, cluster: str, resource: str = "", namespace: str = "") -> None:
        """An RBAC object (``roles`` …) was written or deleted; without a resource: everything of the cluster."""
        self.authorizer.forget(cluster, resource, namespace)

    # Start

    def server_context(self) -> ssl.SSLContext:
        """The TLS of the server's sockets. Raises `KeyringError`."""
        return server_context(self.keyring)

    @staticmethod
    def default_objects() -> list[tuple[str, dict[str, Any]]]:
        """The roles and bindings of a new cluster, each with its resource."""
        return default_objects()

    def openid_documents(self, server: str) -> dict[str, dict[str, Any]]:
        """What is served to those who check our tokens, by path; `server` is the URL of this server."""
        return openid_documents(self.keyring.signing_key.public_key(), ISSUER, server)

    def kubeconfig(self, places: Sequence[Place], *, current: str = "") -> dict[str, Any]:
        """A kubeconfig with a context for each place, by client certificates. Raises `KeyringError`, `ValueError`."""
        contexts = [
            Context(
                place.name,
                place.server,
                place.user,
                self.keyring.client(place.user, place.groups),
                place.namespace,
            )
            for place in places
        ]
        return kubeconfig(contexts, self.keyring.authority.certificate_pem, current=current)
