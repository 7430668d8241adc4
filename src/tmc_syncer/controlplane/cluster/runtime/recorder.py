"""`Recorder`: writes Events about objects, as the controllers and kubelets of a cluster do.

An Event that says the same of the same object raises the count of the one that stands. Events of the scheduler have the form of
events.k8s.io (an action, microseconds, no count), all others the older one; both are v1 Events. Failing to write one disturbs
nobody: the namespace may be going away. `Recorder.mute` writes none, for worlds that count their writes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tmc_syncer.controlplane.cluster.runtime.client import Object
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["NORMAL", "WARNING", "Recorder"]

NORMAL, WARNING = "Normal", "Warning"

REMEMBERED = 4096
"""Events whose repetition is counted instead of written anew; client-go remembers as many."""

MESSAGE = 1024
"""Characters of a message that an API server takes."""

EVENTS = "events"


@dataclass(frozen=True, slots=True)
class _Told:
    namespace: str
    name: str


class Recorder:
    """See the module. `field` names a part of the object, as ``spec.containers{web}``."""

    def __init__(self, world: World, *, mute: bool = False) -> None:
        self._world = world
        self._mute = mute or not world.serves(EVENTS)
        self._told: OrderedDict[tuple[str, ...], _Told] = OrderedDict()
        self._number = 0

    def tell(
        self,
        component: str,
        obj: Object,
        level: str,
        reason: str,
        message: str,
        *,
        field: str = "",
        host: str = "",
        action: str = "",
    ) -> None:
        """Write one Event, or count one that stands."""
        if self._mute:
            return
        message = message[:MESSAGE]
        about = _about(obj, field)
        key = (component, about["uid"], field, level, reason, message)
        try:
            if not action and self._repeated(key):
                return
            made = self._world.create(
                EVENTS, self._event(component, about, level, reason, message, host, action), component
            )
        except ApiError:
            return
        metadata = made["metadata"]
        self._told[key] = _Told(metadata["namespace"], metadata["name"])
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)

    def _repeated(self, key: tuple[str, ...]) -> bool:
        told = self._told.get(key)
        standing = None if told is None else self._world.fresh(EVENTS, (told.namespace, told.name))
        if standing is None:
            return False
        self._told.move_to_end(key)
        now = self._world.stamp()
        again = {**standing, "count": (standing.get("count") or 1) + 1, "lastTimestamp": now}
        self._world.change(EVENTS, standing, lambda _: again, key[0])
        return True

    def _event(
        self, component: str, about: Object, level: str, reason: str, message: str, host: str, action: str
    ) -> Object:
        now = self._world.now()
        namespace = about.get("namespace") or "default"
        self._number += 1
        # As client-go: the nanoseconds of the time, with a running number in the digits that nobody has.
        stamp = int(now.timestamp() * 1_000_000) * 1000 + self._number % 1000
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{about['name']}.{stamp:x}", "namespace": namespace},
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "type": level,
            "reportingComponent": component,
            "reportingInstance": host,
        }
        if action:
            event |= {
                "action": action,
                "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "firstTimestamp": None,
                "lastTimestamp": None,
                "reportingInstance": f"{component}-0",
                "source": {},
            }
            return event
        source = {"component": component, **({"host": host} if host else {})}
        times = {"firstTimestamp": self._world.stamp(), "lastTimestamp": self._world.stamp()}
        return {**event, **times, "count": 1, "source": source, "eventTime": None}


def _about(obj: Object, field: str) -> Object:
    metadata = obj["metadata"]
    about = {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "resourceVersion": metadata.get("resourceVersion", ""),
        "uid": metadata.get("uid", ""),
        "fieldPath": field,
    }
    return {name: value for name, value in about.items() if value}
