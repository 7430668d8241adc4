"""Whether some rules give all rights that other rules give: the question of every escalation check.

`missing` breaks the wanted rules into single rights (one group, resource, verb and resource name, or one path and verb) and
returns those that no owned rule covers on its own, the algorithm of `k8s.io/component-helpers/auth/rbac/validation`. Two
owned rules together never cover one right, so nothing is lost by the breaking up. ``*`` is a right of its own: it is covered by
``*`` only, never by an enumeration.

`described` compacts them (rights that differ only in the verb become one line) and sorts the lines, as in the message of
the real server.

Pure. Called by `escalation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tmc_syncer.controlplane.auth.rules import ALL, Rule, path_matches

__all__ = ["described", "missing"]


def missing(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The single rights of `wanted` that `owned` does not give, in the order of `wanted`."""
    return [
        right for rule in wanted for right in _rights(rule) if not any(_covers(own, right) for own in owned)
    ]


def described(rights: Iterable[Rule]) -> list[str]:
    """One line for each right, those of one resource together, sorted."""
    lines: set[str] = set()
    verbs: dict[Rule, list[str]] = {}
    for right in rights:
        if right.paths:
            lines.add(str(right))
        else:
            where = Rule((), right.groups, right.resources, right.names)
            verbs.setdefault(where, []).extend(right.verbs)
    lines.update(
        str(Rule(tuple(together), where.groups, where.resources, where.names))
        for where, together in verbs.items()
    )
    return sorted(lines)


def _rights(rule: Rule) -> Iterator[Rule]:
    for group in rule.groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in rule.names or (None,):
                    yield Rule((verb,), (group,), (resource,), () if name is None else (name,))
    for path in rule.paths:
        for verb in rule.verbs:
            yield Rule((verb,), paths=(path,))


def _covers(own: Rule, right: Rule) -> bool:
    """Whether one rule gives one single right."""
    (verb,) = right.verbs
    if verb not in own.verbs and ALL not in own.verbs:
        return False
    if right.paths:
        return any(path_matches(path, right.paths[0]) for path in own.paths)
    if right.groups[0] not in own.groups and ALL not in own.groups:
        return False
    if own.names and (not right.names or right.names[0] not in own.names):
        return False
    return _resource_covered(own.resources, right.resources[0])


def _resource_covered(owned: Sequence[str], resource: str) -> bool:
    if ALL in owned or resource in owned:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in owned
