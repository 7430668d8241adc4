"""What the verbs need of a transport: the shape of a request, a reply and a stream.

`kube.client` speaks through the protocol `Wire`, so a simulated network serves it as well as `kube.transport`
does. Guarantees of every Wire: paths are sent as they are given (``/clusters/*/…`` keeps its star), bodies and
lines are bounded, a failure without an answer is a `TransportError`, and an answer of any status is returned,
not raised. No retries, but for one after a 401 with renewed credentials.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from tmc_syncer.kube.errors import PathError

__all__ = ["JSON", "Query", "Response", "Stream", "Wire", "encode_query", "segment"]

JSON = "application/json"

Query = Sequence[tuple[str, str]] | str
"""Pairs to be encoded, or a query that is encoded already (the hot path keeps ready ones)."""


class Response(NamedTuple):
    """A whole reply. `headers` look names up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream(Protocol):
    """An answer that is read while it comes."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def lines(self) -> AsyncGenerator[bytes, None]:
        """The body line by line without the line ends; ends when the server ends it well.

        Raises `TransportError`: cut, silent for the idle deadline, or a line over its bound.
        """
        ...

    async def read(self) -> bytes:
        """The whole (bounded) body: for answers that turn out to be refusals."""
        ...


class Wire(Protocol):
    """See the module docstring. `default_prefix` is put before paths by a client that has no prefix of its own."""

    @property
    def default_prefix(self) -> str: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        timeout_seconds: float = 30,
    ) -> Response: ...

    def stream(
        self, method: str, path: str, *, query: Query = (), accept: str = JSON, idle_seconds: float = 150
    ) -> AbstractAsyncContextManager[Stream]: ...


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SEGMENT_EXTRA = frozenset(":@!$&'()*+,;=")  # RFC 3986 pchar: RBAC names hold ":", wildcard clusters are "*"
_BAD = frozenset("/%\\") | {chr(c) for c in range(0x20)} | {"\x7f"}
_DOTS = frozenset({".", ".."})
_MAX_SEGMENT = 512
"""Kubernetes names have at most 253 characters; kcp's workspace paths are longer, but not by this much."""
_is_plain = re.compile(r"[A-Za-z0-9._~-]{1,512}").fullmatch


def segment(text: str) -> str:
    """`text` as one segment of a path.

    Raises `PathError` for what would leave the segment or be no segment: empty, ``.``, ``..``, a slash, a percent
    sign, control characters (the names Kubernetes itself refuses, apimachinery's IsValidPathSegmentName).
    An empty name would turn a delete into a deletecollection.
    """
    if _is_plain(text) and text not in _DOTS:
        return text
    if not text or text in _DOTS or len(text) > _MAX_SEGMENT or not _BAD.isdisjoint(text):
        raise PathError(
            f"{text[:80]!r} cannot be part of a request path.",
            hint="Names hold no slash, percent or control sign.",
        )
    return _quote(text, _PLAIN | _SEGMENT_EXTRA)


def encode_query(query: Query) -> str:
    """The query string (without ``?``), percent-encoded."""
    if isinstance(query, str):
        return query
    return "&".join(f"{_quote(name, _PLAIN)}={_quote(value, _PLAIN)}" for name, value in query)


def _quote(text: str, safe: frozenset[str]) -> str:
    if safe.issuperset(text):
        return text
    return "".join(
        c if c in safe else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass"))
        for c in text
    )
