"""`SimulatedCluster`: all controllers, the scheduler and the kubelets of one physical cluster, in one task group.

    Local ─► World (mirrors) ─► one Runner a controller ─► Local
                 └─► Kubelet ◄─ Streams (logs, exec, attach, port-forward, eviction)

`run` makes the nodes, waits until every mirror has what stands, runs until it is cancelled, and leaves nothing running. Each part can be
switched off by its name (`Options.without`). There is no thread, and no time but the clock's; dice are the given ones: under a
seeded loop with virtual time a run is repeated by its seed. What goes wrong in a reconcile is tried again and told to `report`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.cluster.kubelet.behaviour import Pace
from tmc_syncer.controlplane.cluster.kubelet.kubelet import DEAD, Kubelet
from tmc_syncer.controlplane.cluster.kubelet.nodes import NodeHeartbeat, NodePool, NodeSpec
from tmc_syncer.controlplane.cluster.kubelet.stages import STAGES, Stage
from tmc_syncer.controlplane.cluster.runtime.client import Client, Key
from tmc_syncer.controlplane.cluster.runtime.controller import Controller, Runner
from tmc_syncer.controlplane.cluster.runtime.recorder import Recorder
from tmc_syncer.controlplane.cluster.runtime.served import Types
from tmc_syncer.controlplane.cluster.runtime.timers import Timers
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.scheduling.scheduler import Dice, Scheduler
from tmc_syncer.controlplane.cluster.streams.service import Streams
from tmc_syncer.controlplane.cluster.upkeep.accounts import AccountController, CertificatePublisher
from tmc_syncer.controlplane.cluster.upkeep.balancers import IngressBalancer, ServiceBalancer
from tmc_syncer.controlplane.cluster.upkeep.claims import ClaimProtection, VolumeBinder, VolumeProtection
from tmc_syncer.controlplane.cluster.upkeep.disruptions import DisruptionController
from tmc_syncer.controlplane.cluster.upkeep.endpoints import EndpointsController
from tmc_syncer.controlplane.cluster.upkeep.endpointslices import EndpointSliceController
from tmc_syncer.controlplane.cluster.upkeep.expiry import EventExpiry
from tmc_syncer.controlplane.cluster.upkeep.garbage import GarbageCollector
from tmc_syncer.controlplane.cluster.upkeep.namespaces import NamespaceController
from tmc_syncer.controlplane.cluster.upkeep.podgarbage import PodGarbage
from tmc_syncer.controlplane.cluster.workloads.cronjobs import CronJobController
from tmc_syncer.controlplane.cluster.workloads.daemonsets import DaemonSetController
from tmc_syncer.controlplane.cluster.workloads.deployments import DeploymentController
from tmc_syncer.controlplane.cluster.workloads.jobs import JobController, JobPods, JobTtl
from tmc_syncer.controlplane.cluster.workloads.replicasets import REPLICATION_CONTROLLER, ReplicaSetController
from tmc_syncer.controlplane.cluster.workloads.statefulsets import StatefulSetController

__all__ = ["OFF_BY_DEFAULT", "PARTS", "WORKSPACE_PARTS", "Failure", "Options", "SimulatedCluster"]

KEPT_FAILURES = 200
"""Errors that are kept for whoever asks."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a cluster is simulated. `nodes`: how many, or which; `name` is in front of their names."""

    nodes: int | Sequence[NodeSpec] = 3
    name: str = "node"
    pace: Pace = field(default_factory=Pace)
    stages: Sequence[Stage] = STAGES
    parts: frozenset[str] | None = None
    """The parts to run; None: all but those that are off by default."""
    without: frozenset[str] = frozenset()
    events: bool = True
    root_certificate: str = ""
    event_life_seconds: float = 3600.0

    def node_specs(self) -> list[NodeSpec]:
        """The nodes to make."""
        if isinstance(self.nodes, int):
            return [NodeSpec(f"{self.name}-{number}") for number in range(1, self.nodes + 1)]
        return list(self.nodes)


@dataclass(frozen=True, slots=True)
class Failure:
    """A reconcile that failed."""

    controller: str
    key: Key
    error: Exception


@dataclass(frozen=True, slots=True)
class _Kit:
    """What parts are made of."""

    world: World
    recorder: Recorder
    dice: Dice
    types: Types
    options: Options


_Make = Callable[[_Kit], Controller]

