"""CustomResourceDefinitions at work: a definition that is written makes its types served, one that is deleted takes its objects along.

`Definitions` watches the collection from inside: in the same turn as the write, names are accepted or refused and written into the
status, and the types stand in the registry; a client never waits for a type that it was told to be established. A deleted
definition is held by the finalizer ``customresourcecleanup.apiextensions.k8s.io`` (`deletion`) until its objects are gone; those
that have finalizers of their own delay it, and the last one to go ends it.

What a definition may say, which names it gets, and the types it makes are the affair of `types`.
"""

from __future__ import annotations

from functools import partial

from tmc_syncer.controlplane.clock import Clock, timestamp
from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.deletion import CLEANUP_FINALIZER, DEFINITIONS
from tmc_syncer.controlplane.server.kinds import Kind, Kinds
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.resources import Resources
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.collection import Collection
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.types.crds import accepted
from tmc_syncer.controlplane.types.customtypes import types_of
from tmc_syncer.controlplane.types.registry import Registry

__all__ = ["Definitions"]

MANAGER = "kube-apiserver"


class Definitions:
    """See the module. `load` takes over what a store from disk has."""

    def __init__(self, registry: Registry, kinds: Kinds, resources: Resources, clock: Clock) -> None:
        self._registry = registry
        self._kinds = kinds
        self._resources = resources
        self._shelf = resources.shelf
        self._clock = clock
        self._observed: set[str] = set()
        self._shelf.observe(DEFINITIONS, self._changed)

    def load(self) -> None:
        """Serve the types of all definitions that are there."""
        for key, record in list(self._collection().live.items()):
            self._changed(key, record)

    def _changed(self, key: str, record: Record | None) -> None:
        cluster, _, name = key.partition("/")
        if record is None:
            self._registry.remove(cluster, name)
            return
        kind = self._kinds.preferred(cluster, DEFINITIONS)
        if kind is None:
            return
        definition = self._shelf.load(kind, record)
        others = [self._shelf.load(kind, other) for other in self._others(cluster, key)]
        status = accepted(definition, others, timestamp(self._clock.now()))
        if status != definition.get("status"):
            call = Call(cluster, kind, "", name, "status", MANAGER)
            self._resources.patch(call, lambda old: {**old, "status": status})
            return
        self._registry.install(cluster, name, types_of(definition))
        self._observe(name)
        if "deletionTimestamp" in definition["metadata"]:
            self._empty(cluster, kind, definition)

    def _others(self, cluster: str, key: str) -> list[Record]:
        page = self._collection().page(f"{cluster}/", self._shelf.store.revision)
        return [record for record in page.records if record.key != key]

    # Deletion

    def _observe(self, name: str) -> None:
        """Look at each object of the type that goes: it may be the last one that its definition waits for."""
        if name not in self._observed:
            self._observed.add(name)
            self._shelf.observe(name, partial(self._gone, name))

    def _gone(self, name: str, key: str, record: Record | None) -> None:
        if record is not None:
            return
        cluster = key.partition("/")[0]
        kind = self._kinds.preferred(cluster, DEFINITIONS)
        definition = None if kind is None else self._collection().live.get(f"{cluster}/{name}")
        if kind is None or definition is None or b'"deletionTimestamp":' not in definition.body:
            return
        self._release(cluster, kind, self._shelf.load(kind, definition))

    def _empty(self, cluster: str, definitions: Kind, definition: Object) -> None:
        name = definition["metadata"]["name"]
        kind = self._kinds.preferred(cluster, name)
        if kind is not None:
            page = self._shelf.store.collection(name).page(f"{cluster}/", self._shelf.store.revision)
            for record in page.records:
                if b'"deletionTimestamp":' not in record.body:
                    parts = record.key.split("/")
                    namespace = parts[1] if len(parts) > 2 else ""
                    self._resources.delete(Call(cluster, kind, namespace, parts[-1]), DeleteOptions())
        self._release(cluster, definitions, definition)

    def _release(self, cluster: str, kind: Kind, definition: Object) -> None:
        metadata = definition["metadata"]
        name = metadata["name"]
        if self._shelf.store.collection(name).count(f"{cluster}/"):
            return
        if CLEANUP_FINALIZER not in (metadata.get("finalizers") or ()):
            return
        if self._collection().live.get(f"{cluster}/{name}") is None:
            return
        self._resources.patch(Call(cluster, kind, "", name, "", MANAGER), _without_cleanup)

    def _collection(self) -> Collection:
        return self._shelf.store.collection(DEFINITIONS)


def _without_cleanup(old: Object) -> Object:
    finalizers = [name for name in old["metadata"].get("finalizers") or () if name != CLEANUP_FINALIZER]
    return {**old, "metadata": {**old["metadata"], "finalizers": finalizers}}
