"""The protobuf wire format: the fields of a message as numbers and values, without knowing what they mean.

Numbers come as they are on the wire, without sign; texts, messages and numbers of fixed size as their bytes. What is cut off,
longer than the rest, or of a wire type that Kubernetes never uses (groups) raises `Malformed`; nothing is allocated by a
length before its bytes are there. Pure; called by `envelopes`.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Malformed", "Value", "fields_of", "number_of", "varint"]

Value = int | bytes

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT = 10
"""Bytes of a number of 64 bits, seven in each byte."""


class Malformed(ValueError):
    """The bytes are no message of the type that they should be."""


def fields_of(data: Value) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message. Raises `Malformed`."""
    if isinstance(data, int):
        raise Malformed("a number where a message should be")
    at, end = 0, len(data)
    while at < end:
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise Malformed("illegal tag 0")
        if wire == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            size, at = varint(data, at)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise Malformed(f"illegal wire type {wire}")
        if size > end - at:
            raise Malformed("unexpected end")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it. Raises `Malformed`."""
    value = 0
    for shift, byte in enumerate(data[at : at + MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value & (2**64 - 1), at + shift + 1
    raise Malformed("unexpected end of a number")


def number_of(bits: int, value: Value) -> int:
    """The number with a sign that a value of the wire stands for. Raises `Malformed`."""
    if not isinstance(value, int):
        raise Malformed("bytes where a number should be")
    cut = value & ((1 << bits) - 1)
    return cut - (1 << bits) if cut >> (bits - 1) else cut
