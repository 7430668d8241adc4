"""Reading replies within bounds: whole bodies, and streams line by line.

aiohttp's `readline` copies a long line once per chunk and bounds it by the read buffer; objects have up to
1.5 MiB. Here chunks are split as they come: many lines of one chunk cost one wake-up, a line over many chunks is
joined once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping

import aiohttp

from tmc_syncer.kube.errors import TransportError, TransportFault
from tmc_syncer.kube.faults import FAILURES

__all__ = ["MAX_LINE_BYTES", "MAX_REPLY_BYTES", "ReplyStream", "read_bounded"]

MAX_LINE_BYTES = 8 << 20
"""A watch event: an object of at most 1.5 MiB in etcd (3 MiB at worst), which JSON escapes can double."""

MAX_REPLY_BYTES = 64 << 20
"""A page of 500 objects at 128 KiB each. Beyond, memory of the agent is at stake; smaller pages help."""


class ReplyStream:
    """A reply being read (`kube.wire.Stream`). `failed` turns an exception of aiohttp into ours."""

    def __init__(
        self, reply: aiohttp.ClientResponse, failed: Callable[[BaseException], TransportError]
    ) -> None:
        self._reply = reply
        self._failed = failed

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the reply."""
        return self._reply.headers

    async def read(self) -> bytes:
        """The whole body."""
        try:
            return await read_bounded(self._reply)
        except FAILURES as error:
            raise self._failed(error) from error

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """See `kube.wire.Stream.lines`. An unfinished last line is given too: whether it is whole shows when it
        is decoded.
        """
        content = self._reply.content
        parts: list[bytes] = []  # of the line under way
        length = 0
        while True:
            try:
                chunk = await content.readany()
            except FAILURES as error:
                raise self._failed(error) from error
            if not chunk:
                break
            head, *rest = chunk.split(b"\n")
            parts.append(head)
            length += len(head)
            if rest:
                line = parts[0] if len(parts) == 1 else b"".join(parts)
                if line:
                    yield line
                for line in rest[:-1]:
                    if line:
                        yield line
                parts, length = [rest[-1]], len(rest[-1])
            if length > MAX_LINE_BYTES:
                raise TransportError(
                    f"A line of the stream {self._reply.url.path} is longer than {MAX_LINE_BYTES >> 20} MiB.",
                    fault=TransportFault.TOO_LARGE,
                )
        last = b"".join(parts)
        if last:
            yield last


async def read_bounded(reply: aiohttp.ClientResponse) -> bytes:
    """The whole body. Raises `TransportError` (too large) and what aiohttp raises."""
    content = reply.content
    chunk = await content.readany()
    if content.at_eof():
        return chunk  # the usual case: small replies come in one piece
    parts, length = [chunk], len(chunk)
    while chunk := await content.readany():
        parts.append(chunk)
        length += len(chunk)
        if length > MAX_REPLY_BYTES:
            raise TransportError(
                f"The reply to {reply.method} {reply.url.path} is larger than {MAX_REPLY_BYTES >> 20} MiB.",
                fault=TransportFault.TOO_LARGE,
                hint="Ask for smaller pages.",
            )
    return b"".join(parts)
