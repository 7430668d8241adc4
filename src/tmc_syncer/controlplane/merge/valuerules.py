"""Rules for one value: its type, and for strings, numbers and enums what may stand there.

Each function looks at one kind of rule and gives `Findings` with go-openapi's messages and match counts. An integer is a number, and a number without
a fraction is an integer; a string of a format passes as any type but a number. Patterns are Go's regular expressions, which are
translated to Python's; one that Python cannot read fails every value, and says so. Source: k8s.io/kube-openapi/pkg/validation/validate,
type.go, validator.go, values.go, formats.go. Pure; called by `validation`.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from tmc_syncer.controlplane.merge.findings import Finding, Findings, composite, finding
from tmc_syncer.controlplane.merge.formats import FORMATS, normalized
from tmc_syncer.controlplane.merge.gotext import go_number, quoted
from tmc_syncer.controlplane.schema.node import NO_RULES, Schema

__all__ = ["enum_findings", "format_findings", "number_findings", "string_findings", "type_findings"]

_PATTERNS_CACHED = 512
_NUMBERS = ("integer", "number")
_NUMBER_FORMATS = {"integer": ("int32", "int64"), "number": ("float", "double")}
_INT_RANGES = {"int32": 2**31, "": 2**63, "int64": 2**63}
_EXACT = 2**53  # beyond it a float does not tell integers apart
_EPSILON = 1e-9  # the tolerance of go-openapi
_LARGEST_FLOAT32 = 3.4028234663852886e38


def _one(error: Finding) -> Findings:
    return Findings([error])


def _types(schema: Schema) -> tuple[str, ...]:
    if schema.facts.int_or_string:
        return ("integer", "string")
    return (schema.facts.type,) if schema.facts.type else ()


def _format(schema: Schema) -> str:
    """The format, where kube-apiserver knows it for that type."""
    types, form = _types(schema), schema.facts.format
    kind = types[0] if len(types) == 1 else ""
    if kind in _NUMBER_FORMATS:
        return form if form in _NUMBER_FORMATS[kind] else ""
    return form if kind in ("", "string") and normalized(form) in FORMATS else ""


def _type_of(value: Any) -> tuple[str, str]:
    """The JSON type of a value, and the format that a number has."""
    if isinstance(value, bool):
        return "boolean", ""
    if isinstance(value, int):
        return "integer", "int64"
    if isinstance(value, float):
        return "number", "float64"
    if isinstance(value, str):
        return "string", ""
    return ("array", "") if isinstance(value, list) else ("object", "")


def type_findings(value: Any, schema: Schema, path: str) -> Findings:
    """Whether the value has one of the types."""
    types, form = _types(schema), _format(schema)
    words = ",".join(types)
    if value is None:
        if types and not schema.facts.nullable:
            return _one(_wrong_type(path, words, "null"))
        return Findings(passed=1)
    kind, its_form = _type_of(value)
    fits = (
        kind in types
        or (kind == "number" and "integer" in types and value.is_integer() and abs(value) < _EXACT)
        or (kind == "integer" and "number" in types)
    )
    if form and kind not in ("string", "array") and not (fits or its_form == form):
        return _one(_wrong_type(path, form, its_form))
    if form and kind in ("string", "array") and not any(number in types for number in _NUMBERS):
        return Findings(passed=1)
    return Findings(passed=1) if fits else _one(_wrong_type(path, words, kind))


def _wrong_type(path: str, wanted: str, found: str) -> Finding:
    return finding("type_invalid", path, f"must be of type {wanted}: {quoted(found)}", found)


def enum_findings(value: Any, schema: Schema, path: str) -> Findings:
    """Whether the value is one of those that are listed. Null never is."""
    allowed = schema.facts.enum
    if not allowed or (value is not None and any(_matches(value, item) for item in allowed)):
        return Findings()
    said = f"should be one of {list(allowed)}"
    return _one(finding("not_supported", path, said, (value, allowed)))


def _matches(value: Any, allowed: Any) -> bool:
    """Whether a value, converted to the type of the listed one as Go would, is that."""
    if isinstance(allowed, bool) or isinstance(value, bool):
        return value is allowed
    if isinstance(allowed, int):
        return isinstance(value, int | float) and int(value) == allowed
    return type(value) is type(allowed) and bool(value == allowed)


def format_findings(value: str, schema: Schema, path: str) -> Findings | None:
    """Whether the string has the format; None where there is none."""
    check = FORMATS.get(normalized(_format(schema)))
    if check is None:
        return None
    if check(value):
        return Findings()
    return _one(
        finding("type_invalid", path, f"must be of type {schema.facts.format}: {quoted(value)}", value)
    )


def string_findings(value: str, schema: Schema, path: str) -> Findings:
    """Whether the string has the right length and fits the pattern; the first rule that it breaks counts."""
    rules = schema.facts.rules or NO_RULES
    if rules.max_length is not None and len(value) > rules.max_length:
        said = f"should be at most {rules.max_length} chars long"
        return _one(finding("too_long", path, said, rules.max_length))
    if rules.min_length is not None and len(value) < rules.min_length:
        return _one(finding("invalid", path, f"should be at least {rules.min_length} chars long", value))
    if rules.pattern:
        compiled = _compiled(rules.pattern)
        if isinstance(compiled, str):
            said = f"should match '{rules.pattern}, but pattern is invalid: {compiled}'"
            return _one(finding("invalid", path, said, value))
        if not compiled.search(value):
            return _one(finding("invalid", path, f"should match '{rules.pattern}'", value))
    return Findings()


@functools.lru_cache(maxsize=_PATTERNS_CACHED)
def _compiled(pattern: str) -> re.Pattern[str] | str:
    """Go's pattern in Python, or what is wrong with it."""
    try:
        return re.compile(_translated(pattern), re.ASCII)
    except re.error as error:
        return str(error)


