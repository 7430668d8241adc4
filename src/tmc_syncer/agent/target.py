"""The SyncTarget controller: brings the agent's own SyncTarget into force, and out of it.

A valid spec replaces the one in force; an invalid one is reported in the condition ``SpecValid`` and the last
good one stays. Changes that concern every object (selectors, assignment, pause, eviction) make every object
due. A SyncTarget that is being deleted takes all its objects along by the table (or releases them, by
``onRemoval``); its finalizer goes when nothing is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from tmc_syncer.agent.world import BY_LOCATOR, World
from tmc_syncer.api.locator import TargetReference
from tmc_syncer.api.names import RELEASE_BRAKE, SYNC_TARGET_FINALIZER
from tmc_syncer.api.objects import Record, encode_json
from tmc_syncer.api.resources import Key
from tmc_syncer.api.synctarget import SYNC_TARGETS, SpecProblem, SyncTargetSpec, check_spec
from tmc_syncer.engine.filters import FilterChain
from tmc_syncer.engine.informer import Informer
from tmc_syncer.kube.client import PatchType
from tmc_syncer.kube.errors import KubeError
from tmc_syncer.sync import patches
from tmc_syncer.sync.assignment import AssignmentRules

__all__ = ["TargetController", "rules_of"]

TICK_SECONDS = 1.0


def rules_of(
    target: TargetReference, spec: SyncTargetSpec, filters: FilterChain, cluster: str, *, leaving: str = ""
) -> AssignmentRules:
    """The assignment rules that a spec puts in force for the objects of one logical cluster.

    A target takes every workspace unless its spec names some (on kcp, where workspaces are many people's, the
    default is none; that mode reads many clusters and passes `by_default` of its own).
    """
    if not leaving and not spec.allows_workspace(cluster, by_default=True):
        leaving = "WorkspaceNotAllowed"
    return AssignmentRules(
        key=target.key,
        mode=spec.assignment,
        selector=spec.selector.selector(),
        namespace_selector=spec.namespace_selector.selector(),
        leaving=leaving,
        filters=filters,
    )


class TargetController:
    """Watches one SyncTarget through `informer` and puts it in force. `wake_types`: the type list changed."""

    def __init__(self, world: World, informer: Informer, wake_types: Callable[[], None]) -> None:
        self._world = world
        self._informer = informer
        self._wake_types = wake_types
        self._changed = asyncio.Event()
        self.problems: tuple[SpecProblem, ...] = ()
        informer.store.subscribe(lambda _change: self._changed.set())

    @property
    def record(self) -> Record | None:
        """The SyncTarget as last seen."""
        return self._informer.store.get(Key(self._world.target.cluster, "", self._world.target.name))

    def known(self, now: float) -> bool:
        """Whether it is known what to sync: there is a SyncTarget, and it is what the server has."""
        return self.record is not None and self._informer.fresh(now)

    async def run(self) -> None:
        """Until cancelled. Ticks once a second for what only time changes (`evictAfter`, a finished removal)."""
        while True:
            record = self.record
            if record is not None:
                self._put_in_force(record)
                await self._finalize(record)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    def _put_in_force(self, record: Record) -> None:
        world = self._world
        spec, self.problems = check_spec(record.fields.get("spec"))
        spec = spec if spec is not None else world.spec
        leaving = self._leaving(record, spec)
        rules = rules_of(world.target, spec, world.rules.filters, world.clusters.cluster, leaving=leaving)
        target = msgspec.structs.replace(
            world.target, uid=record.meta.uid
        )  # another one: it was created anew
        world.target_deleting = record.meta.deleting
        self._release_brake(record)
        if (spec, rules, target) == (world.spec, world.rules, world.target):
            return
        world.spec, world.rules, world.target = spec, rules, target
        self._wake_types()
        world.enqueue_all()
        world.enqueue_namespaces()

    def _leaving(self, record: Record, spec: SyncTargetSpec) -> str:
        if record.meta.deleting:
            return "TargetDeleted"
        return "TargetEvicted" if spec.evicted(self._world.env.clock.now()) else ""

    def _release_brake(self, record: Record) -> None:
        text = record.meta.annotation(RELEASE_BRAKE)
        if text is None:
            return
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except ValueError:
            return
        if self._world.brake.release(moment):
            self._world.enqueue_all()

    # -- the SyncTarget's own finalizer ----------------------------------------------------------------------

    async def _finalize(self, record: Record) -> None:
        present = record.meta.finalizers or ()
        ours = SYNC_TARGET_FINALIZER in present
        if not self._world.holds_lease():
            return
        if record.meta.deleting and ours and self._is_empty():
            await self._patch(
                record, patches.remove_finalizer(record.meta.uid, present, SYNC_TARGET_FINALIZER)
            )
        elif not record.meta.deleting and not ours:
            await self._patch(record, patches.add_finalizer(record.meta.uid, present, SYNC_TARGET_FINALIZER))

    def _is_empty(self) -> bool:
        """Whether no copy and no namespace of ours stands, and no upstream object carries our finalizer.

        By complete and recent caches. A namespace that terminates still stands.
        """
        world = self._world
        if not world.sees_all_copies():
            return False
        if world.downstream_namespaces.store.index_values(BY_LOCATOR):
            return False
        return not any(world.holds_anything(synced) for synced in world.types.values())

    async def _patch(self, record: Record, body: list[dict[str, object]]) -> None:
        try:
            reply = await self._world.clusters.upstream.patch(
                SYNC_TARGETS, "", record.meta.name, encode_json(body), patch_type=PatchType.JSON
            )
        except KubeError:
            return  # the next tick sees what became of it
        self._informer.store.write_replied(reply)
