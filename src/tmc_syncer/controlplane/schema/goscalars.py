"""Scalars as Go reads them from JSON and writes them again.

`read_scalar` gives the canonical form of a value for the kind of its field: a time in UTC with whole seconds, a MicroTime with six
digits, a quantity as text. It raises `Unreadable` for what Go refuses, with encoding/json's name for the form of the value, or
with the whole message where the type itself complains. Quantities keep their spelling: kube-apiserver makes them
canonical in the defaulting of resource lists only. Pure; called by `gotypes`.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from typing import Any

__all__ = ["Unreadable", "json_form", "read_scalar"]

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_QUANTITY = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?")
_QUANTITY_PROBLEM = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_SECONDS = "2006-01-02T15:04:05Z07:00"
_MICROSECONDS = "2006-01-02T15:04:05.000000Z07:00"


class Unreadable(ValueError):
    """Go cannot read the value; `form` is its form in encoding/json's words, empty when the message says all."""

    def __init__(self, form: str, message: str = "") -> None:
        super().__init__(message)
        self.form = form


def read_scalar(value: Any, kind: str, form: str = "") -> Any:
    """The value as Go writes it back; `kind` is a JSON type or one of the special ones, `form` an OpenAPI format."""
    match kind:
        case "string":
            return _text(value, form)
        case "integer":
            return _integer(value, form)
        case "boolean":
            if not isinstance(value, bool):
                raise Unreadable(json_form(value))
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Unreadable(json_form(value))
        case "quantity":
            return _quantity(value)
        case "int-or-string":
            return value if isinstance(value, str) else _integer(value, "int32")
        case "time":
            return _time(value, _SECONDS)
        case "micro-time":
            return _time(value, _MICROSECONDS)
        case _:  # a place without a type takes anything
            pass
    return value


def json_form(value: Any) -> str:
    """The form of a JSON value in encoding/json's words."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "bool"
    return "string" if isinstance(value, str) else "number"


def _text(value: Any, form: str) -> str:
    if not isinstance(value, str):
        raise Unreadable(json_form(value))
    if form == "byte":
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise Unreadable("", "illegal base64 data at input byte 0") from error
    return value


def _integer(value: Any, form: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(json_form(value))
    low, high = _RANGES.get(form, _RANGES["int64"])
    if isinstance(value, float) or not low <= value <= high:
        raise Unreadable(f"number {value}")
    return value


def _quantity(value: Any) -> str:
    text = str(value) if not isinstance(value, bool) else ""
    if isinstance(value, dict | list) or not _QUANTITY.fullmatch(text.strip()):
        raise Unreadable("", _QUANTITY_PROBLEM)
    return text.strip()


def _time(value: Any, layout: str) -> str:
    if not isinstance(value, str):
        raise Unreadable("", f"json: cannot unmarshal {json_form(value)} into Go value of type string")
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError as error:
        raise Unreadable("", f'parsing time "{value}" as "{layout}": cannot parse "{value}"') from error
    if moment.tzinfo is None:
        raise Unreadable("", f'parsing time "{value}" as "{layout}": cannot parse "" as "Z07:00"')
    moment = moment.astimezone(dt.UTC)
    digits = f".{moment.microsecond:06d}" if layout == _MICROSECONDS else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}Z"
