"""Aggregated ClusterRoles: the rules of a role with an ``aggregationRule``, gathered from the roles that its selectors match.

The real server leaves this to a controller that writes the rules into the object, some milliseconds later. Here the rules
are computed when they are asked for (`effective_rules`), so that a decision never depends on whether a controller ran;
`outdated` tells which objects a controller would rewrite, for whoever keeps the stored form for readers.

The result is that of the controller once it has come to rest: selectors in order, within each the roles by name, a rule that
is there already is not repeated, the role itself is never its own source, and rules written by hand into an aggregated role
do not count. Roles that aggregate each other end at the rules of those that are written by hand.

Pure. Used by `policy`; `outdated` by the control plane's controllers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.selectors import Selector, from_match
from tmc_syncer.controlplane.auth.rules import Rule, rules_of

__all__ = ["effective_rules", "is_aggregated", "outdated"]

Object = Mapping[str, Any]


def is_aggregated(role: Object) -> bool:
    """Whether the rules of this ClusterRole are gathered from others."""
    return role.get("aggregationRule") is not None


def effective_rules(name: str, roles: Mapping[str, Object]) -> tuple[Rule, ...]:
    """The rules of the ClusterRole `name`, which must be among `roles` (all ClusterRoles of the cluster by name)."""
    found: dict[Rule, None] = {}
    _gather(name, roles, found, set())
    return tuple(found) if is_aggregated(roles[name]) else rules_of(roles[name])


def outdated(roles: Mapping[str, Object]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Names of aggregated ClusterRoles whose stored rules are not the effective ones, with the rules to write."""
    return [
        (name, [rule.to_object() for rule in rules])
        for name in sorted(roles)
        if is_aggregated(roles[name]) and (rules := effective_rules(name, roles)) != rules_of(roles[name])
    ]


def _gather(name: str, roles: Mapping[str, Object], found: dict[Rule, None], visited: set[str]) -> None:
    """Add the rules below a role; each role is visited once, so that circles and diamonds cost nothing."""
    visited.add(name)
    role = roles[name]
    if not is_aggregated(role):
        found.update(dict.fromkeys(rules_of(role)))
        return
    for selector in _selectors(role):
        for other in sorted(roles):
            if other not in visited and selector.matches(_labels(roles[other])):
                _gather(other, roles, found, visited)


def _selectors(role: Object) -> Iterator[Selector]:
    """The selectors; one that cannot be read selects nothing (validation refuses it when it is written)."""
    for selector in _list(role["aggregationRule"], "clusterRoleSelectors"):
        try:
            yield from_match(selector.get("matchLabels") or {}, _list(selector, "matchExpressions"))
        except (UsageError, AttributeError):
            continue


def _labels(role: Object) -> Mapping[str, str]:
    return (role.get("metadata") or {}).get("labels") or {}


def _list(holder: Object, key: str) -> list[Mapping[str, Any]]:
    return list(holder.get(key) or ())
