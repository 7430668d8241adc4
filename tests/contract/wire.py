"""One API server on the wire: requests, answers and watches over plain HTTP, with nothing of the product in between.

`Wire` sends requests to one server as a user that has a bearer token (or as nobody) and keeps one connection per user
alive. A request is never sent twice. `Answer` is what came back; `ok` and `refused` are the two ways in which a test
reads it, and both show the whole body when they fail. `Watch` reads the events of one open watch with a deadline.
`like` stands for a text where only its shape is promised.

Everything is synchronous and without threads: a server keeps the events of a watch until they are read.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

JsonObject = dict[str, Any]

REQUEST_SECONDS = 60.0
"""Longer than any server of these tests thinks about one request."""

EVENT_SECONDS = 15.0
"""How long an event may take that has to come."""

LONGEST_IDLE_SECONDS = 20.0
"""A connection that was idle for longer is not used again: the server may be about to close it."""

JSON = "application/json"
PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class like:  # noqa: N801 - reads as a word in an assertion
    """Equals every text that matches the whole regular expression."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern, re.DOTALL)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self._pattern.fullmatch(other) is not None

    def __hash__(self) -> int:
        return hash(self._pattern)

    def __repr__(self) -> str:
        return f"like({self._pattern.pattern!r})"


@dataclass(frozen=True)
class Answer:
    """What a server answered: `body` is parsed when it is JSON, else bytes."""

    status: int
    headers: http.client.HTTPMessage
    body: Any

    def ok(self, status: int = 200) -> Any:
        """Return the body of an answer that has exactly this status."""
        assert self.status == status, f"{self.status} instead of {status}: {self.body!r:.3000}"
        return self.body

    def refused(
        self, status: int, reason: str, message: str | like, details: Mapping[str, Any] | None = None
    ) -> JsonObject:
        """Return the body of a refusal, which is a Status with exactly these fields; an empty reason is none.

        A cause that is there twice counts once: kube-apiserver validates metadata twice on some paths.
        """
        expected: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "code": status,
        }
        if reason:
            expected["reason"] = reason
        if details is not None:
            expected["details"] = dict(details)
        found = _with_each_cause_once(self.body)
        assert found == expected, _difference(found, expected)
        assert self.status == status
        body: JsonObject = self.body
        return body

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def warnings(self) -> list[str]:
        """The values of all Warning headers."""
        return self.headers.get_all("Warning") or []


def _with_each_cause_once(body: Any) -> Any:
    causes = body.get("details", {}).get("causes") if isinstance(body, dict) else None
    if not causes:
        return body
    once = [item for number, item in enumerate(causes) if item not in causes[:number]]
    return {**body, "details": {**body["details"], "causes": once}}


def _difference(found: object, expected: JsonObject) -> str:
    """Both bodies; assertions outside of test modules show no values of their own."""
    found = json.dumps(found, indent=1) if isinstance(found, dict) else repr(found)
    return f"the answer was\n{found:.4000}\nand not\n{json.dumps(expected, indent=1, default=repr)}"


def cause(reason: str, message: str | like, field: str) -> JsonObject:
    """One entry of ``details.causes``."""
    return {"reason": reason, "message": message, "field": field}