_TOKENS = re.compile(r"\\[pP]\{\w+\}|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\$", re.DOTALL)
_POSIX = {
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:space:]": r"\s",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:word:]": r"\w",
}


def _translated(pattern: str) -> str:
    """What Python writes in another way: the end of the text, and POSIX classes."""

    def token(match: re.Match[str]) -> str:
        found = match.group()
        if found in ("$", r"\z"):
            return r"\Z"
        if found.startswith("["):
            for name, characters in _POSIX.items():
                found = found.replace(name, characters)
        return found

    return _TOKENS.sub(token, pattern)


def number_findings(value: float, schema: Schema, path: str) -> Findings:
    """Whether the number is in the range of its type and within the limits."""
    rules, form = schema.facts.rules or NO_RULES, _format(schema)
    kind = schema.facts.type if schema.facts.type in _NUMBERS and not schema.facts.int_or_string else ""
    found = Findings()
    if not _in_range(value, kind, form):
        said = f"with format {form}" if form else "(default format)"
        found.add(composite(f"Checked value must be of type {kind} {said} in {path}"))
    if rules.multiple_of is not None:
        factor = _bound(value, rules.multiple_of)
        if factor <= 0:  # half of it, say, has no integral part
            said = f"factor MultipleOf declared for {path} must be positive: {go_number(factor)}"
            found.add(Finding("invalid", path, said, factor))
        elif not _is_multiple(value, factor):
            found.add(finding("invalid", path, f"should be a multiple of {go_number(factor)}", value))
    if rules.maximum is not None:
        limit = _bound(value, rules.maximum)
        if value > limit or (rules.exclusive_maximum and value == limit):
            words = "less than" if rules.exclusive_maximum else "less than or equal to"
            found.add(finding("invalid", path, f"should be {words} {go_number(limit)}", value))
    if rules.minimum is not None:
        limit = _bound(value, rules.minimum)
        if value < limit or (rules.exclusive_minimum and value == limit):
            words = "greater than" if rules.exclusive_minimum else "greater than or equal to"
            found.add(finding("invalid", path, f"should be {words} {go_number(limit)}", value))
    found.passed += 1
    return found


def _bound(value: float, limit: float) -> float:
    """The limit as the value's type has it: integers are compared with its integral part."""
    return int(limit) if isinstance(value, int) else float(limit)


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int):
        return value % factor == 0
    return _is_integral(1 / factor * value if factor < 1 else value / factor)


def _is_integral(value: float) -> bool:
    """Whether a quotient is an integer but for what binary fractions cost."""
    return abs(value) < _EXACT and abs(value - round(value)) <= _EPSILON * max(abs(value), 1.0)


def _in_range(value: float, kind: str, form: str) -> bool:
    if kind == "integer":
        limit = _INT_RANGES[form]
        return float(value).is_integer() and -limit <= value < limit
    return form != "float" or abs(value) <= _LARGEST_FLOAT32
