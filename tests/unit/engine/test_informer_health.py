from __future__ import annotations

import pytest

from tests.unit.engine.records import record
from tmc_syncer.engine import informer_health
from tmc_syncer.engine.informer_health import InformerHealth
from tmc_syncer.engine.refusal import Failure, Refusal

DOWN = Refusal(Failure.TRANSIENT, "connection refused")


@pytest.fixture
def health() -> InformerHealth:
    return InformerHealth("configmaps")


def levels(logged):
    return [line["log_level"] for line in logged]


def test_an_hour_of_trouble_is_one_warning_and_one_word_that_it_is_over(health, logged):
    health.well()
    for _ in range(100):
        health.trouble(DOWN)
    health.well()
    health.well()
    assert levels(logged) == ["warning", *["debug"] * 99, "info"]
    assert logged[0]["informer"] == "configmaps"
    assert health.restarts == {"transient": 100}
    assert health.last_error == "connection refused"


def test_a_refusal_is_told_from_other_trouble_with_its_next_try_until_it_is_over(health, logged):
    health.trouble(Refusal(Failure.REFUSED, "403 Forbidden"))
    health.waits(100.0, 5.0)
    assert (health.refused, health.next_try) == (True, 105.0)
    assert logged[-1]["retry_in"] == 5.0
    health.trouble(DOWN)
    assert not health.refused
    health.trouble(Refusal(Failure.REFUSED, "403 Forbidden"))
    health.well()
    assert (health.refused, health.next_try) == (False, None)


def test_a_watch_that_closed_is_counted_and_no_trouble(health, logged):
    health.closed()
    assert health.restarts == {"closed": 1}
    assert logged == []


def test_an_unknown_type_is_logged_once_and_of_a_flood_only_some(health, logged):
    health.unknown_type("COMPACTED")
    health.unknown_type("COMPACTED")
    assert len(logged) == 1
    for number in range(100):
        health.unknown_type(str(number))
    assert len(logged) == informer_health.MAX_UNKNOWN_TYPES


def test_a_bug_is_logged_once_for_each_kind_and_counted_each_time(health, logged):
    health.bug("on_change", RuntimeError("one"))
    health.bug("on_change", RuntimeError("one"))
    health.bug("on_change", RuntimeError("two"))
    assert levels(logged) == ["error", "error"]
    assert health.restarts == {"bug": 3}
    assert health.last_error == "on_change failed: RuntimeError('two')"


def test_a_guarded_trim_trims_or_keeps_the_whole(health):
    def trim(found):
        if found.meta.name == "odd":
            raise RuntimeError("odd")
        return record("trimmed")

    guarded = health.guarded_trim(trim)
    assert guarded(record("a")) == record("trimmed")
    assert guarded(record("odd")) == record("odd")
    assert health.restarts == {"bug": 1}
