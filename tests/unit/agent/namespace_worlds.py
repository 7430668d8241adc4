"""A world whose namespace stands on both sides, and the namespace controller over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.unit.agent.apiserver import Object
from tests.unit.agent.worlds import (
    CLUSTER,
    KEY,
    NAMESPACE,
    TARGET,
    TestWorld,
    record,
)
from tmc_syncer.agent.namespaces import NAMESPACES, NamespaceController
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.downstream.applier import Applier
from tmc_syncer.downstream.census import Census
from tmc_syncer.engine.outcomes import Result
from tmc_syncer.kube.discovery import Discovery

SHOP = Key(CLUSTER, "", "shop")
UP, DOWN = "/api/v1/namespaces/shop", f"/api/v1/namespaces/{NAMESPACE}"
LOCATOR = Locator(TARGET, CLUSTER, "shop")
DELAY = 10.0
DELETED = "2026-01-01T00:00:00Z"
VERBS = frozenset({"get", "list", "delete"})
SERVED = (
    ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True, verbs=VERBS),
    ResourceInfo(GVR("", "v1", "pods"), "Pod", namespaced=True, verbs=VERBS),
    ResourceInfo(GVR("", "v1", "serviceaccounts"), "ServiceAccount", namespaced=True, verbs=VERBS),
    ResourceInfo(GVR("", "v1", "nodes"), "Node", namespaced=False, verbs=VERBS),
    ResourceInfo(
        GVR("", "v1", "podmetrics"), "PodMetrics", namespaced=True, verbs=frozenset({"get", "list"})
    ),
    ResourceInfo(GVR("", "v1", "bindings"), "Binding", namespaced=True, verbs=frozenset({"create"})),
)


@dataclass
class Namespaces:
    """A world whose namespace stands on both sides, on the servers and in the caches, and the part under test."""

    world: TestWorld
    controller: NamespaceController = field(init=False)
    discovery: Discovery = field(
        default_factory=lambda: Discovery({info.gvr: info for info in SERVED}, {}, complete=True)
    )

    def __post_init__(self) -> None:
        shared = self.world.world
        downstream = shared.clusters.downstream
        census = Census(downstream, lambda: self.discovery, KEY)
        interpreter, applier = self.world.spec._interpreter, Applier(downstream)
        self.controller = NamespaceController(shared, interpreter, applier, census, DELAY)
        self.up()
        self.down()

    def up(self, *, cached: bool = True, **metadata: Any) -> None:
        """Put the Namespace upstream, and into the cache."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", **metadata}}
        obj = self.world.upstream.put(UP, body)
        if cached:
            self.world.world.upstream_namespaces.store.put(record(obj, CLUSTER))

    def down(self, name: str = NAMESPACE, *, cached: bool = True, **metadata: Any) -> Object:
        """Put a namespace downstream, and into the cache: ours, unless `annotations` say something else."""
        metadata = {"annotations": {"kcp.io/namespace-locator": LOCATOR.encode()}, **metadata}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}
        obj = self.world.downstream.put(f"/api/v1/namespaces/{name}", body)
        if cached:
            self.world.world.downstream_namespaces.store.put(record(obj))
        return obj

    def no_copy(self) -> None:
        """No namespace stands downstream."""
        del self.world.downstream.objects[DOWN]
        self.world.world.downstream_namespaces.store.remove(Key("", "", NAMESPACE), 0)

    def lose(self, *, only_cached: bool = False) -> None:
        """The Namespace is gone upstream, or only missing from the cache."""
        if not only_cached:
            del self.world.upstream.objects[UP]
        self.world.world.upstream_namespaces.store.remove(SHOP, 0)

    def put(self, resource: str, name: str, **metadata: Any) -> None:
        """Put an object of the cluster's own into the namespace downstream; no cache shows it."""
        path = f"{DOWN}/{resource}/{name}"
        self.world.downstream.put(path, {"metadata": {"name": name, "namespace": NAMESPACE, **metadata}})

    def set_spec(self, **changes: Any) -> None:
        self.world.world.spec = msgspec.structs.replace(self.world.world.spec, **changes)

    async def reconcile(self) -> Result:
        return await self.controller.reconcile(SHOP)

    async def retire(self) -> Result:
        """The look that begins the delay, and the one after it."""
        await self.reconcile()
        self.world.clock.advance(DELAY)
        return await self.reconcile()

    @property
    def standing(self) -> Object | None:
        return self.world.downstream.objects.get(DOWN)

    @property
    def reason(self) -> str:
        """What people are told about the namespace."""
        state = self.world.world.journal.get(NAMESPACES, SHOP)
        return "" if state is None else state.reason
