from __future__ import annotations

import pytest

from tests.unit.controlplane.storage.records import PODS, delete, keys, put
from tmc_syncer.controlplane.storage import collection as module
from tmc_syncer.controlplane.storage.collection import Collection, Page
from tmc_syncer.controlplane.storage.records import Compacted, Record
from tmc_syncer.controlplane.storage.store import Store


def filled(*names: str) -> tuple[Store, Collection]:
    store = Store()
    for name in names:
        put(store, name, colour="red" if name.endswith("r") else "blue")
    return store, store.collection(PODS)


def is_red(record: Record) -> bool:
    return record.labels == {"colour": "red"}


def test_lists_are_in_the_order_of_the_keys_as_bytes() -> None:
    _, pods = filled("c/b/x", "c/a/x", "c/a-b/x", "c/a.b/x", "c/a/a")
    assert keys(pods.page("", 5).records) == ["c/a-b/x", "c/a.b/x", "c/a/a", "c/a/x", "c/b/x"]


def test_a_prefix_is_a_cluster_a_namespace_or_one_key() -> None:
    _, pods = filled("c/a/x", "c/a/xy", "c/ab/x", "d/a/x", "d/node")
    assert keys(pods.page("c/", 5).records) == ["c/a/x", "c/a/xy", "c/ab/x"]
    assert keys(pods.page("c/a/", 5).records) == ["c/a/x", "c/a/xy"]
    assert keys(pods.page("c/a/x", 5).records) == ["c/a/x"]
    assert keys(pods.page("c/a/zz", 5).records) == []
    assert [pods.count(prefix) for prefix in ("", "c/", "c/a/", "c/a/x", "e/")] == [5, 3, 2, 1, 0]


def test_pages_say_where_to_go_on_and_how_much_is_left() -> None:
    store, pods = filled("c/a/1", "c/a/2", "c/a/3")
    page = pods.page("c/a/", store.revision, limit=2)
    assert (keys(page.records), page.after, page.remaining) == (["c/a/1", "c/a/2"], "c/a/2", 1)
    last = pods.page("c/a/", store.revision, after=page.after, limit=2)
    assert (keys(last.records), last.after, last.remaining) == (["c/a/3"], "", 0)
    full = pods.page("c/a/", store.revision, limit=3)
    assert (len(full.records), full.after) == (3, "")


def test_a_filtered_page_counts_keys_not_matches() -> None:
    store, pods = filled("c/a/1r", "c/a/2", "c/a/3r", "c/a/4")
    page = pods.page("", store.revision, limit=1, match=is_red)
    assert (keys(page.records), page.after, page.remaining) == (["c/a/1r"], "c/a/1r", 3)
    assert keys(pods.page("", store.revision, match=is_red).records) == ["c/a/1r", "c/a/3r"]


def test_a_page_of_one_key_ends() -> None:
    store, pods = filled("c/a/1", "c/a/2")
    assert keys(pods.page("c/a/1", store.revision, after="c/a/1").records) == []
    assert keys(pods.page("c/a/2", store.revision, after="c/a/1").records) == ["c/a/2"]


def test_the_past_can_be_read_as_it_was() -> None:
    store, pods = filled("c/a/1", "c/a/2")
    put(store, "c/a/1", b"later")
    delete(store, "c/a/2")
    put(store, "c/a/3")
    assert [(record.key, record.body) for record in pods.page("", 5, revision=2).records] == [
        ("c/a/1", b"x"),
        ("c/a/2", b"x"),
    ]
    assert pods.page("", 5, revision=3).records[0].body == b"later"
    assert pods.page("", 5, revision=0) == Page([], 0)
    assert keys(pods.page("", 5, revision=5).records) == ["c/a/1", "c/a/3"]
    first, second = pods.get("c/a/1", 1), pods.get("c/a/2", 3)
    assert first is not None
    assert (first.body, second and second.revision) == (b"x", 2)
    assert pods.get("c/a/2", 4) is None
    assert pods.get("c/a/2") is None
    assert pods.get("c/a/3", 4) is None
    assert pods.get("c/a/none", 4) is None


def test_a_change_that_left_the_keys_as_they_were_needs_no_sorting() -> None:
    store, pods = filled("c/a/1", "c/a/2")
    put(store, "c/a/1", b"later")
    assert [record.body for record in pods.page("", 3, revision=2).records] == [b"x", b"x"]


def test_what_is_older_than_the_window_is_refused() -> None:
    store, pods = filled("c/a/1", "c/a/2")
    store.compact(2)
    for read in (
        lambda: pods.page("", 2, revision=1),
        lambda: pods.get("c/a/1", 1),
        lambda: pods.watch("", 1),
    ):
        with pytest.raises(Compacted):
            read()
    assert pods.get("c/a/1", 2) is not None


def test_a_change_wakes_the_watches_above_it_and_no_others() -> None:
    store, pods = filled()
    watches = {prefix: pods.watch(prefix, 0) for prefix in ("", "c/", "c/a/", "c/a/x", "c/b/", "d/", "c/a/y")}
    for watch in watches.values():
        assert watch.take() == []
    put(store, "c/a/x")
    assert [prefix for prefix, watch in watches.items() if not watch.idle()] == ["", "c/", "c/a/", "c/a/x"]
    put(store, "d/node")
    assert not watches["d/"].idle()


def test_a_forgotten_watch_is_not_woken_and_may_be_forgotten_again() -> None:
    store, pods = filled()
    first, second = pods.watch("c/", 0), pods.watch("c/", 0)
    assert list(pods.watches()) == [first, second]
    first.take()
    first.close()
    first.close()
    put(store, "c/a/x")
    assert first.idle()
    assert list(pods.watches()) == [second]
    second.close()
    assert list(pods.watches()) == []


def test_dropped_history_is_cut_off_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIM_AT", 4)
    store = Store(history=3)
    for _ in range(40):
        put(store, "c/a/x")
    pods = store.collection(PODS)
    assert [change.revision for change in pods.changes_from(0, 99)] == [38, 39, 40]
    assert len(pods._log) < 12
