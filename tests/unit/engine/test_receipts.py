from __future__ import annotations

from tests.unit.engine.records import key
from tmc_syncer.engine import receipts
from tmc_syncer.engine.receipts import Receipts


def test_a_receipt_is_met_by_its_version_or_a_later_one():
    kept = Receipts()
    kept.leave(key("a"), 5, 0.0)
    kept.leave(key("b"), 7, 0.0)
    kept.meet(4)
    assert len(kept) == 2
    kept.meet(5)
    assert key("a") not in kept
    assert key("b") in kept
    kept.meet(100)
    assert len(kept) == 0


def test_receipts_are_met_in_the_order_of_their_versions_not_of_their_coming():
    kept = Receipts()
    kept.leave(key("a"), 9, 0.0)
    kept.leave(key("b"), 5, 0.0)
    kept.meet(5)
    assert key("a") in kept
    assert key("b") not in kept


def test_only_the_newest_write_of_a_key_counts():
    kept = Receipts()
    kept.leave(key("a"), 5, 0.0)
    kept.leave(key("a"), 8, 10.0)
    kept.meet(5)
    assert key("a") in kept
    assert kept.unmet(12.0, 5.0) == ()
    assert kept.unmet(15.0, 5.0) == (key("a"),)


def test_the_unmet_ones_come_oldest_first():
    kept = Receipts()
    kept.leave(key("b"), 9, 1.0)
    kept.leave(key("a"), 5, 2.0)
    kept.leave(key("c"), 7, 3.0)
    assert kept.unmet(12.0, 10.0) == (key("b"), key("a"))
    assert kept.unmet(20.0, 10.0) == (key("b"), key("a"), key("c"))


def test_a_settled_receipt_is_gone():
    kept = Receipts()
    kept.leave(key("a"), 5, 0.0)
    kept.settle(key("a"))
    kept.settle(key("a"))
    assert key("a") not in kept
    kept.meet(5)
    assert len(kept) == 0


def test_their_number_is_bounded(monkeypatch):
    monkeypatch.setattr(receipts, "MAX_RECEIPTS", 3)
    kept = Receipts()
    for number in range(5):
        kept.leave(key(str(number)), number + 1, 0.0)
    assert [key(str(number)) in kept for number in range(5)] == [False, False, True, True, True]


def test_many_writes_to_one_key_while_the_watch_stands_still_take_no_memory():
    kept = Receipts()
    for number in range(10_000):
        kept.leave(key("a"), number + 1, 0.0)
    assert len(kept) == 1
    assert len(kept._order) <= 70
    kept.meet(9_999)
    assert key("a") in kept
    kept.meet(10_000)
    assert len(kept) == 0
    assert kept._order == []
