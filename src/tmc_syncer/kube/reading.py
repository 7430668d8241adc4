"""The reading verbs of Kubernetes: get, a page of a list, a watch; and requests of any other kind.

`Reader` is the half of `kube.client.Client` that changes nothing, and holds what both halves share: the wire,
the prefix and cluster, paths, decoding.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.decoding import Decoding, ListPage, WatchEvent
from tmc_syncer.kube.errors import TransportError, TransportFault
from tmc_syncer.kube.paths import Paths
from tmc_syncer.kube.refusals import Asked
from tmc_syncer.kube.sending import (
    LIST_SECONDS,
    PARTIAL,
    PARTIAL_LIST,
    REQUEST_SECONDS,
    WATCH_MARGIN_SECONDS,
    OnReply,
    Sender,
)
from tmc_syncer.kube.wire import JSON, Query, Response, Wire

__all__ = ["Reader", "given"]

SMALL_PAGE = 20
"""Page size after a page was over `MAX_REPLY_BYTES`: 20 objects of 3 MiB, the largest there can be, fit."""


class Reader:
    """See the module docstring, and `Client` for the arguments."""

    def __init__(
        self, transport: Wire, *, prefix: str, cluster: str, side: str, on_reply: OnReply | None
    ) -> None:
        self.transport = transport
        self.prefix = prefix or transport.default_prefix
        self.cluster = cluster
        self.side = side
        self.on_reply = on_reply
        self._paths = Paths(self.prefix)
        self._decoding = Decoding(cluster, wildcard=self.prefix.endswith("/clusters/*"))
        self._sender = Sender(transport, side=side, on_reply=on_reply)

    async def get(
        self,
        info: ResourceInfo,
        namespace: str,
        name: str,
        *,
        metadata_only: bool = False,
        timeout: float = REQUEST_SECONDS,  # noqa: ASYNC109  # seconds, applied by the transport
    ) -> Record:
        """One object as the server's storage has it now (a quorum read).

        Raises `ApiError`; only its `is_not_found_of` proves that there is none.
        """
        path = self._paths.item(info, namespace, name)
        asked = Asked("get", info, namespace, name)
        accept = PARTIAL if metadata_only else JSON
        body = await self._sender.send("GET", path, asked, accept=accept, seconds=timeout)
        return self._decoding.reply(body, asked, partial=metadata_only)

    async def list_page(  # noqa: PLR0913  # the parameters of a Kubernetes list
        self,
        info: ResourceInfo,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 500,
        continue_token: str = "",
        resource_version: str = "",
        match: str = "",
        metadata_only: bool = False,
    ) -> ListPage:
        """One page. `match` is the resourceVersionMatch (``NotOlderThan``, ``Exact``).

        A page that is too large is asked for again in a small size, so the number of records may be less than
        `limit`; the continue token works with any size. Raises `ApiError` (410: start again; 504 with
        `resource_version_too_large`), `TransportError`.
        """
        query = given(
            ("labelSelector", label_selector),
            ("fieldSelector", field_selector),
            ("continue", continue_token),
            ("resourceVersion", resource_version),
            ("resourceVersionMatch", match),
        )
        path = self._paths.collection(info, namespace)
        asked = Asked("list", info, namespace)
        accept = PARTIAL_LIST if metadata_only else JSON
        while True:
            sized = [*query, ("limit", str(limit))] if limit > 0 else query
            try:
                body = await self._sender.send(
                    "GET", path, asked, query=sized, accept=accept, seconds=LIST_SECONDS
                )
                return self._decoding.page(body, asked, partial=metadata_only)
            except TransportError as error:
                if error.fault is not TransportFault.TOO_LARGE or 0 < limit <= SMALL_PAGE:
                    raise
                limit = SMALL_PAGE

    @asynccontextmanager
    async def watch(
        self,
        info: ResourceInfo,
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        timeout_seconds: int,
        send_initial_events: bool = False,
        metadata_only: bool = False,
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        """Events after `resource_version`, bookmarks included, until the server ends the watch.

        With `send_initial_events` (KEP-3157) the objects come first, as ADDED, closed by an event whose
        `initial_end` is true. Entering raises `ApiError` when the server refuses (410; 400 or 422: no initial
        events here) and `TransportError`; the iterator raises `TransportError` when it is cut or garbled, or
        silent for the timeout and a margin. ERROR events are given, not raised.
        """
        query = given(
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(timeout_seconds)),
            ("labelSelector", label_selector),
            ("fieldSelector", field_selector),
            ("resourceVersion", resource_version),
            ("sendInitialEvents", "true" if send_initial_events else ""),
            ("resourceVersionMatch", "NotOlderThan" if send_initial_events else ""),
        )
        asked = Asked("watch", info, namespace)
        opening = self._sender.open(
            self._paths.collection(info, namespace),
            asked,
            query=query,
            accept=PARTIAL if metadata_only else JSON,
            idle_seconds=timeout_seconds + WATCH_MARGIN_SECONDS,
        )
        event = self._decoding.event
        # Both generators end with the context, not when the garbage collector finds them.
        async with opening as stream, aclosing(stream.lines()) as lines:
            events = (event(line, asked, partial=metadata_only) async for line in lines)
            async with aclosing(events):
                yield events

    async def raw(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes | None = None,
        content_type: str | None = None,
        accept: str = JSON,
        timeout_seconds: float = REQUEST_SECONDS,
    ) -> Response:
        """Any request below the prefix; the reply whatever its status. `path` is sent as it is."""
        return await self.transport.request(
            method,
            self.prefix + path,
            query=query,
            body=body,
            content_type=content_type,
            accept=accept,
            timeout_seconds=timeout_seconds,
        )


def given(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    """The pairs whose value is not empty."""
    return [pair for pair in pairs if pair[1]]
