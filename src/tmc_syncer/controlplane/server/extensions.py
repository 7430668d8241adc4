"""What other parts serve under the server's paths: subresources that are no object (log, exec, token, scale …) and resources that are
not stored (reviews), as handlers in a table.

A handler is registered for a collection and a subresource (empty: the resource itself; collection ``*``: every type that has the
subresource). It gets an `Invocation` after authentication, authorization and faults, and answers with any aiohttp response;
`ApiError` becomes a Status. Handlers run in the server's loop and must not block it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.exchange import Exchange
from tmc_syncer.controlplane.server.kinds import Kind

__all__ = ["Extensions", "Handler", "Invocation"]

ANY = "*"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One request for an extension. `tail` is what the path has behind the subresource."""

    exchange: Exchange
    kind: Kind
    verb: str
    namespace: str
    name: str
    subresource: str
    tail: str = ""

    def call(self) -> Call:
        """The request as a call of `Resources`, by the name of who sent it."""
        return Call(
            self.exchange.cluster,
            self.kind,
            self.namespace,
            self.name,
            self.subresource,
            self.exchange.manager(self.exchange.parameters.get("fieldManager", "")),
            self.exchange.user,
        )


Handler = Callable[[Invocation], Awaitable[web.StreamResponse]]


class Extensions:
    """The table; see the module."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}

    def add(self, collection: str, subresource: str, handler: Handler) -> None:
        """Serve a subresource of a type ("pods", "log"), of all types ("*", "scale"), or a resource ("…reviews…", "")."""
        self._handlers[collection, subresource] = handler

    def find(self, kind: Kind, subresource: str) -> Handler | None:
        """Who serves it, None when it is the server itself (or nobody)."""
        found = self._handlers.get((kind.collection, subresource))
        if found is None and subresource and subresource in kind.served.subresources:
            found = self._handlers.get((ANY, subresource))
        return found
