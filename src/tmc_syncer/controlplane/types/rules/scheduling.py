"""Where pods may run: affinities, tolerations, spread constraints.

Source: ``validateAffinity``, ``ValidateTolerations``, ``validateTopologySpreadConstraints``, ``ValidateNodeSelector``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import dns1123_label, dns1123_subdomain, label_key, label_value
from tmc_syncer.controlplane.types.rules.labels import check_selector

__all__ = ["EFFECTS", "check_affinity", "check_node_selector", "check_spread", "check_tolerations"]

Object = dict[str, Any]

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
INCLUSION = ("Honor", "Ignore")
WEIGHT_WORDS = "must be in the range 1-100"


def check_affinity(path: str, affinity: Object) -> list[Cause]:
    """The affinities of a pod."""
    found: list[Cause] = []
    node = affinity.get("nodeAffinity")
    if node:
        where = f"{path}.nodeAffinity"
        if REQUIRED in node:
            found += check_node_selector(f"{where}.{REQUIRED}", node[REQUIRED])
        for number, term in enumerate(node.get(PREFERRED) or ()):
            found += _check_weight(f"{where}.{PREFERRED}[{number}]", term)
            found += _check_term(f"{where}.{PREFERRED}[{number}].preference", term["preference"], loose=True)
    for name in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(name) or {}
        for number, term in enumerate(pods.get(REQUIRED) or ()):
            found += _check_pod_term(f"{path}.{name}.{REQUIRED}[{number}]", term)
        for number, term in enumerate(pods.get(PREFERRED) or ()):
            where = f"{path}.{name}.{PREFERRED}[{number}]"
            found += _check_weight(where, term)
            found += _check_pod_term(f"{where}.podAffinityTerm", term["podAffinityTerm"])
    return found


def _check_weight(path: str, term: Object) -> list[Cause]:
    weight = term.get("weight", 0)
    return [] if 0 < weight <= 100 else [causes.invalid(f"{path}.weight", weight, WEIGHT_WORDS)]


def check_node_selector(path: str, selector: Object) -> list[Cause]:
    """A node selector."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        words = "must have at least one node selector term"
        return [causes.required(f"{path}.nodeSelectorTerms", words)]
    found: list[Cause] = []
    for number, term in enumerate(terms):
        found += _check_term(f"{path}.nodeSelectorTerms[{number}]", term, loose=False)
    return found


def _check_term(path: str, term: Object, *, loose: bool) -> list[Cause]:
    found: list[Cause] = []
    for number, requirement in enumerate(term.get("matchExpressions") or ()):
        found += _check_expression(f"{path}.matchExpressions[{number}]", requirement, loose=loose)
    for number, requirement in enumerate(term.get("matchFields") or ()):
        found += _check_field(f"{path}.matchFields[{number}]", requirement)
    return found


