from __future__ import annotations

import pytest

from tests.unit.engine.records import key, record
from tmc_syncer.engine.store import Change, ChangeOrigin, Store

WATCH, LIST, REPLY = ChangeOrigin.WATCH, ChangeOrigin.LIST, ChangeOrigin.REPLY


class World:
    """A store, what its listener heard, and the time."""

    def __init__(self, **options):
        self.now = 0.0
        self.store = Store(lambda: self.now, **options)
        self.heard: list[Change] = []
        self.store.subscribe(self.heard.append)

    def names(self) -> dict[str, int]:
        return {found.meta.name: found.version for found in self.store.values()}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def store(world):
    return world.store


# Watching


def test_a_new_store_is_empty_and_not_synced(store):
    assert not store.synced
    assert len(store) == 0
    assert store.get(key()) is None
    assert key() not in store
    assert store.resource_version == ""


def test_an_added_object_is_there_and_told_once(world, store):
    added = record("a", 5)
    change = store.put(added)
    assert change == Change(key("a"), None, added, WATCH)
    assert world.heard == [change]
    assert store.get(key("a")) is added
    assert key("a") in store
    assert store.keys() == (key("a"),)
    assert list(store.values()) == [added]
    assert store.resource_version == "5"


def test_a_modified_object_replaces_the_old_one(world, store):
    old, new = record("a", 5), record("a", 6)
    store.put(old)
    assert store.put(new) == Change(key("a"), old, new, WATCH)
    assert store.get(key("a")) is new


@pytest.mark.parametrize("version", [5, 4])
def test_duplicates_and_replays_from_the_past_are_nothing_new(world, store, version):
    store.put(record("a", 5))
    assert store.put(record("a", version)) is None
    assert world.names() == {"a": 5}
    assert len(world.heard) == 1


def test_a_deleted_object_is_gone_and_told_once(world, store):
    old = record("a", 5)
    store.put(old)
    assert store.remove(record("a", 6)) == Change(key("a"), old, None, WATCH)
    assert len(store) == 0
    assert store.remove(record("a", 6)) is None
    assert len(world.heard) == 2


def test_a_deletion_may_be_told_by_key_and_version(world, store):
    store.put(record("a", 5))
    assert store.remove(key("a"), 4) is None
    assert world.names() == {"a": 5}
    assert store.remove(key("a"), 5) is not None
    assert world.names() == {}


def test_a_deletion_without_a_version_is_believed(world, store):
    store.put(record("a", 5))
    store.remove(key("a"))
    assert world.names() == {}


def test_a_late_deletion_of_an_earlier_object_leaves_the_new_one(world, store):
    store.put(record("a", 9, uid="second"))
    assert store.remove(record("a", 7, uid="first")) is None
    assert world.names() == {"a": 9}


def test_events_from_before_a_deletion_do_not_bring_the_object_back(world, store):
    store.put(record("a", 5))
    store.remove(record("a", 8))
    assert store.put(record("a", 7)) is None
    assert world.names() == {}


def test_an_object_may_come_back_to_the_view_after_its_deletion(world, store):
    store.put(record("a", 5))
    store.remove(record("a", 8))
    store.put(record("a", 8))
    assert world.names() == {"a": 8}
    store.remove(record("a", 9))
    store.put(record("a", 10, uid="another"))
    assert world.names() == {"a": 10}


def test_a_bookmark_moves_the_version_and_never_back(store):
    store.advance("10")
    assert store.resource_version == "10"
    store.advance("9")
    assert store.resource_version == "10"
    store.advance("")
    assert store.resource_version == "10"


def test_a_delayed_event_from_before_a_bookmark_is_still_taken(world, store):
    store.replace([], "50")
    store.advance("100")
    store.put(record("a", 95))
    assert world.names() == {"a": 95}


def test_opaque_versions_are_compared_for_equality_only(world, store):
    store.put(record("a", "x1"))
    assert store.put(record("a", "x1")) is None
    assert store.put(record("a", "x0")) is not None
    assert store.put(record("a", "")) is not None
    assert store.put(record("a", "")) is not None
    store.advance("x7")
    assert store.resource_version == "x7"
    store.replace([record("b", "x3")], "x9")
    assert list(store) == [key("b")]
    assert store.resource_version == "x9"


