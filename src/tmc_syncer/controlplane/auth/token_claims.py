"""What a service-account token says: the claims of kube-apiserver's tokens, made and checked.

`TokenSigner` makes them for a ServiceAccount, optionally bound to a Pod, Secret or Node. `TokenVerifier` believes a token
only if the signature is by one of its keys, the issuer and an audience are right, it is in time (with a minute's leeway, as
the real server), and the ServiceAccount and the bound object still exist with the same uid and are not being deleted. Objects
come from an injected ``get(cluster, resource, namespace, name)``, so a token ends at once with what it stands for.

Logical clusters: on a server with workspaces a token names its cluster (claim ``kubernetes.io.clusterName``, as kcp's) and is
good in every workspace, where `identities` of `users` says who it is. On a server with one cluster (`home`) it names none.
Neither kind is good for the other kind of server.

Messages are those of `k8s.io/kubernetes/pkg/serviceaccount` of 1.36. Time and ids are injected. Pure.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.auth import jws
from tmc_syncer.controlplane.auth.jws import BadToken
from tmc_syncer.controlplane.auth.users import (
    CLUSTER_KEY,
    CREDENTIAL_KEY,
    NODE_NAME_KEY,
    NODE_UID_KEY,
    POD_NAME_KEY,
    POD_UID_KEY,
    SCOPES_KEY,
    User,
    service_account_groups,
    service_account_name,
)
from tmc_syncer.controlplane.auth.wording import quote, quote_list, together
from tmc_syncer.controlplane.clock import Clock

__all__ = ["BOUND_RESOURCES", "Bound", "GetObject", "Recognised", "TokenSigner", "TokenVerifier"]

Object = Mapping[str, Any]
GetObject = Callable[[str, str, str, str], Object | None]
"""``(cluster, resource, namespace, name) -> object``, for serviceaccounts, pods, secrets and nodes."""

BOUND_RESOURCES = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}
"""Kinds that a token can be bound to."""

_MOST_VERIFIED = 10_000
"""Tokens whose signature was found good and need not be checked again; about 2 KB each. Everything else is, each time."""

_LEEWAY = timedelta(minutes=1)
_INVALIDATED = "service account token has been invalidated"


@dataclass(frozen=True, slots=True)
class Bound:
    """The object whose deletion ends a token; `node` is where a Pod runs, with an empty uid when it does not exist."""

    kind: str
    name: str
    uid: str
    node: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose token it is, and for which of the audiences that were asked for it is good."""

    user: User
    audiences: tuple[str, ...]


