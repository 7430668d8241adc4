"""May this user do this: `Authorizer`, the one decision point of a control plane.

`allows` answers with a `Decision`: allowed or not, and why, in the words of kube-apiserver. Members of ``system:masters``
may do everything; everybody else only what RBAC of the request's own logical cluster gives: a binding in one cluster counts
nowhere else, and a request to all clusters at once (``*``) is for masters only. There is no denial rule; what nothing
allows is refused.

With `guarded` a cluster lets in only who has the verb ``access`` on the path ``/`` there, or is a service account at home in
it, whatever else bindings say; kcp guards its workspaces so.

Roles and bindings are read through an injected `list_objects`; `forget` must be called for each write to an object of
``rbac.authorization.k8s.io`` before its author is answered, so that a right given is usable, and a right taken is gone, with
the answer. A decision costs some microseconds, however many bindings there are; the clusters whose policies are kept are
bounded by `_MOST_CLUSTERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.policy import ListObjects, Policy, Rules
from tmc_syncer.controlplane.auth.rules import Rule
from tmc_syncer.controlplane.auth.users import MASTERS, User, identities, is_at_home
from tmc_syncer.controlplane.auth.wording import together

__all__ = ["Authorizer", "Decision"]

_MOST_CLUSTERS = 10_000
"""Logical clusters whose policies are kept; asking for more forgets them all, so that made-up names fill no memory."""
_NO_ACCESS = "access denied"
_ALL_CLUSTERS = "*"


class Decision(NamedTuple):
    """Whether a request is allowed, and why (or, refused, what went wrong with bindings); the reason may be empty."""

    allowed: bool
    reason: str = ""


_MASTERS_MAY = Decision(True)


class Authorizer:
    """Decides by RBAC of the logical cluster that a request is for."""

    def __init__(self, list_objects: ListObjects, *, guarded: Callable[[str], bool] | None = None) -> None:
        self._list_objects = list_objects
        self._guarded = guarded
        self._policies: dict[str, Policy] = {}

    def allows(self, user: User, attributes: Attributes) -> Decision:
        """Whether the user may do this."""
        who = identities(user, attributes.cluster)
        if MASTERS in who.groups:
            return _MASTERS_MAY
        if attributes.cluster == _ALL_CLUSTERS:
            return Decision(False, _NO_ACCESS)
        policy = self._policy(attributes.cluster)
        everywhere = policy.rights(who, "")
        if self._guarded is not None and self._guarded(attributes.cluster):
            entry = Attributes(attributes.cluster, "access", path="/")
            if not is_at_home(user, attributes.cluster) and everywhere.find(entry) is None:
                return Decision(False, _NO_ACCESS)
        if (reason := everywhere.find(attributes)) is not None:
            return Decision(True, reason)
        errors = everywhere.errors
        if attributes.namespace:
            here = policy.rights(who, attributes.namespace)
            if (reason := here.find(attributes)) is not None:
                return Decision(True, reason)
            errors = (*errors, *here.errors)
        return Decision(False, f"RBAC: {together(errors)}" if errors else "")

    def rules(self, user: User, cluster: str, namespace: str) -> Rules:
        """Every rule that the user has in a namespace (empty: cluster-wide); those of bindings, also for masters."""
        return self._policy(cluster).rules(identities(user, cluster), namespace)

    def rules_of_reference(self, cluster: str, kind: str, name: str, namespace: str) -> tuple[Rule, ...]:
        """The rules of the role that a binding names. Raises `MissingRole`."""
        return self._policy(cluster).rules_of_reference(kind, name, namespace)

    def forget(self, cluster: str, resource: str = "", namespace: str = "") -> None:
        """An RBAC object of this resource (plural) was written or deleted; without a resource all of the cluster's."""
        if not resource:
            self._policies.pop(cluster, None)
        elif (policy := self._policies.get(cluster)) is not None:
            policy.forget(resource, namespace)

    def _policy(self, cluster: str) -> Policy:
        if (known := self._policies.get(cluster)) is not None:
            return known
        if len(self._policies) >= _MOST_CLUSTERS:
            self._policies.clear()
        fresh = self._policies[cluster] = Policy(cluster, self._list_objects)
        return fresh
