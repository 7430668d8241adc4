"""The status reporter: what the agent says about itself in ``SyncTarget.status``.

It writes when something that a person could see has changed, at most once per interval, and once a minute as a
sign of life. The whole status is ours and replaced at once. Counts come from the journal; conditions from
freshness of the caches, the brake and the last look at the spec.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from tmc_syncer import __version__
from tmc_syncer.agent.target import TargetController
from tmc_syncer.agent.types import TypeController
from tmc_syncer.agent.world import World
from tmc_syncer.api.objects import encode_json
from tmc_syncer.api.synctarget import (
    SYNC_TARGETS,
    WORST_OBJECTS_LIMIT,
    Condition,
    ConditionStatus,
    ConditionType,
    SyncedResource,
    SyncedState,
    SyncTargetStatus,
    WorstObject,
    encode_status,
    parse_status,
    set_condition,
    set_ready,
    set_spec_valid,
)
from tmc_syncer.engine.env import rfc3339
from tmc_syncer.kube.client import PatchType
from tmc_syncer.kube.errors import KubeError
from tmc_syncer.sync import patches
from tmc_syncer.sync.journal import ObjectState

__all__ = ["Reporter"]

HEARTBEAT_SECONDS = 60.0
FIRST_REPORT_SECONDS = 1.0


@dataclass(slots=True)
class _Last:
    body: bytes = b""
    at: float = float("-inf")


class Reporter:
    """Writes the status of one SyncTarget. `last_sync` gives the monotonic time of the last successful write."""

    def __init__(
        self,
        world: World,
        target: TargetController,
        types: TypeController,
        interval_seconds: float,
        last_sync: Callable[[], float | None],
    ) -> None:
        self._world = world
        self._target = target
        self._types = types
        self._interval = interval_seconds
        self._last_sync = last_sync
        self._last = _Last()

    async def run(self) -> None:
        """Until cancelled."""
        await self._world.env.clock.sleep(FIRST_REPORT_SECONDS)
        while True:
            await self.report()
            await self._world.env.clock.sleep(self._interval)

    async def report(self) -> None:
        """Write the status if it says something new, or for the sign of life. A failed write is tried again later."""
        record = self._target.record
        world = self._world
        if record is None or not world.holds_lease():
            return
        status = self._status(parse_status(record).conditions)
        comparable = encode_status(
            msgspec.structs.replace(status, last_syncer_heartbeat_time=None, last_sync_time=None)
        )
        now = world.now()
        if comparable == self._last.body and now - self._last.at < HEARTBEAT_SECONDS:
            return
        body = patches.replace_status(record.meta.uid, msgspec.to_builtins(status))
        try:
            await world.clusters.upstream.patch(
                SYNC_TARGETS,
                "",
                record.meta.name,
                encode_json(body),
                patch_type=PatchType.JSON,
                subresource="status",
            )
        except KubeError:
            return
        self._last = _Last(comparable, now)

    def _status(self, conditions: tuple[Condition, ...]) -> SyncTargetStatus:
        world = self._world
        totals = world.journal.totals()
        last = self._last_sync()
        return SyncTargetStatus(
            connected=self._side_fresh("upstream") and self._side_fresh("downstream"),
            synced=totals.synced,
            pending=totals.pending,
            failed=totals.failed,
            conditions=self.conditions(conditions),
            synced_resources=self._resources(),
            last_sync_time=None if last is None else self._wall(last),
            last_syncer_heartbeat_time=rfc3339(world.env.clock.now()),
            worst_objects=tuple(self._worst(state) for state in world.journal.worst(WORST_OBJECTS_LIMIT)),
            syncer_version=__version__,
        )

    def conditions(self, before: tuple[Condition, ...]) -> tuple[Condition, ...]:
        """The conditions as they are now, after `before`."""
        world = self._world
        now = rfc3339(world.env.clock.now())
        result = set_spec_valid(before, self._target.problems, now)
        for kind, side in (
            (ConditionType.UPSTREAM_HEALTHY, "upstream"),
            (ConditionType.DOWNSTREAM_HEALTHY, "downstream"),
        ):
            fresh = self._side_fresh(side)
            result = set_condition(
                result,
                kind,
                ConditionStatus.TRUE if fresh else ConditionStatus.FALSE,
                "Reachable" if fresh else "NotReachable",
                f"The caches of the {side} side are {'complete and recent' if fresh else 'not complete or stale'}.",
                now,
            )
        result = set_condition(result, ConditionType.SYNCER_READY, *self._readiness(), now)
        trip = world.brake.trip
        result = set_condition(
            result,
            ConditionType.DELETION_BRAKE,
            ConditionStatus.FALSE if trip is None else ConditionStatus.TRUE,
            "NotTripped" if trip is None else trip.cause.value,
            "Deletions go through." if trip is None else trip.message(),
            now,
        )
        return set_ready(result, now)

    def _readiness(self) -> tuple[str, str, str]:
        """Status, reason and message of ``SyncerReady``. Types that cannot be synced are named; the others go on."""
        world, now = self._world, self._world.now()
        left_out = [str(gvr) for gvr, synced in world.types.items() if synced.refused_now(now)]
        left_out += [str(entry.gvr) for entry in self._types.problems]
        if not all(world.fresh(s) for s in world.types.values() if not s.refused_now(now)):
            return (
                ConditionStatus.FALSE,
                "CachesNotReady",
                "Some types are not yet watched on both sides.",
            )
        if left_out:
            names = ", ".join(sorted(left_out)[:10])
            return (
                ConditionStatus.TRUE,
                "SomeTypesNotSynced",
                f"Not synced, see syncedResources: {names}. All other types are.",
            )
        return ConditionStatus.TRUE, "Syncing", "All types are watched on both sides."

    def _side_fresh(self, side: str) -> bool:
        """Whether the caches of one side are complete and recent, but for types that it refuses to us."""
        world, now = self._world, self._world.now()
        namespaces = world.upstream_namespaces if side == "upstream" else world.downstream_namespaces
        informers = (getattr(synced, side) for synced in world.types.values())
        return namespaces.fresh(now) and all(each.fresh(now) or each.health.refused for each in informers)

    def _resources(self) -> tuple[SyncedResource, ...]:
        found = []
        for gvr, synced in sorted(self._world.types.items()):
            counts = self._world.journal.counts(gvr)
            state, reason = synced.state(self._world.now())
            if (next_try := synced.next_try(self._world.now())) is not None:
                reason = f"{reason} Asked again at {self._wall(next_try)}."
            found.append(
                SyncedResource(
                    group=gvr.group,
                    version=gvr.version,
                    resource=gvr.resource,
                    state=SyncedState(state),
                    synced=counts.synced,
                    pending=counts.pending,
                    failed=counts.failed,
                    reason=reason,
                )
            )
        for entry, problem in self._types.problems.items():
            found.append(
                SyncedResource(
                    group=entry.group,
                    version=entry.version,
                    resource=entry.resource,
                    state=SyncedState(problem.state),
                    synced=0,
                    pending=0,
                    failed=0,
                    reason=f"{problem.reason}: {problem.message}",
                )
            )
        return tuple(found)

    def _worst(self, state: ObjectState) -> WorstObject:
        return WorstObject(
            group=state.gvr.group,
            version=state.gvr.version,
            resource=state.gvr.resource,
            cluster=state.key.cluster,
            namespace=state.key.namespace,
            name=state.key.name,
            state=state.state,
            code=state.code,
            reason=state.reason,
            message=state.message,
            attempts=state.attempts,
            next_try=None if state.next_try is None else self._wall(state.next_try),
            since=self._wall(state.since),
        )

    def _wall(self, moment: float) -> str:
        """A monotonic time as RFC 3339."""
        clock = self._world.env.clock
        return rfc3339(clock.now() + timedelta(seconds=moment - clock.monotonic()))
