"""A port-forward session, without I/O: which connections a client opens over SPDY streams, and what goes over each.

A connection is two streams with the same ``requestid``: ``error``, on which the server says why it failed, and ``data``. `Session.receive`
turns bytes into events (`Opened`, `Received`, `Closed`); `send`, `finish` and `fail` write; what is to be sent is taken by `outgoing`. The number of
streams and of connections is bounded. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from tmc_syncer.controlplane.cluster.streams.spdy import (
    Data,
    Decoder,
    Encoder,
    Frame,
    Ping,
    Reset,
    SpdyError,
    SynReply,
    SynStream,
)

__all__ = ["Closed", "Event", "Opened", "Received", "Session"]

MAX_CONNECTIONS = 256
"""Connections of one client at a time; further ones are refused."""

REFUSED, PROTOCOL = 3, 1
CHUNK = 32 * 1024
"""Bytes of one data frame, as the peer writes them."""

STREAM_TYPE, PORT, REQUEST = "streamtype", "port", "requestid"


@dataclass(frozen=True, slots=True)
class Opened:
    """A new connection to a port of the pod."""

    connection: int
    port: int


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes from the client; `last`: it will send no more."""

    connection: int
    data: bytes
    last: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The client gave a connection up."""

    connection: int


Event = Opened | Received | Closed


@dataclass(slots=True)
class _Connection:
    port: int
    errors: int = 0
    data: int = 0
    done: bool = False


class Session:
    """See the module. A connection is named by the number of its data stream."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._out = bytearray()
        self._connections: dict[str, _Connection] = {}
        self._by_stream: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._last = 0

    # In

    def receive(self, data: bytes) -> list[Event]:
        """What these bytes mean. Raises `SpdyError`."""
        events: list[Event] = []
        for frame in self._decoder.feed(data):
            match frame:
                case SynStream():
                    events += self._open(frame)
                case Data():
                    events += self._take(frame)
                case Reset():
                    events += self._drop(frame.stream)
                case Ping():
                    if frame.number % 2:
                        self._write(frame)
                case _:
                    pass
        return events

    def _open(self, frame: SynStream) -> list[Event]:
        if frame.stream <= self._last or frame.stream % 2 == 0:
            raise SpdyError(f"stream {frame.stream} is out of order")
        self._last = frame.stream
        kind, request = frame.headers.get(STREAM_TYPE, ""), frame.headers.get(REQUEST, "")
        port = frame.headers.get(PORT, "")
        valid = kind in ("data", "error") and port.isdigit() and 0 < int(port) < 65536
        known = self._connections.get(request)
        if not valid or (known is None and len(self._connections) >= MAX_CONNECTIONS):
            self._write(Reset(frame.stream, REFUSED if valid else PROTOCOL))
            return []
        if known is None:
            known = self._connections[request] = _Connection(int(port))
        taken = known.data if kind == "data" else known.errors
        if taken:
            self._write(Reset(frame.stream, PROTOCOL))
            return []
        self._by_stream[frame.stream] = request
        self._write(SynReply(frame.stream))
        if kind == "error":
            known.errors = frame.stream
        else:
            known.data = frame.stream
        if not (known.data and known.errors):
            return []
        number = self._numbers[request] = known.data
        self._names[number] = request
        return [Opened(number, known.port)]

    def _take(self, frame: Data) -> list[Event]:
        request = self._by_stream.get(frame.stream, "")
        connection = self._connections.get(request)
        if connection is None or connection.data != frame.stream or request not in self._numbers:
            return []  # of a stream that is gone, or the client's side of an error stream
        if not frame.data and not frame.fin:
            return []
        return [Received(self._numbers[request], frame.data, frame.fin)]

    def _drop(self, stream: int) -> list[Event]:
        request = self._by_stream.get(stream, "")
        connection = self._connections.get(request)
        if connection is None or connection.data != stream:
            return []
        number = self._numbers.get(request)
        if number is None:
            self._forget(request)
            return []
        if not connection.done:
            self._write(Data(connection.errors, b"", fin=True))
        self._forget(request)
        return [Closed(number)]

    def _forget(self, request: str) -> None:
        connection = self._connections.pop(request, None)
        if connection is not None:
            self._by_stream.pop(connection.data, None)
            self._by_stream.pop(connection.errors, None)
        number = self._numbers.pop(request, None)
        if number is not None:
            self._names.pop(number, None)

    # Out

    def send(self, number: int, data: bytes) -> None:
        """Bytes for the client; nothing when the connection is gone."""
        connection = self._find(number)
        if connection is not None and not connection.done:
            for at in range(0, len(data), CHUNK):
                self._write(Data(connection.data, data[at : at + CHUNK]))

    def finish(self, number: int) -> None:
        """The server's side of a connection is done."""
        connection = self._find(number)
        if connection is not None and not connection.done:
            connection.done = True
            self._write(Data(connection.data, b"", fin=True))
            self._write(Data(connection.errors, b"", fin=True))

    def fail(self, number: int, message: str) -> None:
        """Tell why a connection cannot be, and end it."""
        connection = self._find(number)
        if connection is not None and not connection.done:
            connection.done = True
            self._write(Data(connection.errors, message.encode(), fin=True))
            self._write(Data(connection.data, b"", fin=True))

    def outgoing(self) -> bytes:
        """What is to be sent."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _find(self, number: int) -> _Connection | None:
        return self._connections.get(self._names.get(number, ""))

    def _write(self, frame: Frame) -> None:
        self._out += self._encoder.encode(frame)
