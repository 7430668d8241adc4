"""The causes of a 422, worded as ``k8s.io/apimachinery/pkg/util/validation/field`` words them.

Clients print them, and some look for them, so reasons and messages are those of a real server, with the offending
value as Go prints it: text quoted, numbers and booleans plain, anything else as JSON. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tmc_syncer.controlplane.server.errors import Cause

__all__ = [
    "IMMUTABLE",
    "NOT_NEGATIVE",
    "OMITTED",
    "duplicate",
    "forbidden",
    "invalid",
    "not_found",
    "not_supported",
    "required",
    "shown",
    "too_few",
    "too_long",
    "too_many",
    "type_invalid",
    "wrong",
]

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"

OMITTED = object()
"""A value that is not shown."""


def shown(value: Any) -> str:
    """A value as Go prints it in a message."""
    if isinstance(value, str):
        return quoted(value)
    return msgspec.json.encode(_with_sorted_maps(value)).decode()


def _with_sorted_maps(value: Any) -> Any:
    """The value with its maps sorted, as Go writes them; structs keep the order of their fields.

    A map is told by its values, which are texts, and by its keys: those of Go's internal structs are capitalized.
    """
    if isinstance(value, list):
        return [_with_sorted_maps(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_map = all(isinstance(item, str) and not key[:1].isupper() for key, item in value.items())
    items = sorted(value.items()) if is_map else value.items()
    return {key: _with_sorted_maps(item) for key, item in items}


def quoted(text: str) -> str:
    """A text as Go's %q prints it; JSON says the same of what occurs in names."""
    return msgspec.json.encode(text).decode()


def _cause(reason: str, words: str, field: str, value: Any, detail: str) -> Cause:
    said = words if value is OMITTED else f"{words}: {shown(value)}"
    return Cause(f"FieldValue{reason}", f"{said}: {detail}" if detail else said, field)


def invalid(field: str, value: Any, detail: str) -> Cause:
    """The value is malformed."""
    return _cause("Invalid", "Invalid value", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    """The value is of another type."""
    return _cause("TypeInvalid", "Invalid value", field, value, detail)


def required(field: str, detail: str = "") -> Cause:
    """The value is missing."""
    return _cause("Required", "Required value", field, OMITTED, detail)


def forbidden(field: str, detail: str) -> Cause:
    """The value is not allowed here."""
    return _cause("Forbidden", "Forbidden", field, OMITTED, detail)


def duplicate(field: str, value: Any) -> Cause:
    """The value is there twice."""
    return _cause("Duplicate", "Duplicate value", field, value, "")


def not_found(field: str, value: Any) -> Cause:
    """What the value names is not there."""
    return _cause("NotFound", "Not found", field, value, "")


def not_supported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """The value is none of the known ones."""
    listed = ", ".join(quoted(word) for word in supported)
    return _cause("NotSupported", "Unsupported value", field, value, f"supported values: {listed}")


def too_long(field: str, longest: int, unit: str = "bytes") -> Cause:
    """The text is too long."""
    return _cause("TooLong", "Too long", field, OMITTED, f"may not be more than {longest} {unit}")


def too_many(field: str, count: Any, most: int) -> Cause:
    """The list is too long."""
    unit = "item" if most == 1 else "items"
    return _cause("TooMany", "Too many", field, count, f"must have at most {most} {unit}")


def too_few(field: str, count: Any, least: int) -> Cause:
    """The list is too short."""
    unit = "item" if least == 1 else "items"
    return _cause("TooFew", "Too few", field, count, f"must have at least {least} {unit}")


def wrong(field: str, value: Any, messages: Iterable[str]) -> list[Cause]:
    """One cause for each message of a format."""
    return [invalid(field, value, message) for message in messages]