class TokenSigner:
    """Makes tokens of one issuer with one key."""

    def __init__(self, key: jws.PrivateKey, issuer: str, clock: Clock, new_id: Callable[[], str]) -> None:
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._new_id = new_id

    def token(
        self,
        account: Object,
        *,
        audiences: Sequence[str],
        seconds: int,
        cluster: str = "",
        bound: Bound | None = None,
        warn_after: int = 0,
    ) -> str:
        """A token for a ServiceAccount object that is good for `seconds`; `cluster` only for a workspace's."""
        metadata = account["metadata"]
        now = int(self._clock.now().timestamp())
        namespace, name = metadata["namespace"], metadata["name"]
        private: dict[str, Any] = {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": metadata["uid"]},
        }
        if cluster:
            private["clusterName"] = cluster
        if bound is not None:
            private[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
            if bound.node is not None:
                node_name, node_uid = bound.node
                private["node"] = {"name": node_name, "uid": node_uid} if node_uid else {"name": node_name}
        if warn_after:
            private["warnafter"] = now + warn_after
        claims = {
            "iss": self._issuer,
            "sub": service_account_name(namespace, name),
            "aud": list(audiences),
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": self._new_id(),
            "kubernetes.io": private,
        }
        return jws.sign(claims, self._key)


class TokenVerifier:
    """Recognises tokens of one issuer.

    `home` is the one cluster of this server, None for a server with workspaces.
    """

    def __init__(
        self,
        keys: Sequence[jws.PublicKey],
        issuer: str,
        audiences: Sequence[str],
        get: GetObject,
        clock: Clock,
        *,
        home: str | None,
    ) -> None:
        self._keys = {jws.key_id(key): key for key in keys}
        self._issuer = issuer
        self._audiences = tuple(audiences)
        self._get = get
        self._clock = clock
        self._home = home
        self._verified: dict[bytes, dict[str, Any]] = {}

    def recognise(self, token: str, audiences: Sequence[str] = ()) -> Recognised | None:
        """Whose token it is; None when it is no token of this issuer.

        `audiences` are those that it must be for (one of them); by default those of this server. Raises `BadToken`.
        """
        claims = self._claims(token)
        if claims is None:
            return None
        given = _audience(claims.get("aud")) or self._audiences
        wanted = tuple(audiences) or self._audiences
        common = tuple(audience for audience in given if audience in wanted)
        if not common:
            raise BadToken(
                f"token audiences {quote_list(given)} is invalid for the target audiences {quote_list(wanted)}"
            )
        self._check_time(claims)
        private = _mapping(claims.get("kubernetes.io"))
        named = _text(private.get("clusterName"))
        if bool(named) == (self._home is not None):
            raise BadToken("service account token is of another control plane")
        return Recognised(self._user(claims, private, named), common)

    def _claims(self, token: str) -> dict[str, Any] | None:
        """What a token of this issuer says, with a good signature; None for what is no token of it."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        if (known := self._verified.get(digest)) is not None:
            return known
        unverified = jws.read(token)
        if unverified is None or unverified.issuer != self._issuer:
            return None
        claims = self._verify(unverified)
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[digest] = claims
        return claims

    def _verify(self, unverified: jws.Unverified) -> dict[str, Any]:
        kid = unverified.key
        keys = list(self._keys.values()) if not kid else [self._keys[kid]] if kid in self._keys else []
        if not keys:
            raise BadToken("invalid signature, no keys found")
        errors = []
        for key in keys:
            try:
                return unverified.verify(key)
            except BadToken as error:
                errors.append(str(error))
        raise BadToken(together(errors))

    def _check_time(self, claims: Object) -> None:
        now = self._clock.now().timestamp()
        leeway = _LEEWAY.total_seconds()
        begins, ends, issued = (_moment(claims.get(key)) for key in ("nbf", "exp", "iat"))
        if begins is not None and now + leeway < begins:
            raise BadToken("service account token is not valid yet")
        if ends is not None and now - leeway > ends:
            raise BadToken("service account token has expired")
        if issued is not None and now + leeway < issued:
            raise BadToken("service account token is issued in the future")

    def _user(self, claims: Object, private: Object, named: str) -> User:
        cluster = named if self._home is None else self._home
        namespace = _text(private.get("namespace"))
        name, uid = _reference(private.get("serviceaccount"))
        self._check_account(cluster, namespace, name, uid)
        extra: dict[str, tuple[str, ...]] = {}
        if secret := private.get("secret"):
            self._check_bound(cluster, "secret", namespace, *_reference(secret))
        if pod := private.get("pod"):
            pod_name, pod_uid = _reference(pod)
            self._check_bound(cluster, "pod", namespace, pod_name, pod_uid)
            extra |= {POD_NAME_KEY: (pod_name,), POD_UID_KEY: (pod_uid,)}
        if jti := _text(claims.get("jti")):
            extra[CREDENTIAL_KEY] = (f"JTI={jti}",)
        if node := private.get("node"):
            node_name, node_uid = _reference(node)
            if not pod:  # that a pod's node exists is not asked for
                self._check_bound(cluster, "node", "", node_name, node_uid)
            extra[NODE_NAME_KEY] = (node_name,)
            if node_uid:
                extra[NODE_UID_KEY] = (node_uid,)
        if named:
            extra |= {CLUSTER_KEY: (named,), SCOPES_KEY: (f"cluster:{named}",)}
        return User(service_account_name(namespace, name), uid, service_account_groups(namespace), extra)

    def _check_account(self, cluster: str, namespace: str, name: str, uid: str) -> None:
        if not name:
            raise BadToken("resource name may not be empty")
        account = self._get(cluster, "serviceaccounts", namespace, name)
        if account is None:
            raise BadToken(f"serviceaccounts {quote(name)} not found")
        live = account["metadata"]["uid"]
        if live != uid:
            raise BadToken(f"service account UID ({live}) does not match claim ({uid})")
        if self._is_deleted(account):
            raise BadToken(f"service account {namespace}/{name} has been deleted")

    def _check_bound(self, cluster: str, kind: str, namespace: str, name: str, uid: str) -> None:
        found = self._get(cluster, f"{kind}s", namespace, name)
        if found is None:
            raise BadToken(_INVALIDATED)
        live = found["metadata"]["uid"]
        if live != uid:
            title = kind.capitalize() if kind != "pod" else kind
            raise BadToken(f"{title} UID ({live}) does not match service account {kind} ref claim ({uid})")
        if self._is_deleted(found):
            raise BadToken(_INVALIDATED)

    def _is_deleted(self, item: Object) -> bool:
        """Whether the object has been on its way out for longer than clocks may differ."""
        stamp = item["metadata"].get("deletionTimestamp")
        return bool(stamp) and datetime.fromisoformat(stamp) < self._clock.now() - _LEEWAY


def _audience(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise BadToken("go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience")


def _moment(value: object) -> int | None:
    """Seconds since the epoch; None when the token does not say."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadToken("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate")
    return int(value)


def _reference(value: object) -> tuple[str, str]:
    reference = _mapping(value)
    return _text(reference.get("name")), _text(reference.get("uid"))


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
