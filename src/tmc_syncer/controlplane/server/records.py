"""Between objects and records: `Shelf` reads objects out of the store and writes them back, for one server.

It knows how a record is made of an object (version, labels, field selector values), how large an object may be, and, on a server
of logical clusters, that every object carries the name of its cluster in the annotation ``kcp.io/cluster``. That annotation
belongs to the server: it is taken off what is read for a change, and put on what is written, whatever a client sent.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.encoding import body_of, restamped, view
from tmc_syncer.controlplane.server.errors import ApiError, not_found
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.store import Store

__all__ = ["CLUSTER_ANNOTATION", "Shelf", "left"]

CLUSTER_ANNOTATION = "kcp.io/cluster"

MAX_OBJECT_BYTES = 1536 * 1024
"""etcd's limit of a request."""

_COMMON_FIELDS = ("metadata.name", "metadata.namespace")


Observer = Callable[[str, Record | None], None]


class Shelf:
    """See the module. `stamped` says that objects carry the name of their cluster."""

    def __init__(self, store: Store, *, stamped: bool) -> None:
        self.store = store
        self._stamped = stamped
        self._observers: dict[str, list[Observer]] = {}

    def observe(self, collection: str, observer: Observer) -> None:
        """Tell `observer` of each write to a collection, before anything else happens: the key, and what is there now."""
        self._observers.setdefault(collection, []).append(observer)

    def find(self, call: Call) -> Record | None:
        """The record that the call names, None when there is none."""
        return self.store.collection(call.kind.collection).live.get(call.key)

    def require(self, call: Call) -> Record:
        """The record that the call names. Raises `ApiError` 404."""
        record = self.find(call)
        if record is None:
            raise not_found(call.kind, call.name)
        return record

    def load(self, kind: Kind, record: Record) -> Object:
        """The object for a change: a fresh dictionary, without what belongs to the server alone."""
        obj = view(record, kind.served)
        if self._stamped:
            self.clear(obj)
        return obj

    def clear(self, obj: Object) -> None:
        """Take the server's annotation off an object that nobody else holds."""
        annotations = obj["metadata"].get("annotations") if self._stamped else None
        if annotations and CLUSTER_ANNOTATION in annotations:
            del annotations[CLUSTER_ANNOTATION]
            if not annotations:
                del obj["metadata"]["annotations"]

    def put(self, call: Call, obj: Object) -> tuple[Record, Object]:
        """Write an object, new or not; returns the record and the object as it is now."""
        record, made = self._record(call, obj, self.store.next_revision)
        self.store.put(call.kind.collection, record)
        self._tell(call.kind.collection, record.key, record)
        return record, made

    def remove(self, call: Call, obj: Object) -> tuple[Record, Object]:
        """Delete an object whose last state is `obj`; the record carries the revision of the deletion."""
        record, _ = self._record(call, obj, self.store.next_revision)
        self.store.delete(call.kind.collection, record)
        self._tell(call.kind.collection, record.key, None)
        return record, obj

    def _tell(self, collection: str, key: str, record: Record | None) -> None:
        for observer in self._observers.get(collection, ()):
            observer(key, record)

    def draft(self, call: Call, obj: Object, revision: int) -> tuple[Record, Object]:
        """The record that a write would make, for a dry run; a `revision` of 0 leaves the version out."""
        return self._record(call, obj, revision)

    def _record(self, call: Call, obj: Object, revision: int) -> tuple[Record, Object]:
        kind = call.kind
        metadata = dict(obj["metadata"])
        if self._stamped:
            annotations = dict(metadata.get("annotations") or {})
            annotations[CLUSTER_ANNOTATION] = call.cluster
            metadata["annotations"] = annotations
        if revision:
            metadata["resourceVersion"] = str(revision)
        else:
            metadata.pop("resourceVersion", None)
        made = {**obj, "metadata": metadata}
        conversion = kind.served.conversion
        body = body_of(made if conversion is None else conversion.to_stored(made))
        if len(body) > MAX_OBJECT_BYTES:
            raise ApiError(500, "", "etcdserver: request is too large")
        fields = {
            path: value
            for path, value in kind.served.field_labels(made).items()
            if path not in _COMMON_FIELDS
        }
        record = Record(
            call.key,
            revision,
            body,
            metadata["uid"],
            kind.version,
            metadata.get("labels") or None,
            fields or None,
        )
        return record, made


def left(record: Record, revision: int) -> Record:
    """The last state of an object that left a selector, with the version of the change that took it out."""
    return Record(
        record.key,
        revision,
        restamped(record.body, revision),
        record.uid,
        record.version,
        record.labels,
        record.fields,
    )
