"""Records and stores for the tests of the store."""

from __future__ import annotations

from tmc_syncer.controlplane.storage.records import Change, Record
from tmc_syncer.controlplane.storage.store import Store

PODS = "pods"


def put(
    store: Store, key: str, body: bytes = b"x", *, expected: int | None = None, colour: str = ""
) -> Change:
    labels = {"colour": colour} if colour else None
    record = Record(key, store.next_revision, body, f"uid-of-{key}", "v1", labels)
    return store.put(PODS, record, expected=expected)


def delete(store: Store, key: str, body: bytes = b"x", *, colour: str = "") -> Change:
    labels = {"colour": colour} if colour else None
    return store.delete(PODS, Record(key, store.next_revision, body, f"uid-of-{key}", "v1", labels))


def keys(records: list[Record]) -> list[str]:
    return [record.key for record in records]
