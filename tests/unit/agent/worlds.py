"""A world for unit tests: two servers of objects, caches filled by hand, and the controllers over them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.unit.agent.apiserver import Object, Server
from tmc_syncer.agent.observer import Observer
from tmc_syncer.agent.spec import SpecController
from tmc_syncer.agent.status import StatusController
from tmc_syncer.agent.synced_type import BY_NAMESPACE, SyncedType
from tmc_syncer.agent.target import rules_of
from tmc_syncer.agent.world import BY_LOCATOR, Clusters, World, locator_index
from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.objects import Record, decode_record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.api.synctarget_spec import SyncTargetSpec
from tmc_syncer.downstream.applier import Applied, Applier
from tmc_syncer.engine.env import Env, ManualClock
from tmc_syncer.engine.filters import FilterChain
from tmc_syncer.engine.informer_health import InformerHealth
from tmc_syncer.engine.store import Store
from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.connection import Connection
from tmc_syncer.kube.transport import Transport
from tmc_syncer.sync.interpreter import Interpreter, Write

CLUSTER = "abc"
TARGET = TargetReference(CLUSTER, "east", "target-uid")
KEY = TARGET.key
FINALIZER = f"workload.kcp.io/syncer-{KEY}"
NAMESPACE = "kcp-abc-shop"
CONFIG_MAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)
DEPLOYMENTS = ResourceInfo(
    GVR("apps", "v1", "deployments"),
    "Deployment",
    namespaced=True,
    subresources=frozenset({"status", "scale"}),
)


@dataclass
class Cache:
    """An informer without a server: its store is filled by the test."""

    store: Store
    heard: bool = True
    relists: int = 0
    health: InformerHealth = field(default_factory=lambda: InformerHealth("test"))

    def fresh(self, now: float) -> bool:
        return self.heard

    def request_relist(self) -> None:
        self.relists += 1


@dataclass
class TestWorld:
    """Everything that a test touches. `lease` and the caches' `heard` can be taken away."""

    __test__ = False

    upstream: Server
    downstream: Server
    world: World
    spec: SpecController
    status: StatusController
    clock: ManualClock
    synced: SyncedType
    observer: Observer
    lease: list[bool] = field(default_factory=lambda: [True])
    writes: list[Write] = field(default_factory=list)
    applied: list[tuple[Applied, bool]] = field(default_factory=list)

    def up(self, name: str = "settings", *, cached: bool = True, **metadata: Any) -> Object:
        """Put an object upstream, and into the cache."""
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop", "generation": 1, **metadata},
            "data": {"colour": "green"},
        }
        obj = self.upstream.put(f"/api/v1/namespaces/shop/configmaps/{name}", manifest)
        if cached:
            self.synced.upstream_store.put(record(obj, CLUSTER))
        return obj

    def down(self, name: str = "settings", *, cached: bool = True, uid: str = "", **metadata: Any) -> Object:
        """Put a copy of the upstream object ``settings`` downstream, and into the cache."""
        marks = {
            "labels": {"internal.workload.kcp.io/cluster": KEY},
            "annotations": {
                "workload.kcp.io/source-uid": f"uid-{name}",
                "workload.kcp.io/source-name": f"shop/{name}",
            },
        }
        manifest: Object = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE, **marks, **metadata},
            "data": {"colour": "green"},
        }
        if uid:
            manifest["metadata"]["uid"] = uid
        obj = self.downstream.put(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{name}", manifest)
        if cached:
            self.synced.downstream_store.put(record(obj))
        return obj

    @property
    def copies(self) -> dict[str, Object]:
        """The ConfigMaps that stand downstream, by name."""
        prefix = f"/api/v1/namespaces/{NAMESPACE}/configmaps/"
        return {
            path.removeprefix(prefix): obj
            for path, obj in self.downstream.objects.items()
            if path.startswith(prefix)
        }

    def source(self, name: str = "settings") -> Object | None:
        """The upstream object as it stands."""
        return self.upstream.objects.get(f"/api/v1/namespaces/shop/configmaps/{name}")

    async def reconcile(self, name: str = "settings") -> Any:
        """One reconcile of the object's spec."""
        return await self.spec.reconcile((CONFIG_MAPS.gvr, Key(CLUSTER, "shop", name)))


def record(obj: Object, cluster: str = "") -> Record:
    return decode_record(msgspec.json.encode(obj), cluster=cluster)


def namespace(name: str, cluster: str = "", **metadata: Any) -> Record:
    meta = {"name": name, "uid": f"uid-{name}", "resourceVersion": "5", **metadata}
    return record({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, cluster)


@contextlib.asynccontextmanager
async def running_world(spec: SyncTargetSpec | None = None) -> AsyncIterator[TestWorld]:
    """Servers with the namespace ``shop`` on both sides, empty caches of ConfigMaps, and all permissions."""
    clock = ManualClock()
    env = Env(clock, random.Random(7), lambda: "id")
    async with (
        Server().running() as up,
        Server().running() as down,
        Transport(Connection(up.url), user_agent="test") as up_transport,
        Transport(Connection(down.url), user_agent="test") as down_transport,
    ):
        upstream, downstream = Client(up_transport, cluster=CLUSTER), Client(down_transport)
        lease = [True]
        writes: list[Write] = []
        applied: list[tuple[Applied, bool]] = []
        synced = _synced(clock)
        world = World(
            env=env,
            clusters=Clusters(upstream, downstream, CLUSTER),
            target=TARGET,
            field_manager="syncer",
            spec=spec or SyncTargetSpec(),
            rules=rules_of(TARGET, spec or SyncTargetSpec(), FilterChain(()), CLUSTER),
            upstream_namespaces=_namespaces(clock, namespace("shop", CLUSTER)),
            downstream_namespaces=_namespaces(clock, _ours()),
            objects=WorkQueue(),
            statuses=WorkQueue(),
            namespaces=WorkQueue(),
            holds_lease=lambda: lease[0],
            types={CONFIG_MAPS.gvr: synced},
        )
        world.downstream_namespaces.store.add_index(BY_LOCATOR, locator_index(TARGET))
        interpreter = Interpreter(upstream, downstream, clock, writes.append)
        observer = Observer(world)

        def on_applied(_gvr: GVR, _key: Key, result: Applied, drifted: bool) -> None:
            applied.append((result, drifted))

        controller = SpecController(world, observer, interpreter, Applier(downstream), on_applied)
        status = StatusController(world, interpreter, observer.is_current)
        yield TestWorld(
            up,
            down,
            world,
            controller,
            status,
            clock,
            synced,
            observer,
            lease=lease,
            writes=writes,
            applied=applied,
        )


def _synced(clock: ManualClock, info: ResourceInfo = CONFIG_MAPS) -> SyncedType:
    caches = [Cache(Store(clock.monotonic)) for _ in range(2)]
    for cache in caches:
        cache.store.add_index(BY_NAMESPACE, lambda r: (f"{r.cluster}/{r.meta.namespace}",))
    return SyncedType(info.gvr, info, info, caches[0], caches[1], "syncer")  # type: ignore[arg-type]


def _namespaces(clock: ManualClock, *records: Record) -> Any:
    cache = Cache(Store(clock.monotonic))
    for found in records:
        cache.store.put(found)
    return cache


def _ours() -> Record:
    locator = Locator(TARGET, CLUSTER, "shop").encode()
    return namespace(NAMESPACE, annotations={"kcp.io/namespace-locator": locator})
