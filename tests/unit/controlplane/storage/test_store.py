from __future__ import annotations

import pytest

from tests.unit.controlplane.storage.records import PODS, delete, keys, put
from tmc_syncer.controlplane.storage.records import Change, Compacted, Mismatch, Record
from tmc_syncer.controlplane.storage.store import Store


def test_each_write_of_any_type_makes_the_next_revision() -> None:
    store = Store()
    assert put(store, "c/a/x").revision == 1
    assert store.put("configmaps", Record("c/a/y", 2, b"")).revision == 2
    assert delete(store, "c/a/x").revision == 3
    assert (store.revision, store.next_revision) == (3, 4)


def test_a_write_with_another_revision_than_the_next_is_a_bug_of_the_caller() -> None:
    store = Store()
    with pytest.raises(ValueError, match="revision 5 where 1 is due"):
        store.put(PODS, Record("c/a/x", 5, b""))
    assert store.revision == 0


def test_expected_revisions_are_held() -> None:
    store = Store()
    put(store, "c/a/x", expected=0)
    with pytest.raises(Mismatch):
        put(store, "c/a/x", expected=0)
    put(store, "c/a/x", expected=1)
    with pytest.raises(Mismatch) as refused:
        put(store, "c/a/x", expected=1)
    assert refused.value.current is store.collection(PODS).live["c/a/x"]
    with pytest.raises(Mismatch) as refused:
        delete(store, "c/a/nothing")
    assert refused.value.current is None
    with pytest.raises(Mismatch):
        store.delete(PODS, Record("c/a/x", 3, b""), expected=1)
    assert store.revision == 2


def test_history_is_bounded_by_the_number_of_changes() -> None:
    store = Store(history=3)
    for _ in range(5):
        put(store, "c/a/x")
    assert store.compacted == 2
    assert store.collection(PODS).get("c/a/x", 2) is not None
    with pytest.raises(Compacted):
        store.collection(PODS).get("c/a/x", 1)


def test_history_is_bounded_by_the_bytes_that_it_alone_keeps_alive() -> None:
    store = Store(history_bytes=100)
    for number in range(20):
        put(store, f"c/a/{number}", b"x" * 60)
    assert store.compacted == 0, "live objects are not history"
    put(store, "c/a/0", b"x" * 60)
    assert store.compacted == 0
    put(store, "c/a/1", b"x" * 60)
    assert store.compacted == 21
    delete(store, "c/a/2", b"x" * 60)
    assert store.compacted == 23, "a deletion keeps the last state twice: as it was, and as it is told"


def test_compaction_on_order_forgets_the_past_for_all_types() -> None:
    store = Store()
    put(store, "c/a/x")
    store.put("configmaps", Record("c/a/y", 2, b""))
    put(store, "c/a/x")
    store.compact(2)
    assert store.compacted == 2
    store.compact(1)
    assert store.compacted == 2
    with pytest.raises(Compacted):
        store.collection("configmaps").get("c/a/y", 1)
    store.compact(99)
    assert store.compacted == 3


def test_the_persistence_is_told_of_changes_and_of_what_is_dropped() -> None:
    store = Store(history=1)
    changed: list[tuple[str, int]] = []
    dropped: list[tuple[str, int]] = []
    store.on_change = lambda name, change: changed.append((name, change.revision))
    store.on_drop = lambda name, change: dropped.append((name, change.revision))
    put(store, "c/a/x")
    put(store, "c/a/x")
    assert changed == [(PODS, 1), (PODS, 2)]
    assert dropped == [(PODS, 1)]


def test_what_was_loaded_is_there_and_goes_on() -> None:
    old, new = Record("c/a/x", 4, b"1"), Record("c/a/x", 6, b"2")
    gone = Record("c/a/y", 7, b"3")
    store = Store()
    store.load(
        7,
        5,
        {PODS: {"c/a/x": new}},
        [(PODS, Change(new, old)), ("configmaps", Change(gone, Record("c/a/y", 5, b"0"), deleted=True))],
    )
    assert (store.revision, store.compacted) == (7, 5)
    assert keys(store.collection(PODS).page("", 7).records) == ["c/a/x"]
    assert store.collection(PODS).get("c/a/x", 5) is old
    assert store.collection("configmaps").get("c/a/y", 6) is not None
    put(store, "c/a/z")
    assert store.revision == 8


def test_a_loaded_history_that_is_too_long_is_cut() -> None:
    store = Store(history=1)
    first, second = Record("c/a/x", 1, b"1"), Record("c/a/x", 2, b"2")
    store.load(2, 0, {PODS: {"c/a/x": second}}, [(PODS, Change(first, None)), (PODS, Change(second, first))])
    assert store.compacted == 1
