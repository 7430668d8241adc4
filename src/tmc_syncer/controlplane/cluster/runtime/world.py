"""`World`: what all controllers of one simulated cluster see and write through: a mirror for each type, and the client.

Reads come from mirrors (`view`), writes go to the store and into the mirror at once. Because the store is synchronous, `change`
reads the present object, applies a function to it and writes the result without anybody in between: it cannot conflict. Every
change, whoever made it, is told to the listeners of its type exactly once, in the turn in which the mirror learns it.

`run` feeds the mirrors from watches until it is cancelled; `ready` is set once every mirror has what stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.cluster.runtime.client import Client, Key, Object, key_of
from tmc_syncer.controlplane.cluster.runtime.mirror import Change, Mirror, trimmed
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["Listener", "World"]

Listener = Callable[[Object | None, Object | None], None]


class World:
    """See the module."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self.client = client
        self.clock = clock
        self.ready = asyncio.Event()
        self._mirrors: dict[str, Mirror] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._waiting: set[str] = set()

    # Time

    def now(self) -> datetime:
        """The wall time."""
        return self.clock.now()

    def stamp(self) -> str:
        """The wall time as objects have it."""
        return timestamp(self.clock.now())

    # Looking

    def serves(self, resource: str) -> bool:
        """Whether the cluster has this type."""
        return self.client.serves(resource)

    def view(self, resource: str, shape: Callable[[Object], Object] = trimmed) -> Mirror:
        """The mirror of a type; one that is asked for while the world runs is fed from then on. The first shape holds."""
        found = self._mirrors.get(resource)
        if found is None:
            found = self._mirrors[resource] = Mirror(shape)
            if self._group is not None:
                self._start(self._group, resource)
        return found

    def forget(self, resource: str) -> None:
        """A type is not served any more."""
        self._mirrors.pop(resource, None)
        watcher = self._watchers.pop(resource, None)
        if watcher is not None:
            watcher.cancel()

    def listen(self, resource: str, listener: Listener) -> None:
        """Call `listener` with what was and what is, for each change of the type."""
        self._listeners.setdefault(resource, []).append(listener)

    def fresh(self, resource: str, key: Key) -> Object | None:
        """The object as it is in the store this very moment."""
        return self.client.get(resource, key[1], key[0])

    # Writing

    def create(self, resource: str, obj: Object, manager: str) -> Object:
        """Create; returns the object as it is now. Raises `ApiError`."""
        made = self.client.create(resource, obj, manager=manager)
        self._settle(resource, key_of(made), made["metadata"]["uid"])
        return made

    def change(
        self,
        resource: str,
        obj: Object,
        how: Callable[[Object], Object],
        manager: str,
        *,
        subresource: str = "",
    ) -> Object | None:
        """Apply `how` to the present state of an object and write it. None when that object is gone.

        `how` gets the object as the store has it and returns another (or the same: nothing is written). Raises `ApiError`.
        """
        key, uid = key_of(obj), obj["metadata"]["uid"]
        present = self.fresh(resource, key)
        if present is None or present["metadata"]["uid"] != uid:
            return None
        wanted = how(present)
        if wanted is present or wanted == present:
            return present
        made = self.client.update(resource, wanted, manager=manager, subresource=subresource)
        self._settle(resource, key, uid)
        return made

    def set_status(self, resource: str, obj: Object, status: Object, manager: str) -> Object | None:
        """Replace the status of an object. None when it is gone."""
        return self.change(
            resource, obj, lambda present: {**present, "status": status}, manager, subresource="status"
        )

    def bind(self, pod: Object, node: str, manager: str) -> Object | None:
        """Give a pod its node, as ``pods/binding`` does. None when it is gone. Raises `ApiError`."""
        return self.change(
            "pods",
            pod,
            lambda present: {**present, "spec": {**present["spec"], "nodeName": node}},
            manager,
            subresource="binding",
        )

    def delete(
        self,
        resource: str,
        obj: Object,
        *,
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> bool:
        """Delete, or begin to; False when that object is gone already. Raises `ApiError`."""
        key, uid = key_of(obj), obj["metadata"]["uid"]
        try:
            self.client.delete(
                resource, key[1], key[0], uid=uid, propagation=propagation, grace_seconds=grace_seconds
            )
        except ApiError as error:
            if error.code not in (404, 409):
                raise
            return False
        finally:
            self._settle(resource, key, uid)
        return True

    def _settle(self, resource: str, key: Key, uid: str) -> None:
        """Let the mirror know what a write did."""
        mirror = self._mirrors.get(resource)
        if mirror is None:
            return
        present = self.fresh(resource, key)
        if present is None or present["metadata"]["uid"] != uid:
            self._tell(resource, mirror.lose(key, uid, told=False))
        if present is not None:
            self._tell(resource, mirror.learn(present))

    def _tell(self, resource: str, change: Change | None) -> None:
        if change is None:
            return
        before, now = change
        if before is not None and now is not None and before["metadata"]["uid"] != now["metadata"]["uid"]:
            self._tell(resource, (before, None))
            before = None
        for listener in self._listeners.get(resource, ()):
            listener(before, now)

    # Running

    async def run(self) -> None:
        """Feed the mirrors until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._waiting = set(self._mirrors)
                for resource in list(self._mirrors):
                    self._start(group, resource)
                if not self._waiting:
                    self.ready.set()
                await asyncio.get_running_loop().create_future()
        finally:
            self._group = None
            self._watchers.clear()

    def _start(self, group: asyncio.TaskGroup, resource: str) -> None:
        self._watchers[resource] = group.create_task(self._feed(resource), name=f"mirror of {resource}")

    async def _feed(self, resource: str) -> None:
        mirror = self._mirrors[resource]
        if self.client.serves(resource):
            # The watch begins in the same turn as this list: nothing happens between them.
            self._replay(resource, mirror, self.client.list(resource))
            stream = self.client.watch(resource)
            self._primed(resource)
            async for kind, obj in stream:
                if kind == "DELETED":
                    change = mirror.lose(key_of(obj), obj["metadata"]["uid"], told=True)
                else:
                    change = mirror.learn(obj)
                self._tell(resource, change)
        else:
            self._primed(resource)

    def _replay(self, resource: str, mirror: Mirror, objects: Iterable[Object]) -> None:
        for obj in objects:
            self._tell(resource, mirror.learn(obj))

    def _primed(self, resource: str) -> None:
        self._waiting.discard(resource)
        if not self._waiting:
            self.ready.set()
