"""Causes of a 422, in the words of kube-apiserver's field errors.

One function for each kind of error that schema validation finds. A value is shown as JSON, strings quoted, numbers and booleans plain. Source:
k8s.io/apimachinery/pkg/util/validation/field, errors.go. Pure; used by the validation modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tmc_syncer.controlplane.merge.gotext import go_number, go_sorted_json, quoted
from tmc_syncer.controlplane.server.errors import Cause

__all__ = [
    "NO_FIELD",
    "duplicate",
    "invalid",
    "not_supported",
    "required",
    "too_long",
    "too_many",
    "type_invalid",
]

NO_FIELD = "<nil>"
"""The field of errors that have none."""


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return go_number(value)
    return go_sorted_json(value)


def _about(reason: str, words: str, field: str, value: Any, detail: str = "") -> Cause:
    message = f"{words}: {_shown(value)}"
    return Cause(reason, f"{message}: {detail}" if detail else message, field)


def required(field: str) -> Cause:
    """Something is missing."""
    return Cause("FieldValueRequired", "Required value", field)


def invalid(field: str, value: Any, detail: str) -> Cause:
    """A value that a rule forbids."""
    return _about("FieldValueInvalid", "Invalid value", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    """A value of another type."""
    return _about("FieldValueTypeInvalid", "Invalid value", field, value, detail)


def not_supported(field: str, value: Any, supported: Sequence[Any]) -> Cause:
    """A value that is not in the list."""
    words = [quoted(item if isinstance(item, str) else go_sorted_json(item)) for item in supported]
    return _about(
        "FieldValueNotSupported", "Unsupported value", field, value, f"supported values: {', '.join(words)}"
    )


def too_long(field: str, maximum: int) -> Cause:
    """A string with too many characters, which kube-apiserver calls bytes."""
    unit = "byte" if maximum == 1 else "bytes"
    return Cause("FieldValueTooLong", f"Too long: may not be more than {maximum} {unit}", field)


def too_many(field: str, count: int, maximum: int) -> Cause:
    """A list with too many items, or an object with too many fields."""
    unit = "item" if maximum == 1 else "items"
    return Cause("FieldValueTooMany", f"Too many: {count}: must have at most {maximum} {unit}", field)


def duplicate(field: str, value: Any) -> Cause:
    """An item that was there before."""
    return _about("FieldValueDuplicate", "Duplicate value", field, value)
