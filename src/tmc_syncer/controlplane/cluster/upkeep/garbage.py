"""The garbage collector: deletes what has lost its owners, and lets deletions in the foreground and orphaning come to their end.

It mirrors the metadata of every type that can be deleted, also of those that CustomResourceDefinitions bring later. Keys are uids.
An owner counts as there only if the object of that kind and name, in the namespace of the dependent (or without one), has the
uid of the reference. What is decided is in `ownership`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects.references import owners_of
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source
from tmc_syncer.controlplane.cluster.runtime.mirror import Mirror, metadata_only
from tmc_syncer.controlplane.cluster.runtime.served import ServedResource, Types
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep import ownership
from tmc_syncer.controlplane.cluster.upkeep.ownership import FOREGROUND, ORPHAN, Deed, Standing
from tmc_syncer.controlplane.cluster.workloads.names import MANAGER

__all__ = ["GarbageCollector"]

Object = dict[str, Any]

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
IGNORED = frozenset({"events", "events.events.k8s.io"})
"""Types without owners, of which there are many."""

TYPES: Key = ("types", "")
"""The key under which the types themselves are looked at."""


class GarbageCollector:
    """See the module. `hear`, set by whoever runs it, makes it hear of a type that came later."""

    name = "garbage-collector-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, types: Types) -> None:
        self._world = world
        self._types = types
        self._resources: dict[str, ServedResource] = {}
        self._refresh()
        self._heard = set(self._resources)
        self.sources = (
            *(Source(resource, self._concerned, metadata_only) for resource in self._resources),
            Source(DEFINITIONS, lambda _: (TYPES,)),
        )
        self.hear: Callable[[Source], None] | None = None

    def _refresh(self) -> list[str]:
        """Learn which types are served; returns those that are new. Mirrors of types that went are dropped."""
        served = {
            one.name: one
            for one in self._types()
            if {"list", "watch", "delete"} <= one.verbs and one.name not in IGNORED
        }
        added = [name for name in served if name not in self._resources]
        for name in self._resources:
            if name not in served:
                self._world.forget(name)
        self._resources = served
        return added

    # Whom a change concerns

    def _concerned(self, obj: Object) -> Iterable[Key]:
        """The object, its owners, and its dependents: each may have been waiting for this."""
        uid = obj["metadata"]["uid"]
        if owners_of(obj) or obj["metadata"].get("finalizers"):
            yield "", uid
        for reference in owners_of(obj):
            found = self._find(reference.get("uid", ""))
            if found is not None and ownership.is_waiting(found[1]):
                yield "", reference["uid"]
        if "deletionTimestamp" in obj["metadata"] or self._find(uid) is None:
            for _, dependent in self._dependents(uid):
                yield "", dependent["metadata"]["uid"]

    def _mirrors(self) -> Iterable[tuple[str, Mirror]]:
        return ((name, self._world.view(name)) for name in self._resources)

    def _find(self, uid: str) -> tuple[str, Object] | None:
        for name, mirror in self._mirrors():
            found = mirror.by_uid(uid)
            if found is not None:
                return name, found
        return None

    def _dependents(self, uid: str) -> list[tuple[str, Object]]:
        return [(name, obj) for name, mirror in self._mirrors() for obj in mirror.owned_by(uid)]

    # The work

    def reconcile(self, key: Key) -> float | None:
        """One look at one object, or at the types."""
        if key == TYPES:
            for name in self._refresh():
                if name not in self._heard and self.hear is not None:
                    self._heard.add(name)
                    self.hear(Source(name, self._concerned, metadata_only))
            return None
        found = self._find(key[1])
        if found is None:
            return None
        resource, obj = found
        if ownership.orphans_dependents(obj):
            self._orphan(resource, obj)
        elif ownership.is_waiting(obj):
            self._await(resource, obj)
        else:
            self._judge(resource, obj)
        return None

    def _judge(self, resource: str, obj: Object) -> None:
        dependents = self._dependents(obj["metadata"]["uid"])
        verdict = ownership.decide(
            obj, lambda reference: self._standing(obj, reference), has_dependents=bool(dependents)
        )
        if verdict.deed is Deed.FORGET:
            self._change(resource, obj, lambda present: ownership.without_owners(present, verdict.owners))
        elif verdict.deed is Deed.DELETE:
            if verdict.policy == "Foreground" and any(ownership.is_waiting(one) for _, one in dependents):
                # A circle of owners that all wait for each other: this one stops holding anybody up.
                self._change(resource, obj, ownership.without_blocking)
            self._world.delete(resource, obj, propagation=verdict.policy)

    def _standing(self, obj: Object, reference: Object) -> Standing:
        group = reference.get("apiVersion", "").rpartition("/")[0]
        for one in self._resources.values():
            if one.group == group and one.kind == reference.get("kind"):
                namespace = obj["metadata"].get("namespace", "") if one.namespaced else ""
                if one.namespaced and not namespace:
                    return Standing.UNKNOWN  # nothing in a namespace can own something outside
                owner = self._world.fresh(one.name, (namespace, reference.get("name", "")))
                if owner is None or owner["metadata"]["uid"] != reference.get("uid"):
                    return Standing.MISSING
                return Standing.WAITING if ownership.is_waiting(owner) else Standing.SOLID
        return Standing.UNKNOWN

    def _orphan(self, resource: str, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        for name, dependent in self._dependents(uid):
            self._change(name, dependent, lambda present: ownership.without_owners(present, (uid,)))
        self._change(resource, obj, lambda present: ownership.without_finalizer(present, ORPHAN))

    def _await(self, resource: str, obj: Object) -> None:
        """Delete what hangs on it; when nothing holds it up any more, let it go."""
        uid = obj["metadata"]["uid"]
        dependents = self._dependents(uid)
        if not any(ownership.blocks(one, uid) for _, one in dependents):
            self._change(resource, obj, lambda present: ownership.without_finalizer(present, FOREGROUND))
            return
        for name, dependent in dependents:
            if not ownership.is_waiting(dependent):
                self._judge(name, dependent)

    def _change(self, resource: str, obj: Object, how: Callable[[Object], Object]) -> None:
        self._world.change(resource, obj, how, MANAGER)
