"""`Store`: the objects of one type on one server, as far as this process knows them. Pure; one reader and writer thread.

It is fed by three hands: a watch (`put`, `remove`, `advance`), lists (`replace`) and the replies of our own requests
(`write_replied`, `delete_replied`, `observed`), which are the newest knowledge at once. Guarantees:

- Per key the version never goes back: what is older than the stored record, or than the key's deletion, is ignored.
  Versions are integers ordered within this store only; an opaque version (0) is compared for equality.
- `replace` is atomic. A listed state is complete up to its version: it wins over every record that is not newer than it,
  and a record that is newer (a reply's, say) stays. The difference comes back as changes of origin LIST.
- A reply leaves a receipt until the watch or a list has come as far as the reply's version. `unmet_receipts` names
  those that wait too long; one live GET each, handed to `observed`, settles them.
- An object that a reply showed to be gone is a tombstone: late events of that uid are hidden.
- Listeners hear every change once, after the store and its indexes show it, whatever hand it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, ValuesView

from tmc_syncer.api.objects import Record, parse_version
from tmc_syncer.api.resources import Key
from tmc_syncer.engine.changes import Change, ChangeOrigin, Listener
from tmc_syncer.engine.indexes import Indexes, IndexFunction
from tmc_syncer.engine.receipts import Receipts
from tmc_syncer.engine.tombstones import Tombstones

__all__ = ["Change", "ChangeOrigin", "Listener", "Store"]


class Store:
    """See the module docstring. `now` returns monotonic seconds, `trim` drops what nobody reads.

    `selects` tells whether a record is in the view at all: a reply may show that an object has just left a
    label-selected view, whose DELETED event is still on its way.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        selects: Callable[[Record], bool] | None = None,
        trim: Callable[[Record], Record] | None = None,
        on_listener_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self.synced = False  # true after a complete list
        self.resource_version = ""  # as far as lists and the watch have come
        self._now = now
        self._selects = selects
        self._trim = trim
        self._on_listener_error = on_listener_error
        self._records: dict[Key, Record] = {}
        self._receipts = Receipts()
        self._tombstones = Tombstones(now)
        self._indexes = Indexes()
        self._listeners: list[Listener] = []
        self._version = 0
        self._listed_version = 0
        self._regressed = False

    # Reading

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: Key) -> bool:
        return key in self._records

    def __iter__(self) -> Iterator[Key]:
        return iter(self._records)

    def get(self, key: Key) -> Record | None:
        """The newest known record of `key`; None when it is not there (as far as a `synced` store can tell)."""
        return self._records.get(key)

    def keys(self) -> tuple[Key, ...]:
        """All keys, as they are now."""
        return tuple(self._records)

    def values(self) -> ValuesView[Record]:
        """A live view of all records: do not await while iterating over it."""
        return self._records.values()

    def index(self, name: str, value: str) -> tuple[Key, ...]:
        """The keys whose records have `value` under the index `name`, in the order of their arrival."""
        return self._indexes.keys(name, value)

    def index_size(self, name: str, value: str) -> int:
        """How many keys `index` would return, without copying them."""
        return self._indexes.size(name, value)

    def index_values(self, name: str) -> tuple[str, ...]:
        """All values that the index `name` has at the moment."""
        return self._indexes.values(name)

    def add_index(self, name: str, function: IndexFunction) -> None:
        """Group keys by the values of `function`. Raises `ValueError` when the name is taken."""
        self._indexes.add(name, function, self._records.values())

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every change from now on. It must only enqueue: it runs inside the store's update."""
        self._listeners.append(listener)

    # Fed by a watch

    def put(self, record: Record) -> Change | None:
        """An ADDED or MODIFIED event. None when it is nothing new: older, a duplicate, or of an object known to be gone."""
        key = record.key
        self._saw(record.version)
        if self._is_past(key, record):
            return None
        return self._set(key, record, ChangeOrigin.WATCH)

    def remove(self, gone: Record | Key, version: int = 0) -> Change | None:
        """A DELETED event: with the last record (which carries the version of the deletion), or key and version.

        A version of 0 is believed. None when the key is not there, or lives in a newer version.
        """
        key, uid = (gone.key, gone.meta.uid) if isinstance(gone, Record) else (gone, "")
        version = gone.version if isinstance(gone, Record) else version
        self._saw(version)
        self._tombstones.deletion_seen(uid)
        stored = self._records.get(key)
        if stored is not None and 0 < version < stored.version:
            return None
        self._tombstones.bury_version(key, version)
        return self._set(key, None, ChangeOrigin.WATCH)

    def advance(self, resource_version: str) -> None:
        """A bookmark: the watch has come this far."""
        self._saw(parse_version(resource_version), resource_version)

    # Fed by lists

    def replace(self, records: Iterable[Record], resource_version: str) -> list[Change]:
        """A complete list as of `resource_version`: swap atomically, return (and tell the listeners) the difference."""
        version = parse_version(resource_version)
        listed: dict[Key, Record] = {}
        for record in records:
            if not self._tombstones.hides(record.meta.uid):
                listed[record.key] = record
        changes: list[Change] = []
        for key, record in listed.items():
            stored = self._records.get(key)
            if stored is not None and (self._outlives_list(stored, version) or _same(stored, record)):
                continue
            # An unlisted deletion newer than this list (a server that lags behind the one we watched).
            if stored is None and self._tombstones.version_of(key) > version > 0:
                continue
            self._collect(changes, key, record)
        for key, stored in list(self._records.items()):
            if key not in listed and not self._outlives_list(stored, version):
                self._collect(changes, key, None)
        self._regressed = False
        self.synced = True
        self._listed_version = version
        self._tombstones.drop_versions(version)
        self._version = 0 if version == 0 else max(version, self._version)
        self.resource_version = resource_version if version == 0 else str(self._version)
        self._receipts.meet(self._version)
        self._tell(changes)
        return changes

    def reset(self) -> None:
        """The server's history went back (etcd restored): forget receipts, tombstones and what "newer" meant.

        The records stay until the next `replace`, which then wins over all of them.
        """
        self._receipts = Receipts()
        self._tombstones = Tombstones(self._now)
        self._version = self._listed_version = 0
        self.resource_version = ""
        self._regressed = True

    # Fed by replies of our own requests

    def write_replied(self, record: Record) -> Change | None:
        """The reply of a write: the object as it is now. Leaves a receipt unless the watch has come further already."""
        key = record.key
        if self._is_past(key, record):
            return None
        if record.version > self._version:
            self._receipts.leave(key, record.version, self._now())
        return self._set(key, record, ChangeOrigin.REPLY)

    def delete_replied(self, key: Key, uid: str, record: Record | None) -> Change | None:
        """The reply of a DELETE: `record` when the object is still there (terminating), None when it is gone at once.

        A Pod on no node looks terminating although it is gone: its version is then that of its DELETED event.
        """
        if record is not None:
            gone = key not in self._records and 0 < record.version <= self._tombstones.version_of(key)
            return None if gone else self.write_replied(record)
        self._tombstones.bury_uid(uid)
        stored = self._records.get(key)
        if stored is None or stored.meta.uid != uid:
            return None
        self._receipts.settle(key)
        self._tombstones.bury_version(key, stored.version)  # an earlier object of that name is no news either
        return self._set(key, None, ChangeOrigin.REPLY)

    def observed(self, key: Key, record: Record | None, *, known: Record | None) -> Change | None:
        """The answer of a live GET; None: proven absent. Settles the receipt of `key`.

        `known` is what `get(key)` said when the GET was sent: an absence says nothing about an object that came since.
        """
        self._receipts.settle(key)
        if record is not None:
            return None if self._is_past(key, record) else self._set(key, record, ChangeOrigin.REPLY)
        if known is None or self._records.get(key) is not known:
            return None
        self._tombstones.bury_uid(known.meta.uid)
        self._tombstones.bury_version(key, known.version)
        return self._set(key, None, ChangeOrigin.REPLY)

    def has_receipt(self, key: Key) -> bool:
        """Whether a write of ours to `key` has not come back through the watch yet."""
        return key in self._receipts

    def unmet_receipts(self, now: float, deadline_seconds: float) -> tuple[Key, ...]:
        """Keys of the receipts that have waited for `deadline_seconds` or longer, oldest first."""
        return self._receipts.unmet(now, deadline_seconds)

    # Inside

    def _is_past(self, key: Key, record: Record) -> bool:
        """Whether `record` says nothing new: it is the stored one, older than it, or of a deleted object."""
        if self._tombstones.hides(record.meta.uid):
            return True
        stored, version = self._records.get(key), record.version
        if stored is None:
            return 0 < version < self._tombstones.version_of(key) or 0 < version <= self._listed_version
        return _same(stored, record) or 0 < version < stored.version

    def _outlives_list(self, stored: Record, version: int) -> bool:
        return not self._regressed and 0 < version < stored.version

    def _saw(self, version: int, resource_version: str = "") -> None:
        if version > self._version:
            self._version = version
            self.resource_version = str(version)
            self._receipts.meet(version)
        elif version == 0 and resource_version:
            self.resource_version = resource_version

    def _set(self, key: Key, record: Record | None, origin: ChangeOrigin) -> Change | None:
        changes: list[Change] = []
        self._collect(changes, key, record, origin)
        self._tell(changes)
        return changes[0] if changes else None

    def _collect(
        self, changes: list[Change], key: Key, record: Record | None, origin: ChangeOrigin = ChangeOrigin.LIST
    ) -> None:
        """Store one record (None: delete it) and note the change; listeners hear of it later."""
        if record is not None and self._selects is not None and not self._selects(record):
            self._tombstones.bury_version(key, record.version)  # late events from before it left the view
            record = None
        if record is not None and self._trim is not None:
            record = self._trim(record)
        old = self._records.get(key)
        if old is None and record is None:
            return
        plan = self._indexes.plan(old, record)
        if record is None:
            del self._records[key]
        else:
            self._records[key] = record
        self._indexes.carry_out(plan, key)
        changes.append(Change(key, old, record, origin))

    def _tell(self, changes: list[Change]) -> None:
        for change in changes:
            for listener in self._listeners:
                try:
                    listener(change)
                except Exception as error:
                    # The others are to hear of it all the same, where somebody cares for the error.
                    if self._on_listener_error is None:
                        raise
                    self._on_listener_error(error)


def _same(stored: Record, record: Record) -> bool:
    return (
        stored.meta.resource_version == record.meta.resource_version != ""
        and stored.meta.uid == record.meta.uid
    )
