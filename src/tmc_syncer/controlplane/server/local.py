"""`Local`: the in-process client of one logical cluster, for the controllers, the simulated kubelet and the demo.

Reads and writes are synchronous: the store is in memory and lives in this thread, so what is read is the present and a write is
done when the call returns. Rules, defaults, validation and errors (`ApiError`) are those of the HTTP side; there is no
authorization, no fault and no decoding of bodies. With persistence, a write is in memory first and on disk soon after.

A resource is named ``pods`` or ``deployments.apps``; its first served version is used. Objects that come out may be shared with
others and must not be changed; objects that are handed in are copied as far as the server changes them.

`watch` tells ADDED for all that stands, then every change. It never ends by itself: should it fall behind the window of
history, it lists again and tells the difference, as an informer would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.encoding import view
from tmc_syncer.controlplane.server.errors import no_such_path
from tmc_syncer.controlplane.server.kinds import Kind, Kinds
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.resources import Resources
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.watch import ADDED, DELETED, MODIFIED

__all__ = ["Local"]

VIEWS = 1024
"""Decoded objects that are kept for the next reader: several controllers look at each change."""


class Views:
    """Objects decoded once for all Locals of a server; a revision names one state of one object."""

    def __init__(self) -> None:
        self._views: dict[tuple[int, str], Object] = {}

    def of(self, kind: Kind, record: Record) -> Object:
        """The object of a record, shared."""
        key = (record.revision, kind.version)
        found = self._views.get(key)
        if found is None:
            if len(self._views) >= VIEWS:
                self._views.clear()
            found = self._views[key] = view(record, kind.served)
        return found


class Local:
    """See the module. `manager` is the field manager of writes that name none."""

    def __init__(
        self,
        cluster: str,
        kinds: Kinds,
        resources: Resources,
        views: Views,
        *,
        manager: str = "control-plane",
    ) -> None:
        self.cluster = cluster
        self._kinds = kinds
        self._resources = resources
        self._store = resources.shelf.store
        self._views = views
        self._manager = manager

    # Reads

    @property
    def revision(self) -> int:
        """The revision of the present."""
        return self._store.revision

    def serves(self, resource: str) -> bool:
        """Whether the cluster has this type."""
        return self._kinds.preferred(self.cluster, resource) is not None

    def get(self, resource: str, name: str, namespace: str = "") -> Object | None:
        """One object, None when there is none."""
        kind = self._kind(resource)
        record = self._store.collection(kind.collection).live.get(kind.key(self.cluster, namespace, name))
        return None if record is None else self._views.of(kind, record)

    def list(
        self, resource: str, namespace: str = "", selector: Callable[[Object], bool] | None = None
    ) -> list[Object]:
        """All objects of a type, or of one namespace, that `selector` likes."""
        kind = self._kind(resource)
        prefix = kind.prefix(self.cluster, namespace)
        page = self._store.collection(kind.collection).page(prefix, self._store.revision)
        found = (view(record, kind.served) for record in page.records)
        return list(found) if selector is None else [obj for obj in found if selector(obj)]

    def count(self, resource: str, namespace: str = "") -> int:
        """How many objects there are, without decoding any."""
        kind = self._kind(resource)
        return self._store.collection(kind.collection).count(kind.prefix(self.cluster, namespace))

    # Writes

    def create(self, resource: str, obj: Object, *, manager: str = "") -> Object:
        """Create; returns the object as it is now."""
        made = _copied(obj)
        call = self._call(resource, made["metadata"].get("namespace") or "", "", manager)
        return self._resources.create(call, made).obj

    def update(self, resource: str, obj: Object, *, manager: str = "", subresource: str = "") -> Object:
        """Replace; a resourceVersion and uid in the object are preconditions."""
        metadata = obj["metadata"]
        call = self._call(resource, metadata.get("namespace") or "", metadata["name"], manager, subresource)
        return self._resources.update(call, _copied(obj)).obj

    def update_status(self, resource: str, obj: Object, *, manager: str = "") -> Object:
        """Replace the status."""
        return self.update(resource, obj, manager=manager, subresource="status")

    def patch(
        self,
        resource: str,
        name: str,
        namespace: str,
        merge_patch: Object,
        *,
        manager: str = "",
        subresource: str = "",
    ) -> Object:
        """Change by a JSON merge patch."""
        call = self._call(resource, namespace, name, manager, subresource)
        merging, default = self._resources.merging, call.kind.served.default
        return self._resources.patch(call, lambda old: default(merging.merge_patch(old, merge_patch))).obj

    def patch_status(
        self, resource: str, name: str, namespace: str, merge_patch: Object, *, manager: str = ""
    ) -> Object:
        """Change the status by a JSON merge patch, as ``{"status": {…}}``."""
        return self.patch(resource, name, namespace, merge_patch, manager=manager, subresource="status")

    def delete(
        self,
        resource: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        """Delete, or begin to. `uid` is a precondition."""
        options = DeleteOptions(grace_seconds, propagation, uid or "")
        self._resources.delete(self._call(resource, namespace, name, ""), options)

    # Watches

    async def watch(self, resource: str, namespace: str = "") -> AsyncIterator[tuple[str, Object]]:
        """Changes as (ADDED, MODIFIED or DELETED, object); see the module."""
        kind = self._kind(resource)
        prefix = kind.prefix(self.cluster, namespace)
        collection = self._store.collection(kind.collection)
        known: dict[str, Record] = {}
        while True:
            watch = collection.watch(prefix, self._store.revision)
            ready = asyncio.Event()
            watch.on_ready = ready.set
            try:
                standing = {
                    record.key: record for record in collection.page(prefix, self._store.revision).records
                }
                for event_type, record in _difference(known, standing):
                    yield event_type, self._views.of(kind, record)
                known = standing
                while not watch.behind:
                    for event in watch.take():
                        if event.type == DELETED:
                            known.pop(event.record.key, None)
                        else:
                            known[event.record.key] = event.record
                        yield event.type, self._views.of(kind, event.record)
                    if watch.idle():
                        ready.clear()
                        await ready.wait()
            finally:
                watch.close()

    # Shared

    def _kind(self, resource: str) -> Kind:
        kind = self._kinds.preferred(self.cluster, resource)
        if kind is None:
            raise no_such_path()
        return kind

    def _call(self, resource: str, namespace: str, name: str, manager: str, subresource: str = "") -> Call:
        return Call(
            self.cluster,
            self._kind(resource),
            namespace,
            name,
            subresource,
            manager or self._manager,
        )


def _copied(obj: Object) -> Object:
    """A copy that shares nothing that the server changes: the object, its metadata and its annotations."""
    metadata = dict(obj["metadata"])
    if metadata.get("annotations"):
        metadata["annotations"] = dict(metadata["annotations"])
    return {**obj, "metadata": metadata}


def _difference(before: dict[str, Record], after: dict[str, Record]) -> list[tuple[str, Record]]:
    found = [(DELETED, record) for key, record in before.items() if key not in after]
    for key, record in after.items():
        if key not in before:
            found.append((ADDED, record))
        elif before[key].revision != record.revision:
            if before[key].uid != record.uid:
                found.append((DELETED, before[key]))
                found.append((ADDED, record))
            else:
                found.append((MODIFIED, record))
    return found