def test_the_same_version_of_another_uid_is_another_object(store):
    store.put(record("a", 5, uid="one"))
    assert store.put(record("a", 5, uid="two")) is not None


# Listing


def test_a_list_makes_the_store_synced_and_tells_the_difference(world, store):
    a, b, c = record("a", 1), record("b", 2), record("c", 3)
    store.put(a)
    store.put(b)
    world.heard.clear()
    newer = record("b", 8)
    changes = store.replace([newer, c], "10")
    assert store.synced
    assert (
        changes
        == world.heard
        == [
            Change(key("b"), b, newer, LIST),
            Change(key("c"), None, c, LIST),
            Change(key("a"), a, None, LIST),
        ]
    )
    assert world.names() == {"b": 8, "c": 3}
    assert store.resource_version == "10"


def test_listeners_see_the_whole_list_from_the_first_change_on(world, store):
    seen = []
    store.subscribe(lambda change: seen.append(sorted(world.names())))
    store.replace([record("a", 1), record("b", 2)], "10")
    assert seen == [["a", "b"], ["a", "b"]]


def test_an_unchanged_world_tells_nothing_and_keeps_the_records(world, store):
    kept = record("a", 1)
    store.replace([kept], "10")
    world.heard.clear()
    assert store.replace([record("a", 1)], "20") == []
    assert world.heard == []
    assert store.get(key("a")) is kept


def test_an_object_listed_twice_is_there_once(world, store):
    store.replace([record("a", 1), record("a", 3)], "10")
    assert world.names() == {"a": 3}


def test_what_is_newer_than_the_list_stays_whether_listed_older_or_not_at_all(world, store):
    store.replace([], "1")
    store.write_replied(record("a", 12))
    store.write_replied(record("b", 13))
    store.replace([record("a", 5)], "10")
    assert world.names() == {"a": 12, "b": 13}


def test_a_list_wins_over_what_is_not_newer_than_it(world, store):
    store.put(record("a", 8))
    store.replace([record("a", 5)], "10")
    assert world.names() == {"a": 5}


def test_a_deletion_newer_than_the_list_stays_a_deletion(world, store):
    store.put(record("a", 5))
    store.remove(record("a", 12))
    store.replace([record("a", 5)], "10")
    assert world.names() == {}
    store.replace([record("a", 5)], "12")
    assert world.names() == {"a": 5}


def test_replays_from_before_a_list_are_hidden(world, store):
    store.replace([], "10")
    assert store.put(record("a", 9)) is None
    assert store.put(record("a", 10)) is None
    assert world.names() == {}
    store.put(record("a", 11))
    assert world.names() == {"a": 11}


def test_an_older_list_does_not_move_the_version_back(store):
    store.advance("30")
    store.replace([], "20")
    assert store.resource_version == "30"


# Replies


def test_a_reply_is_the_newest_knowledge_at_once_and_leaves_a_receipt(world, store):
    created = record("a", 7)
    assert store.write_replied(created) == Change(key("a"), None, created, REPLY)
    assert store.get(key("a")) is created
    assert store.has_receipt(key("a"))
    assert store.resource_version == ""


def test_the_event_of_our_own_write_is_nothing_new_but_meets_the_receipt(world, store):
    store.write_replied(record("a", 7))
    assert store.put(record("a", 7)) is None
    assert not store.has_receipt(key("a"))
    assert len(world.heard) == 1


@pytest.mark.parametrize(
    "arrives",
    [
        lambda store: store.put(record("b", 8)),
        lambda store: store.advance("7"),
        lambda store: store.remove(record("a", 9)),
        lambda store: store.replace([record("a", 7)], "7"),
    ],
)
def test_whatever_shows_that_the_watch_is_past_the_write_meets_the_receipt(store, arrives):
    store.write_replied(record("a", 7))
    store.advance("6")
    assert store.has_receipt(key("a"))
    arrives(store)
    assert not store.has_receipt(key("a"))


def test_a_reply_that_the_watch_overtook_changes_nothing(world, store):
    store.put(record("a", 9))
    assert store.write_replied(record("a", 7)) is None
    assert world.names() == {"a": 9}
    assert not store.has_receipt(key("a"))


def test_a_reply_behind_the_watch_leaves_no_receipt(world, store):
    store.advance("20")
    store.write_replied(record("a", 15))
    assert world.names() == {"a": 15}
    assert not store.has_receipt(key("a"))