PARTS: dict[str, _Make] = {
    "nodes": lambda kit: NodePool(kit.world, kit.options.node_specs()),
    "heartbeats": lambda kit: NodeHeartbeat(kit.world, DEAD),
    "deployments": lambda kit: DeploymentController(kit.world, kit.recorder),
    "replicasets": lambda kit: ReplicaSetController(kit.world, kit.recorder),
    "replicationcontrollers": lambda kit: ReplicaSetController(
        kit.world, kit.recorder, REPLICATION_CONTROLLER
    ),
    "statefulsets": lambda kit: StatefulSetController(kit.world, kit.recorder),
    "daemonsets": lambda kit: DaemonSetController(kit.world, kit.recorder),
    "jobs": lambda kit: JobController(kit.world, kit.recorder),
    "job-pods": lambda kit: JobPods(kit.world),
    "job-ttl": lambda kit: JobTtl(kit.world),
    "cronjobs": lambda kit: CronJobController(kit.world, kit.recorder),
    "scheduler": lambda kit: Scheduler(kit.world, kit.recorder, kit.dice),
    "kubelet": lambda kit: Kubelet(kit.world, kit.recorder, kit.options.pace, kit.options.stages),
    "accounts": lambda kit: AccountController(kit.world),
    "root-certificate": lambda kit: CertificatePublisher(kit.world, kit.options.root_certificate),
    "endpoints": lambda kit: EndpointsController(kit.world, kit.recorder),
    "endpointslices": lambda kit: EndpointSliceController(kit.world),
    "disruptions": lambda kit: DisruptionController(kit.world, kit.recorder),
    "load-balancers": lambda kit: ServiceBalancer(kit.world, kit.recorder),
    "ingresses": lambda kit: IngressBalancer(kit.world),
    "volumes": lambda kit: VolumeBinder(kit.world, kit.recorder),
    "claim-protection": lambda kit: ClaimProtection(kit.world),
    "volume-protection": lambda kit: VolumeProtection(kit.world),
    "pod-garbage": lambda kit: PodGarbage(kit.world),
    "event-expiry": lambda kit: EventExpiry(kit.world, life_seconds=kit.options.event_life_seconds),
    "namespaces": lambda kit: NamespaceController(kit.world, kit.types),
    # Last: it mirrors the metadata of what nobody else mirrors in full.
    "garbage": lambda kit: GarbageCollector(kit.world, kit.types),
}
"""Every part by the name that switches it."""

OFF_BY_DEFAULT = frozenset({"heartbeats"})

WORKSPACE_PARTS = frozenset({"accounts", "claim-protection", "garbage", "namespaces", "event-expiry"})
"""What a control plane without workloads runs, so that its API keeps its promises."""


class SimulatedCluster:
    """See the module. `types` are the types that the cluster serves, asked for again when they change."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        dice: Dice,
        *,
        types: Types,
        options: Options | None = None,
        report: Callable[[Failure], None] | None = None,
    ) -> None:
        self.options = options or Options()
        self.failures: deque[Failure] = deque(maxlen=KEPT_FAILURES)
        self._report = report
        self.world = World(client, clock)
        self.recorder = Recorder(self.world, mute=not self.options.events)
        self.timers = Timers(clock)
        kit = _Kit(self.world, self.recorder, dice, types, self.options)
        self.controllers = {name: PARTS[name](kit) for name in self._parts()}
        self._runners = [
            Runner(controller, self.world, self.timers, self._failed)
            for controller in self.controllers.values()
            if all(self.world.serves(source.resource) for source in controller.sources[:1])
        ]
        for runner in self._runners:
            if isinstance(runner.controller, GarbageCollector):
                runner.controller.hear = runner.add
            if isinstance(runner.controller, Kubelet):
                runner.controller.poke = runner.queue.add
        kubelet = self.kubelet
        self.streams = None if kubelet is None else Streams(self.world, kubelet, self.timers)
        """Handlers of logs, exec, attach and port-forward; None without kubelets."""

    def _parts(self) -> Iterable[str]:
        wanted = self.options.parts
        if wanted is None:
            wanted = frozenset(PARTS) - OFF_BY_DEFAULT
        unknown = (wanted | self.options.without) - set(PARTS)
        if unknown:
            raise ValueError(f"unknown parts of a cluster: {', '.join(sorted(unknown))}")
        return [name for name in PARTS if name in wanted and name not in self.options.without]

    @property
    def kubelet(self) -> Kubelet | None:
        """The kubelets, None when they are switched off."""
        found = self.controllers.get("kubelet")
        return found if isinstance(found, Kubelet) else None

    def quiet(self) -> bool:
        """Whether nobody has anything to do right now; something may still become due later."""
        return self.world.ready.is_set() and all(runner.quiet() for runner in self._runners)

    async def run(self) -> None:
        """Simulate until cancelled."""
        pool = self.controllers.get("nodes")
        if isinstance(pool, NodePool):
            pool.make()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.world.run(), name="world")
                for runner in self._runners:
                    group.create_task(runner.run(), name=runner.controller.name)
        finally:
            await self.timers.close()

    def _failed(self, controller: str, key: Key, error: Exception) -> None:
        failure = Failure(controller, key, error)
        self.failures.append(failure)
        if self._report is not None:
            self._report(failure)
