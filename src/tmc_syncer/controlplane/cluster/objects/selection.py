"""Selectors inside objects: label selectors, the plain maps of Services, and node selector terms.

`matches` reads a LabelSelector (``matchLabels`` and ``matchExpressions``), where None selects nothing and an empty one
everything; `contains` is the plain form; `terms_match` reads the terms of a node affinity, which are alternatives and know ``Gt``
and ``Lt`` too. What the API server would have refused matches nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["contains", "is_empty", "matches", "terms_match"]

Object = dict[str, Any]
Labels = Mapping[str, str]


def contains(wanted: Labels, labels: Labels | None) -> bool:
    """Whether all these labels are there."""
    present = labels or {}
    return all(present.get(name) == value for name, value in wanted.items())


def is_empty(selector: Object | None) -> bool:
    """Whether a selector has no term at all."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))


def matches(selector: Object | None, labels: Labels | None) -> bool:
    """Whether a LabelSelector selects these labels."""
    if selector is None:
        return False
    return contains(selector.get("matchLabels") or {}, labels) and _all(
        selector.get("matchExpressions") or (), labels or {}
    )


def terms_match(terms: Sequence[Object], labels: Labels, fields: Labels) -> bool:
    """Whether one of the terms of a node selector selects a node; a term that says nothing selects none."""
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and _all(term.get("matchExpressions") or (), labels)
        and _all(term.get("matchFields") or (), fields)
        for term in terms
    )


def _all(expressions: Sequence[Object], labels: Labels) -> bool:
    return all(_holds(expression, labels) for expression in expressions)


def _holds(expression: Object, labels: Labels) -> bool:
    test = _OPERATORS.get(expression.get("operator", ""))
    return test is not None and test(labels.get(expression.get("key", "")), expression.get("values") or ())


def _ordered(value: str | None, values: Sequence[str], *, greater: bool) -> bool:
    try:
        present, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return present > bound if greater else present < bound


_OPERATORS: dict[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "NotIn": lambda value, values: value not in values,
    "Exists": lambda value, _: value is not None,
    "DoesNotExist": lambda value, _: value is None,
    "Gt": lambda value, values: _ordered(value, values, greater=True),
    "Lt": lambda value, values: _ordered(value, values, greater=False),
}