class Watch:
    """The events of one watch that the server has accepted; closing it closes its connection."""

    def __init__(self, connection: http.client.HTTPSConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.headers = response.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._response.close()
        self._connection.close()

    def next(self, seconds: float = EVENT_SECONDS) -> JsonObject:
        """Return the next event; fails when none comes in time or the server has ended the watch."""
        line = self._line(seconds)
        assert line is not None, "the server ended the watch"
        event: JsonObject = json.loads(line)
        return event

    def take(self, count: int, seconds: float = EVENT_SECONDS) -> list[JsonObject]:
        """Return the next `count` events."""
        return [self.next(seconds) for _ in range(count)]

    def until(self, last: Callable[[JsonObject], bool], seconds: float = EVENT_SECONDS) -> list[JsonObject]:
        """Return the events up to and with the first for which `last` is true."""
        events: list[JsonObject] = []
        deadline = time.monotonic() + seconds
        while not events or not last(events[-1]):
            assert time.monotonic() < deadline, f"the awaited event is not among {events!r:.3000}"
            events.append(self.next(seconds))
        return events

    def rest(self, seconds: float = EVENT_SECONDS) -> list[JsonObject]:
        """Return the events that come before the server ends the watch; fails when it does not end it in time."""
        events = []
        while (line := self._line(seconds)) is not None:
            events.append(json.loads(line))
        return events

    def _line(self, seconds: float) -> bytes | None:
        assert self._connection.sock is not None
        self._connection.sock.settimeout(seconds)
        try:
            return self._response.readline() or None
        except TimeoutError:
            raise AssertionError(f"no event within {seconds:g} s") from None


class Wire:
    """A way to the server at `url` (which may end in a path that all requests begin with); `tokens` by user's name."""

    def __init__(self, url: str, *, ca_pem: bytes, tokens: Mapping[str, str]) -> None:
        self.url = url.rstrip("/")
        self.ca_pem = ca_pem
        self._parts = urlsplit(self.url)
        self._tokens = dict(tokens)
        self._context = ssl.create_default_context(cadata=ca_pem.decode())
        self._connections: dict[str, tuple[http.client.HTTPSConnection, float]] = {}

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str | None = JSON,
        headers: Mapping[str, str] | None = None,
        user: str = "admin",
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request and return the answer; `body` is sent as it is when it is text or bytes, else as JSON.

        `user` is ``admin``, ``limited``, or empty for a request that says nothing about who sends it.
        """
        connection = self._connection(user)
        payload, sent = _prepared(body, content_type, self._identity(user), headers)
        try:
            response = _exchange(connection, method, self._target(path, query), payload, sent)
            content = response.read()
        except BaseException:
            self._forget(user)
            raise
        self._connections[user] = connection, time.monotonic()
        return _answer(response, content)

    def watch(
        self,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        user: str = "admin",
        query: Mapping[str, Any],
    ) -> Watch | Answer:
        """Open a stream; what the server refuses at once is an `Answer`."""
        connection = self._new_connection()
        _, sent = _prepared(None, None, self._identity(user), headers)
        try:
            response = _exchange(connection, "GET", self._target(path, query), None, sent)
            if response.status == 200:
                return Watch(connection, response)
            content = response.read()
        except BaseException:
            connection.close()
            raise
        connection.close()
        return _answer(response, content)

    def close(self) -> None:
        """Close all connections."""
        for user in list(self._connections):
            self._forget(user)

    def _identity(self, user: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[user]}"} if user else {}

    def _target(self, path: str, query: Mapping[str, Any] | None) -> str:
        target = self._parts.path + path
        if not query:
            return target
        # ``continue_`` stands for a name that is a word of Python.
        encoded = urlencode({name.rstrip("_"): value for name, value in query.items()}, doseq=True)
        return f"{target}{'&' if '?' in path else '?'}{encoded}"

    def _new_connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._parts.hostname or "",
            self._parts.port,
            timeout=REQUEST_SECONDS,
            context=self._context,
        )

    def _connection(self, user: str) -> http.client.HTTPSConnection:
        connection, last_use = self._connections.get(user, (None, 0.0))
        if connection is not None and time.monotonic() - last_use < LONGEST_IDLE_SECONDS:
            return connection
        self._forget(user)
        return self._new_connection()

    def _forget(self, user: str) -> None:
        connection, _ = self._connections.pop(user, (None, 0.0))
        if connection is not None:
            connection.close()


def _prepared(
    body: object, content_type: str | None, identity: Mapping[str, str], headers: Mapping[str, str] | None
) -> tuple[bytes | None, dict[str, str]]:
    sent = {"Accept": JSON, **identity}
    payload: bytes | None = None
    if body is not None:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        payload = text.encode() if isinstance(text, str) else text
        if content_type is not None:
            sent["Content-Type"] = content_type
    return payload, {**sent, **(headers or {})}


def _exchange(
    connection: http.client.HTTPSConnection,
    method: str,
    target: str,
    payload: bytes | None,
    headers: Mapping[str, str],
) -> http.client.HTTPResponse:
    try:
        connection.request(method, target, body=payload, headers=dict(headers))
    except BrokenPipeError:
        # A server that refuses a large body answers before it has read all of it; the answer waits on the connection.
        if payload is None:
            raise
    return connection.getresponse()


def _answer(response: http.client.HTTPResponse, content: bytes) -> Answer:
    is_json = "json" in (response.getheader("Content-Type") or "") and not response.getheader(
        "Content-Encoding"
    )
    return Answer(response.status, response.headers, json.loads(content) if is_json else content)
