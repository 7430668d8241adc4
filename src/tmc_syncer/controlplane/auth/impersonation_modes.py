"""The modes of impersonation: for whom each is, and what it asks of the authorizer.

A `Mode` has a name, a filter (``fits``) and two checks. `check_request` asks for the right to do this request in this mode
(constrained modes only), `check_identity` for the right to be this user, group by group and value by value. Both call
``demand`` with the attributes to authorize, which raises the refusal.

| mode | for | verbs |
|---|---|---|
| associated-node | the node that the requesting service account's token is bound to | impersonate:associated-node, impersonate-on:… |
| arbitrary-node | any node | impersonate:arbitrary-node, impersonate-on:… |
| serviceaccount | any service account | impersonate:serviceaccount, impersonate-on:… |
| user-info | everybody else, with groups, uid and extra | impersonate:user-info, impersonate-on:… |
| (legacy) | anybody | impersonate |

Source: `k8s.io/apiserver/pkg/endpoints/filters/impersonation` of 0.36. Pure. Called by `impersonation`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tmc_syncer.controlplane.auth.attributes import Attributes, refusal
from tmc_syncer.controlplane.auth.users import (
    MASTERS,
    NODE_NAME_KEY,
    NODES,
    User,
    is_node,
    service_account_groups,
    split_service_account,
)
from tmc_syncer.controlplane.auth.wording import quote
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["MODES", "Demand", "Mode", "check_identity", "check_request"]

Demand = Callable[[Attributes], None]
"""Authorizes; raises the refusal."""

_AUTHENTICATION = "authentication.k8s.io"
_MANY = 4
"""From this number of groups or extra values on, a constrained mode first asks for all of them at once (``*``)."""
_EXTRA_KEY = re.compile(r"[a-z0-9.-]+/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to impersonate; the one without a name is the verb ``impersonate`` of always."""

    name: str
    fits: Callable[[User, User], bool]
    """Whether this mode is for the wanted user (first) asked for by this requestor (second)."""

    @property
    def verb(self) -> str:
        """The verb that allows to be somebody."""
        return f"impersonate:{self.name}" if self.name else "impersonate"

    @property
    def group(self) -> str:
        """The API group of the made-up resources users, groups, serviceaccounts and nodes."""
        return _AUTHENTICATION if self.name else ""


def check_request(mode: Mode, request: Attributes, demand: Demand) -> None:
    """Demand the right to do this very request in this mode."""
    if mode.name:
        demand(request._replace(verb=f"impersonate-on:{mode.name}:{request.verb}"))


def check_identity(mode: Mode, requestor: User, asked: User, cluster: str, demand: Demand) -> tuple[str, ...]:
    """Demand the right to be `asked`; returns the groups that the impersonated user is in."""
    groups = _check_name(mode, asked, cluster, demand)
    if asked.uid:
        demand(_attributes(mode, cluster, _AUTHENTICATION, "uids", asked.uid))
    if asked.groups:
        _check_groups(mode, requestor, asked.groups, cluster, demand)
    if asked.extra:
        _check_extra(mode, requestor, asked, cluster, demand)
    return groups


def _check_name(mode: Mode, asked: User, cluster: str, demand: Demand) -> tuple[str, ...]:
    attributes = _attributes(mode, cluster, mode.group, "users", asked.name)
    groups = asked.groups
    if mode.name and (node := is_node(asked.name)) is not None:
        # The right holds for all nodes at once: which one is meant was shown by the token already.
        shown = "*" if mode is _ASSOCIATED_NODE else node
        attributes = attributes._replace(resource="nodes", name=shown)
        groups = (NODES,)
    if (account := split_service_account(asked.name)) is not None:
        namespace, name = account
        attributes = attributes._replace(resource="serviceaccounts", namespace=namespace, name=name)
        groups = groups or service_account_groups(namespace)
    demand(attributes)
    return groups


def _check_groups(mode: Mode, requestor: User, groups: tuple[str, ...], cluster: str, demand: Demand) -> None:
    attributes = _attributes(mode, cluster, mode.group, "groups", "")
    if mode.name and "" in groups:
        raise refusal(requestor, attributes, "impersonating the empty string group is not allowed")
    if mode.name and MASTERS in groups:
        why = f"impersonating the {MASTERS} group is not allowed"
        raise refusal(requestor, attributes._replace(name=MASTERS), why)
    if mode.name and len(groups) >= _MANY and _granted(demand, attributes._replace(name="*")):
        return
    for group in groups:
        demand(attributes._replace(name=group))


def _check_extra(mode: Mode, requestor: User, asked: User, cluster: str, demand: Demand) -> None:
    attributes = _attributes(mode, cluster, _AUTHENTICATION, "userextras", "")
    if mode.name and (why := _wrong_extra(asked)):
        raise refusal(requestor, attributes, why)
    values = sum(map(len, asked.extra.values()))
    many = mode.name and max(values, len(asked.extra)) >= _MANY
    if many and _granted(demand, attributes._replace(subresource="*", name="*")):
        return
    for key in sorted(asked.extra):
        for value in asked.extra[key]:
            demand(attributes._replace(subresource=key, name=value))


def _granted(demand: Demand, attributes: Attributes) -> bool:
    try:
        demand(attributes)
    except ApiError:
        return False
    return True


def _wrong_extra(asked: User) -> str:
    """What is wrong with the extra that a constrained mode is asked for; empty when nothing is."""
    for key in sorted(asked.extra):
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        if not _EXTRA_KEY.fullmatch(key):
            return (
                f"impersonating an invalid key in extra is not allowed: extra.key: Invalid value: {quote(key)}: "
                'must be a domain-prefixed path (such as "acme.io/foo")'
            )
        if key != key.lower():
            return f"impersonating a non-lowercase key in extra is not allowed: {quote(key)}"
        if "" in asked.extra[key]:
            return "impersonating the empty string value in extra is not allowed"
    return ""


def _attributes(mode: Mode, cluster: str, group: str, resource: str, name: str) -> Attributes:
    return Attributes(cluster, mode.verb, group, "v1", resource, "", "", name)


def _only_named(user: User) -> bool:
    return not user.uid and not user.groups and not user.extra


def _is_own_node(asked: User, requestor: User) -> bool:
    node = is_node(asked.name)
    bound = requestor.extra.get(NODE_NAME_KEY, ())
    is_account = split_service_account(requestor.name) is not None
    return _only_named(asked) and is_account and node is not None and tuple(bound) == (node,)


def _is_any_node(asked: User, _requestor: User) -> bool:
    return _only_named(asked) and is_node(asked.name) is not None


def _is_account(asked: User, _requestor: User) -> bool:
    return _only_named(asked) and split_service_account(asked.name) is not None


def _is_other(asked: User, _requestor: User) -> bool:
    return is_node(asked.name) is None and split_service_account(asked.name) is None


def _is_anybody(_asked: User, _requestor: User) -> bool:
    return True


_ASSOCIATED_NODE = Mode("associated-node", _is_own_node)
MODES = (
    _ASSOCIATED_NODE,
    Mode("arbitrary-node", _is_any_node),
    Mode("serviceaccount", _is_account),
    Mode("user-info", _is_other),
    Mode("", _is_anybody),
)