def _check_expression(path: str, requirement: Object, *, loose: bool) -> list[Cause]:
    found: list[Cause] = []
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    match operator:
        case "In" | "NotIn":
            if not values:
                words = "must be specified when `operator` is 'In' or 'NotIn'"
                found.append(causes.required(f"{path}.values", words))
        case "Exists" | "DoesNotExist":
            if values:
                words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.append(causes.forbidden(f"{path}.values", words))
        case "Gt" | "Lt":
            if len(values) != 1:
                words = "must be specified single value when `operator` is 'Lt' or 'Gt'"
                found.append(causes.required(f"{path}.values", words))
        case _:
            found.append(causes.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    key = requirement.get("key", "")
    found += causes.wrong(f"{path}.key", key, label_key(key))
    if not loose:
        for number, value in enumerate(values):
            found += causes.wrong(f"{path}.values[{number}]", value, label_value(value))
    return found


def _check_field(path: str, requirement: Object) -> list[Cause]:
    found: list[Cause] = []
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    if operator not in ("In", "NotIn"):
        found.append(causes.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        words = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.append(causes.required(f"{path}.values", words))
    if requirement.get("key") != "metadata.name":
        key = requirement.get("key", "")
        return [*found, causes.invalid(f"{path}.key", key, "not a valid field selector key")]
    for number, value in enumerate(values):
        found += causes.wrong(f"{path}.values[{number}]", value, dns1123_subdomain(value))
    return found


def _check_pod_term(path: str, term: Object) -> list[Cause]:
    found = check_selector(f"{path}.labelSelector", term.get("labelSelector"))
    found += check_selector(f"{path}.namespaceSelector", term.get("namespaceSelector"))
    for name in term.get("namespaces") or ():
        found += causes.wrong(f"{path}.namespace", name, dns1123_label(name))
    match, mismatch = term.get("matchLabelKeys") or (), term.get("mismatchLabelKeys") or ()
    found += _check_label_keys(path, match, mismatch, term.get("labelSelector"))
    key = term.get("topologyKey", "")
    if not key:
        found.append(causes.required(f"{path}.topologyKey", "can not be empty"))
    return found + causes.wrong(f"{path}.topologyKey", key, label_key(key))


def _check_label_keys(
    path: str, match: Sequence[str], mismatch: Sequence[str], selector: Object | None
) -> list[Cause]:
    found: list[Cause] = []
    for field, keys in (("matchLabelKeys", match), ("mismatchLabelKeys", mismatch)):
        if keys and selector is None:
            words = "must not be specified when labelSelector is not set"
            found.append(causes.forbidden(f"{path}.{field}", words))
            continue
        for number, key in enumerate(keys):
            found += causes.wrong(f"{path}.{field}[{number}]", key, label_key(key))
    for number, key in enumerate(match):
        if key in mismatch:
            words = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.append(causes.invalid(f"{path}.matchLabelKeys[{number}]", key, words))
    return found


def check_tolerations(path: str, tolerations: Sequence[Object]) -> list[Cause]:
    """The tolerations of a pod."""
    found: list[Cause] = []
    for number, toleration in enumerate(tolerations):
        found += _check_toleration(f"{path}[{number}]", toleration)
    return found


def _check_toleration(path: str, toleration: Object) -> list[Cause]:
    found: list[Cause] = []
    key, operator, value, effect = (
        toleration.get(name, "") for name in ("key", "operator", "value", "effect")
    )
    if key:
        found += causes.wrong(f"{path}.key", key, label_key(key))
    elif operator != "Exists":
        words = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        found.append(causes.invalid(f"{path}.operator", operator, words))
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        words = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        found.append(causes.invalid(f"{path}.effect", effect, words))
    if operator in ("Equal", ""):
        if wrong := label_value(value):
            found.append(causes.invalid(f"{path}.operator", value, ";".join(wrong)))
    elif operator == "Exists":
        if value:
            words = "value must be empty when `operator` is 'Exists'"
            found.append(causes.invalid(f"{path}.operator", value, words))
    elif operator in ("Lt", "Gt"):
        supported = ("Equal", "Exists", "Lt", "Gt")
        found.append(causes.not_supported(f"{path}.operator", operator, supported))
    else:
        found.append(causes.not_supported(f"{path}.operator", operator, ("Equal", "Exists")))
    if effect and effect not in EFFECTS:
        found.append(causes.not_supported(f"{path}.effect", effect, EFFECTS))
    return found


def check_spread(path: str, constraints: Sequence[Object]) -> list[Cause]:
    """The spread constraints of a pod."""
    found: list[Cause] = []
    for number, constraint in enumerate(constraints):
        found += _check_constraint(f"{path}[{number}]", constraint, constraints[number + 1 :])
    return found


def _check_constraint(path: str, constraint: Object, later: Sequence[Object]) -> list[Cause]:
    found: list[Cause] = []
    skew, key, action = (constraint.get(name) for name in ("maxSkew", "topologyKey", "whenUnsatisfiable"))
    if not skew or skew < 0:
        found.append(causes.invalid(f"{path}.maxSkew", skew or 0, "must be greater than zero"))
    if not key:
        found.append(causes.required(f"{path}.topologyKey", "can not be empty"))
    if action not in UNSATISFIABLE:
        found.append(causes.not_supported(f"{path}.whenUnsatisfiable", action or "", UNSATISFIABLE))
    if any((other.get("topologyKey"), other.get("whenUnsatisfiable")) == (key, action) for other in later):
        where = f"{path}.{{topologyKey, whenUnsatisfiable}}"
        found.append(causes.duplicate(where, f"{{{key}, {action}}}"))
    domains = constraint.get("minDomains")
    if domains is not None:
        if domains <= 0:
            found.append(causes.invalid(f"{path}.minDomains", domains, "must be greater than zero"))
        if action != "DoNotSchedule":
            words = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
            found.append(causes.invalid(f"{path}.minDomains", domains, words))
    for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        policy = constraint.get(field)
        if policy is not None and policy not in INCLUSION:
            found.append(causes.not_supported(f"{path}.{field}", policy, INCLUSION))
    selector = constraint.get("labelSelector")
    found += _check_label_keys(path, constraint.get("matchLabelKeys") or (), (), selector)
    return found + check_selector(f"{path}.labelSelector", selector)
