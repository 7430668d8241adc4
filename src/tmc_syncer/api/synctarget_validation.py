"""What is wrong with a SyncTarget's spec, in sentences that name the field: beyond what the CRD's schema holds.

`check_spec` decodes and checks; it never raises. A *fatal* problem means that the spec must not come into force
(the last good one stays, condition ``SpecValid=False``); the others are warnings about fields without effect.
The schema holds most of this on the server too. It is checked again here because a CRD may be older than the
agent, and because some rules (types that are never synced, selectors, paths) are not expressible there.

Messages name values of the spec only; a spec holds no secrets. Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.fieldpath import parse_field_path
from tmc_syncer.api.resources import parse_resource_argument
from tmc_syncer.api.synctarget_spec import (
    Assignment,
    ConflictPolicy,
    FieldRule,
    FinalizerPolicy,
    LabelSelector,
    NamespaceNaming,
    PodSecurity,
    Propagation,
    RemovalPolicy,
    Rule,
    SupportedResource,
    SyncTargetSpec,
)

__all__ = ["FIELD_RULE_LIMIT", "RESOURCE_LIMIT", "SpecProblem", "check_spec", "refusal_of_type"]

RESOURCE_LIMIT = 256
"""Types of one target: each costs two watches."""
FIELD_RULE_LIMIT = 256
"""Field rules of one target: each is looked at for each object of its type."""
_PROBLEM_LIMIT = 20  # a condition's message has room for a few sentences


@dataclass(frozen=True, slots=True)
class SpecProblem:
    """One thing that is wrong: `field` is a path such as ``spec.fieldRules[0].path``."""

    field: str
    message: str
    hint: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.field}: {self.message} {self.hint}".strip()


# Types that are never synced as such, and why (semantics.md, Names downstream).
_NEVER = {
    ("", "namespaces"): "namespaces are mapped, one for each synced object's namespace",
    ("", "events"): "events are mirrored by their own rules",
    ("events.k8s.io", "events"): "events are mirrored by their own rules",
    ("coordination.k8s.io", "leases"): "leases are locks of the cluster that they stand in",
    ("", "nodes"): "nodes belong to their own cluster",
    ("", "endpoints"): "the target's own controllers make them from the synced Services",
    ("", "bindings"): "bindings only exist as requests",
}
_NEVER_GROUPS = {
    "workload.kcp.io": "it is the syncer's own API",
    "apis.kcp.io": "it is kcp's own API",
    "core.kcp.io": "it is kcp's own API",
    "tenancy.kcp.io": "it is kcp's own API",
    "topology.kcp.io": "it is kcp's own API",
    "authentication.k8s.io": "its objects only exist as requests",
    "authorization.k8s.io": "its objects only exist as requests",
}
# Types that grant power over the target; only a trusted workspace may bring them.
_TRUSTED_GROUPS = ("rbac.authorization.k8s.io", "apiextensions.k8s.io")

_CHOICES: dict[str, type[StrEnum]] = {
    "assignment": Assignment,
    "finalizers": FinalizerPolicy,
    "propagation": Propagation,
    "onRemoval": RemovalPolicy,
    "namespaceNaming": NamespaceNaming,
    "podSecurity": PodSecurity,
    "conflictPolicy": ConflictPolicy,
    "rule": Rule,
}
_KNOWN_FIELDS = tuple(field.encode_name for field in msgspec.structs.fields(SyncTargetSpec))
_OPERATORS_WITH_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}
_LABEL_NAME = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_WORKSPACE = re.compile(r"[a-z0-9*]([a-z0-9:*-]{0,251}[a-z0-9*])?")
_PATH_ROOTS_REFUSED = ("f:apiVersion", "f:kind", "f:status")
_METADATA_ALLOWED = (("f:labels",), ("f:annotations",))
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?", re.DOTALL)


def check_spec(raw: bytes | msgspec.Raw | None) -> tuple[SyncTargetSpec | None, tuple[SpecProblem, ...]]:
    """The spec in `raw` (JSON) and its problems, fatal ones first; the spec is None when one is fatal."""
    if raw is None:
        return None, (SpecProblem("spec", "it is missing.", "Give at least spec.supportedAPIResources."),)
    try:
        spec = msgspec.json.decode(raw, type=SyncTargetSpec)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, (_decode_problem(str(error)),)
    problems = sorted(
        (problem for check in _CHECKS for problem in check(spec)), key=lambda found: not found.fatal
    )
    fatal = bool(problems) and problems[0].fatal
    return (None if fatal else spec), tuple(problems[:_PROBLEM_LIMIT])


def refusal_of_type(resource: SupportedResource) -> str:
    """Why that type cannot be synced as listed; '' when it can."""
    group = resource.group
    if reason := _NEVER.get((group, resource.resource)) or _NEVER_GROUPS.get(group):
        return f"{resource.gvr.group_resource} is never synced: {reason}."
    if group in _TRUSTED_GROUPS and not resource.cluster_scoped:
        return (
            f"{resource.gvr.group_resource} gives power over the target; it is synced only with "
            "clusterScoped: true, which says that the workspace is trusted."
        )
    return ""


def _decode_problem(text: str) -> SpecProblem:
    found = _AT.fullmatch(text)
    assert found is not None
    what, path = found["what"], found["path"] or ""
    field = f"spec{path}"
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        return _unknown_field(field, unknown[1])
    if missing := re.fullmatch(r"Object missing required field `(.*)`", what):
        return SpecProblem(f"{field}.{missing[1]}", "it is missing.")
    if what.startswith("Invalid enum value"):
        kind = _CHOICES[path.rpartition(".")[2]]
        return SpecProblem(field, f"{what[len('Invalid enum value ') :]} is no such value.", _one_of(kind))
    if what.startswith("Expected"):
        return SpecProblem(field, f"{what[0].lower()}{what[1:].replace('`', '')}.")
    return SpecProblem(field, "it is not JSON.")


def _unknown_field(parent: str, name: str) -> SpecProblem:
    near = difflib.get_close_matches(name, _KNOWN_FIELDS, 1) if parent == "spec" else []
    hint = (
        f"Did you mean {near[0]}?"
        if near
        else "A newer version of tmc-syncer may know it: upgrade this agent."
    )
    return SpecProblem(f"{parent}.{name}", "this version of the syncer knows no such field.", hint)


def _one_of(kind: type[StrEnum]) -> str:
    values = [str(value) for value in kind]
    return f"Use {values[0]}." if len(values) == 1 else f"Use {', '.join(values[:-1])} or {values[-1]}."


def _check_resources(spec: SyncTargetSpec) -> Iterator[SpecProblem]:
    seen: set[tuple[str, str]] = set()
    if len(spec.supported_api_resources) > RESOURCE_LIMIT:
        yield SpecProblem("spec.supportedAPIResources", f"it lists more than {RESOURCE_LIMIT} types.")
    for index, entry in enumerate(spec.supported_api_resources[:RESOURCE_LIMIT]):
        field = f"spec.supportedAPIResources[{index}]"
        if not _is_type(entry):
            yield SpecProblem(
                field,
                f"{str(entry.gvr)!r} is not a resource type.",
                "resource is the lower-case plural, group and version as in apiVersion.",
            )
        elif (entry.group, entry.resource) in seen:
            yield SpecProblem(
                field, f"{entry.gvr.group_resource} is listed twice.", "One type is synced in one version."
            )
        elif refusal := refusal_of_type(entry):
            yield SpecProblem(field, refusal)
        seen.add((entry.group, entry.resource))


def _is_type(entry: SupportedResource) -> bool:
    try:
        return parse_resource_argument(str(entry.gvr)) == entry.gvr
    except UsageError:
        return False


def _check_selectors(spec: SyncTargetSpec) -> Iterator[SpecProblem]:
    yield from _check_selector("spec.selector", spec.selector)
    yield from _check_selector("spec.namespaceSelector", spec.namespace_selector)


def _check_selector(field: str, selector: LabelSelector) -> Iterator[SpecProblem]:
    for name, value in sorted(selector.match_labels.items()):
        yield from _check_label(f"{field}.matchLabels", name, (value,))
    for index, entry in enumerate(selector.match_expressions):
        where = f"{field}.matchExpressions[{index}]"
        wants_values = _OPERATORS_WITH_VALUES.get(entry.operator)
        if wants_values is None:
            yield SpecProblem(
                f"{where}.operator",
                f"{entry.operator!r} is not a selector operator.",
                "Use In, NotIn, Exists or DoesNotExist.",
            )
        elif wants_values != bool(entry.values):
            word = "needs" if wants_values else "takes no"
            yield SpecProblem(f"{where}.values", f"operator {entry.operator} {word} values.")
        yield from _check_label(where, entry.key, entry.values)


def _check_label(field: str, name: str, values: tuple[str, ...]) -> Iterator[SpecProblem]:
    if not _LABEL_NAME.fullmatch(name):
        yield SpecProblem(field, f"{name!r} is not the name of a label.")
    for value in values:
        if not _LABEL_VALUE.fullmatch(value):
            yield SpecProblem(field, f"{value!r} is not a value that a label can have.")


def _check_evict_after(spec: SyncTargetSpec) -> Iterator[SpecProblem]:
    if spec.evict_after is None:
        return
    try:
        valid = _RFC3339.fullmatch(spec.evict_after) is not None
        datetime.fromisoformat(spec.evict_after.upper())
    except ValueError:
        valid = False
    if not valid:
        yield SpecProblem(
            "spec.evictAfter",
            f"{spec.evict_after!r} is not a time.",
            "Write RFC 3339, for example 2030-01-31T12:00:00Z.",
        )


def _check_workspaces(spec: SyncTargetSpec) -> Iterator[SpecProblem]:
    for index, name in enumerate(spec.allowed_workspaces.names if spec.allowed_workspaces else ()):
        if not _WORKSPACE.fullmatch(name):
            yield SpecProblem(
                f"spec.allowedWorkspaces.names[{index}]",
                f"{name!r} is not the name of a logical cluster.",
                "Write its name, with * for any text.",
            )


def _check_field_rules(spec: SyncTargetSpec) -> Iterator[SpecProblem]:
    listed = {(entry.group, entry.resource) for entry in spec.supported_api_resources}
    rules: dict[tuple[str, str, tuple[str, ...]], Rule] = {}
    if len(spec.field_rules) > FIELD_RULE_LIMIT:
        yield SpecProblem("spec.fieldRules", f"it has more than {FIELD_RULE_LIMIT} rules.")
    for index, rule in enumerate(spec.field_rules[:FIELD_RULE_LIMIT]):
        field = f"spec.fieldRules[{index}]"
        steps, problem = _rule_path(field, rule)
        if problem is not None:
            yield problem
            continue
        earlier = rules.setdefault((rule.group, rule.resource, steps), rule.rule)
        if earlier is not rule.rule:
            yield SpecProblem(f"{field}.rule", f"an earlier rule says {earlier} for {rule.path}.")
        if (rule.group, rule.resource) not in listed:
            name = f"{rule.resource}.{rule.group}" if rule.group else rule.resource
            yield SpecProblem(
                field, f"{name} is not in supportedAPIResources, the rule has no effect.", fatal=False
            )


def _rule_path(field: str, rule: FieldRule) -> tuple[tuple[str, ...], SpecProblem | None]:
    try:
        steps = parse_field_path(rule.path)
    except UsageError as error:
        return (), SpecProblem(f"{field}.path", error.message, error.hint)
    if steps[0] in _PATH_ROOTS_REFUSED or (steps[0] == "f:metadata" and steps[1:2] not in _METADATA_ALLOWED):
        return (), SpecProblem(
            f"{field}.path",
            f"{rule.path} is not for rules.",
            "Rules are for labels, annotations, spec and data; identity and status have their own.",
        )
    return steps, None


_CHECKS: tuple[Callable[[SyncTargetSpec], Iterator[SpecProblem]], ...] = (
    _check_resources,
    _check_selectors,
    _check_evict_after,
    _check_workspaces,
    _check_field_rules,
)
