"""Types built by hand, one for each trait that the server looks at, and a shelf of objects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.records import Shelf
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.types.registry import Conversion, Object, Type

NOW = datetime(2026, 11, 24, 18, 35, 56, tzinfo=UTC)
STAMP = "2026-11-24T18:35:56Z"
EVERYTHING = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


class NameOnly:
    """Columns: a name, and how many data there are; a row of three data is completed."""

    definitions: Sequence[Object] = (
        {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0},
        {"name": "Data", "type": "integer", "format": "", "description": "", "priority": 0},
    )

    def cells(self, obj: Object, now: datetime) -> Sequence[Any]:
        assert now == NOW
        return [obj["metadata"]["name"], len(obj.get("data") or {})]

    def conditions(self, obj: Object) -> Sequence[Object]:
        done = len(obj.get("data") or {}) == 3
        return [{"type": "Completed", "status": "True"}] if done else []


def fields(obj: Object) -> dict[str, str]:
    metadata = obj["metadata"]
    named = {"metadata.name": metadata.get("name", ""), "metadata.namespace": metadata.get("namespace", "")}
    return {**named, "spec.nodeName": (obj.get("spec") or {}).get("nodeName", "")}


def type_of(resource: str, kind: str, group: str = "", *, namespaced: bool = True, **traits: Any) -> Type:
    settings: dict[str, Any] = {"version": "v1", "verbs": EVERYTHING, **traits}
    return Type(
        group=group,
        resource=resource,
        kind=kind,
        singular=kind.lower(),
        list_kind=f"{kind}List",
        namespaced=namespaced,
        columns=NameOnly(),
        **settings,
    )


def _without_b(obj: Object) -> Object:
    return {name.removesuffix("B"): value for name, value in obj.items()}


def _with_b(obj: Object) -> Object:
    return {f"{name}B" if name == "data" else name: value for name, value in obj.items()}


CONFIGMAPS = type_of("configmaps", "ConfigMap")
NAMESPACES = type_of("namespaces", "Namespace", namespaced=False, subresources=("status", "finalize"))
NODES = type_of("nodes", "Node", namespaced=False, has_status=True, subresources=("status",))
PODS = type_of(
    "pods",
    "Pod",
    has_generation=True,
    has_status=True,
    graceful=True,
    field_labels=fields,
    subresources=("status", "log", "ephemeralcontainers", "resize"),
)
DEPLOYMENTS = type_of(
    "deployments",
    "Deployment",
    "apps",
    has_generation=True,
    has_status=True,
    subresources=("status", "scale"),
)
JOBS = type_of("jobs", "Job", "batch", has_generation=True, has_status=True)
LEASES = type_of("leases", "Lease", "coordination.k8s.io")
WIDGETS = type_of(
    "widgets",
    "Widget",
    "example.com",
    custom=True,
    has_generation=True,
    has_status=True,
    subresources=("status",),
)
CONVERTED = type_of(
    "configmaps",
    "ConfigMap",
    "old.example.com",
    storage="configmaps",
    conversion=Conversion(to_stored=_without_b, from_stored=_with_b),
)


def kind_of(served: Type) -> Kind:
    return Kind(served)


class Objects:
    """A store with a shelf; `put` writes an object of a type as a request of `cluster` would."""

    def __init__(self, *, stamped: bool = False) -> None:
        self.store = Store()
        self.shelf = Shelf(self.store, stamped=stamped)
        self.rng = random.Random(1)

    def call(self, served: Type, name: str, namespace: str = "shop", cluster: str = "c", **more: Any) -> Call:
        return Call(cluster, Kind(served), namespace if served.namespaced else "", name, **more)

    def put(self, served: Type, name: str, namespace: str = "shop", cluster: str = "c", **obj: Any) -> Object:
        call = self.call(served, name, namespace, cluster)
        metadata = {"name": name, "uid": f"uid-{name}", **obj.pop("metadata", {})}
        if served.namespaced:
            metadata["namespace"] = namespace
        made = {"kind": served.kind, "apiVersion": served.group_version, "metadata": metadata, **obj}
        return self.shelf.put(call, made)[1]
