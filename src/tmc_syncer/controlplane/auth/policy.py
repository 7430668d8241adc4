"""The RBAC of one logical cluster, indexed by subject: which rules a user has, and whether one of them allows a request.

`Policy` reads Roles and bindings through `list_objects` when it first needs them, keeps what it read until `forget` names it,
and answers from lookups: the rights of one set of identities are compiled once into tables by (group, resource) and verb, so
that a decision costs a few lookups however many bindings there are. It must be told of every write to an object of
``rbac.authorization.k8s.io``; it is never wrong for longer than that. What is kept is bounded by
`_MOST_ENTRIES` and `_MOST_SCOPES`.

The order is that of kube-apiserver, with names sorted where that one takes them as they come: ClusterRoleBindings, then the
RoleBindings of the namespace; the first rule that fits gives the reason. A binding whose role is missing gives no right but is
reported with a denial. A ServiceAccount subject without a namespace means that of its RoleBinding.

No clock, no I/O; not aware of ``system:masters`` (`authorizer` is). Used by `authorizer` and `escalation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tmc_syncer.controlplane.auth.aggregation import effective_rules
from tmc_syncer.controlplane.auth.rights import Grant, MissingRole, Rights
from tmc_syncer.controlplane.auth.rules import GROUP, Rule, rules_of
from tmc_syncer.controlplane.auth.users import Identities, service_account_name
from tmc_syncer.controlplane.auth.wording import quote

__all__ = ["ListObjects", "Policy", "Rules"]

Object = Mapping[str, Any]
ListObjects = Callable[[str, str, str, str], list[dict[str, Any]]]
"""``(cluster, group, resource, namespace) -> objects``; without a namespace those of all namespaces."""

_MOST_ENTRIES = 100_000
"""Table entries of all compiled rights together, about 10 MB; beyond it everything is compiled anew when it is needed."""


_MOST_SCOPES = 10_000
"""Namespaces whose bindings are kept; names that do not exist count too, because anybody may ask for them."""


class Rules(NamedTuple):
    """All rules of a user in one namespace, and what was wrong with bindings on the way."""

    rules: tuple[Rule, ...]
    errors: tuple[MissingRole, ...]


@dataclass(frozen=True, slots=True)
class _Binding:
    """A binding with its subjects as keys; `namespace` is empty for a ClusterRoleBinding."""

    name: str
    namespace: str
    role_kind: str
    role_name: str
    subjects: tuple[tuple[str, str], ...]
    described: tuple[str, ...]

    def reason(self, subject: int) -> str:
        kind, name = ("RoleBinding", f"{self.name}/{self.namespace}")
        if not self.namespace:
            kind, name = "ClusterRoleBinding", self.name
        role = f"{self.role_kind} {quote(self.role_name)}"
        return f"RBAC: allowed by {kind} {quote(name)} of {role} to {self.described[subject]}"


_USER, _SUBJECT_GROUP = "User", "Group"
_Scope = dict[tuple[str, str], list[tuple[_Binding, int]]]
"""Bindings of one namespace (or the cluster) by subject, each with the position of that subject in it."""


class Policy:
    """Roles and bindings of the logical cluster `cluster`."""

    def __init__(self, cluster: str, list_objects: ListObjects) -> None:
        self._cluster = cluster
        self._list_objects = list_objects
        self._scopes: dict[str, _Scope] = {}
        self._roles: dict[str, dict[str, Object]] = {}
        self._cluster_roles: dict[str, Object] | None = None
        self._cluster_rules: dict[str, tuple[Rule, ...]] = {}
        self._compiled: dict[tuple[Identities, str], Rights] = {}
        self._entries = 0

    def forget(self, resource: str, namespace: str) -> None:
        """Read objects of this resource (plural) and namespace again before the next answer."""
        self._compiled.clear()
        self._entries = 0
        if resource == "clusterroles":
            self._cluster_roles = None
            self._cluster_rules.clear()
        elif resource == "roles":
            self._roles.pop(namespace, None)
        else:
            self._scopes.pop(namespace, None)

    def rights(self, who: Identities, namespace: str) -> Rights:
        """The compiled rights that come from bindings of exactly this namespace, or from those of the cluster."""
        key = (who, namespace)
        if (known := self._compiled.get(key)) is not None:
            return known
        fresh = Rights(self._grants(who, namespace))
        self._entries += fresh.size
        if self._entries > _MOST_ENTRIES:
            self._compiled.clear()
            self._entries = fresh.size
        self._compiled[key] = fresh
        return fresh

    def rules(self, who: Identities, namespace: str) -> Rules:
        """Every rule that holds in a namespace (with an empty one: in the whole cluster), not compiled."""
        rules: list[Rule] = []
        errors: list[MissingRole] = []
        for scope in ("", namespace) if namespace else ("",):
            for grant in self._grants(who, scope):
                rules.extend(grant.rules)
                if grant.error is not None:
                    errors.append(grant.error)
        return Rules(tuple(rules), tuple(errors))

    def rules_of_reference(self, kind: str, name: str, namespace: str) -> tuple[Rule, ...]:
        """The rules of the role that a binding in `namespace` names. Raises `MissingRole`."""
        if kind == "Role":
            role = self._roles_of(namespace).get(name)
            if role is None:
                raise MissingRole(kind, name)
            return rules_of(role)
        if kind == "ClusterRole":
            if (known := self._cluster_rules.get(name)) is not None:
                return known
            roles = self._all_cluster_roles()
            if name not in roles:
                raise MissingRole(kind, name)
            fresh = self._cluster_rules[name] = effective_rules(name, roles)
            return fresh
        raise MissingRole(kind, name)

    # Reading

    def _grants(self, who: Identities, namespace: str) -> Iterator[Grant]:
        for binding, subject in self._applying(who, namespace):
            try:
                rules = self.rules_of_reference(binding.role_kind, binding.role_name, namespace)
            except MissingRole as error:
                yield Grant((), "", error)
            else:
                yield Grant(rules, binding.reason(subject))

    def _applying(self, who: Identities, namespace: str) -> list[tuple[_Binding, int]]:
        """The bindings that name one of the identities, by name, each with the first such subject."""
        scope = self._scope(namespace)
        found: dict[str, tuple[_Binding, int]] = {}
        subjects = [(_USER, name) for name in who.names] + [(_SUBJECT_GROUP, group) for group in who.groups]
        for key in subjects:
            for binding, position in scope.get(key, ()):
                known = found.get(binding.name)
                if known is None or position < known[1]:
                    found[binding.name] = (binding, position)
        return [found[name] for name in sorted(found)]

    def _scope(self, namespace: str) -> _Scope:
        if (known := self._scopes.get(namespace)) is not None:
            return known
        scope: _Scope = {}
        resource = "rolebindings" if namespace else "clusterrolebindings"
        for item in self._list_objects(self._cluster, GROUP, resource, namespace):
            binding = _binding(item, namespace)
            for position, subject in enumerate(binding.subjects):
                scope.setdefault(subject, []).append((binding, position))
        if len(self._scopes) >= _MOST_SCOPES:
            self._scopes.clear()
        self._scopes[namespace] = scope
        return scope

    def _roles_of(self, namespace: str) -> dict[str, Object]:
        if namespace not in self._roles:
            found = self._list_objects(self._cluster, GROUP, "roles", namespace) if namespace else []
            self._roles[namespace] = _by_name(found)
        return self._roles[namespace]

    def _all_cluster_roles(self) -> dict[str, Object]:
        if self._cluster_roles is None:
            self._cluster_roles = _by_name(self._list_objects(self._cluster, GROUP, "clusterroles", ""))
        return self._cluster_roles


def _by_name(objects: list[dict[str, Any]]) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in objects}


def _binding(item: Object, namespace: str) -> _Binding:
    reference = item.get("roleRef") or {}
    keys: list[tuple[str, str]] = []
    described: list[str] = []
    for subject in item.get("subjects") or ():
        kind, name, place = (str(subject.get(key, "")) for key in ("kind", "name", "namespace"))
        place = place or namespace
        if kind == "ServiceAccount":
            # An account without a namespace in a ClusterRoleBinding is nobody; an empty kind is never asked for.
            keys.append((_USER if place else "", service_account_name(place, name)))
            described.append(f"{kind} {quote(f'{name}/{place}')}")
        else:
            keys.append((kind, name))
            described.append(f"{kind} {quote(name)}")
    return _Binding(
        str(item["metadata"]["name"]),
        namespace,
        str(reference.get("kind", "")),
        str(reference.get("name", "")),
        tuple(keys),
        tuple(described),
    )
