r"""Protobuf bodies of built-in kinds as JSON objects: kubectl's ``create``, ``autoscale`` and ``auth`` send nothing else.

A body is the prefix ``k8s\0`` and a message ``runtime.Unknown`` that names the kind and holds the object. Messages are read by
the recorded table of Go types (`gotypes`): number, name and type of each field. Types that have a form of their own in JSON
(quantities, times, durations, numbers or words, bytes, fields of embedded structs) get it here, the rest of what Go would do (empty
values, canonical forms) is done by `structs`, so that the result is what the same object in JSON gives.

The wire format is decoded by hand: the library would need descriptors of 400 messages built at run time, and a second walk over
its objects to make the same JSON. The depth of messages is that of the table, which has no cycles; nothing is allocated
by a length before its bytes are there. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any

import msgspec

from tmc_syncer.controlplane.server.errors import bad_request
from tmc_syncer.controlplane.types import gotypes
from tmc_syncer.controlplane.types.instants import duration_text
from tmc_syncer.controlplane.types.structs import decode
from tmc_syncer.controlplane.types.wire import Malformed, Value, fields_of, number_of, varint

__all__ = ["decode_protobuf"]

Object = dict[str, Any]
Read = Callable[[Value], Any]

PREFIX = b"k8s\x00"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DELETE_OPTIONS = "meta.k8s.io/v1"
"""Where a kind is from that each group has under its own name."""


def decode_protobuf(data: bytes) -> Object:
    """The object in a body, with apiVersion and kind. Raises `ApiError` 400."""
    if not data.startswith(PREFIX):
        raise bad_request(
            "provided data does not appear to be a protobuf message, expected prefix "
            f"[{' '.join(str(byte) for byte in PREFIX)}]"
        )
    try:
        unknown = dict(fields_of(data[len(PREFIX) :]))
        named = dict(fields_of(unknown.get(1, b"")))
        api_version, kind = (_text(named.get(number, b"")) for number in (1, 2))
        if unknown.get(3):
            raise Malformed(f"encoding {_text(unknown[3])!r} is not supported")
        known = DELETE_OPTIONS if kind == "DeleteOptions" else api_version
        struct = gotypes.struct_of(known, kind)
        if struct is None:
            raise Malformed(f'no kind "{kind}" is registered for version "{api_version}"')
        message = _message(struct, unknown.get(2, b""))
    except Malformed as error:
        raise bad_request(f"unable to decode a protobuf message: {error}") from None
    return {**decode(known, kind, message), "apiVersion": api_version, "kind": kind}


# Messages


def _message(struct: str, value: Value) -> Object:
    found: Object = {}
    plan = _plan(struct)
    for number, item in fields_of(value):
        known = plan.get(number)
        if known is not None:
            name, put, read = known
            put(found, name, read(item))
    return found


Put = Callable[[Object, str, Any], None]


def _one(found: Object, name: str, value: Any) -> None:
    if value is not None:
        found[name] = value


def _many(found: Object, name: str, value: Any) -> None:
    found.setdefault(name, []).append(value)


def _numbers(found: Object, name: str, value: list[int]) -> None:
    found.setdefault(name, []).extend(value)


def _entry(found: Object, name: str, value: tuple[str, Any]) -> None:
    found.setdefault(name, {})[value[0]] = value[1]


def _embedded(found: Object, name: str, value: Object) -> None:
    del name
    found.update(value)


@cache
def _plan(struct: str) -> dict[int, tuple[str, Put, Read]]:
    """What to do with each field: its name, how it is put into the object, how its value is read."""
    plan: dict[int, tuple[str, Put, Read]] = {}
    for field in gotypes.fields(struct):
        bare = field.bare
        if not field.number:  # the type of the object, which the envelope has
            continue
        if not field.name:
            plan[field.number] = ("", _embedded, _reader(bare))
        elif bare.startswith("[]int"):
            plan[field.number] = (field.name, _numbers, partial(_packed, _reader(bare[2:])))
        elif bare.startswith("[]"):
            plan[field.number] = (field.name, _many, _reader(bare[2:]))
        elif bare.startswith("map:"):
            plan[field.number] = (field.name, _entry, partial(_pair, *_member(bare[4:])))
        else:
            plan[field.number] = (field.name, _one, _reader(bare))
    return plan


def _member(wanted: str) -> tuple[Read, Any]:
    """How a value of a map is read, and what it is when it is missing."""
    if wanted.startswith("[]"):
        return partial(_items, _reader(wanted[2:])), []
    return _reader(wanted), "" if wanted.partition("=")[0] in ("bytes", "string") else None


def _pair(read: Read, missing: Any, value: Value) -> tuple[str, Any]:
    parts = dict(fields_of(value))
    return _text(parts.get(1, b"")), read(parts[2]) if 2 in parts else missing


def _items(read: Read, value: Value) -> list[Any]:
    """A list that a message is wrapped around."""
    return [read(item) for number, item in fields_of(value) if number == 1]


def _reader(wanted: str) -> Read:
    if wanted.startswith("#"):
        return partial(_message, wanted[1:])
    return _READERS[wanted.partition("=")[0]]


# Values


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise Malformed("wrong wire type of a message or text")
    return value


def _text(value: Value) -> str:
    return _bytes(value).decode(errors="replace")


def _truth(value: Value) -> bool:
    return number_of(64, value) != 0


def _packed(read: Read, value: Value) -> list[int]:
    """One number of a list, or many of them at once."""
    if isinstance(value, int):
        return [read(value)]
    found, at = [], 0
    while at < len(value):
        item, at = varint(value, at)
        found.append(read(item))
    return found


def _base64(value: Value) -> str:
    return base64.b64encode(_bytes(value)).decode()


def _quantity(value: Value) -> str:
    return _text(dict(fields_of(value)).get(1, b"0")) or "0"


def _int_or_string(value: Value) -> int | str:
    parts = dict(fields_of(value))
    return _text(parts.get(3, b"")) if parts.get(1) == 1 else number_of(32, parts.get(2, 0))


def _time(precise: bool, value: Value) -> str | None:
    """A time with microseconds or without; no time at all is null."""
    parts = dict(fields_of(value))
    if not parts:
        return None
    micros = number_of(32, parts.get(2, 0)) // 1000 if precise else 0
    try:
        stamp = EPOCH + timedelta(seconds=number_of(64, parts.get(1, 0)), microseconds=micros)
    except OverflowError:
        raise Malformed("a time beyond the calendar") from None
    return stamp.isoformat(timespec="microseconds" if precise else "seconds").replace("+00:00", "Z")


def _duration(value: Value) -> str:
    return duration_text(number_of(64, dict(fields_of(value)).get(1, 0)))


def _json(value: Value) -> Any:
    raw = _bytes(dict(fields_of(value)).get(1, b"null")) or b"null"
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("an embedded object is no JSON") from None


def _refused(value: Value) -> Any:
    del value
    raise Malformed("schemas are read from JSON only")


_READERS: dict[str, Read] = {
    "bool": _truth,
    "bytes": _base64,
    "duration": _duration,
    "fields": _json,
    "int32": partial(number_of, 32),
    "int64": partial(number_of, 64),
    "intorstring": _int_or_string,
    "microtime": partial(_time, True),
    "quantity": _quantity,
    "raw": _json,
    "schema": _refused,
    "string": _text,
    "time": partial(_time, False),
}
