"""Events do not live for ever: they are deleted an hour after they were told last.

On a real cluster etcd does this by a lease. Here it is a controller, so that a cluster that runs for days does not fill up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.mirror import trimmed
from tmc_syncer.controlplane.cluster.runtime.recorder import EVENTS
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["EventExpiry"]

Object = dict[str, Any]

LIFE_SECONDS = 3600.0
"""`--event-ttl` of a kube-apiserver."""

_TIMES = ("lastTimestamp", "eventTime", "firstTimestamp")


def _when_told(event: Object) -> Object:
    """What is kept of an event: who it is and when it was told."""
    kept = {name: event[name] for name in _TIMES if event.get(name)}
    return {**trimmed({"metadata": event["metadata"]}), **kept}


class EventExpiry:
    """See the module."""

    name = "event-expiry"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, *, life_seconds: float = LIFE_SECONDS) -> None:
        self._world = world
        self._life = timedelta(seconds=life_seconds)
        self.sources = (Source(EVENTS, itself, _when_told),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one Event."""
        event = self._world.view(EVENTS).get(key)
        if event is None:
            return None
        told = next((event[name] for name in _TIMES if name in event), None)
        end = moment(told or event["metadata"]["creationTimestamp"]) + self._life
        left = (end - self._world.now()).total_seconds()
        if left > 0:
            return left
        self._world.delete(EVENTS, event)
        return None
