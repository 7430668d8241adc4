"""Two worlds that a parity test drives in the same way: real controllers on the test bed, and the simulated ones.

Both take manifests, patches and deletions, and show what is in a namespace. `normalized` makes two such pictures comparable: names that
are drawn, hashes, uids, times, addresses and nodes become marks, in a way that still tells one from another where order says
which is which (``HASH1`` is the first revision). What is left must be equal.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.unit.controlplane.cluster.bench import RESOURCES, Bench
from tmc_syncer.controlplane.cluster.assembly import Options
from tmc_syncer.testing.cluster import PhysicalCluster

Object = dict[str, Any]

COMPARED = (
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "ControllerRevision",
    "Job",
    "PodDisruptionBudget",
    "Endpoints",
    "EndpointSlice",
    "PersistentVolumeClaim",
    "ServiceAccount",
    "Pod",
)
"""Kinds that are compared; of pods everything but what a kubelet reports."""

CALM_SECONDS = 1.0
"""How long nothing may change before a world counts as settled."""


class World(ABC):
    """See the module."""

    @abstractmethod
    def create(self, manifest: Object) -> None: ...

    @abstractmethod
    def patch(self, kind: str, name: str, namespace: str, patch: Object) -> None: ...

    @abstractmethod
    def delete(self, kind: str, name: str, namespace: str, propagation: str) -> None: ...

    @abstractmethod
    def objects(self, kind: str, namespace: str) -> list[Object]: ...

    @abstractmethod
    def pause(self, seconds: float) -> None: ...

    @abstractmethod
    def clock(self) -> float: ...

    def picture(self, namespace: str) -> dict[str, list[Object]]:
        return {kind: self.objects(kind, namespace) for kind in COMPARED}

    def settle(self, namespace: str, holds: Callable[[World], Any], limit: float = 60.0) -> None:
        """Wait until something holds and nothing changes any more."""
        end = self.clock() + limit
        seen, since = "", self.clock()
        while True:
            shown = json.dumps(self.picture(namespace), sort_keys=True)
            if shown != seen:
                seen, since = shown, self.clock()
            if self.clock() - since >= CALM_SECONDS and holds(self):
                return
            if self.clock() > end:
                said = [(o["kind"], o["metadata"]["name"], o.get("status")) for k in seen_kinds(self, namespace) for o in k]
                raise AssertionError(f"{type(self).__name__} does not settle: {said}")
            self.pause(0.1)


def seen_kinds(world: World, namespace: str) -> Iterator[list[Object]]:
    """What is there, for a message."""
    for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Pod"):
        yield world.objects(kind, namespace)


class RealWorld(World):
    """The test bed's physical cluster."""

    def __init__(self, cluster: PhysicalCluster) -> None:
        self._cluster = cluster

    def create(self, manifest: Object) -> None:
        self._cluster.create(manifest)

    def patch(self, kind: str, name: str, namespace: str, patch: Object) -> None:
        self._cluster.patch(kind, name, namespace, patch)

    def delete(self, kind: str, name: str, namespace: str, propagation: str) -> None:
        self._cluster.delete(kind, name, namespace, propagation=propagation)

    def objects(self, kind: str, namespace: str) -> list[Object]:
        return self._cluster.list_objects(kind, namespace)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def clock(self) -> float:
        return time.monotonic()


class RealClock:
    """The machine's time, for a simulated cluster that runs beside a real one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SimulatedWorld(World):
    """The simulated controllers, on the embedded server, in an event loop that runs while this one waits."""

    def __init__(self, bench: Bench, loop: asyncio.AbstractEventLoop) -> None:
        self._bench = bench
        self._loop = loop

    def create(self, manifest: Object) -> None:
        self._bench.create(manifest)
        self.pause(0)

    def patch(self, kind: str, name: str, namespace: str, patch: Object) -> None:
        self._bench.patch(kind, name, patch, namespace)
        self.pause(0)

    def delete(self, kind: str, name: str, namespace: str, propagation: str) -> None:
        self._bench.delete(kind, name, namespace, propagation=propagation)
        self.pause(0)

    def objects(self, kind: str, namespace: str) -> list[Object]:
        return self._bench.local.list(RESOURCES[kind], namespace)

    def pause(self, seconds: float) -> None:
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def clock(self) -> float:
        return time.monotonic()

    @property
    def failures(self) -> list[Any]:
        return list(self._bench.cluster.failures)


@contextmanager
def simulated(nodes: str) -> Iterator[SimulatedWorld]:
    """A running simulated cluster whose nodes have the names of the real one's."""
    loop = asyncio.new_event_loop()
    bench = Bench(Options(name=nodes), clock=RealClock(), seed=random.Random().randrange(10**6))
    task = loop.create_task(bench.cluster.run())
    try:
        yield SimulatedWorld(bench, loop)
    finally:
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


