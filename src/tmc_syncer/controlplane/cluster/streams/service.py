"""`Streams`: logs, exec, attach, port-forward and eviction of one simulated cluster, as handlers for a server.

`register` puts them into the table of the server's extensions. A server of several logical clusters gives the cluster that is simulated; requests of
others are answered as a cluster without kubelets does. The handlers may be called without a server, too: each takes an `Ask`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from tmc_syncer.controlplane.cluster.kubelet.kubelet import Kubelet
from tmc_syncer.controlplane.cluster.runtime.timers import Timers
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.streams.execs import Execs
from tmc_syncer.controlplane.cluster.streams.logs import Logs
from tmc_syncer.controlplane.cluster.streams.portforward import PortForwards
from tmc_syncer.controlplane.cluster.streams.targets import Ask, pod_of
from tmc_syncer.controlplane.cluster.upkeep.evictions import evict
from tmc_syncer.controlplane.server.errors import bad_request, method_not_allowed, no_such_path

if TYPE_CHECKING:
    from tmc_syncer.controlplane.server.extensions import Extensions, Invocation

__all__ = ["Streams"]

MAX_EVICTION = 64 * 1024
"""Bytes of an Eviction."""

Serve = Callable[[Ask], Awaitable[web.StreamResponse]]


class Streams:
    """See the module."""

    def __init__(self, world: World, kubelet: Kubelet, timers: Timers) -> None:
        self._world = world
        execs = Execs(world, kubelet, timers)
        self.handlers: dict[str, tuple[frozenset[str], Serve]] = {
            "log": (frozenset({"get"}), Logs(world, kubelet, timers).serve),
            "exec": (frozenset({"get", "create"}), execs.exec),
            "attach": (frozenset({"get", "create"}), execs.attach),
            "portforward": (frozenset({"get", "create"}), PortForwards(world, kubelet).serve),
            "eviction": (frozenset({"create"}), self._evict),
        }

    async def serve(self, subresource: str, ask: Ask) -> web.StreamResponse:
        """Answer one request. Raises `ApiError`."""
        return await self.handlers[subresource][1](ask)

    async def _evict(self, ask: Ask) -> web.StreamResponse:
        """Delete a pod if its disruption budget allows. Raises `ApiError`."""
        body = await ask.request.content.read(MAX_EVICTION)
        try:
            eviction = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
        except msgspec.DecodeError as error:
            raise bad_request(f"couldn't decode the Eviction: {error}") from error
        evict(self._world, pod_of(self._world.client, ask), eviction, dry_run="All" in ask.all("dryRun"))
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return web.Response(
            body=msgspec.json.encode(status) + b"\n", status=201, content_type="application/json"
        )

    def register(self, extensions: Extensions, cluster: str = "") -> None:
        """Serve them in this server, for one logical cluster (empty: for all)."""
        for subresource in self.handlers:
            extensions.add("pods", subresource, self._handler(subresource, cluster))

    def _handler(
        self, subresource: str, cluster: str
    ) -> Callable[[Invocation], Awaitable[web.StreamResponse]]:
        verbs, serve = self.handlers[subresource]

        async def handle(invocation: Invocation) -> web.StreamResponse:
            exchange = invocation.exchange
            if cluster and exchange.cluster != cluster:
                raise no_such_path()
            if invocation.verb not in verbs:
                raise method_not_allowed()
            return await serve(Ask(exchange.request, invocation.namespace, invocation.name, exchange.query))

        return handle
