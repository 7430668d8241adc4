"""Rules of custom types in CEL (``x-kubernetes-validations``), evaluated where the CEL library is installed.

The library (cel-expr-python, the CEL project's own runtime) is optional: without it no rule is evaluated. A rule that
it cannot compile, because it uses what Kubernetes added to CEL (quantities, URLs, list and string functions,
optional values), is not evaluated either: `unevaluated` names those, so that a server can warn. Rules with ``oldSelf`` hold only for
updates. The cost limits of kube-apiserver are not simulated.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause

__all__ = ["Rule", "check_rules", "compile_rules", "unevaluated"]

Object = dict[str, Any]

MAX_RULES = 1000
"""Rules of one type; more are not evaluated."""

RULES = "x-kubernetes-validations"
ITEM, VALUE = "[*]", "{*}"
REASONS = ("FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule at a place of the schema; `path` has field names, ``[*]`` for items and ``{*}`` for values of a map."""

    path: tuple[str, ...]
    text: str
    message: str
    field: str
    reason: str
    expression: Any = None
    message_expression: Any = None

    @property
    def is_transition(self) -> bool:
        """Whether the rule compares with the old value."""
        return "oldSelf" in self.text


@cache
def _environment() -> Any:
    """The CEL environment, None without the library."""
    try:
        cel = importlib.import_module("cel_expr_python.cel")
    except ImportError:
        return None
    return cel.NewEnv(variables={"self": cel.Type.DYN, "oldSelf": cel.Type.DYN})


def compile_rules(structural: Object) -> tuple[Rule, ...]:
    """All rules of a schema, compiled where that is possible."""
    rules = []
    for rule in _declared(structural, ()):
        rules.append(rule)
        if len(rules) == MAX_RULES:
            break
    return tuple(rules)


def unevaluated(rules: tuple[Rule, ...]) -> list[str]:
    """The texts of the rules that cannot be evaluated."""
    return [rule.text for rule in rules if rule.expression is None]


def _declared(schema: Object, path: tuple[str, ...]) -> Iterator[Rule]:
    for entry in schema.get(RULES) or ():
        text = entry.get("rule", "")
        yield Rule(
            path,
            text,
            entry.get("message") or f"failed rule: {text}",
            entry.get("fieldPath", ""),
            entry.get("reason", "FieldValueInvalid"),
            _compiled(text),
            _compiled(entry.get("messageExpression", "")),
        )
    for name, child in (schema.get("properties") or {}).items():
        yield from _declared(child, (*path, name))
    for field, step in (("items", ITEM), ("additionalProperties", VALUE)):
        if isinstance(schema.get(field), dict):
            yield from _declared(schema[field], (*path, step))


def _compiled(text: str) -> Any:
    environment = _environment()
    if environment is None or not text:
        return None
    try:
        return environment.compile(text)
    except RuntimeError:
        return None


def check_rules(rules: tuple[Rule, ...], obj: Object, old: Object | None) -> list[Cause]:
    """The causes of the rules that an object breaks."""
    found: list[Cause] = []
    for rule in rules:
        if rule.expression is None or (rule.is_transition and old is None):
            continue
        for place, value, before in _places(rule.path, obj, old, ""):
            if not rule.is_transition or before is not None:
                found += _broken(rule, place, value, before)
    return found


def _places(path: tuple[str, ...], value: Any, old: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """The values that a rule is for, with their paths, and the old values where these can be told."""
    if not path:
        yield place, value, old
        return
    step, rest = path[0], path[1:]
    if step == ITEM and isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(rest, item, None, f"{place}[{number}]")
    elif step == VALUE and isinstance(value, dict):
        for key, item in value.items():
            before = old.get(key) if isinstance(old, dict) else None
            yield from _places(rest, item, before, f"{place}[{key}]")
    elif isinstance(value, dict) and value.get(step) is not None:
        before = old.get(step) if isinstance(old, dict) else None
        yield from _places(rest, value[step], before, f"{place}.{step}" if place else step)


def _broken(rule: Rule, place: str, value: Any, old: Any) -> list[Cause]:
    data = {"self": value} if old is None else {"self": value, "oldSelf": old}
    outcome = rule.expression.eval(data=data).value()
    if outcome is True:
        return []
    shown = _kind(value)
    where = f"{place}{rule.field}" if rule.field else place
    if outcome is not False:
        words = f"rule evaluation error: {outcome}: {rule.text}"
        return [Cause("FieldValueInvalid", f'Invalid value: "{shown}": {words}', where.lstrip("."))]
    message = rule.message
    if rule.message_expression is not None:
        said = rule.message_expression.eval(data=data).value()
        message = said if isinstance(said, str) else message
    reason = rule.reason if rule.reason in REASONS else "FieldValueInvalid"
    words = {
        "FieldValueForbidden": f"Forbidden: {message}",
        "FieldValueRequired": f"Required value: {message}",
    }.get(reason, f'Invalid value: "{shown}": {message}')
    return [Cause(reason, words, where.lstrip("."))]


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "object"
        case list():
            return "array"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case _:
            return "string"
