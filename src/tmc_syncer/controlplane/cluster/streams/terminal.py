"""A terminal's line discipline: what is typed is shown and becomes lines; what is printed gets carriage returns.

``kubectl exec -t`` puts the user's terminal into raw mode, so echo, backspace, Ctrl-C, Ctrl-D and Ctrl-U are this side's. `type` takes
what came in and tells what to show and what the program reads. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Terminal", "Typed", "shown"]

MAX_LINE = 4096
"""Bytes of a line that is being typed; more are dropped, as by a real terminal."""

INTERRUPT, END, KILL_LINE = 0x03, 0x04, 0x15
BACKSPACES = (0x08, 0x7F)


@dataclass(slots=True)
class Typed:
    """`echo` is to be shown, `data` is for the program; `ended`: Ctrl-D on an empty line; `interrupted`: Ctrl-C."""

    echo: bytes = b""
    data: bytes = b""
    ended: bool = False
    interrupted: bool = False


class Terminal:
    """See the module."""

    def __init__(self) -> None:
        self._line = bytearray()

    def type(self, data: bytes) -> Typed:
        """What these keys do."""
        typed = Typed()
        for key in data:
            if key in (0x0D, 0x0A):
                typed.data += bytes(self._line) + b"\n"
                typed.echo += b"\r\n"
                self._line.clear()
            elif key in BACKSPACES:
                if self._line:
                    del self._line[-1]
                    typed.echo += b"\b \b"
            elif key == KILL_LINE:
                typed.echo += b"\b \b" * len(self._line)
                self._line.clear()
            elif key == INTERRUPT:
                self._line.clear()
                typed.echo += b"^C\r\n"
                typed.interrupted = True
            elif key == END:
                if self._line:
                    typed.data += bytes(self._line)
                    self._line.clear()
                else:
                    typed.ended = True
            elif (key >= 0x20 or key == 0x09) and len(self._line) < MAX_LINE:
                self._line.append(key)
                typed.echo += bytes([key])
        return typed


def shown(data: bytes) -> bytes:
    """Output as a terminal wants it."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
