"""What the admin endpoint says: health, readiness, and the whole state of one agent as ``/statusz``.

Read from the journal and the informers at the moment of the request; nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tmc_syncer import __version__
from tmc_syncer.agent.types import TypeController
from tmc_syncer.agent.world import World
from tmc_syncer.engine.env import rfc3339
from tmc_syncer.engine.informer import Informer
from tmc_syncer.observability.admin import Probe
from tmc_syncer.observability.statusz import (
    Component,
    ComponentState,
    ObjectLine,
    Statusz,
    StatuszQuery,
    TypeLine,
    worst_of,
)
from tmc_syncer.sync.journal import ObjectState

__all__ = ["StatuszSource"]


class StatuszSource:
    """Answers for one `World`.

    `last_sync` gives the monotonic time of the last successful write, `why_no_lease` the reason while the Lease is not held.
    """

    def __init__(
        self,
        world: World,
        types: TypeController,
        last_sync: Callable[[], float | None],
        why_no_lease: Callable[[], str],
    ) -> None:
        self._world = world
        self._types = types
        self._last_sync = last_sync
        self._why_no_lease = why_no_lease

    def health(self) -> Probe:
        """The event loop answers: that is what this probe asks."""
        return Probe(True)

    def ready(self) -> Probe:
        """Ready when this agent holds the Lease and every cache is complete and recent.

        A type that a server refuses to us (forbidden, say) does not count: the others are synced all the same.
        """
        problems = [
            f"{c.name}: {c.reason}"
            for c in self._components()
            if c.state is ComponentState.FAILING or (c.name == "lease" and c.state is not ComponentState.OK)
        ]
        return Probe(not problems, tuple(problems))

    def snapshot(self, query: StatuszQuery) -> Statusz:
        """The whole document, objects as asked for."""
        world = self._world
        objects = world.journal.snapshot(query.gvr, query.name, query.limit)
        components = self._components()
        last = self._last_sync()
        return Statusz(
            connected=all(c.state is ComponentState.OK for c in components if c.name.endswith("namespaces")),
            version=__version__,
            target=world.target.name,
            health=worst_of(components),
            last_sync_time=None if last is None else self._wall(last),
            types=self._type_lines(),
            objects=tuple(self._object_line(state) for state in objects),
            components=components,
        )

    def _components(self) -> tuple[Component, ...]:
        world = self._world
        informers = [world.upstream_namespaces, world.downstream_namespaces]
        for synced in world.types.values():
            informers += [synced.upstream, synced.downstream]
        lease = Component(name="lease", state=ComponentState.OK)
        if not world.holds_lease():
            lease = Component(name="lease", state=ComponentState.DEGRADED, reason=self._why_no_lease())
        target = Component(name="synctarget", state=ComponentState.OK)
        if not world.target_known(world.now()):
            reason = f"SyncTarget {world.target.name} does not exist, or cannot be read at the moment."
            target = Component(name="synctarget", state=ComponentState.FAILING, reason=reason)
        return (lease, target, *(self._informer(informer) for informer in informers))

    def _informer(self, informer: Informer) -> Component:
        if informer.fresh(self._world.now()):
            return Component(name=informer.name, state=ComponentState.OK)
        reason = informer.status(self._world.now()).last_error or "The cache is not complete and recent."
        of_a_type = informer not in (self._world.upstream_namespaces, self._world.downstream_namespaces)
        refused = of_a_type and informer.health.refused
        state = ComponentState.DEGRADED if refused else ComponentState.FAILING
        return Component(name=informer.name, state=state, reason=reason)

    def _type_lines(self) -> tuple[TypeLine, ...]:
        world = self._world
        lines = []
        for gvr, synced in sorted(world.types.items()):
            counts = world.journal.counts(gvr)
            state, reason = synced.state(world.now())
            lines.append(
                TypeLine(
                    gvr=str(gvr),
                    state=state,
                    synced=counts.synced,
                    pending=counts.pending,
                    failed=counts.failed,
                    excluded=counts.excluded,
                    reason=reason,
                    next_try=self._wall_or_none(synced.next_try(world.now())),
                )
            )
        for entry, problem in self._types.problems.items():
            lines.append(
                TypeLine(
                    gvr=str(entry.gvr),
                    state=problem.state,
                    synced=0,
                    pending=0,
                    failed=0,
                    reason=f"{problem.reason}: {problem.message}",
                )
            )
        return tuple(lines)

    def _object_line(self, state: ObjectState) -> ObjectLine:
        return ObjectLine(
            gvr=str(state.gvr),
            cluster=state.key.cluster,
            namespace=state.key.namespace,
            name=state.key.name,
            state=state.state,
            code=state.code,
            reason=state.reason,
            message=state.message,
            row=None if state.row < 0 else state.row,
            attempts=state.attempts,
            next_try=self._wall_or_none(state.next_try),
            since=self._wall(state.since),
        )

    def _wall_or_none(self, moment: float | None) -> str | None:
        return None if moment is None else self._wall(moment)

    def _wall(self, moment: float) -> str:
        clock = self._world.env.clock
        return rfc3339(clock.now() + timedelta(seconds=moment - clock.monotonic()))
