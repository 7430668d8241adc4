"""The type controller: starts and stops the informers of the types that the SyncTarget lists.

It compares the list in force with the discovery of both servers: a type is synced when both serve it. A type
that one side does not serve is shown with the reason and tried again at each discovery; a type that fails
discovery for a moment is kept (absence there is no removal). A type taken off the list leaves in order: its
copies go by the table first, then its informers stop. A process that starts continues what an earlier one did
not finish: ``status.syncedResources`` names the types that it synced, and those that left the list since then
are started once more to leave.

One task per informer, all owned by the task group of `run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog

from tmc_syncer.agent.informers import Informers
from tmc_syncer.agent.restored import Restored
from tmc_syncer.agent.routing import Routing
from tmc_syncer.agent.synced_type import BY_NAMESPACE, SyncedType, TypeState, trim_downstream, trim_upstream
from tmc_syncer.agent.world import World
from tmc_syncer.api.names import DOWNSTREAM_CLUSTER_LABEL
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.api.synctarget import SyncedResource
from tmc_syncer.api.synctarget_spec import SupportedResource
from tmc_syncer.kube.discovery import Discovery, discover
from tmc_syncer.kube.errors import KubeError

__all__ = ["TypeController", "TypeProblem"]

ABSENCES = 2
"""Discoveries in a row that prove that a type is not served: a server that starts shows its CRDs a moment later (F69)."""


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """A listed type that is not synced: its state and why."""

    state: TypeState
    reason: str
    message: str


_NOT_ASKED = TypeProblem(
    TypeState.PENDING, "NotDiscovered", "A server has not yet said whether it serves this type."
)


def _is_silent(discovery: Discovery, group: str) -> bool:
    """Whether the answer says nothing about a group that it does not show."""
    return not discovery.complete and (not discovery.resources or group in discovery.failed_groups)


def _namespace_index(record: Record) -> tuple[str, ...]:
    return (f"{record.cluster}/{record.meta.namespace}",)


class TypeController:
    """Keeps `World.types` in line with the list in force. `wake` makes it look again at once."""

    def __init__(
        self,
        world: World,
        routing: Routing,
        informers: Informers,
        discovery_seconds: float,
        allow_two_writers: frozenset[tuple[str, str]],
        restored: Restored,
        earlier: Iterable[SyncedResource] = (),
    ) -> None:
        self._world = world
        self._routing = routing
        self._informers = informers
        self._interval = discovery_seconds
        self._allowed = allow_two_writers
        self._restored = restored
        self._log = structlog.get_logger("tmc.agent.types")
        self._tasks: dict[GVR, tuple[asyncio.Task[None], ...]] = {}
        self._wake = asyncio.Event()
        self._discovery_due = float("-inf")
        self.upstream = Discovery({}, {}, complete=False)
        self.downstream = Discovery({}, {}, complete=False)
        self._earlier = {
            SupportedResource(group=e.group, version=e.version, resource=e.resource, cluster_scoped=True)
            for e in earlier
        }
        # Shown from the first report on: a process that ends soon must not make the next one forget them.
        self.problems = dict.fromkeys(self._entries(), _NOT_ASKED)

    @property
    def settled(self) -> bool:
        """Whether each type that may have copies has its caches, or is known to be served by one side only."""
        return all(problem.state is not TypeState.PENDING for problem in self.problems.values())

    def wake(self) -> None:
        """The list changed: look again now."""
        self._discovery_due = self._world.now()
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                if (now := self._world.now()) >= self._discovery_due:
                    self._discovery_due = now + self._interval
                    await self._discover()
                self._reconcile(group)
                await self._pause()

    async def _pause(self) -> None:
        """Wait for the next poll, or for `wake`; types that are leaving are looked at each second."""
        leaving = any(synced.leaving for synced in self._world.types.values())
        wait = max(0.0, self._discovery_due - self._world.now())
        timer = asyncio.ensure_future(self._world.env.clock.sleep(min(wait, 1.0) if leaving else wait))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((timer, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waker.cancel()

    async def _discover(self) -> None:
        """Ask both servers what they serve; a failure keeps what is known."""
        with suppress(KubeError):
            self.upstream = await discover(self._world.clusters.upstream)
        with suppress(KubeError):
            self.downstream = await discover(self._world.clusters.downstream)
            self._count_absences()

    def _count_absences(self) -> None:
        for synced in self._world.types.values():
            served = self.downstream.find(synced.downstream_info.gvr) is not None
            if served or self.downstream.complete:
                synced.absences = 0 if served else synced.absences + 1

    def _reconcile(self, group: asyncio.TaskGroup) -> None:
        world = self._world
        wanted: set[GVR] = set()
        before, self.problems = self.problems, {}
        for entry in self._entries():
            listed = entry not in self._earlier
            resolved = self._resolve(entry)
            if isinstance(resolved, TypeProblem):
                known = self._known(entry)
                if known is not None and listed:
                    wanted.add(known)  # absence in one discovery is no removal
                elif listed or resolved.state is TypeState.PENDING:
                    self.problems[entry] = resolved
                continue
            up, down = resolved
            if listed:
                wanted.add(up.gvr)
            if up.gvr not in world.types:
                self._start(group, up, down)
        self._tell_problems(before)
        self._earlier.intersection_update(self.problems)  # what could be started once goes on by itself
        for gvr, synced in list(world.types.items()):
            self._look_downstream(gvr, synced)
            self._leave_or_stay(gvr, synced, gvr in wanted)

    def _tell_problems(self, before: Mapping[SupportedResource, TypeProblem]) -> None:
        for entry, problem in self.problems.items():
            if problem not in (before.get(entry), _NOT_ASKED):
                self._log.warning(
                    "type not synced", gvr=str(entry.gvr), state=problem.state.value, reason=problem.reason,
                    problem=problem.message, retry_in=self._interval,
                )  # fmt: skip

    def _look_downstream(self, gvr: GVR, synced: SyncedType) -> None:
        """Notice that a CRD went away downstream, or came back. Only complete discoveries can tell that it went."""
        absent = synced.absences >= ABSENCES
        if absent != synced.absent_downstream:
            synced.absent_downstream = absent
            synced.downstream.request_relist()
            self._world.enqueue_type(gvr, synced)

    def _entries(self) -> list[SupportedResource]:
        """What is listed, and what an earlier process synced that is not."""
        listed = self._world.spec.supported_api_resources
        names = {(entry.group, entry.resource) for entry in listed}
        self._earlier = {entry for entry in self._earlier if (entry.group, entry.resource) not in names}
        return [*listed, *self._earlier]

    def _known(self, entry: SupportedResource) -> GVR | None:
        for gvr in self._world.types:
            if (gvr.group, gvr.resource) == (entry.group, entry.resource):
                return gvr
        return None

    def _resolve(self, entry: SupportedResource) -> tuple[ResourceInfo, ResourceInfo] | TypeProblem:
        up, down = self.upstream.find(entry.gvr), self.downstream.find(entry.gvr)
        if up is not None and down is None and not entry.version:
            down = self.downstream.find(GVR(entry.group, "", entry.resource))
        for side, info, discovery in (
            ("upstream", up, self.upstream),
            ("downstream", down, self.downstream),
        ):
            if info is None and _is_silent(discovery, entry.group):
                return _NOT_ASKED
            if info is None:
                return TypeProblem(
                    TypeState.FAILED,
                    f"NotServed{side.capitalize()}",
                    f"The {side} server does not serve {entry.gvr}; it is asked again with each discovery.",
                )
        assert up is not None
        assert down is not None
        if up.namespaced != down.namespaced:
            return TypeProblem(
                TypeState.REFUSED, "ScopeDiffers", f"{entry.gvr} has another scope downstream."
            )
        if not up.namespaced and not entry.cluster_scoped:
            return TypeProblem(
                TypeState.REFUSED,
                "ClusterScoped",
                f"{entry.gvr} is cluster-scoped: list it with clusterScoped: true.",
            )
        return up, down

    def _start(self, group: asyncio.TaskGroup, up: ResourceInfo, down: ResourceInfo) -> None:
        world = self._world
        manager = world.field_manager
        upstream = self._informers.open(
            world.clusters.upstream,
            up,
            name=f"upstream {up.gvr}",
            trim=trim_upstream,
            seen_version=self._restored.seen(up.gvr),
            on_regression=self._restored.hook(up.gvr),
        )
        downstream = self._informers.open(
            world.clusters.downstream,
            down,
            name=f"downstream {down.gvr}",
            label_selector=f"{DOWNSTREAM_CLUSTER_LABEL}={world.target.key}",
            trim=lambda record: trim_downstream(record, manager),
        )
        allowed = (up.gvr.group, up.gvr.resource) in self._allowed
        synced = SyncedType(up.gvr, up, down, upstream, downstream, manager, two_writers_allowed=allowed)
        for store in (upstream.store, downstream.store):
            store.add_index(BY_NAMESPACE, _namespace_index)
        upstream.store.subscribe(partial(self._routing.upstream_changed, synced))
        downstream.store.subscribe(partial(self._routing.downstream_changed, synced))
        world.types[up.gvr] = synced
        world.journal.add_type(up.gvr)
        self._tasks[up.gvr] = (
            group.create_task(upstream.run(), name=upstream.name),
            group.create_task(downstream.run(), name=downstream.name),
        )

    def _leave_or_stay(self, gvr: GVR, synced: SyncedType, wanted: bool) -> None:
        world = self._world
        if wanted:
            if synced.leaving:
                synced.leaving = False
                world.enqueue_type(gvr, synced)
            return
        if not synced.leaving:
            synced.leaving = True
            world.enqueue_type(gvr, synced)
            return
        if world.fresh(synced) and not world.holds_anything(synced):
            self._stop(gvr)

    def _stop(self, gvr: GVR) -> None:
        for task in self._tasks.pop(gvr):
            task.cancel()
        del self._world.types[gvr]
        self._world.journal.forget_type(gvr)
