"""When a Job ends before its time: the rules of its pod failure policy and of its success policy.

Source: ``pkg/apis/batch/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import label_key
from tmc_syncer.controlplane.types.rules.indexes import WrongIndexes, count_indexes
from tmc_syncer.controlplane.types.rules.numbers import check_counters

__all__ = ["check_failure_policy", "check_success_policy"]

Object = dict[str, Any]

ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
MAX_RULES = 20
MAX_EXIT_CODES = 255


def check_failure_policy(path: str, spec: Object) -> list[Cause]:
    """The rules by which a Job fails early; `path` is that of the rules."""
    rules = spec["podFailurePolicy"].get("rules") or []
    found = [causes.too_many(path, len(rules), MAX_RULES)] if len(rules) > MAX_RULES else []
    pod = spec["template"]["spec"]
    names = {
        container.get("name")
        for field in ("containers", "initContainers")
        for container in pod.get(field) or ()
    }
    for number, rule in enumerate(rules):
        found += _check_failure_rule(f"{path}[{number}]", rule, spec, names)
    return found


def _check_failure_rule(path: str, rule: Object, spec: Object, names: set[Any]) -> list[Cause]:
    found: list[Cause] = []
    action, codes, conditions = (
        rule.get("action", ""),
        rule.get("onExitCodes"),
        rule.get("onPodConditions") or [],
    )
    if not action:
        listed = " ".join(f'"{known}"' for known in ACTIONS)
        found.append(causes.required(f"{path}.action", f"valid values: [{listed}]"))
    elif action == "FailIndex":
        if "backoffLimitPerIndex" not in spec:
            words = "requires the backoffLimitPerIndex to be set"
            found.append(causes.invalid(f"{path}.action", action, words))
    elif action not in ACTIONS:
        found.append(causes.not_supported(f"{path}.action", action, ACTIONS))
    if codes is not None:
        found += _check_exit_codes(f"{path}.onExitCodes", codes, names)
    for number, pattern in enumerate(conditions):
        where, kind = f"{path}.onPodConditions[{number}]", pattern.get("type", "")
        found += causes.wrong(f"{where}.type", kind, label_key(kind))
        if pattern.get("status") not in ("True", "False", "Unknown"):
            supported = ("False", "True", "Unknown")
            found.append(causes.not_supported(f"{where}.status", pattern.get("status", ""), supported))
    if codes is not None and conditions:
        words = "specifying both OnExitCodes and OnPodConditions is not supported"
        found.append(causes.invalid(path, causes.OMITTED, words))
    if codes is None and not conditions:
        words = "specifying one of OnExitCodes and OnPodConditions is required"
        found.append(causes.invalid(path, causes.OMITTED, words))
    return found


def _check_exit_codes(path: str, codes: Object, names: set[Any]) -> list[Cause]:
    found: list[Cause] = []
    operator, values = codes.get("operator", ""), codes.get("values")
    if not operator:
        found.append(causes.required(f"{path}.operator", 'valid values: ["In" "NotIn"]'))
    elif operator not in ("In", "NotIn"):
        found.append(causes.not_supported(f"{path}.operator", operator, ("In", "NotIn")))
    name = codes.get("containerName")
    if name is not None and name not in names:
        words = "must be one of the container or initContainer names in the pod template"
        found.append(causes.invalid(f"{path}.containerName", name, words))
    if not values:
        found.append(causes.invalid(f"{path}.values", values, "at least one value is required"))
        return found
    if len(values) > MAX_EXIT_CODES:
        found.append(causes.too_many(f"{path}.values", len(values), MAX_EXIT_CODES))
    for number, value in enumerate(values):
        if operator == "In" and value == 0:
            words = "must not be 0 for the In operator"
            found.append(causes.invalid(f"{path}.values[{number}]", value, words))
        if value in values[:number]:
            found.append(causes.duplicate(f"{path}.values[{number}]", value))
    if sorted(values) != values:
        found.append(causes.invalid(f"{path}.values", values, "must be ordered"))
    return found


def check_success_policy(path: str, spec: Object) -> list[Cause]:
    """The rules by which a Job succeeds early."""
    if spec.get("completionMode") != "Indexed":
        shown = {"Rules": spec["successPolicy"].get("rules")}
        return [causes.invalid(path, shown, "requires indexed completion mode")]
    rules = spec["successPolicy"].get("rules") or []
    if not rules:
        words = "at least one rules must be specified when the successPolicy is specified"
        return [causes.required(f"{path}.rules", words)]
    found = [causes.too_many(f"{path}.rules", len(rules), MAX_RULES)] if len(rules) > MAX_RULES else []
    for number, rule in enumerate(rules):
        found += _check_success_rule(f"{path}.rules[{number}]", rule, spec.get("completions") or 0)
    return found


def _check_success_rule(path: str, rule: Object, completions: int) -> list[Cause]:
    indexes, wanted = rule.get("succeededIndexes"), rule.get("succeededCount")
    if indexes is None and wanted is None:
        words = "at least one of succeededCount or succeededIndexes must be specified"
        return [causes.required(path, words)]
    found: list[Cause] = []
    total = 0
    if indexes is not None:
        try:
            total = count_indexes(indexes, completions)
        except WrongIndexes as error:
            words = f"error parsing succeededIndexes: {error}"
            found.append(causes.invalid(f"{path}.succeededIndexes", indexes, words))
    if wanted is not None:
        found += check_counters(path, rule, ("succeededCount",))
        for limit, named in (
            (completions, "specified completions"),
            (total, "indexes in the specified succeededIndexes field"),
        ):
            if wanted > limit and (limit == completions or indexes is not None):
                words = f"must be less than or equal to {limit} (the number of {named})"
                found.append(causes.invalid(f"{path}.succeededCount", wanted, words))
    return found
