"""SPDY/3.1 framing, without I/O: bytes in, frames out, and back. kubectl still speaks it for port-forward, inside WebSocket messages.

`Decoder.feed` takes bytes in any pieces and gives whole frames; `Encoder` makes the bytes of a frame. Both keep the state of
header compression, which goes on from frame to frame, so each connection has one of each. Frames that nobody here needs (settings, window
updates) come as `Other`. What breaks the protocol, or its limits, is a `SpdyError`: the connection cannot go on. Source: the SPDY
Protocol draft 3.1; the peer is ``github.com/moby/spdystream``. Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tmc_syncer.controlplane.cluster.streams.spdywords import dictionary

__all__ = [
    "Data",
    "Decoder",
    "Encoder",
    "Frame",
    "GoAway",
    "Other",
    "Ping",
    "Reset",
    "SpdyError",
    "SynReply",
    "SynStream",
]

VERSION = 3
HEADER_BYTES = 8

MAX_FRAME = 1024 * 1024
"""Bytes of a frame; the peer writes at most some 32 KB at once."""

MAX_HEADERS = 64 * 1024
"""Bytes of a header block when it is unpacked."""

MAX_HEADER_COUNT = 100
MAX_STREAM = 0x7FFFFFFF

FIN = 0x01
SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7


class SpdyError(Exception):
    """The peer broke the protocol."""


@dataclass(frozen=True, slots=True)
class SynStream:
    """The peer opens a stream; `fin`: it will send nothing on it."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class SynReply:
    """A stream is accepted."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes on a stream; `fin`: the last ones."""

    stream: int
    data: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """A stream ends at once."""

    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back by who has not sent it."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """No new streams after `last`."""

    last: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class Other:
    """A control frame that means nothing here."""

    kind: int


Frame = SynStream | SynReply | Data | Reset | Ping | GoAway | Other


class Decoder:
    """See the module."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._unpack = zlib.decompressobj(zdict=dictionary())

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now. Raises `SpdyError`."""
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= HEADER_BYTES:
            length = int.from_bytes(self._buffer[5:8], "big")
            if length > MAX_FRAME:
                raise SpdyError(f"a frame of {length} bytes is too large")
            if len(self._buffer) < HEADER_BYTES + length:
                break
            head = bytes(self._buffer[:HEADER_BYTES])
            body = bytes(self._buffer[HEADER_BYTES : HEADER_BYTES + length])
            del self._buffer[: HEADER_BYTES + length]
            frames.append(self._control(head, body) if head[0] & 0x80 else self._data(head, body))
        return frames

    @staticmethod
    def _data(head: bytes, body: bytes) -> Frame:
        stream = int.from_bytes(head[:4], "big")
        if stream == 0:
            raise SpdyError("data on stream 0")
        return Data(stream, body, bool(head[4] & FIN))

    def _control(self, head: bytes, body: bytes) -> Frame:
        version = int.from_bytes(head[:2], "big") & 0x7FFF
        kind = int.from_bytes(head[2:4], "big")
        if version != VERSION:
            raise SpdyError(f"SPDY version {version} is not supported")
        fin = bool(head[4] & FIN)
        match kind:
            case 1:
                return SynStream(_stream(body, 10), self._headers(body[10:]), fin)
            case 2:
                return SynReply(_stream(body, 4), self._headers(body[4:]), fin)
            case 3:
                return Reset(_stream(body, 8), int.from_bytes(body[4:8], "big"))
            case 6:
                _sized(body, 4)
                return Ping(int.from_bytes(body[:4], "big"))
            case 7:
                _sized(body, 8)
                last = int.from_bytes(body[:4], "big") & MAX_STREAM
                return GoAway(last, int.from_bytes(body[4:8], "big"))
            case 8:
                self._headers(body[4:])  # keeps the state of the compression right
                return Other(kind)
            case _:
                return Other(kind)

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            data = self._unpack.decompress(block, MAX_HEADERS)
        except zlib.error as error:
            raise SpdyError(f"a header block cannot be unpacked: {error}") from error
        if self._unpack.unconsumed_tail:
            raise SpdyError("a header block is too large")
        return _pairs(data)


def _sized(body: bytes, least: int) -> None:
    if len(body) < least:
        raise SpdyError("a control frame is too short")


def _stream(body: bytes, least: int) -> int:
    _sized(body, least)
    stream = int.from_bytes(body[:4], "big") & MAX_STREAM
    if stream == 0:
        raise SpdyError("a control frame for stream 0")
    return stream


def _pairs(data: bytes) -> dict[str, str]:
    """Names and values of an unpacked header block."""
    if not data:
        return {}
    at = 0

    def number() -> int:
        nonlocal at
        if at + 4 > len(data):
            raise SpdyError("a header block ends early")
        at += 4
        return int.from_bytes(data[at - 4 : at], "big")

    def text() -> str:
        nonlocal at
        length = number()
        if at + length > len(data):
            raise SpdyError("a header block ends early")
        at += length
        return data[at - length : at].decode("utf-8", "replace")

    count = number()
    if count > MAX_HEADER_COUNT:
        raise SpdyError("too many headers")
    found: dict[str, str] = {}
    for _ in range(count):
        name = text()
        found[name.lower()] = text()
    return found


class Encoder:
    """See the module."""

    def __init__(self) -> None:
        self._pack = zlib.compressobj(zdict=dictionary())

    def encode(self, frame: Frame) -> bytes:
        """The bytes of a frame. `Other` cannot be encoded (`ValueError`)."""
        match frame:
            case SynStream():
                body = _id(frame.stream) + bytes(6) + self._headers(frame.headers)
                return _control(SYN_STREAM, body, fin=frame.fin)
            case SynReply():
                return _control(SYN_REPLY, _id(frame.stream) + self._headers(frame.headers), fin=frame.fin)
            case Data():
                flags = bytes([FIN if frame.fin else 0])
                return _id(frame.stream) + flags + len(frame.data).to_bytes(3, "big") + frame.data
            case Reset():
                return _control(RST_STREAM, _id(frame.stream) + _id(frame.status))
            case Ping():
                return _control(PING, _id(frame.number))
            case GoAway():
                return _control(GOAWAY, _id(frame.last) + _id(frame.status))
            case Other():
                raise ValueError("frames that mean nothing here are not sent")

    def _headers(self, headers: Mapping[str, str]) -> bytes:
        block = len(headers).to_bytes(4, "big")
        for name, value in headers.items():
            for text in (name.lower().encode(), value.encode()):
                block += len(text).to_bytes(4, "big") + text
        return self._pack.compress(block) + self._pack.flush(zlib.Z_SYNC_FLUSH)


def _id(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _control(kind: int, body: bytes, *, fin: bool = False) -> bytes:
    head = (0x8000 | VERSION).to_bytes(2, "big") + kind.to_bytes(2, "big")
    return head + bytes([FIN if fin else 0]) + len(body).to_bytes(3, "big") + body
