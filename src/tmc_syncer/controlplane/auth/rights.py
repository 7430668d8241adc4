"""The compiled rights of a user in one namespace: tables in which a request is looked up.

`Rights` is made of `Grant` values, one for each binding, and holds per (group, resource) and verb the first rule that gives
it. ``resource`` is here the form of a rule: ``pods``, ``pods/log``, ``*/scale`` or ``*``. A lookup tries the few spellings
that may match one request; of those found the one whose binding comes first gives the reason. `allows` of `rules`, tried on
every rule in turn, is the definition that this must agree with.

Cost of a lookup: at most twelve steps, whatever the number of rules; of compiling: one table entry for each group, resource and
verb of each rule, never more than `_MOST_ENTRIES` for one rule. A rule that would take more stays in a list that is
searched in turn.

Pure. Made and kept by `policy`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tmc_syncer.controlplane.auth.attributes import Attributes
from tmc_syncer.controlplane.auth.rules import ALL, GROUP, Rule, allows, path_matches
from tmc_syncer.controlplane.auth.wording import quote

__all__ = ["Grant", "MissingRole", "Rights"]

_MOST_ENTRIES = 2_000
"""A rule may list thousands of groups, resources and verbs: their product must not fill the memory."""


_LEAST_SIZE = 10
"""Even rights without an entry take memory: about that of ten entries."""


class MissingRole(Exception):
    """A binding names a role that is not there: of kind `kind` and with this name; the message is the real server's."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        known = kind in ("Role", "ClusterRole")
        message = f"{kind.lower()}.{GROUP} {quote(name)} not found"
        super().__init__(message if known else f"unsupported role reference kind: {quote(kind)}")


class Grant(NamedTuple):
    """What one binding gives: its rules with the reason to tell, or the error that kept it from giving any."""

    rules: tuple[Rule, ...]
    reason: str
    error: MissingRole | None = None


class _Entry(NamedTuple):
    """A rule at its place in the order; `names` are the resource names it is limited to, if any."""

    rank: int
    names: tuple[str, ...]
    reason: str


_Verbs = dict[str, list[_Entry]]


class Rights:
    """The rights of some grants, in their order.

    `errors` are those of grants that give none; `size` is what it costs to keep them, in table entries.
    """

    __slots__ = ("_large", "_paths", "_resources", "errors", "size")

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._resources: dict[tuple[str, str], _Verbs] = {}
        self._paths: list[tuple[Rule, str]] = []
        self._large: list[tuple[int, Rule, str]] = []
        self.size = _LEAST_SIZE
        errors: list[str] = []
        seen: set[Rule] = set()
        for grant in grants:
            if grant.error is not None:
                errors.append(str(grant.error))
            for rule in grant.rules:
                if rule not in seen:  # the same rule of an earlier binding always comes first
                    self._add(len(seen), rule, grant.reason)
                    seen.add(rule)
        self.errors = tuple(errors)

    def find(self, attributes: Attributes) -> str | None:
        """The reason why the request is allowed, None when it is not."""
        if attributes.path is not None:
            return self._find_path(attributes.verb, attributes.path)
        best: _Entry | None = None
        resource, subresource, verb = attributes.resource, attributes.subresource, attributes.verb
        spellings = (f"{resource}/{subresource}", f"*/{subresource}", ALL) if subresource else (resource, ALL)
        for group in (attributes.group, ALL):
            for spelling in spellings:
                if (verbs := self._resources.get((group, spelling))) is None:
                    continue
                for wanted in (verb, ALL):
                    for entry in verbs.get(wanted, ()):
                        if entry.names and attributes.name not in entry.names:
                            continue
                        if best is None or entry.rank < best.rank:
                            best = entry
                        break
        if self._large:
            best = self._find_large(attributes, best)
        return None if best is None else best.reason

    def _find_large(self, attributes: Attributes, best: _Entry | None) -> _Entry | None:
        for rank, rule, reason in self._large:
            if best is not None and best.rank < rank:
                break
            if allows(rule, attributes):
                return _Entry(rank, rule.names, reason)
        return best

    def _find_path(self, verb: str, path: str) -> str | None:
        for rule, reason in self._paths:
            if (verb in rule.verbs or ALL in rule.verbs) and any(
                path_matches(own, path) for own in rule.paths
            ):
                return reason
        return None

    def _add(self, rank: int, rule: Rule, reason: str) -> None:
        if rule.paths:
            self._paths.append((rule, reason))
        if len(rule.groups) * len(rule.resources) * len(rule.verbs) > _MOST_ENTRIES:
            self._large.append((rank, rule, reason))
            return
        entry = _Entry(rank, rule.names, reason)
        for group in rule.groups:
            for resource in rule.resources:
                verbs = self._resources.setdefault((group, resource), {})
                for verb in rule.verbs:
                    entries = verbs.setdefault(verb, [])
                    if (
                        not entries or entries[-1].names
                    ):  # what comes behind a rule without names is never reached
                        entries.append(entry)
                        self.size += 1
