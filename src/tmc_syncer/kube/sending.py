"""One request of a verb: sent below a prefix, told to the metrics hook, refused replies raised as `ApiError`.

The part that all verbs of `kube.client` share, and the bounds of time and content types they use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum

from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.errors import KubeError
from tmc_syncer.kube.refusals import Asked, refusal
from tmc_syncer.kube.wire import JSON, Query, Stream, Wire

__all__ = [
    "APPLY",
    "LIST_SECONDS",
    "PARTIAL",
    "PARTIAL_LIST",
    "REQUEST_SECONDS",
    "WATCH_MARGIN_SECONDS",
    "OnReply",
    "PatchType",
    "Sender",
]

OnReply = Callable[[str, str, ResourceInfo, int], None]
"""(side, verb, type, status or 0) of each reply. Must be quick and must not raise."""

REQUEST_SECONDS = 30.0
"""One request for one object. API servers give up after 60 s themselves; waiting longer than half helps nobody."""

LIST_SECONDS = 60.0
"""A page of a list: servers may need seconds for 500 large objects, and slow links longer."""

WATCH_MARGIN_SECONDS = 30.0
"""A watch may be silent for its timeout and this much: the idle deadline before bookmarks were seen (lifecycle.md).
Readers that saw a bookmark judge earlier by themselves."""


class PatchType(Enum):
    """The content types of PATCH other than apply."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


APPLY = "application/apply-patch+yaml"
"""The content type of server-side apply; JSON is YAML."""

_META = "g=meta.k8s.io;v=v1,application/json"
PARTIAL = f"application/json;as=PartialObjectMetadata;{_META}"
PARTIAL_LIST = f"application/json;as=PartialObjectMetadataList;{_META}"


class Sender:
    """See the module docstring."""

    def __init__(self, wire: Wire, *, side: str, on_reply: OnReply | None) -> None:
        self._wire = wire
        self._side = side
        self._on_reply = on_reply

    async def send(
        self,
        method: str,
        path: str,
        asked: Asked,
        *,
        query: Query = "",
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        seconds: float = REQUEST_SECONDS,
    ) -> bytes:
        """The body of a success. Raises `ApiError` for any other reply, `TransportError` for none."""
        try:
            status, headers, reply = await self._wire.request(
                method,
                path,
                query=query,
                body=body,
                content_type=content_type,
                accept=accept,
                timeout_seconds=seconds,
            )
        except KubeError:
            self._tell(asked, 0)
            raise
        self._tell(asked, status)
        if 200 <= status < 300:
            return reply
        raise refusal(asked, status, reply, headers)

    @asynccontextmanager
    async def open(
        self, path: str, asked: Asked, *, query: Query, accept: str, idle_seconds: float
    ) -> AsyncIterator[Stream]:
        """The stream of a success. Raises as `send` does."""
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(
                    self._wire.stream("GET", path, query=query, accept=accept, idle_seconds=idle_seconds)
                )
            except KubeError:
                self._tell(asked, 0)
                raise
            self._tell(asked, stream.status)
            if not 200 <= stream.status < 300:
                raise refusal(asked, stream.status, await stream.read(), stream.headers)
            yield stream

    def _tell(self, asked: Asked, status: int) -> None:
        if self._on_reply is not None:
            self._on_reply(self._side, asked.verb, asked.info, status)
