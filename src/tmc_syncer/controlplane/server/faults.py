"""Faults on order: where a test (or the simulation) may interfere with a request, as one small interface.

A server without faults asks nobody: `faults` is None, and each place is one comparison. A test gives an object with the
methods it needs (`Faults` has all of them as no-ops):

    before(request)         a request came in; nothing was done. May wait, raise an `ApiError` (429, 5xx, 410), or raise `Cut`
    committed(request)      a write is in the store (and on disk); the client was not told. May wait, raise `Cut` or an `ApiError`
    revision(request)       serve this get, list or watch as if the server were at this older revision; None for the present
    events(request, lines)  what a watch is about to send; may drop, double, reorder or hold back, or raise `Cut` or `Expired`
    ended(request, code)    the answer is out

Only in-process: nothing of it can be reached over the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tmc_syncer.controlplane.storage.watch import Event

__all__ = ["Cut", "Faults", "FaultyRequest"]


@dataclass(frozen=True, slots=True)
class FaultyRequest:
    """What a fault can choose by. `verb` is that of authorization (get, list, watch, create, …); `path` is as sent."""

    server: str
    cluster: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    path: str


class Cut(Exception):
    """The connection breaks here: without an answer, or in the middle of one."""


class Faults:
    """No faults at all; tests override what they need. See the module."""

    async def before(self, request: FaultyRequest) -> None:
        """Called before a request is handled."""

    async def committed(self, request: FaultyRequest) -> None:
        """Called when a write is done, before its answer."""

    def revision(self, request: FaultyRequest) -> int | None:
        """The revision to serve a read from."""
        del request
        return None

    async def events(self, request: FaultyRequest, events: Sequence[Event]) -> Sequence[Event]:
        """What a watch sends instead of `events`."""
        del request
        return events

    def ended(self, request: FaultyRequest, code: int) -> None:
        """Called after the answer; a code of 0 is a cut."""
