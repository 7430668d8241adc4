"""Labels, annotations and label selectors, wherever they stand in an object.

Source: ``k8s.io/apimachinery/pkg/apis/meta/v1/validation``. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import label_key, label_value

__all__ = ["check_annotations", "check_labels", "check_selector", "matches"]

MAX_ANNOTATION_BYTES = 256 * 1024
"""Keys and values of all annotations of one object."""

_WITH_VALUES = ("In", "NotIn")
_WITHOUT_VALUES = ("Exists", "DoesNotExist")


def check_labels(path: str, labels: Mapping[str, str] | None) -> list[Cause]:
    """Labels, or anything of their form."""
    found: list[Cause] = []
    for key, value in (labels or {}).items():
        if wrong := label_key(key):
            found += causes.wrong(path, key, wrong)
        if wrong := label_value(value):
            found += causes.wrong(path, value, wrong)
    return found


def check_annotations(path: str, annotations: Mapping[str, str] | None) -> list[Cause]:
    """Annotations."""
    found: list[Cause] = []
    size = 0
    for key, value in (annotations or {}).items():
        if wrong := label_key(key.lower()):
            found += causes.wrong(path, key, wrong)
        size += len(key.encode()) + len(value.encode())
    if size > MAX_ANNOTATION_BYTES:
        found.append(causes.too_long(path, MAX_ANNOTATION_BYTES))
    return found


def check_selector(path: str, selector: Mapping[str, Any] | None) -> list[Cause]:
    """A label selector; none is fine."""
    if not selector:
        return []
    found = check_labels(f"{path}.matchLabels", selector.get("matchLabels"))
    for number, expression in enumerate(selector.get("matchExpressions") or ()):
        found += _check_requirement(f"{path}.matchExpressions[{number}]", expression)
    return found


def _check_requirement(path: str, expression: Mapping[str, Any]) -> list[Cause]:
    found: list[Cause] = []
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator in _WITH_VALUES:
        if not values:
            words = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(causes.required(f"{path}.values", words))
    elif operator in _WITHOUT_VALUES:
        if values:
            words = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(causes.forbidden(f"{path}.values", words))
    else:
        found.append(causes.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    key = expression.get("key", "")
    found += causes.wrong(f"{path}.key", key, label_key(key))
    for number, value in enumerate(values):
        found += causes.wrong(f"{path}.values[{number}]", value, label_value(value))
    return found


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a valid label selector selects labels; an empty one selects everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression.get("key", ""), expression.get("operator", "")
        values = expression.get("values") or ()
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }.get(operator, False)
        if not holds:
            return False
    return True
