"""Nobody gives away what he does not have: the checks on writes of Roles and bindings.

`check_write` is called with every create or update (patch, apply) of an RBAC object, after authorization and before anything is
stored, and raises the 403 of kube-apiserver when the user would grant rights that he lacks. Who may is free: members of
``system:masters``, holders of the verb ``escalate`` on the role (for roles) or ``bind`` on the role that is bound (for
bindings), and everybody whose own rights cover those of the role. An aggregation rule may gather anything, so it asks for
all rights. A change of owner references, finalizers and managedFields alone passes, since controllers make it.

The real server looks roles up in the name of the request: what is missing is told as ``rolebindings "role's name"``, or whatever
resource is written. The order of the checks and the messages are those of `k8s.io/kubernetes/pkg/registry/rbac` (``policybased/storage.go``).

Pure. Called by the HTTP side for the four resources of `GUARDED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tmc_syncer.controlplane.auth.attributes import Attributes, Resource
from tmc_syncer.controlplane.auth.authorizer import Authorizer
from tmc_syncer.controlplane.auth.coverage import described, missing
from tmc_syncer.controlplane.auth.rights import MissingRole
from tmc_syncer.controlplane.auth.rules import ALL, GROUP, Rule, rules_of
from tmc_syncer.controlplane.auth.users import MASTERS, User, identities
from tmc_syncer.controlplane.auth.wording import quote, quote_list, together
from tmc_syncer.controlplane.server.errors import ApiError, forbidden, not_found

__all__ = ["GUARDED", "check_write"]

Object = Mapping[str, Any]

_ROLES = ("roles", "clusterroles")
GUARDED = (*_ROLES, "rolebindings", "clusterrolebindings")
"""Resources of ``rbac.authorization.k8s.io`` whose writes are checked."""

_BOUND = {"Role": "roles", "ClusterRole": "clusterroles"}
_BOOKKEEPING = ("ownerReferences", "finalizers", "selfLink", "managedFields")


def check_write(
    authorizer: Authorizer, user: User, request: Attributes, new: Object, old: Object | None = None
) -> None:
    """Raise `ApiError` (403, or 404 for a role that is not there) unless the user may write this object.

    `request` is the request as it was authorized (its `name` is empty for a create by POST); `new` is what would be stored,
    `old` what stands there, None for a create.
    """
    if request.group != GROUP or request.resource not in GUARDED:
        return
    if MASTERS in identities(user, request.cluster).groups:
        return
    check = _check_role if request.resource in _ROLES else _check_binding
    check(authorizer, user, request, new, old)


def _check_role(
    authorizer: Authorizer, user: User, request: Attributes, new: Object, old: Object | None
) -> None:
    escalate = request._replace(verb="escalate", version=ALL, subresource="")
    if authorizer.allows(user, escalate).allowed or (old is not None and _only_bookkeeping(new, old)):
        return
    _confirm(authorizer, user, request, new, rules_of(new))
    if _gathers(new) or (old is not None and _gathers(old)):
        # It asks for all rights there are, and who has those has `escalate` too and is not here any more.
        raise _refused(request, new, "must have cluster-admin privileges to use the aggregationRule")


def _check_binding(
    authorizer: Authorizer, user: User, request: Attributes, new: Object, old: Object | None
) -> None:
    if old is not None and _only_bookkeeping(new, old):
        return
    reference = new.get("roleRef") or {}
    group, kind, name = (str(reference.get(key, "")) for key in ("apiGroup", "kind", "name"))
    if resource := _BOUND.get(kind):
        bind = Attributes(request.cluster, "bind", group, ALL, resource, "", request.namespace, name)
        if authorizer.allows(user, bind).allowed:
            return
    try:
        rules = authorizer.rules_of_reference(request.cluster, kind, name, request.namespace)
    except MissingRole as error:
        raise not_found(Resource(GROUP, request.resource), name) from error
    _confirm(authorizer, user, request, new, rules)


def _confirm(
    authorizer: Authorizer, user: User, request: Attributes, new: Object, rules: Sequence[Rule]
) -> None:
    owned, errors = authorizer.rules(user, request.cluster, request.namespace)
    lacking = missing(owned, rules)
    if not lacking:
        return
    who = f"user {quote(user.name)} (groups={quote_list(user.groups)})"
    lines = "\n".join(described(lacking))
    why = f"{who} is attempting to grant RBAC permissions not currently held:\n{lines}"
    if errors:
        told = [f"{request.resource}.{GROUP} {quote(error.name)} not found" for error in errors]
        why = f"{why}; resolution errors: [{together(told)}]"
    raise _refused(request, new, why)


def _refused(request: Attributes, new: Object, why: str) -> ApiError:
    return forbidden(Resource(GROUP, request.resource), str(new["metadata"].get("name", "")), why)


def _gathers(role: Object) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def _only_bookkeeping(new: Object, old: Object) -> bool:
    """Whether nothing differs but what controllers keep: references to owners, finalizers, managedFields."""
    return _without_bookkeeping(new) == _without_bookkeeping(old)


def _without_bookkeeping(item: Object) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _BOOKKEEPING}
    return {**item, "metadata": metadata}
