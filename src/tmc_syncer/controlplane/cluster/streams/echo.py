"""What answers on the ports of simulated pods: HTTP that tells the request back, or an echo of the bytes.

Which of them is decided by the first bytes of a connection; port 7 always echoes. An HTTP answer is text: the pod, the request line, the
headers, the body; ``/healthz`` and its like say ``ok``, ``/status/503`` has that status. `Responder.receive` takes bytes in any pieces and gives those to
send. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

__all__ = ["ECHO_PORT", "Responder"]

ECHO_PORT = 7

MAX_HEAD = 64 * 1024
"""Bytes of a request's head."""

MAX_BODY = 1024 * 1024
"""Bytes of a request's body that are told back; larger ones are refused."""

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
_LONGEST = max(map(len, _METHODS)) + 1
_HEALTH = frozenset({"/healthz", "/livez", "/readyz", "/health"})
_STATUS = re.compile(r"/status/([1-5][0-9][0-9])")


class Responder:
    """One connection to a port. `tell` is given a line for the log of the container."""

    def __init__(self, pod: str, port: int, tell: Callable[[str], None] | None = None) -> None:
        self._pod = pod
        self._port = port
        self._tell = tell
        self._buffer = b""
        self._http: bool | None = False if port == ECHO_PORT else None
        self.closing = False
        """Whether the connection is to be closed once what was returned is sent."""

    def receive(self, data: bytes) -> bytes:
        """What to send back."""
        if self.closing:
            return b""
        if self._http is None:
            self._buffer += data
            self._http = self._recognized()
            if self._http is None:
                return b""
            data, self._buffer = self._buffer, b""
        if not self._http:
            return data
        self._buffer += data
        answers: list[bytes] = []
        while (made := self._request()) is not None:
            answers.append(made)
        return b"".join(answers)

    def end(self) -> bytes:
        """The client sends no more; the last bytes to send."""
        left, self._buffer = self._buffer, b""
        self.closing = True
        return b"" if self._http else left

    def _recognized(self) -> bool | None:
        """Whether this is HTTP; None when too little has come to tell."""
        start = self._buffer[:_LONGEST]
        if any(start.startswith(method + b" ") for method in _METHODS):
            return True
        if len(start) < _LONGEST and any((method + b" ").startswith(start) for method in _METHODS):
            return None
        return False

    # HTTP

    def _request(self) -> bytes | None:
        """The answer to the next whole request, None when there is none yet, or none will be read any more."""
        if self.closing:
            return None
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return self._refuse(431) if len(head) > MAX_HEAD else None
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            return self._refuse(400)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        body = self._body(headers, rest)
        if body is None:
            return None
        if isinstance(body, int):
            return self._refuse(body)
        content, self._buffer = body
        keep = words[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self.closing = not keep
        return self._answer(words[0], words[1], lines, content)

    @staticmethod
    def _body(headers: dict[str, str], rest: bytes) -> tuple[bytes, bytes] | int | None:
        """The body and what follows it; a status for what is refused; None when it is not complete."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _chunked(rest)
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return 400
        if int(length) > MAX_BODY:
            return 413
        size = int(length)
        return None if len(rest) < size else (rest[:size], rest[size:])

    def _answer(self, method: str, target: str, lines: list[str], body: bytes) -> bytes:
        path = target.partition("?")[0]
        status = 200
        if path in _HEALTH:
            text = b"ok\n"
        elif found := _STATUS.fullmatch(path):
            status = int(found[1])
            text = f"{status}\n".encode()
        else:
            said = [f"pod {self._pod}, port {self._port}", *lines, ""]
            text = "\n".join(said).encode("latin-1", "replace") + b"\n" + body
        if self._tell is not None:
            self._tell(f'"{lines[0]}" {status} {len(text)}')
        return self._response(status, b"" if method == "HEAD" else text, len(text))

    def _refuse(self, status: int) -> bytes:
        self.closing = True
        text = f"{status}\n".encode()
        return self._response(status, text, len(text))

    def _response(self, status: int, text: bytes, length: int) -> bytes:
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Simulated"
        connection = "close" if self.closing else "keep-alive"
        head = (
            f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"
        )
        return head.encode() + text


def _chunked(data: bytes) -> tuple[bytes, bytes] | int | None:
    body = b""
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return None if len(line) < 64 else 400
        try:
            size = int(line.partition(b";")[0].strip() or b"x", 16)
        except ValueError:
            return 400
        if size < 0 or len(body) + size > MAX_BODY:
            return 413
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            return 400
        body += rest[:size]
        data = rest[size + 2 :]
        if size == 0:
            return body, data