def test_an_unmet_receipt_is_named_after_its_deadline(world, store):
    store.write_replied(record("a", 7))
    world.now = 4.0
    store.write_replied(record("b", 8))
    assert store.unmet_receipts(9.0, 10.0) == ()
    assert store.unmet_receipts(10.0, 10.0) == (key("a"),)


def test_a_deletion_that_takes_time_is_a_write(world, store):
    store.put(record("a", 7))
    waiting = record("a", 8, deletion_timestamp="2026-01-01T00:00:00Z")
    store.delete_replied(key("a"), "uid-a", waiting)
    assert store.get(key("a")) is waiting
    assert store.has_receipt(key("a"))


def test_an_object_gone_at_once_is_hidden_from_its_late_events_until_its_deletion_came(world, store):
    old = record("a", 7)
    store.put(old)
    store.write_replied(record("a", 8))
    change = store.delete_replied(key("a"), "uid-a", None)
    assert (change.new, change.origin) == (None, REPLY)
    assert not store.has_receipt(key("a"))
    assert store.put(record("a", 8)) is None
    assert store.put(record("a", 9)) is None
    store.replace([record("a", 8)], "8")
    assert world.names() == {}
    assert store.remove(record("a", 10)) is None
    assert store.put(record("a", 9)) is None
    assert world.names() == {}


def test_a_late_reply_of_a_write_to_an_object_that_is_gone_is_hidden(world, store):
    store.put(record("a", 7))
    store.delete_replied(key("a"), "uid-a", None)
    assert store.write_replied(record("a", 8)) is None
    assert world.names() == {}


def test_a_reply_that_shows_what_the_watch_saw_deleted_at_that_version_does_not_bring_it_back(world, store):
    store.put(record("a", 7))
    store.remove(record("a", 8))
    as_it_was = record("a", 8, deletion_timestamp="2026-01-01T00:00:00Z")
    assert store.delete_replied(key("a"), "uid-a", as_it_was) is None
    assert world.names() == {}
    assert not store.has_receipt(key("a"))


def test_an_object_that_looks_terminating_although_its_deletion_was_seen_is_gone(world, store):
    """A Pod on no node: the reply shows it with a deletionTimestamp, in the version of its DELETED event."""
    store.put(record("a", 7))
    store.remove(record("a", 8))
    assert store.delete_replied(key("a"), "uid-a", record("a", 8)) is None
    assert world.names() == {}
    store.put(record("b", 9))
    assert store.delete_replied(key("b"), "uid-b", record("b", 10)) is not None


def test_an_earlier_object_of_that_name_does_not_come_back_after_the_later_one_is_gone(world, store):
    store.put(record("a", 7, uid="first"))
    store.put(record("a", 9, uid="second"))
    store.delete_replied(key("a"), "second", None)
    assert store.put(record("a", 7, uid="first")) is None
    store.put(record("b", 9, uid="fourth"))
    store.observed(key("b"), None, known=store.get(key("b")))
    assert store.write_replied(record("b", 7, uid="third")) is None
    assert world.names() == {}


def test_the_next_object_of_that_name_is_not_hidden(world, store):
    store.put(record("a", 7))
    store.delete_replied(key("a"), "uid-a", None)
    store.put(record("a", 9, uid="second"))
    assert world.names() == {"a": 9}


def test_the_deletion_of_another_uid_or_of_an_unknown_object_leaves_what_is_there(world, store):
    store.put(record("a", 7, uid="second"))
    assert store.delete_replied(key("a"), "first", None) is None
    assert store.delete_replied(key("b"), "third", None) is None
    assert world.names() == {"a": 7}


def test_a_live_get_settles_the_receipt_and_is_the_newest_knowledge(world, store):
    store.write_replied(record("a", 7))
    seen = record("a", 9)
    assert store.observed(key("a"), seen, known=store.get(key("a"))) is not None
    assert store.get(key("a")) is seen
    assert not store.has_receipt(key("a"))


def test_a_live_get_that_the_watch_overtook_changes_nothing(world, store):
    store.put(record("a", 9))
    assert store.observed(key("a"), record("a", 7), known=store.get(key("a"))) is None
    assert world.names() == {"a": 9}


