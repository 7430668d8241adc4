"""Label selectors: parsing of the text form, matching, and the text to send to a server.

The text form is the one of kubectl's ``-l``: equality (``a=b``, ``a==b``, ``a!=b``), sets (``a in (b,c)``,
``a notin (b)``), existence (``a``, ``!a``), joined by commas. `from_match` reads the structured form of a
``labelSelector`` in an API object. As in Kubernetes, ``!=`` and ``notin`` also match objects without the
label. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tmc_syncer.api.errors import UsageError

__all__ = ["EVERYTHING", "Requirement", "Selector", "from_match", "parse_selector"]

_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY = rf"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}"
_VALUE = rf"({_NAME})?"
_FORMS = (
    (re.compile(rf"(?P<key>{_KEY})\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)"), None),
    (re.compile(rf"(?P<key>{_KEY})\s*(?P<op>==|=|!=)\s*(?P<values>{_VALUE})"), None),
    (re.compile(rf"(?P<key>{_KEY})"), "exists"),
    (re.compile(rf"!\s*(?P<key>{_KEY})"), "!"),
)
_VALUE_RE = re.compile(_VALUE)
_SPLIT = re.compile(r",(?![^(]*\))")
_OPERATORS = {"=": "in", "==": "in", "!=": "notin"}
_STRUCTURED = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: `operator` is ``in``, ``notin``, ``exists`` or ``!``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy this term."""
        match self.operator:
            case "in":
                return labels.get(self.key) in self.values
            case "notin":
                return self.key not in labels or labels[self.key] not in self.values
            case "exists":
                return self.key in labels
            case _:
                return self.key not in labels

    def __str__(self) -> str:
        match self.operator:
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case "exists":
                return self.key
            case _:
                return f"!{self.key}"


@dataclass(frozen=True, slots=True)
class Selector:
    """All requirements must hold; none at all selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        present = labels or {}
        return all(requirement.matches(present) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING = Selector()


def parse_selector(text: str) -> Selector:
    """Read the text form. Raises `UsageError` naming the term that cannot be read."""
    if not text.strip():
        return EVERYTHING
    return Selector(tuple(_parse_term(term.strip()) for term in _SPLIT.split(text)))


def from_match(match_labels: Mapping[str, str], match_expressions: list[Mapping[str, object]]) -> Selector:
    """Build a selector from ``matchLabels`` and ``matchExpressions``.

    Raises `UsageError` on an expression that an API server would refuse: no key, an unknown operator, values
    where there must be none, or none where there must be some.
    """
    terms = [Requirement(key, "in", (value,)) for key, value in sorted(match_labels.items())]
    return Selector((*terms, *map(_from_expression, match_expressions)))


def _from_expression(expression: Mapping[str, object]) -> Requirement:
    key, operator = expression.get("key"), _STRUCTURED.get(str(expression.get("operator")))
    if operator is None or not isinstance(key, str):
        raise UsageError(
            f"{expression.get('operator')!r} of {key!r} is not a selector operator.",
            hint="Give a key and one of In, NotIn, Exists and DoesNotExist.",
        )
    given = expression.get("values") or ()
    values = tuple(str(value) for value in given) if isinstance(given, list | tuple) else ()
    if bool(values) != (operator in ("in", "notin")):
        raise UsageError(
            f"The selector expression for {key!r} has {'' if values else 'no '}values.",
            hint="In and NotIn need at least one value, Exists and DoesNotExist have none.",
        )
    return Requirement(key, operator, values)


def _parse_term(term: str) -> Requirement:
    for pattern, fixed in _FORMS:
        if found := pattern.fullmatch(term):
            if fixed is not None:
                return Requirement(found["key"], fixed)
            values = tuple(value.strip() for value in found["values"].split(","))
            if all(_VALUE_RE.fullmatch(value) for value in values):
                return Requirement(found["key"], _OPERATORS.get(found["op"], found["op"]), values)
    raise UsageError(
        f"{term!r} is not a label selector.",
        hint="Write for example team=shop, team!=shop, team in (a,b), team or !team.",
    )
