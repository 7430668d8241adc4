"""The slow look at a JSON body that does not fit its Go type at first sight: what may be put right is, the rest is named.

`cleaned` returns a copy without what Go reads as nothing (null), with times and durations in their canonical form, or raises
`Mismatch` with the message of Go's decoder for the first value that it cannot read:
``json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32``. The path names fields
and embedded structs, without indexes, and the struct is the innermost one, as in ``sigs.k8s.io/json``. Called by `structs` alone. Pure.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from tmc_syncer.controlplane.types import gotypes, instants
from tmc_syncer.controlplane.types.quantities import QuantityError, canonical

__all__ = ["Mismatch", "cleaned", "cleaned_duration"]

INTEGERS = {"int32": 31, "int64": 63}
"""Bits of the number beside the sign."""


class Mismatch(ValueError):
    """The body does not fit; the message is Go's."""


class _WrongType(ValueError):
    """A value whose type its reader cannot read at all; the text is the type it wants."""


def cleaned(struct: str, body: Any) -> Any:
    """A copy of a body that fits its struct. Raises `Mismatch`."""
    return _value(f"#{struct}", body, "", ())


def cleaned_duration(text: str) -> str:
    """A duration in its canonical form. Raises `Mismatch`."""
    return _read(instants.duration, text)


def _value(wanted: str, value: Any, struct: str, path: tuple[str, ...]) -> Any:
    bare = wanted.removeprefix("*").removeprefix("items")
    if bare.startswith("#"):
        return _object(bare[1:], value, struct, path)
    if bare.startswith("[]"):
        if not isinstance(value, list):
            raise _mismatch(value, wanted, struct, path)
        return [_member(bare[2:], item, struct, path) for item in value]
    if bare.startswith("map:"):
        if not isinstance(value, dict):
            raise _mismatch(value, wanted, struct, path)
        return {name: _member(bare[4:], item, struct, path) for name, item in value.items()}
    word = bare.partition("=")[0]
    if word in gotypes.ANYTHING:
        return value
    if word in _READERS:
        try:
            return _READERS[word](value)
        except _WrongType as error:
            raise _mismatch(value, str(error), struct, path) from None
    if _fits(word, value):
        return value
    raise _mismatch(value, wanted, struct, path)


def _fits(word: str, value: Any) -> bool:
    if word in INTEGERS:
        limit = 1 << INTEGERS[word]
        return type(value) is int and -limit <= value < limit
    if word == "float64":
        return type(value) in (int, float)
    return type(value) is (bool if word == "bool" else str)


def _object(name: str, value: Any, struct: str, path: tuple[str, ...]) -> Any:
    if not isinstance(value, dict):
        raise _mismatch(value, f"#{name}", struct, path)
    known = {field.name: field for field in gotypes.flat_fields(name)}
    inner, embedded = name.rpartition(".")[2], gotypes.embedded(name)
    copy: dict[str, Any] = {}
    for key, item in value.items():
        field = known.get(key)
        if field is None or (item is None and field.word not in gotypes.ANYTHING):
            continue
        copy[key] = _value(field.type, item, inner, (*path, *embedded.get(key, ()), key))
    return copy


_EMPTY: dict[str, Any] = {"bool": False, "bytes": "", "intorstring": 0, "quantity": "0", "string": ""}


def _member(wanted: str, value: Any, struct: str, path: tuple[str, ...]) -> Any:
    """An element of a list or map; null is the zero value of its type."""
    if value is not None:
        return _value(wanted, value, struct, path)
    word = wanted.partition("=")[0]
    if word in INTEGERS:
        return 0
    return _EMPTY[word] if word in _EMPTY else [] if word.startswith("[]") else {}


def _mismatch(value: Any, wanted: str, struct: str, path: tuple[str, ...]) -> Mismatch:
    found = _json_type(value)
    if found == "number" and wanted.removeprefix("*").partition("=")[0] in (*INTEGERS, "float64"):
        found = f"number {value}"
    where = f"struct field {struct}.{'.'.join(path)}" if path else "value"
    return Mismatch(f"json: cannot unmarshal {found} into Go {where} of type {gotypes.go_name(wanted)}")


def _json_type(value: Any) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


def _read(reader: Callable[[str], str], value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongType("string")
    try:
        return reader(value)
    except ValueError as error:
        raise Mismatch(str(error)) from None


def _quantity(value: Any) -> str:
    text = value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""
    try:
        return canonical(text)
    except QuantityError as error:
        raise Mismatch(str(error)) from None


def _int_or_string(value: Any) -> int | str:
    if isinstance(value, str):
        return value
    if type(value) is not int or not -(2**31) <= value < 2**31:
        raise _WrongType("int32")
    return value


def _bytes(value: Any) -> str:
    return _read(_base64, value)


def _base64(text: str) -> str:
    """Base64 without the line breaks that Go forgives."""
    joined = text.replace("\n", "").replace("\r", "")
    try:
        base64.b64decode(joined, validate=True)
    except binascii.Error:
        bad = next((n for n, char in enumerate(text) if not _is_base64(char)), len(text) - len(text) % 4)
        raise ValueError(f"illegal base64 data at input byte {bad}") from None
    return joined


def _is_base64(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char in "+/\r\n")


_READERS: dict[str, Callable[[Any], Any]] = {
    "bytes": _bytes,
    "duration": lambda value: _read(instants.duration, value),
    "intorstring": _int_or_string,
    "microtime": lambda value: _read(instants.micro_time, value),
    "quantity": _quantity,
    "time": lambda value: _read(instants.time, value),
}
