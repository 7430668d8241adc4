"""Field rules: who decides about one field, under every conflict policy.

* ``take`` (the default): the workspace decides; another manager's change is taken back.
* ``yield``: the workspace gives the first value only; after that the field is the cluster's. It does not count
  for the digest, it is never missing, and an apply carries it only while our entry still owns it, and then with
  the live value: leaving out a field that only we own would make the server reset it.
* ``share``: ours as long as nobody else claims it; on a conflict it is left to the other manager.

``.spec.replicas`` of an object that an autoscaler targets yields by itself (Kubernetes defaults replicas, so
"not set" cannot be seen). Pure: paths are steps of field sets (`api.fieldpath`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from tmc_syncer.api.fieldpath import ANY_ITEM, FieldPath, covers, parse_field_path
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.synctarget_spec import FieldRule, Rule
from tmc_syncer.kube.errors import FieldConflict

__all__ = [
    "REPLICAS",
    "Resolution",
    "TypeRules",
    "owns",
    "rules_of_type",
    "upstream_wins",
    "with_live",
    "without",
]

REPLICAS: FieldPath = ("f:spec", "f:replicas")


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The fields of one type that are not simply taken."""

    yields: tuple[FieldPath, ...] = ()
    shares: tuple[FieldPath, ...] = ()

    def autoscaled(self) -> TypeRules:
        """The same rules for an object whose replicas an autoscaler decides."""
        return self if REPLICAS in self.yields else TypeRules((*self.yields, REPLICAS), self.shares)

    @property
    def ceded(self) -> tuple[FieldPath, ...]:
        """Fields whose loss is no drift."""
        return (*self.yields, *self.shares)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What to do about a conflict: repeat the apply without the `ceded` fields, by force or not; or hold it."""

    force: bool
    ceded: tuple[FieldPath, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is to be written."""
        return not self.force and not self.ceded


def rules_of_type(rules: Iterable[FieldRule], gvr: GVR) -> TypeRules:
    """The rules of `SyncTarget.spec.fieldRules` for one type."""
    found: dict[Rule, list[FieldPath]] = {rule: [] for rule in Rule}
    for rule in rules:
        if (rule.group, rule.resource) == (gvr.group, gvr.resource):
            found[rule.rule].append(parse_field_path(rule.path))
    return TypeRules(tuple(found[Rule.YIELD]), tuple(found[Rule.SHARE]))


def upstream_wins(conflicts: Collection[FieldConflict], rules: TypeRules) -> Resolution:
    """`UpstreamWins`: contested fields are taken by force, but for those that a rule shares or yields."""
    paths = [parse_field_path(conflict.field_path) for conflict in conflicts]
    ceded = tuple(path for path in paths if any(covers(rule, path) for rule in rules.ceded))
    return Resolution(force=len(ceded) < len(paths), ceded=ceded)


def owns(fields: Any, path: FieldPath) -> bool:
    """Whether a decoded field set contains `path`, or owns a part of the object above it whole."""
    for depth, step in enumerate(path):
        if not isinstance(fields, dict):
            return False
        if not fields:
            return depth > 0
        if step == ANY_ITEM:
            rest = path[depth + 1 :]
            return any(owns(child, rest) if rest else True for name, child in fields.items() if name != ".")
        if step not in fields:
            return False
        fields = fields[step]
    return True


def without(obj: dict[str, Any], paths: Collection[FieldPath]) -> dict[str, Any]:
    """`obj` without the fields at `paths`; what is not on their way is shared, nothing of `obj` is changed."""
    for path in paths:
        obj = _changed(obj, path, None)
    return obj


def with_live(obj: dict[str, Any], live: dict[str, Any], paths: Collection[FieldPath]) -> dict[str, Any]:
    """`obj` with the values of `live` at `paths`; a field that `live` does not have is left out."""
    for path in paths:
        obj = _changed(obj, path, live)
    return obj


def _changed(value: Any, path: FieldPath, live: Any) -> Any:
    """A copy of `value` along `path` with the field there replaced by that of `live`, or gone."""
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and step.startswith("f:"):
        name = step[2:]
        if name not in value and rest:
            return value
        below = live.get(name) if isinstance(live, dict) else None
        new = dict(value)
        if rest:
            new[name] = _changed(value[name], rest, below)
        elif below is None:
            new.pop(name, None)
        else:
            new[name] = below
        return new
    if isinstance(value, list):
        return [_changed_item(item, step, rest, live) for item in value if rest or not _is_item(item, step)]
    return value


def _changed_item(item: Any, step: str, rest: FieldPath, live: Any) -> Any:
    if not _is_item(item, step):
        return item
    below = (
        next((found for found in live if _same_item(found, item)), None) if isinstance(live, list) else None
    )
    return _changed(item, rest, below)


def _is_item(item: Any, step: str) -> bool:
    if step == ANY_ITEM:
        return True
    if step.startswith("v:"):
        return bool(item == msgspec.json.decode(step[2:]))
    keys = msgspec.json.decode(step[2:]) if step.startswith("k:") else {}
    return (
        isinstance(item, dict) and bool(keys) and all(item.get(name) == value for name, value in keys.items())
    )


def _same_item(found: Any, item: Any) -> bool:
    return isinstance(found, dict) and isinstance(item, dict) and found.get("name") == item.get("name")
