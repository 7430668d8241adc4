from __future__ import annotations

import pytest

from tests.unit.engine.records import key
from tmc_syncer.engine import tombstones
from tmc_syncer.engine.tombstones import UID_SECONDS, Tombstones


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def stones(time: Time) -> Tombstones:
    return Tombstones(time)


def test_nothing_is_hidden_at_first(stones):
    assert not stones.hides("u")
    assert stones.version_of(key()) == 0
    assert len(stones) == 0


def test_the_latest_deletion_of_a_key_is_remembered(stones):
    stones.bury_version(key(), 5)
    stones.bury_version(key(), 3)
    assert stones.version_of(key()) == 5
    stones.bury_version(key(), 9)
    assert stones.version_of(key()) == 9
    assert stones.version_of(key("b")) == 0
    assert len(stones) == 1


def test_a_deletion_of_unknown_version_leaves_nothing(stones):
    stones.bury_version(key(), 0)
    assert len(stones) == 0


def test_a_list_drops_the_deletions_up_to_its_version(stones):
    stones.bury_version(key("a"), 5)
    stones.bury_version(key("b"), 6)
    stones.bury_version(key("c"), 7)
    stones.drop_versions(6)
    assert [stones.version_of(key(name)) for name in "abc"] == [0, 0, 7]


def test_dropping_from_nothing_is_nothing(stones):
    stones.drop_versions(6)
    assert len(stones) == 0


def test_a_buried_uid_is_hidden_until_its_deletion_was_seen(stones):
    stones.bury_uid("u")
    assert stones.hides("u")
    assert not stones.hides("v")
    stones.deletion_seen("u")
    assert not stones.hides("u")
    stones.deletion_seen("u")


def test_the_empty_uid_is_never_buried(stones):
    stones.bury_uid("")
    stones.bury_uid("u")
    assert not stones.hides("")


def test_a_uid_is_believed_again_after_ten_minutes(stones, time):
    stones.bury_uid("u")
    time.now = UID_SECONDS - 1
    assert stones.hides("u")
    time.now = UID_SECONDS
    assert not stones.hides("u")
    assert len(stones) == 0


def test_both_kinds_are_bounded_and_the_oldest_goes_first(stones, monkeypatch):
    monkeypatch.setattr(tombstones, "MAX_TOMBSTONES", 3)
    for number in range(5):
        stones.bury_version(key(str(number)), number + 1)
        stones.bury_uid(str(number))
    assert len(stones) == 6
    assert [stones.version_of(key(str(n))) for n in range(5)] == [0, 0, 3, 4, 5]
    assert [stones.hides(str(n)) for n in range(5)] == [False, False, True, True, True]


def test_what_is_buried_again_counts_as_young(stones, monkeypatch, time):
    monkeypatch.setattr(tombstones, "MAX_TOMBSTONES", 2)
    for name in ("a", "b", "a", "c"):
        stones.bury_uid(name)
    assert [stones.hides(name) for name in "abc"] == [True, False, True]
    for version, name in enumerate(("a", "b", "a", "c"), 1):
        stones.bury_version(key(name), version)
    assert [stones.version_of(key(name)) for name in "abc"] == [3, 0, 4]
