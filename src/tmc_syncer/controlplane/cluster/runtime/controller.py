"""`Controller`: a level-triggered reconciler, and `Runner`, the loop that drives one.

A controller is data and one function: `sources` say which changes of which types concern which keys, `reconcile` looks at the
world and moves one key towards what is wanted. It is synchronous, is never run twice at once for a key, keeps no
state that it could not find again (back-off counts aside), and returns after how many seconds to look again, None for not by itself.

An error makes the key wait and be tried again, longer each time; one that says that the namespace is going away does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tmc_syncer.controlplane.cluster.runtime.client import Key, Object, key_of
from tmc_syncer.controlplane.cluster.runtime.mirror import trimmed
from tmc_syncer.controlplane.cluster.runtime.timers import SLACK_SECONDS, Timers
from tmc_syncer.controlplane.cluster.runtime.workqueue import WorkQueue
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["Controller", "Report", "Runner", "Source", "itself", "namespace_is_terminating"]

Report = Callable[[str, Key, Exception], None]
"""Told of a reconcile that failed: controller, key, error."""

Keys = Callable[[Object], Iterable[Key]]


@dataclass(frozen=True, slots=True)
class Source:
    """Changes of a type, and the keys that a state of an object concerns (of the old and of the new state).

    `shape` is how the type is mirrored where nobody else mirrors it.
    """

    resource: str
    keys: Keys
    shape: Callable[[Object], Object] = trimmed


class Controller(Protocol):
    """See the module. `needs` are types that it reads without being woken by them."""

    @property
    def name(self) -> str: ...
    @property
    def sources(self) -> Sequence[Source]: ...
    @property
    def needs(self) -> Sequence[str]: ...
    def reconcile(self, key: Key) -> float | None: ...


def itself(obj: Object) -> Iterable[Key]:
    """The key of the object."""
    return (key_of(obj),)


def namespace_is_terminating(error: ApiError) -> bool:
    """Whether a create was refused because its namespace is going away."""
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class Runner:
    """Drives one controller until cancelled. `quiet()` tells whether it has nothing to do at this moment."""

    def __init__(self, controller: Controller, world: World, timers: Timers, report: Report) -> None:
        self.controller = controller
        self._world = world
        self._timers = timers
        self._report = report
        self._wake = asyncio.Event()
        self.queue: WorkQueue[Key] = WorkQueue(self._wake.set)
        self._busy = False
        for resource in controller.needs:
            world.view(resource)
        for source in controller.sources:
            self.add(source)

    def add(self, source: Source) -> None:
        """Hear of another type, also while running."""
        self._world.view(source.resource, source.shape)
        self._world.listen(source.resource, self._listener(source))

    def _listener(self, source: Source) -> Callable[[Object | None, Object | None], None]:
        def heard(before: Object | None, now: Object | None) -> None:
            for state in (before, now):
                if state is not None:
                    for key in source.keys(state):
                        self.queue.add(key)

        return heard

    def quiet(self) -> bool:
        """Nothing is ready and nothing is being worked on; keys may wait for a moment to come."""
        return not self._busy and not len(self.queue)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._world.ready.wait()
        clock = self._world.clock
        while True:
            key = self.queue.get(clock.monotonic() + SLACK_SECONDS)
            if key is None:
                await self._idle()
                continue
            self._busy = True
            try:
                self._step(key)
            finally:
                self._busy = False
            await clock.sleep(0)

    def _step(self, key: Key) -> None:
        now = self._world.clock.monotonic()
        try:
            again = self.controller.reconcile(key)
        except ApiError as error:
            if namespace_is_terminating(error):
                self.queue.forget(key)
            else:
                self._failed(key, error)
        except Exception as error:  # noqa: BLE001  # one object that no controller understands must not stop the others
            self._failed(key, error)
        else:
            self.queue.forget(key)
            if again is not None:
                self.queue.add_after(key, again, now)
        self.queue.done(key)

    def _failed(self, key: Key, error: Exception) -> None:
        self._report(self.controller.name, key, error)
        self.queue.retry(key, self._world.clock.monotonic())

    async def _idle(self) -> None:
        self._wake.clear()
        await self._timers.wait(self._wake, self.queue.next_due())
