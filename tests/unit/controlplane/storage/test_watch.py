from __future__ import annotations

import pytest

from tests.unit.controlplane.storage.records import PODS, delete, put
from tmc_syncer.controlplane.storage import watch as module
from tmc_syncer.controlplane.storage.records import Record
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.storage.watch import Event, Watch


def is_red(record: Record) -> bool:
    return record.labels == {"colour": "red"}


def told(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.type, event.record.key, event.revision) for event in events]


def opened(store: Store, prefix: str = "", since: int = 0, *, red: bool = False) -> Watch:
    return store.collection(PODS).watch(prefix, since, is_red if red else None)


def test_a_watch_replays_what_came_after_its_beginning() -> None:
    store = Store()
    put(store, "c/a/x")
    put(store, "c/a/x")
    delete(store, "c/a/x")
    assert told(opened(store).take()) == [
        ("ADDED", "c/a/x", 1),
        ("MODIFIED", "c/a/x", 2),
        ("DELETED", "c/a/x", 3),
    ]
    assert told(opened(store, since=2).take()) == [("DELETED", "c/a/x", 3)]


def test_a_watch_sees_only_what_is_below_its_prefix() -> None:
    store = Store()
    for key in ("c/a/x", "c/a/xy", "c/ab/x"):
        put(store, key)
    assert told(opened(store, "c/a/").take()) == [("ADDED", "c/a/x", 1), ("ADDED", "c/a/xy", 2)]
    assert told(opened(store, "c/a/x").take()) == [("ADDED", "c/a/x", 1)]


def test_an_idle_watch_is_woken_once_until_it_is_read() -> None:
    store = Store()
    watch = opened(store)
    woken: list[int] = []
    watch.on_ready = lambda: woken.append(store.revision)
    assert watch.take() == []
    assert watch.idle()
    put(store, "c/a/x")
    put(store, "c/a/y")
    assert woken == [1]
    assert watch.waiting_since == 1
    assert told(watch.take()) == [("ADDED", "c/a/x", 1), ("ADDED", "c/a/y", 2)]
    assert watch.idle()
    assert watch.take() == []
    put(store, "c/a/z")
    assert woken == [1, 3]


def test_a_watch_that_nobody_waits_for_is_woken_too() -> None:
    store = Store()
    watch = opened(store)
    watch.take()
    put(store, "c/a/x")
    assert not watch.idle()


def test_an_object_that_leaves_a_selector_is_deleted_with_its_last_state_in_it() -> None:
    store = Store()
    put(store, "c/a/x", colour="red")
    put(store, "c/a/x", colour="blue")
    put(store, "c/a/x", colour="blue")
    put(store, "c/a/x", colour="red")
    put(store, "c/a/x", colour="red")
    delete(store, "c/a/x", colour="red")
    events = opened(store, red=True).take()
    assert [(event.type, event.revision) for event in events] == [
        ("ADDED", 1),
        ("DELETED", 2),
        ("ADDED", 4),
        ("MODIFIED", 5),
        ("DELETED", 6),
    ]
    assert is_red(events[1].record)
    assert events[1].record.revision == 1
    assert events[4].record.revision == 6


def test_the_deletion_of_an_object_that_was_not_selected_is_not_told() -> None:
    store = Store()
    put(store, "c/a/x", colour="blue")
    delete(store, "c/a/x", colour="red")
    assert opened(store, red=True).take() == []


def test_a_long_replay_comes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    store = Store()
    for number in range(7):
        put(store, f"c/a/{number}")
    watch = opened(store)
    sizes = []
    while not watch.idle():
        sizes.append(len(watch.take()))
    assert sizes == [3, 3, 1]


def test_a_watch_that_the_window_has_left_is_behind_for_good() -> None:
    store = Store(history=2)
    watch = opened(store)
    for number in range(3):
        put(store, f"c/a/{number}")
    assert watch.take() == []
    assert watch.behind
    assert watch.take() == []
    assert not watch.idle()


def test_an_idle_watch_is_never_behind_however_much_happens_elsewhere() -> None:
    store = Store(history=2)
    watch = opened(store, "c/quiet/")
    watch.take()
    for number in range(9):
        put(store, f"c/busy/{number}")
    put(store, "c/quiet/x")
    assert told(watch.take()) == [("ADDED", "c/quiet/x", 10)]


def test_a_watch_from_the_future_hears_nothing_until_then() -> None:
    store = Store()
    watch = opened(store, since=2)
    assert watch.take() == []
    for number in range(4):
        put(store, f"c/a/{number}")
    assert told(watch.take()) == [("ADDED", "c/a/2", 3), ("ADDED", "c/a/3", 4)]
