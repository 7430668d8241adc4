from __future__ import annotations

import pytest

from tests.unit.engine.records import key, record
from tmc_syncer.engine.indexes import Indexes


def by_namespace(found):
    return [found.meta.namespace]


def by_letters(found):
    return tuple(found.meta.labels or ())


@pytest.fixture
def indexes() -> Indexes:
    kept = Indexes()
    kept.add("namespace", by_namespace, [])
    kept.add("letters", by_letters, [])
    return kept


def change(indexes, old, new):
    indexes.carry_out(indexes.plan(old, new), (new or old).key)


def test_a_new_index_covers_what_is_there():
    kept = Indexes()
    kept.add("namespace", by_namespace, [record("a", namespace="x"), record("b", namespace="x")])
    assert kept.keys("namespace", "x") == (key("a", "x"), key("b", "x"))


def test_a_name_is_taken_once(indexes):
    with pytest.raises(ValueError, match="'namespace' exists"):
        indexes.add("namespace", by_letters, [])


def test_an_unknown_index_is_an_error(indexes):
    with pytest.raises(KeyError):
        indexes.keys("nothing", "x")


def test_keys_follow_their_records(indexes):
    first = record("a", labels={"p": "", "q": ""})
    second = record("a", labels={"q": "", "r": ""})
    change(indexes, None, first)
    assert indexes.keys("letters", "p") == indexes.keys("letters", "q") == (key("a"),)
    change(indexes, first, second)
    assert indexes.keys("letters", "p") == ()
    assert indexes.keys("letters", "q") == indexes.keys("letters", "r") == (key("a"),)
    assert indexes.values("letters") == ("q", "r")
    change(indexes, second, None)
    assert indexes.values("letters") == ()
    assert indexes.values("namespace") == ()


def test_a_value_keeps_the_other_keys_when_one_leaves(indexes):
    a, b = record("a"), record("b")
    change(indexes, None, a)
    change(indexes, None, b)
    assert indexes.size("namespace", "default") == 2
    change(indexes, a, None)
    assert indexes.keys("namespace", "default") == (key("b"),)
    assert indexes.size("namespace", "default") == 1
    assert indexes.size("namespace", "other") == 0


def test_a_change_that_moves_nothing_plans_nothing(indexes):
    assert indexes.plan(record("a", 1), record("a", 2)) == []
