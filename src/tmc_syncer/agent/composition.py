"""Composition: every part of one agent, wired together. The only place that knows all of them.

`compose` builds, `Agent.run` runs: the Lease first, then everything in one task group. Nothing here decides
about an object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial

from tmc_syncer.agent.autoscalers import Autoscalers
from tmc_syncer.agent.config import AgentConfig
from tmc_syncer.agent.default_account import DefaultAccounts
from tmc_syncer.agent.freshness import Freshness
from tmc_syncer.agent.informers import Informers
from tmc_syncer.agent.lease import AgentLease, LeaseTimes
from tmc_syncer.agent.memory import SAVE_SECONDS, VersionMemory
from tmc_syncer.agent.namespaces import NAMESPACE_INFO, NAMESPACES, NamespaceController
from tmc_syncer.agent.observer import Observer
from tmc_syncer.agent.reporter import Reporter
from tmc_syncer.agent.reports import note_failure, report_applied, report_state, report_write
from tmc_syncer.agent.restored import Restored
from tmc_syncer.agent.routing import Routing
from tmc_syncer.agent.spec import SpecController
from tmc_syncer.agent.status import StatusController
from tmc_syncer.agent.statusz import StatuszSource
from tmc_syncer.agent.synced_type import Item
from tmc_syncer.agent.target import TargetController, rules_of
from tmc_syncer.agent.types import TypeController
from tmc_syncer.agent.world import BY_LOCATOR, Clusters, World, locator_index
from tmc_syncer.api.locator import TargetReference
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.api.synctarget import SYNC_TARGETS, check_spec, parse_status
from tmc_syncer.api.synctarget_spec import SyncTargetSpec
from tmc_syncer.downstream.applier import Applier
from tmc_syncer.downstream.brake import Cause
from tmc_syncer.downstream.census import Census
from tmc_syncer.engine.controller import Controller
from tmc_syncer.engine.dispatcher import ConcurrencyLimit
from tmc_syncer.engine.env import Env
from tmc_syncer.engine.filters import FilterChain, load_filters
from tmc_syncer.engine.never_synced import NeverSynced
from tmc_syncer.engine.outcomes import Outcome
from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import KubeError
from tmc_syncer.kube.upstreams import Upstream
from tmc_syncer.observability.admin import AdminSources
from tmc_syncer.observability.logs import Logger
from tmc_syncer.observability.metrics import Metrics
from tmc_syncer.sync.interpreter import Interpreter

__all__ = ["Agent", "compose"]


@dataclass(slots=True, eq=False)
class Agent:
    """A composed agent. `run` until cancelled, or until `stop` was called and what was in flight is done."""

    world: World
    lease: AgentLease
    memory: VersionMemory
    log: Logger
    metrics: Metrics
    statusz: StatuszSource
    controllers: tuple[Controller[Item], Controller[Item], Controller[Key]]
    background: Mapping[str, Callable[[], Coroutine[None, None, None]]]

    def admin_sources(self) -> AdminSources:
        """What the admin endpoint serves."""
        return AdminSources(
            health=self.statusz.health,
            ready=self.statusz.ready,
            statusz=self.statusz.snapshot,
            metrics=self.metrics.render,
        )

    def stop(self, grace_seconds: float) -> None:
        """Stop gracefully: no new keys, those in flight finish within the grace."""
        for controller in self.controllers:
            controller.stop(grace_seconds)

    async def run(self) -> None:
        """Everything, in one task group. Ends by itself only after `stop`."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._hold_lease(), name="lease"),
                group.create_task(self._remember(), name="memory"),
            ]
            for name, run in self.background.items():
                tasks.append(group.create_task(run(), name=name))
            working = [group.create_task(c.run(), name=c.name) for c in self.controllers]
            await asyncio.wait(working, return_when=asyncio.ALL_COMPLETED)
            for task in tasks:
                task.cancel()
        await self._save_versions()
        await self.lease.release()

    async def _save_versions(self) -> None:
        """Remember how far upstream is. What a restored upstream has lost stays remembered until it is released."""
        trip = self.world.brake.trip
        if trip is not None and trip.cause is Cause.UPSTREAM_RESTORED:
            return
        stores = {gvr: synced.upstream_store for gvr, synced in self.world.types.items()}
        stores[NAMESPACES] = self.world.upstream_namespaces.store
        await self.memory.save({gvr: store.resource_version for gvr, store in stores.items()})

    async def _remember(self) -> None:
        while True:
            await self.world.env.clock.sleep(SAVE_SECONDS)
            if self.lease.held():
                await self._save_versions()

    async def _hold_lease(self) -> None:
        """Acquire and renew for ever; say who holds the Lease when it is somebody else."""
        standing_by = False
        while True:
            try:
                wait = await self.lease.attempt()
            except KubeError as error:
                self.log.warning("lease", problem=str(error))
                wait = self.lease.retry_seconds
            if not self.lease.held() and self.lease.holder_is_other and not standing_by:
                self.log.warning(
                    "standing by: another agent serves this target", holder=self.lease.holder, code="TMC-021"
                )
            standing_by = not self.lease.held()
            await self.world.env.clock.sleep(wait)


