"""What an informer is given to list and watch with: the shape of `kube.client`, as far as it is used here. Types only.

`functools.partial(client.list_page, info, label_selector=…)` is a `ListFunction`, the same of `client.watch` a
`WatchFunction`. Tests and simulations pass their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tmc_syncer.api.objects import Record
from tmc_syncer.kube.errors import ApiError

__all__ = ["ListFunction", "Page", "WatchEvent", "WatchFunction"]


class Page(Protocol):
    """A page of a list. `resource_version` is the list's; an empty `continue_token` says that it is the last page."""

    @property
    def records(self) -> Sequence[Record]: ...
    @property
    def resource_version(self) -> str: ...
    @property
    def continue_token(self) -> str: ...


class WatchEvent(Protocol):
    """A line of a watch. A bookmark has a record with nothing but a resourceVersion, an ERROR a `raw_status`.

    `initial_end`: the bookmark after the initial events of a WatchList.
    """

    @property
    def type(self) -> str: ...
    @property
    def record(self) -> Record | None: ...
    @property
    def raw_status(self) -> ApiError | None: ...
    @property
    def initial_end(self) -> bool: ...


class ListFunction(Protocol):
    """Fetches one page. `limit` 0: everything at once; `match` is the resourceVersionMatch or empty."""

    def __call__(
        self, *, limit: int, continue_token: str, resource_version: str, match: str
    ) -> Awaitable[Page]: ...


class WatchFunction(Protocol):
    """Opens a watch, with bookmarks; as a WatchList (KEP-3157) if `send_initial_events`."""

    def __call__(
        self, *, resource_version: str, timeout_seconds: int, send_initial_events: bool
    ) -> AbstractAsyncContextManager[AsyncIterator[WatchEvent]]: ...
