"""A restored upstream: what tells it, and that nothing is deleted because the backup does not know it.

Three things tell. An informer of this process lists a version below one that it saw; one does so whose version an
earlier process remembered downstream (`agent.memory`); or the SyncTarget itself says that the brake of an earlier
process held for this cause. The last is what keeps the brake over a restart: the versions go on counting, and may be
past the remembered ones by then. A release that is newer than the condition ends it, before the restart or after.

It only engages the brake of `downstream.brake`; who releases it is told there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tmc_syncer.agent.memory import VersionMemory
from tmc_syncer.agent.world import World
from tmc_syncer.api.conditions import Condition, ConditionStatus, ConditionType, find_condition
from tmc_syncer.api.resources import GVR
from tmc_syncer.downstream.brake import Cause
from tmc_syncer.observability.logs import Logger

__all__ = ["Restored"]


class Restored:
    """Engages the brake of the `World` that it is given. `seen` and `hook` are what informers are opened with."""

    def __init__(self, log: Logger, memory: VersionMemory) -> None:
        self._log = log
        self._memory = memory
        self._world: World | None = None

    def watch(self, world: World, conditions: tuple[Condition, ...]) -> None:
        """Guard `world`; `conditions` are those that an earlier process left on the SyncTarget."""
        self._world = world
        held = find_condition(conditions, ConditionType.DELETION_BRAKE)
        if (
            held is not None
            and held.status == ConditionStatus.TRUE
            and held.reason == Cause.UPSTREAM_RESTORED.value
            and held.last_transition_time
        ):
            since = datetime.fromisoformat(held.last_transition_time).astimezone(UTC)
            world.brake.engage(Cause.UPSTREAM_RESTORED, copies=0, wall=since)

    def seen(self, gvr: GVR) -> str:
        """The upstream version of a type that an earlier process saw last, '' when none is remembered."""
        return self._memory.seen(gvr)

    def hook(self, gvr: GVR) -> Callable[[str, str], None]:
        """What an informer of this type calls when its server has gone back."""

        def regressed(old: str, new: str) -> None:
            self._log.warning("upstream was restored from an older state", gvr=str(gvr), seen=old, now=new)
            if (world := self._world) is not None:
                world.brake.engage(Cause.UPSTREAM_RESTORED, copies=world.copies(), wall=world.env.clock.now())

        return regressed