def compose(
    config: AgentConfig,
    env: Env,
    upstream: Upstream,
    downstream: Client,
    target: Record,
    memory: VersionMemory,
    log: Logger,
    metrics: Metrics,
) -> Agent:
    """Build all parts of the agent of one SyncTarget, as it was found or created."""
    reference = TargetReference(upstream.cluster, target.meta.name, target.meta.uid)
    lease = AgentLease(
        upstream.client,
        config.target,
        f"{config.target}-{env.new_id()}",
        env,
        LeaseTimes(
            duration=config.lease_seconds,
            deadline=config.lease_seconds * 2 / 3,
            renew=config.lease_seconds / 3,
            retry=config.lease_seconds / 7.5,
        ),
    )
    informers = Informers(env, config.resync_seconds)
    restored = Restored(log, memory)
    world = _world(config, informers, upstream, downstream, reference, target, lease, restored)
    restored.watch(world, parse_status(target).conditions)
    world.journal.on_news = partial(report_state, log, world.now)
    routing = Routing(world)
    world.upstream_namespaces.store.subscribe(routing.upstream_namespace_changed)
    world.downstream_namespaces.store.subscribe(routing.downstream_namespace_changed)

    interpreter = Interpreter(upstream.client, downstream, env.clock, partial(report_write, log, metrics))
    applier, observer = Applier(downstream), Observer(world)
    on_applied = partial(report_applied, log, metrics)
    spec = SpecController(world, observer, interpreter, applier, on_applied)
    accounts = DefaultAccounts(
        world, observer, interpreter, applier, informers, on_applied, others=spec.reconcile
    )
    status = StatusController(world, interpreter, observer.is_current)
    types = TypeController(
        world,
        routing,
        informers,
        config.discovery_seconds,
        frozenset((gvr.group, gvr.resource) for gvr in config.allow_two_writers),
        restored,
        parse_status(target).synced_resources,
    )
    world.types_settled = lambda: types.settled
    autoscalers = Autoscalers(
        informers,
        (upstream.client, downstream),
        lambda: (types.upstream, types.downstream),
        world.enqueue_scaled,
    )
    world.autoscaled, world.autoscaling_known = autoscalers.scales, autoscalers.ready
    census = Census(downstream, lambda: types.downstream, reference.key)
    namespaces = NamespaceController(world, interpreter, applier, census, config.namespace_deletion_delay)
    target_informer = informers.open(
        upstream.client, SYNC_TARGETS, name="synctarget", field_selector=f"metadata.name={config.target}"
    )
    target_controller = TargetController(world, target_informer, types.wake)
    world.target_known = target_controller.known
    reporter = Reporter(
        world, target_controller, types, config.status_seconds, lambda: interpreter.last_write
    )
    statusz = StatuszSource(world, types, lambda: interpreter.last_write, lease.why_not_held)
    limit = ConcurrencyLimit(workers=config.workers)

    def noted(outcome: Outcome[Item]) -> None:
        note_failure(world, metrics, log, outcome.key, outcome)

    controllers = (
        Controller("spec", world.objects, accounts.reconcile, env, limit=limit, on_outcome=noted),
        Controller("status", world.statuses, status.reconcile, env, limit=limit, on_outcome=noted),
        Controller(
            "namespaces",
            world.namespaces,
            namespaces.reconcile,
            env,
            on_outcome=lambda outcome: note_failure(world, metrics, log, (NAMESPACES, outcome.key), outcome),
        ),
    )
    background = {
        "upstream namespaces": world.upstream_namespaces.run,
        "downstream namespaces": world.downstream_namespaces.run,
        "synctarget informer": target_informer.run,
        "types": types.run,
        "synctarget": target_controller.run,
        "reporter": reporter.run,
        "autoscalers": autoscalers.run,
        "default accounts": accounts.run,
        "freshness": Freshness(world, metrics).run,
    }
    return Agent(world, lease, memory, log, metrics, statusz, controllers, background)


def _world(
    config: AgentConfig,
    informers: Informers,
    upstream: Upstream,
    downstream: Client,
    reference: TargetReference,
    target: Record,
    lease: AgentLease,
    restored: Restored,
) -> World:
    spec, _ = check_spec(target.fields.get("spec"))
    spec = spec if spec is not None else SyncTargetSpec()

    def fairness(item: Item) -> str:
        return item[1].cluster

    env = informers.env
    uniform = env.rng.uniform
    world = World(
        env=env,
        clusters=Clusters(upstream.client, downstream, upstream.cluster),
        target=reference,
        field_manager=config.field_manager,
        spec=spec,
        rules=rules_of(reference, spec, FilterChain((NeverSynced(), *load_filters())), upstream.cluster),
        upstream_namespaces=informers.open(
            upstream.client,
            NAMESPACE_INFO,
            name="upstream namespaces",
            seen_version=restored.seen(NAMESPACES),
            on_regression=restored.hook(NAMESPACES),
        ),
        downstream_namespaces=informers.open(downstream, NAMESPACE_INFO, name="downstream namespaces"),
        objects=WorkQueue(fairness=fairness, uniform=uniform),
        statuses=WorkQueue(fairness=fairness, uniform=uniform),
        namespaces=WorkQueue(uniform=uniform),
        holds_lease=lease.held,
    )
    world.downstream_namespaces.store.add_index(BY_LOCATOR, locator_index(reference))
    return world