def test_a_proven_absence_removes_what_was_known_when_it_was_asked(world, store):
    store.write_replied(record("a", 7))
    change = store.observed(key("a"), None, known=store.get(key("a")))
    assert (change.new, change.origin) == (None, REPLY)
    assert store.put(record("a", 7)) is None
    assert world.names() == {}


def test_a_proven_absence_says_nothing_about_what_came_since(world, store):
    assert store.observed(key("a"), None, known=None) is None
    known = record("a", 7)
    store.put(known)
    store.put(record("a", 8))
    assert store.observed(key("a"), None, known=known) is None
    assert store.observed(key("a"), None, known=None) is None
    assert world.names() == {"a": 8}


# A restored server


def test_after_a_reset_the_next_list_wins_over_everything(world, store):
    store.replace([record("a", 90), record("b", 95)], "100")
    store.write_replied(record("c", 110))
    store.delete_replied(key("b"), "uid-b", None)
    store.reset()
    assert world.names() == {"a": 90, "c": 110}
    assert store.resource_version == ""
    assert not store.has_receipt(key("c"))
    store.replace([record("a", 30), record("b", 40)], "50")
    assert world.names() == {"a": 30, "b": 40}
    assert store.resource_version == "50"


def test_after_that_list_versions_count_again(world, store):
    store.replace([record("a", 90)], "100")
    store.reset()
    store.replace([record("a", 30)], "50")
    store.write_replied(record("a", 60))
    store.replace([record("a", 30)], "55")
    assert world.names() == {"a": 60}


# The view


def test_a_reply_may_show_that_an_object_left_the_view_and_late_events_do_not_bring_it_back():
    world = World(selects=lambda found: found.meta.label("mine") == "yes")
    mine = {"mine": "yes"}
    world.store.put(record("a", 5, labels=mine))
    change = world.store.write_replied(record("a", 8))
    assert change is not None
    assert change.new is None
    assert world.names() == {}
    assert world.store.put(record("a", 7, labels=mine)) is None
    assert world.names() == {}
    world.store.put(record("a", 9, labels=mine))
    assert world.names() == {"a": 9}


def test_a_reply_about_an_object_outside_the_view_is_no_change():
    world = World(selects=lambda found: False)
    assert world.store.write_replied(record("a", 8)) is None
    assert world.heard == []


def test_what_is_stored_is_trimmed():
    world = World(trim=lambda found: record(found.meta.name, found.version, namespace="trimmed"))
    world.store.put(record("a", 5))
    assert [found.meta.namespace for found in world.store.values()] == ["trimmed"]


# Indexes and listeners


def test_indexes_follow_the_store(world, store):
    store.put(record("a", 1, namespace="x"))
    store.add_index("namespace", lambda found: [found.meta.namespace])
    store.put(record("b", 2, namespace="x"))
    store.put(record("c", 3, namespace="y"))
    assert store.index("namespace", "x") == (key("a", "x"), key("b", "x"))
    assert store.index_size("namespace", "x") == 2
    assert store.index_values("namespace") == ("x", "y")
    store.replace([record("c", 3, namespace="y")], "10")
    assert store.index("namespace", "x") == ()
    with pytest.raises(ValueError, match="exists"):
        store.add_index("namespace", lambda found: [])


def test_an_index_function_that_raises_leaves_the_store_as_it_was(world, store):
    store.put(record("a", 1))

    def picky(found):
        if found.version > 1:
            raise RuntimeError("no")
        return ["x"]

    store.add_index("picky", picky)
    with pytest.raises(RuntimeError):
        store.put(record("a", 2))
    assert world.names() == {"a": 1}
    assert store.index("picky", "x") == (key("a"),)


def test_a_listener_that_raises_is_loud_where_nobody_cares_for_it(world, store):
    def listener(change):
        raise RuntimeError("no")

    store.subscribe(listener)
    with pytest.raises(RuntimeError):
        store.put(record("a", 1))
    assert world.names() == {"a": 1}


def test_a_listener_that_raises_keeps_nobody_else_from_hearing():
    errors: list[Exception] = []
    world = World(on_listener_error=errors.append)
    late: list[Change] = []

    def listener(change):
        raise RuntimeError("no")

    world.store.subscribe(listener)
    world.store.subscribe(late.append)
    world.store.replace([record("a", 1), record("b", 2)], "5")
    assert len(late) == len(world.heard) == len(errors) == 2