# Comparing

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ADDRESS = re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")
_SUFFIX = re.compile(r"^(.*)-[bcdfghjklmnpqrstvwxz2456789]{5}$")

_DROPPED = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink", "namespace")


def _hashes(picture: dict[str, list[Object]]) -> dict[str, str]:
    """Marks for the hashes of ReplicaSets and revisions, by what they are hashes of."""
    numbered: dict[str, list[tuple[str, str]]] = {}
    for obj in picture["ReplicaSet"]:
        digest = (obj["metadata"].get("labels") or {}).get("pod-template-hash")
        if digest:
            owner = obj["metadata"]["name"].removesuffix(f"-{digest}")
            content = json.dumps(obj["spec"]["template"]["spec"], sort_keys=True)
            numbered.setdefault(owner, []).append((content, digest))
    for obj in picture["ControllerRevision"]:
        owner, _, digest = obj["metadata"]["name"].rpartition("-")
        numbered.setdefault(owner, []).append((json.dumps(obj["data"], sort_keys=True), digest))
    return {
        digest: f"HASH{number}of{owner}"
        for owner, entries in numbered.items()
        for number, (_, digest) in enumerate(sorted(entries), 1)
    }


def _plain(value: Any, marks: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            _plain(name, marks): _plain(entry, marks)
            for name, entry in value.items()
            if entry not in ({}, [], None, "")
        }
    if isinstance(value, list):
        return [_plain(entry, marks) for entry in value]
    if isinstance(value, str):
        for digest, mark in marks.items():
            value = value.replace(digest, mark)
        value = _TIME.sub("TIME", value)
        value = _UID.sub("UID", value)
        return _ADDRESS.sub("ADDRESS", value)
    return value


def _of_object(kind: str, obj: Object, marks: dict[str, str]) -> Object:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _DROPPED}
    made = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}
    made["metadata"] = metadata
    generated = (
        metadata.get("generateName") if metadata["name"] != (metadata.get("generateName") or "") else None
    )
    if generated and _SUFFIX.match(metadata["name"]):
        metadata["name"] = f"{metadata['name'][:-5]}DRAWN"
    if kind == "Pod":
        made["status"] = {"phase": (obj.get("status") or {}).get("phase")}
        spec = dict(obj["spec"])
        if not spec.get("affinity"):
            spec["nodeName"] = "NODE"
        made["spec"] = spec
    return _plain(made, marks)


def normalized(picture: dict[str, list[Object]]) -> dict[str, list[str]]:
    """A picture in which only what must be equal is left; each object as text, sorted."""
    marks = _hashes(picture)
    pods = {pod["metadata"]["name"]: None for pod in picture["Pod"]}
    for name in pods:
        if (found := _SUFFIX.match(name)) is not None:
            marks[name] = f"{found[1]}-DRAWN"
    marks = dict(sorted(marks.items(), key=lambda entry: -len(entry[0])))
    made: dict[str, list[str]] = {}
    for kind, objects in picture.items():
        shown = [_of_object(kind, obj, marks) for obj in objects]
        for one in shown:
            _sort_endpoints(one)
        made[kind] = sorted(json.dumps(one, sort_keys=True, indent=1) for one in shown)
    return made


def _sort_endpoints(obj: Object) -> None:
    """Nodes of endpoints are drawn, and so is their order."""
    for endpoint in obj.get("endpoints") or ():
        endpoint["nodeName"] = "NODE"
    for subset in obj.get("subsets") or ():
        for side in ("addresses", "notReadyAddresses"):
            for address in subset.get(side) or ():
                address["nodeName"] = "NODE"
        for part in ("addresses", "notReadyAddresses", "ports"):
            if part in subset:
                subset[part].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    for part in ("endpoints", "ports"):
        if isinstance(obj.get(part), list):
            obj[part].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
