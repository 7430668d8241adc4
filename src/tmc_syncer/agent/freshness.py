"""Freshness: wakes what had to wait for the caches, and settles receipts that the watch never met.

A key whose caches were not fresh is parked with its type, not retried: ten thousand keys that ask again each
second would cost more than the start they wait for. This loop looks a few times a second whether a type with
waiting keys became fresh. It also sends the one live GET for each receipt that is unmet past its deadline
(a watch that lost the event of our own write), and publishes the depth of the queues and what the informers counted.
"""

from __future__ import annotations

from tmc_syncer.agent.synced_type import SyncedType
from tmc_syncer.agent.world import World
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.downstream.propagation import priority
from tmc_syncer.engine.store import Store
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError, KubeError
from tmc_syncer.observability.metrics import Metrics

__all__ = ["Freshness"]

TICK_SECONDS = 0.1
RECEIPTS_EVERY = 50  # ticks
RECEIPT_DEADLINE_SECONDS = 30.0
RECEIPTS_AT_ONCE = 20


class Freshness:
    """One loop over the types of one `World`."""

    def __init__(self, world: World, metrics: Metrics) -> None:
        self._world = world
        self._metrics = metrics

    async def run(self) -> None:
        """Until cancelled."""
        tick = 0
        while True:
            for gvr, synced in list(self._world.types.items()):
                self._wake(gvr, synced)
                if tick % RECEIPTS_EVERY == 0:
                    await self._settle(synced)
            if tick % RECEIPTS_EVERY == 0:
                self._world.brake.clear_if_idle()
                self._publish()
            tick += 1
            await self._world.env.clock.sleep(TICK_SECONDS)

    def _wake(self, gvr: GVR, synced: SyncedType) -> None:
        world = self._world
        if not (synced.waiting or synced.waiting_status) or not world.fresh(synced):
            return
        now = world.now()
        for key in synced.waiting:
            world.objects.add((gvr, key), now, priority=priority(gvr))
        for key in synced.waiting_status:
            world.statuses.add((gvr, key), now)
        synced.waiting.clear()
        synced.waiting_status.clear()

    async def _settle(self, synced: SyncedType) -> None:
        clusters = self._world.clusters
        await self._settle_store(synced.upstream_store, clusters.upstream, synced.upstream_info)
        await self._settle_store(synced.downstream_store, clusters.downstream, synced.downstream_info)

    async def _settle_store(self, store: Store, client: Client, info: ResourceInfo) -> None:
        unmet = store.unmet_receipts(self._world.now(), RECEIPT_DEADLINE_SECONDS)
        for key in unmet[:RECEIPTS_AT_ONCE]:
            known = store.get(key)
            try:
                record = await client.get(info, key.namespace, key.name)
            except ApiError as error:
                if not error.is_not_found_of(info, key.name):
                    return
                store.observed(key, None, known=known)
            except KubeError:
                return
            else:
                store.observed(key, record, known=known)

    def _publish(self) -> None:
        now = self._world.now()
        for name, queue in (("spec", self._world.objects), ("status", self._world.statuses)):
            self._metrics.queue(name, len(queue), queue.oldest(now))
        journal = self._world.journal
        for gvr in journal.types():
            counts = journal.counts(gvr)
            for state in ("synced", "pending", "failed", "excluded"):
                self._metrics.objects(gvr, state, getattr(counts, state))
        for gvr, synced in self._world.types.items():
            for side, informer in (("upstream", synced.upstream), ("downstream", synced.downstream)):
                self._metrics.informer(side, gvr, informer.health.restarts, informer.health.relists)
        self._metrics.brake(self._world.brake.trip is not None)
