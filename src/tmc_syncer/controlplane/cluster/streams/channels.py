"""The channels of exec and attach over a WebSocket, without I/O: one byte in front of each message says where it belongs.

    0 stdin, 1 stdout, 2 stderr, 3 the status at the end (JSON), 4 the size of the terminal (JSON), 255 a channel is closed (v5 only)

`read` tells what a message means, the others make messages. In ``v4`` a client cannot say that its input is over, in ``v5`` it
can. Source: ``k8s.io/apimachinery/pkg/util/remotecommand`` and KEP-4006. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

__all__ = ["PROTOCOLS", "EndOfInput", "Given", "Ignored", "Resize", "output", "read", "status"]

STDIN, STDOUT, STDERR, STATUS, SIZE, CLOSE = 0, 1, 2, 3, 4, 255

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Subprotocols that are served, the best first."""


@dataclass(frozen=True, slots=True)
class Given:
    """Input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """There is no more."""


@dataclass(frozen=True, slots=True)
class Resize:
    """The terminal has this size now."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing that concerns us."""


Message = Given | EndOfInput | Resize | Ignored


class _Size(msgspec.Struct):
    Width: int = 0
    Height: int = 0


def read(message: bytes, protocol: str) -> Message:
    """What a message from the client means."""
    channel, data = message[:1], message[1:]
    if channel == bytes([STDIN]):
        return Given(data) if data else Ignored()
    if channel == bytes([CLOSE]) and protocol.startswith("v5") and data == bytes([STDIN]):
        return EndOfInput()
    if channel == bytes([SIZE]):
        try:
            size = msgspec.json.decode(data, type=_Size)
        except msgspec.DecodeError:
            return Ignored()
        return Resize(size.Width, size.Height)
    return Ignored()


def output(stream: int, data: bytes) -> bytes:
    """A message with output."""
    return bytes([stream]) + data


def status(code: int) -> bytes:
    """The last message: how the command ended."""
    if code == 0:
        said: dict[str, object] = {"metadata": {}, "status": "Success"}
    else:
        said = {
            "metadata": {},
            "status": "Failure",
            "message": f"command terminated with non-zero exit code: exit status {code}",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
        }
    return bytes([STATUS]) + msgspec.json.encode(said)
