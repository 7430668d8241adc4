"""`Mirror`: the objects of one type as last seen, with what controllers look them up by: owner, namespace, node.

It is fed by the watch and, right after each write of a controller, by what the write returned, so that a controller never acts
on a state older than its own last write. News of an older version than the one that is known, or of an object that is known to
be gone, is no news. Objects are kept as `view` makes them (by default without managedFields) and never changed. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.runtime.client import Key, Object, key_of

__all__ = ["Change", "Mirror", "metadata_only", "trimmed"]

GONE = 10_000
"""Uids of removed objects that are remembered until the watch has told their end. A watch that was cut off may never tell it."""

Change = tuple[Object | None, Object | None]
"""What was known before, and what is known now; None: not there."""


def trimmed(obj: Object) -> Object:
    """An object without what no controller reads."""
    metadata = obj["metadata"]
    if "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}


_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "ownerReferences",
    "finalizers",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "creationTimestamp",
)


def metadata_only(obj: Object) -> Object:
    """What the garbage collector needs of an object."""
    metadata = obj["metadata"]
    return {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "metadata": {name: metadata[name] for name in _METADATA if name in metadata},
    }


class Mirror:
    """See the module."""

    def __init__(self, view: Callable[[Object], Object] = trimmed) -> None:
        self._view = view
        self._objects: dict[Key, Object] = {}
        self._revisions: dict[Key, int] = {}
        self._by_namespace: dict[str, dict[str, None]] = {}
        self._by_uid: dict[str, Key] = {}
        self._by_owner: dict[str, dict[Key, None]] = {}
        self._by_node: dict[str, dict[Key, None]] = {}
        self._orphans: dict[str, dict[Key, None]] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    # Looking

    def get(self, key: Key) -> Object | None:
        """The object, None when there is none."""
        return self._objects.get(key)

    def by_uid(self, uid: str) -> Object | None:
        """The object of a uid."""
        key = self._by_uid.get(uid)
        return None if key is None else self._objects[key]

    def all(self, namespace: str = "") -> list[Object]:
        """The objects of a namespace, or all."""
        if not namespace:
            return list(self._objects.values())
        return [self._objects[namespace, name] for name in self._by_namespace.get(namespace, ())]

    def owned_by(self, uid: str) -> list[Object]:
        """The objects that have an owner reference to this uid."""
        return [self._objects[key] for key in self._by_owner.get(uid, ())]

    def orphans(self, namespace: str) -> list[Object]:
        """The objects of a namespace that no controller has."""
        return [self._objects[key] for key in self._orphans.get(namespace, ())]

    def on_node(self, node: str) -> list[Object]:
        """The pods whose ``spec.nodeName`` this is."""
        return [self._objects[key] for key in self._by_node.get(node, ())]

    def __len__(self) -> int:
        return len(self._objects)

    # Learning

    def learn(self, obj: Object) -> Change | None:
        """An object was seen; None when that is no news."""
        metadata = obj["metadata"]
        uid = metadata["uid"]
        if uid in self._gone:
            return None
        key, revision = key_of(obj), int(metadata["resourceVersion"])
        if revision <= self._revisions.get(key, -1):
            return None
        before = self._objects.get(key)
        if before is not None:
            self._unlink(key, before)
        known = self._objects[key] = self._view(obj)
        self._revisions[key] = revision
        self._link(key, known)
        return before, known

    def lose(self, key: Key, uid: str, *, told: bool) -> Change | None:
        """The object of this uid is gone. `told`: the watch said so, nothing older of it will follow."""
        if told:
            self._gone.pop(uid, None)
        else:
            self._gone[uid] = None
            if len(self._gone) > GONE:
                self._gone.popitem(last=False)
        before = self._objects.get(key)
        if before is None or before["metadata"]["uid"] != uid:
            return None
        self._unlink(key, before)
        del self._objects[key], self._revisions[key]
        return before, None

    # Indices

    def _link(self, key: Key, obj: Object) -> None:
        self._by_namespace.setdefault(key[0], {})[key[1]] = None
        self._by_uid[obj["metadata"]["uid"]] = key
        for index, value in self._places(obj):
            index.setdefault(value, {})[key] = None

    def _unlink(self, key: Key, obj: Object) -> None:
        names = self._by_namespace[key[0]]
        del names[key[1]]
        if not names:
            del self._by_namespace[key[0]]
        self._by_uid.pop(obj["metadata"]["uid"], None)
        for index, value in self._places(obj):
            keys = index.get(value, {})
            keys.pop(key, None)
            if not keys:
                index.pop(value, None)

    def _places(self, obj: Object) -> Iterable[tuple[dict[str, dict[Key, None]], str]]:
        references = obj["metadata"].get("ownerReferences") or ()
        for reference in references:
            yield self._by_owner, reference.get("uid", "")
        if not any(reference.get("controller") for reference in references):
            yield self._orphans, obj["metadata"].get("namespace") or ""
        spec: Any = obj.get("spec")
        if isinstance(spec, dict) and isinstance(node := spec.get("nodeName"), str) and node:
            yield self._by_node, node
