"""Whether a custom resource keeps to the structural schema of its CRD: types, required fields, limits, combinations, keys of lists.

`validate` gives the causes that kube-apiserver would, except for rules in CEL. With the object as it was, errors in parts that did not change
are forgiven (ratcheting), so that a schema may become stricter. Errors of a combination (allOf, anyOf, oneOf, not) have no field, and come with
those of the alternative that fitted best: the one with the most checks passed, counted as go-openapi does.

To be called with the pruned and defaulted object. Values are the matter of `valuerules`, keys of lists of `listrules`, embedded resources of
`embedding`. Source: k8s.io/kube-openapi/pkg/validation/validate and k8s.io/apiextensions-apiserver/pkg/apiserver/validation. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.controlplane.merge.correlation import correlated_field, correlated_item, settled
from tmc_syncer.controlplane.merge.embedding import embedded_causes
from tmc_syncer.controlplane.merge.findings import Finding, Findings, composite, finding
from tmc_syncer.controlplane.merge.listrules import list_causes
from tmc_syncer.controlplane.merge.valuerules import (
    enum_findings,
    format_findings,
    number_findings,
    string_findings,
    type_findings,
)
from tmc_syncer.controlplane.schema.node import ABSENT, NO_RULES, Rules, Schema
from tmc_syncer.controlplane.server.errors import Cause

__all__ = ["validate"]

_TYPES = frozenset({"apiVersion", "kind"})


def validate(
    obj: dict[str, Any], schema: Schema | None, old: dict[str, Any] | None = None, *, subresource: str = ""
) -> list[Cause]:
    """What is wrong with a custom resource; nothing with an object of another type.

    Args:
        obj: the object as it would be stored.
        schema: the node of its type.
        old: the object as it is stored, for updates.
        subresource: ``status`` when only the status is written, which is then all that is looked at.
    """
    if schema is None or schema.structural is None:
        return []
    root, value, under = schema.structural, obj, ""
    before: Any = ABSENT if old is None else old
    if subresource == "status":
        child = root.mapping.fields.get("status") if root.mapping else None
        if child is None or "status" not in obj:
            return []
        root, value, under = child, obj["status"], "status"
        before = ABSENT if old is None else old.get("status")
    found = [finding_.cause(under) for finding_ in _value(value, root, "", before).errors]
    lists = list_causes(obj, schema.structural)
    if old is not None and lists and list_causes(old, schema.structural):
        lists = []
    return [*found, *(embedded_causes(obj, schema.structural) if not under else []), *lists]


def _value(value: Any, schema: Schema, path: str, old: Any = ABSENT) -> Findings:
    """All that is wrong with a value. `old` is what it was, ABSENT where that is unknown."""
    found = Findings()
    if value is None:
        found.merge(type_findings(value, schema, path))
        found.merge(enum_findings(value, schema, path))
    else:
        for check in _CHECKS:
            result = check(value, schema, path, old)
            if result is not None:
                found.merge(result)
                found.passed += 1
        found.passed += 1
    if found.errors and old is not ABSENT and settled(old, value, schema):
        return Findings(passed=found.passed)
    return found


def _types(value: Any, schema: Schema, path: str, _: Any) -> Findings | None:
    applies = schema.facts.type or schema.facts.int_or_string or schema.facts.format
    return type_findings(value, schema, path) if applies else None


def _combinations(value: Any, schema: Schema, path: str, _: Any) -> Findings:
    found, rules = Findings(), schema.facts.rules or NO_RULES
    if rules.any_of:
        found.merge(_any_of(value, rules, path))
    if rules.one_of:
        found.merge(_one_of(value, rules, path))
    if rules.all_of:
        results = [_value(value, alternative, path) for alternative in rules.all_of]
        for result in results:
            found.merge(result)
        failed = sum(1 for result in results if result.errors)
        if failed:
            why = ". None validated" if failed == len(results) else ""
            found.add(composite(f'"{path}" must validate all the schemas (allOf){why}'))
    if rules.none_of is not None and not _value(value, rules.none_of, path).errors:
        found.add(composite(f'"{path}" must not validate the schema (not)'))
    found.passed += 1
    return found


def _best(results: list[Findings]) -> Findings:
    """The failure with the most checks passed, the first of these."""
    return max(results, key=lambda result: result.passed)


def _any_of(value: Any, rules: Rules, path: str) -> Findings:
    failures: list[Findings] = []
    for alternative in rules.any_of:
        result = _value(value, alternative, path)
        if not result.errors:
            return result
        failures.append(result)
    found = Findings()
    found.add(composite(f'"{path}" must validate at least one schema (anyOf)'))
    found.merge(_best(failures))
    return found


def _one_of(value: Any, rules: Rules, path: str) -> Findings:
    results = [_value(value, alternative, path) for alternative in rules.one_of]
    valid = [result for result in results if not result.errors]
    if len(valid) == 1:
        return valid[0]
    found = Findings()
    why = f"Found {len(valid)} valid alternatives" if valid else "Found none valid"
    found.add(composite(f'"{path}" must validate one and only one schema (oneOf). {why}'))
    if not valid:
        found.merge(_best(results))
    return found


def _strings(value: Any, schema: Schema, path: str, _: Any) -> Findings | None:
    return string_findings(value, schema, path) if isinstance(value, str) else None


def _formats(value: Any, schema: Schema, path: str, _: Any) -> Findings | None:
    return format_findings(value, schema, path) if isinstance(value, str) else None


def _numbers(value: Any, schema: Schema, path: str, _: Any) -> Findings | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number_findings(value, schema, path) if is_number else None


def _enums(value: Any, schema: Schema, path: str, _: Any) -> Findings:
    return enum_findings(value, schema, path)


def _items(value: Any, schema: Schema, path: str, old: Any) -> Findings | None:
    if not isinstance(value, list):
        return None
    found, rules = Findings(), schema.facts.rules or NO_RULES
    array = schema.array
    if array is not None and array.declared:
        for index, item in enumerate(value):
            before = correlated_item(old, item, array)
            found.merge(_value(item, array.items, f"{path}[{index}]", before))
    count = len(value)
    if rules.min_items is not None and count < rules.min_items:
        found.add(finding("invalid", path, f"should have at least {rules.min_items} items", count))
    if rules.max_items is not None and count > rules.max_items:
        said = f"should have at most {rules.max_items} items"
        found.add(finding("too_many", path, said, (count, rules.max_items)))
    if rules.unique_items and any(item in value[:index] for index, item in enumerate(value)):
        found.add(finding("invalid", path, "shouldn't contain duplicates", ""))
    found.passed += 1
    return found


def _objects(value: Any, schema: Schema, path: str, old: Any) -> Findings | None:
    if not isinstance(value, dict):
        return None
    found, rules = Findings(), schema.facts.rules or NO_RULES
    mapping, count = schema.mapping, len(value)
    if rules.min_properties is not None and count < rules.min_properties:
        found.add(finding("invalid", path, f"should have at least {rules.min_properties} properties", count))
    if rules.max_properties is not None and count > rules.max_properties:
        said = f"should have at most {rules.max_properties} properties"
        found.add(finding("too_many", path, said, (count, rules.max_properties)))
    if mapping is not None:
        for name, item in value.items():
            if name in mapping.fields:
                child, at = mapping.fields[name], f"{path}.{name}" if path else name
            elif isinstance(mapping.additional, Schema):
                child, at = mapping.additional, f"{path}.{name}"
            else:
                if mapping.additional is False:
                    found.add(
                        Finding("invalid", path, f"{path}.{name} in body is a forbidden property", name)
                    )
                continue
            before = ABSENT if not path and name in _TYPES else correlated_field(old, name)
            found.merge(_value(item, child, at, before))
    for name in schema.facts.required:
        if name not in value:
            found.add(finding("required", f"{path}.{name}", "is required", ""))
    return found


_Check = Callable[[Any, Schema, str, Any], Findings | None]
_CHECKS: tuple[_Check, ...] = (_types, _combinations, _strings, _formats, _numbers, _items, _enums, _objects)
