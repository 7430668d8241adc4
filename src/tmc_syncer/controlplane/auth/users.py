"""Who makes a request: `User`, the well-known names, and which identities a user has in one logical cluster.

A `User` is what authentication answers and what authorization asks about; it holds no secret. Names and groups are those of
a Kubernetes API server. A service account is a user with a name of a fixed form; ``split_service_account`` reads it.

In a logical cluster a user may count as somebody else (`identities`), as in kcp: a service account is at home in one cluster.
Elsewhere it is only ``system:kcp:serviceaccount:<cluster>:<namespace>:<name>`` and an anonymous member of
``system:authenticated``, so that a binding to ``system:serviceaccount:ns:name`` never lets in the namesake of another
cluster. A service account without the cluster in its `extra` counts as local (a SubjectAccessReview may be written so).

Pure. Used by every other module of this package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = [
    "ANONYMOUS",
    "ANONYMOUS_USER",
    "AUTHENTICATED",
    "CLUSTER_KEY",
    "CREDENTIAL_KEY",
    "MASTERS",
    "NODES",
    "NODE_NAME_KEY",
    "NODE_UID_KEY",
    "POD_NAME_KEY",
    "POD_UID_KEY",
    "SCOPES_KEY",
    "UNAUTHENTICATED",
    "Identities",
    "User",
    "identities",
    "is_at_home",
    "is_node",
    "service_account_groups",
    "service_account_name",
    "split_service_account",
    "with_group",
]

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
NODES = "system:nodes"

CREDENTIAL_KEY = "authentication.kubernetes.io/credential-id"
POD_NAME_KEY = "authentication.kubernetes.io/pod-name"
POD_UID_KEY = "authentication.kubernetes.io/pod-uid"
NODE_NAME_KEY = "authentication.kubernetes.io/node-name"
NODE_UID_KEY = "authentication.kubernetes.io/node-uid"
CLUSTER_KEY = "authentication.kcp.io/cluster-name"
SCOPES_KEY = "authentication.kcp.io/scopes"

_SERVICE_ACCOUNT = "system:serviceaccount:"
_SERVICE_ACCOUNTS = "system:serviceaccounts"
_NODE = "system:node:"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_SUBDOMAIN = 253
"""RFC 1123, as Kubernetes applies it to names of objects."""


@dataclass(frozen=True, slots=True)
class User:
    """A name with groups; `extra` has further facts by key, e.g. the credential that was shown."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def to_object(self) -> dict[str, object]:
        """The JSON form of ``UserInfo``, without what is empty."""
        extra = {key: list(self.extra[key]) for key in sorted(self.extra)}
        found = {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": extra}
        return {key: value for key, value in found.items() if value}


ANONYMOUS_USER = User(ANONYMOUS, groups=(UNAUTHENTICATED,))


def with_group(user: User, group: str) -> User:
    """The user, in this group too."""
    if group in user.groups:
        return user
    return User(user.name, user.uid, (*user.groups, group), user.extra)


# Service accounts and nodes


def service_account_name(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{_SERVICE_ACCOUNT}{namespace}:{name}"


def service_account_groups(namespace: str) -> tuple[str, ...]:
    """The groups that every service account of a namespace is in."""
    return (_SERVICE_ACCOUNTS, f"{_SERVICE_ACCOUNTS}:{namespace}")


def split_service_account(username: str) -> tuple[str, str] | None:
    """Namespace and name of the service account with this user name, None when it is none."""
    if not username.startswith(_SERVICE_ACCOUNT):
        return None
    namespace, separator, name = username[len(_SERVICE_ACCOUNT) :].partition(":")
    if not separator or not _LABEL.fullmatch(namespace) or not _is_subdomain(name):
        return None
    return namespace, name


def is_node(username: str) -> str | None:
    """The node whose kubelet has this user name, None when it is no kubelet."""
    name = username.removeprefix(_NODE)
    return name if name != username and _is_subdomain(name) else None


def _is_subdomain(name: str) -> bool:
    return len(name) <= _LONGEST_SUBDOMAIN and _SUBDOMAIN.fullmatch(name) is not None


# Logical clusters


class Identities(NamedTuple):
    """The names and groups under which bindings of one cluster are looked for."""

    names: tuple[str, ...]
    groups: tuple[str, ...]


def identities(user: User, cluster: str) -> Identities:
    """Who the user is in `cluster`: names and groups that bindings of that cluster may give rights to."""
    extra = user.extra
    if CLUSTER_KEY not in extra and SCOPES_KEY not in extra:
        return Identities((user.name,), user.groups)
    home = extra.get(CLUSTER_KEY, ())
    aliases: tuple[str, ...] = ()
    is_service_account = user.name.startswith(_SERVICE_ACCOUNT)
    if is_service_account and len(home) == 1:
        aliases = (f"system:kcp:serviceaccount:{home[0]}:{user.name[len(_SERVICE_ACCOUNT) :]}",)
    foreign = is_service_account and bool(home) and cluster not in home
    if not foreign and _in_scope(extra.get(SCOPES_KEY, ()), cluster):
        return Identities((user.name, *aliases), user.groups)
    group = AUTHENTICATED if AUTHENTICATED in user.groups else UNAUTHENTICATED
    return Identities((ANONYMOUS, *aliases), (group,))


def is_at_home(user: User, cluster: str) -> bool:
    """Whether the user is a service account that is known to be of this cluster."""
    return user.name.startswith(_SERVICE_ACCOUNT) and cluster in user.extra.get(CLUSTER_KEY, ())


def _in_scope(scopes: tuple[str, ...], cluster: str) -> bool:
    """Each value is a list joined by commas of which one must name the cluster."""
    return all(f"cluster:{cluster}" in scope.split(",") for scope in scopes)
