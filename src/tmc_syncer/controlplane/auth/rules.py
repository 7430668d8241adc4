"""Rules of roles: `Rule`, reading them from objects, and whether one rule allows one request.

The meaning is that of `k8s.io/kubernetes/pkg/apis/rbac/v1` (``evaluation_helpers.go``): ``*`` matches every verb, group
and resource; ``*/scale`` every resource with that subresource; ``*`` as a resource also all subresources; a rule with
resource names matches only requests that name one of them; ``/api/*`` matches paths by their beginning.

`allows` is the definition, and `policy` must agree with it: that one looks rules up by keys instead of trying each. Objects
come from the store and were validated when they were written, but a rule that is malformed all the same gives no right.

Pure. Used by `policy`, `coverage` and `aggregation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.wording import quote_list

__all__ = ["ALL", "GROUP", "Rule", "allows", "path_matches", "rules_of"]

GROUP = "rbac.authorization.k8s.io"
ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a role, with the fields of ``PolicyRule``."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The form that messages about escalation have."""
        parts = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("NonResourceURLs", self.paths),
            ("ResourceNames", self.names),
            ("Verbs", self.verbs),
        )
        return "{" + ", ".join(f"{title}:{quote_list(values)}" for title, values in parts if values) + "}"

    def to_object(self) -> dict[str, Any]:
        """The JSON form, in the field order of the real server and without what is empty."""
        found = {
            "verbs": list(self.verbs),
            "apiGroups": list(self.groups),
            "resources": list(self.resources),
            "resourceNames": list(self.names),
            "nonResourceURLs": list(self.paths),
        }
        return {title: values for title, values in found.items() if values or title == "verbs"}


def rules_of(role: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole object."""
    rules = role.get("rules")
    if not isinstance(rules, list):
        return ()
    return tuple(_rule(rule) for rule in rules if isinstance(rule, Mapping))


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        _texts(rule.get("verbs")),
        _texts(rule.get("apiGroups")),
        _texts(rule.get("resources")),
        _texts(rule.get("resourceNames")),
        _texts(rule.get("nonResourceURLs")),
    )


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values if isinstance(value, str))


def allows(rule: Rule, attributes: Attributes) -> bool:
    """Whether this one rule allows the request."""
    if attributes.verb not in rule.verbs and ALL not in rule.verbs:
        return False
    if attributes.path is not None:
        return any(path_matches(path, attributes.path) for path in rule.paths)
    if attributes.group not in rule.groups and ALL not in rule.groups:
        return False
    if rule.names and attributes.name not in rule.names:
        return False
    return _resource_matches(rule.resources, attributes.resource, attributes.subresource)


def _resource_matches(resources: Sequence[str], resource: str, subresource: str) -> bool:
    if ALL in resources:
        return True
    if not subresource:
        return resource in resources
    return f"{resource}/{subresource}" in resources or f"*/{subresource}" in resources


def path_matches(pattern: str, path: str) -> bool:
    """Whether a path of a rule, which may end in ``*``, covers this path (or narrower pattern)."""
    return pattern == path or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))
