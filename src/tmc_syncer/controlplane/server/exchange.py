"""`Exchange`: one request over HTTP and the answer to it: reading the body within its limit, and sending what the verbs made.

Answers are JSON bytes that end with a newline, or YAML, or (for people with curl, or ``pretty``) JSON with indents. A long list
goes out in pieces, compressed when the client takes gzip. Nothing here knows what a request means.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import yaml
from aiohttp import web

from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.server.encoding import decode_json, encode_json
from tmc_syncer.controlplane.server.errors import ApiError, too_large
from tmc_syncer.controlplane.server.media import JSON, Answer, negotiate
from tmc_syncer.controlplane.server.options import Query, parse_query

__all__ = ["Exchange"]

MAX_BODY_BYTES = 3 * 1024 * 1024
"""kube-apiserver's limit of a request body."""

GZIP_FROM = 128 * 1024
"""Answers from this size on are compressed when the client allows it, as in kube-apiserver."""

GZIP_LEVEL = 1
"""Go's choice too: a list is compressed while somebody waits."""

STREAM_FROM = 1024 * 1024
"""Lists from this size on go out in pieces."""

_GZIP_FORMAT = 16 + zlib.MAX_WBITS
_PEOPLE = ("curl", "Wget", "Mozilla/5.0")
_HEADERS = {"Cache-Control": "no-cache, private"}


class Exchange:
    """See the module. `path` and `query` are as they were sent; `user` is set by the gate."""

    __slots__ = ("_user_agent", "cluster", "path", "query", "request", "user")

    def __init__(self, request: web.BaseRequest, path: str, query: str, cluster: str) -> None:
        self.request = request
        self.path = path
        self.query = query
        self.cluster = cluster
        self.user: User = User("")
        self._user_agent: str | None = None

    # What was sent

    @property
    def user_agent(self) -> str:
        """The header, empty when there is none."""
        if self._user_agent is None:
            self._user_agent = self.request.headers.get("User-Agent", "")
        return self._user_agent

    @property
    def parameters(self) -> Query:
        """The query string as a dictionary."""
        return parse_query(self.query)

    def answer(self, *, streaming: bool = False) -> Answer:
        """What the client takes. Raises `ApiError` 406."""
        return negotiate(self.request.headers.get("Accept", ""), streaming=streaming)

    def manager(self, given: str) -> str:
        """The field manager: the option, or what the client calls itself."""
        return given or self.user_agent.partition("/")[0][:128] or "unknown"

    async def body(self) -> bytes:
        """The body. Raises `ApiError` 413."""
        length = self.request.content_length
        if length is not None and length > MAX_BODY_BYTES:
            raise _body_too_large()
        content = self.request.content
        data = await content.readany()
        if len(data) == length or content.at_eof():
            return data
        parts, size = [data], len(data)
        while not content.at_eof():
            data = await content.readany()
            parts.append(data)
            size += len(data)
            if size > MAX_BODY_BYTES:
                raise _body_too_large()
        return b"".join(parts)

    # What is answered

    def reply(
        self,
        data: bytes,
        answer: Answer,
        *,
        code: int = 200,
        warnings: Sequence[str] = (),
        headers: Mapping[str, str] = _HEADERS,
    ) -> web.Response:
        """An answer with a JSON body."""
        if answer.yaml:
            data = yaml.dump(decode_json(data), Dumper=yaml.CSafeDumper).encode()
        elif self._pretty():
            data = msgspec.json.format(data, indent=2) + b"\n"
        if len(data) >= GZIP_FROM and self._takes_gzip():
            packed = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_FORMAT)
            data = packed.compress(data) + packed.flush()
            headers = {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        response = web.Response(body=data, status=code, headers=headers, content_type=answer.content_type)
        for text in warnings:
            response.headers.add("Warning", f'299 - "{_quoted(text)}"')
        return response

    def refuse(self, error: ApiError) -> web.Response:
        """The answer to a request that is refused."""
        return self.reply(
            encode_json(error.to_object()) + b"\n",
            Answer(),
            code=error.code,
            headers={**_HEADERS, **error.headers},
        )

    async def stream(self, pieces: Iterable[bytes], answer: Answer) -> web.StreamResponse:
        """An answer of several pieces; a small one goes out at once."""
        iterator = iter(pieces)
        head: list[bytes] = []
        size = 0
        for piece in iterator:
            head.append(piece)
            size += len(piece)
            if size >= STREAM_FROM:
                break
        else:
            return self.reply(b"".join(head), answer)
        if answer.yaml or self._pretty():
            return self.reply(b"".join([*head, *iterator]), answer)
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": JSON})
        packed = None
        if self._takes_gzip():
            packed = zlib.compressobj(GZIP_LEVEL, wbits=_GZIP_FORMAT)
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Vary"] = "Accept-Encoding"
        await response.prepare(self.request)
        for piece in head:
            await response.write(piece if packed is None else packed.compress(piece) or b"")
        for piece in iterator:
            await response.write(piece if packed is None else packed.compress(piece))
        await response.write_eof(b"" if packed is None else packed.flush())
        return response

    def _pretty(self) -> bool:
        wanted = "pretty" in self.query and self.parameters.get("pretty")
        if wanted:
            return wanted not in ("0", "false")
        return self.user_agent.startswith(_PEOPLE)

    def _takes_gzip(self) -> bool:
        return "gzip" in self.request.headers.get("Accept-Encoding", "")


def _body_too_large() -> ApiError:
    return too_large(f"Request entity too large: limit is {MAX_BODY_BYTES}")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
