"""Routing: which change in which cache makes which key due.

Controllers are level-triggered; this is only about not waking them for nothing. A status write of our own
comes back as a watch event that changes nothing for the spec controller, and most downstream events change
only the status: so each change is compared part by part before a key is added.

Handlers are called by the informers, in the order of the store's changes; they enqueue and never block.
"""

from __future__ import annotations

from tmc_syncer.agent.synced_type import SyncedType
from tmc_syncer.agent.world import World
from tmc_syncer.api.locator import parse_locator
from tmc_syncer.api.names import NAMESPACE_LOCATOR, SOURCE_UID
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.downstream.propagation import priority
from tmc_syncer.engine.store import Change, ChangeOrigin

__all__ = ["Routing"]


class Routing:
    """Adds keys to the queues of one `World`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def upstream_changed(self, synced: SyncedType, change: Change) -> None:
        """An upstream object of a synced type changed."""
        if change.origin is ChangeOrigin.REPLY:
            return  # whoever wrote goes on by itself
        world, key = self._world, change.key
        item = synced.gvr, key
        if change.new is None and change.origin is ChangeOrigin.WATCH:
            world.saw_deletion(item)
        if change.old is None or change.new is None or _differs_but_status(change.old, change.new):
            world.objects.add(item, world.now(), priority=priority(synced.gvr))
        if change.new is not None and (change.old is None or _status(change.old) != _status(change.new)):
            world.statuses.add(item, world.now())

    def downstream_changed(self, synced: SyncedType, change: Change) -> None:
        """A downstream object of a synced type changed."""
        record = change.new or change.old
        source = None if record is None else self._world.source_of(record)
        if source is None:
            return
        world, item = self._world, (synced.gvr, source)
        if change.old is None and change.new is not None:
            world.owner_arrived(change.new.meta.annotation(SOURCE_UID) or "")
        if change.origin is not ChangeOrigin.REPLY and (
            change.old is None or change.new is None or _differs_but_status(change.old, change.new)
        ):
            world.objects.add(item, world.now(), priority=priority(synced.gvr))
        if change.new is None and change.old is not None and synced.finished(change.old):
            synced.ended[source] = change.old
            world.statuses.add(item, world.now())
        if change.new is not None and (
            change.old is None
            or _status(change.old) != _status(change.new)
            or change.old.meta.generation != change.new.meta.generation
        ):
            world.statuses.add(item, world.now())

    def upstream_namespace_changed(self, change: Change) -> None:
        """An upstream Namespace changed: its own downstream namespace, and what its labels decide."""
        world, key = self._world, change.key
        world.namespaces.add(key, world.now())
        old, new = change.old, change.new
        if old is None or new is None or old.meta.labels != new.meta.labels or _annotations_differ(old, new):
            world.enqueue_namespace_objects(key.cluster, key.name)

    def downstream_namespace_changed(self, change: Change) -> None:
        """A downstream namespace changed: if it stands for one of ours, that one and its objects are due."""
        world = self._world
        for record in (change.old, change.new):
            locator = None if record is None else parse_locator(record.meta.annotation(NAMESPACE_LOCATOR))
            if locator is None or locator.sync_target.key != world.target.key:
                continue
            world.namespaces.add(Key(locator.cluster, "", locator.namespace), world.now())
            if (
                change.old is None
                or change.new is None
                or change.old.meta.deleting != change.new.meta.deleting
            ):
                world.enqueue_namespace_objects(locator.cluster, locator.namespace)


def _status(record: Record) -> bytes | None:
    return record.fields.get("status")


def _annotations_differ(old: Record, new: Record) -> bool:
    return old.meta.annotations != new.meta.annotations


def _differs_but_status(old: Record, new: Record) -> bool:
    """Whether anything but the status (and the version it costs) changed."""
    before, after = old.meta, new.meta
    if (
        before.uid != after.uid
        or before.generation != after.generation
        or before.deletion_timestamp != after.deletion_timestamp
        or before.finalizers != after.finalizers
        or before.labels != after.labels
        or before.annotations != after.annotations
        or before.owner_references != after.owner_references
        or before.managed_fields != after.managed_fields
    ):
        return True
    if old.fields.keys() != new.fields.keys():
        return True
    return any(name != "status" and raw != old.fields[name] for name, raw in new.fields.items())
