"""Conditions change only where something differs, and Ready follows from its parts."""

from __future__ import annotations

import pytest

from tmc_syncer.api.conditions import (
    MESSAGE_LIMIT,
    Condition,
    ConditionStatus,
    ConditionType,
    find_condition,
    set_condition,
    set_ready,
)

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
PARTS = (ConditionType.SYNCER_READY, ConditionType.DOWNSTREAM_HEALTHY, ConditionType.UPSTREAM_HEALTHY)


def all_true() -> tuple[Condition, ...]:
    conditions: tuple[Condition, ...] = ()
    for part in PARTS:
        conditions = set_condition(conditions, part, "True", "Fine", "fine", EARLY)
    return conditions


def test_a_new_condition_is_appended_with_its_time() -> None:
    conditions = set_condition((), "SyncerReady", "True", "Running", "It runs.", EARLY)
    assert conditions == (Condition("SyncerReady", "True", "Running", "It runs.", EARLY),)


def test_setting_the_same_again_gives_the_very_same_tuple() -> None:
    before = set_condition((), "SyncerReady", "True", "Running", "It runs.", EARLY)
    assert set_condition(before, "SyncerReady", "True", "Running", "It runs.", LATE) is before


def test_a_new_message_keeps_the_time_of_the_transition() -> None:
    before = set_condition((), "SyncerReady", "True", "Running", "1 object.", EARLY)
    after = set_condition(before, "SyncerReady", "True", "Running", "2 objects.", LATE)
    assert after == (Condition("SyncerReady", "True", "Running", "2 objects.", EARLY),)


def test_a_new_status_moves_the_time_and_keeps_the_place() -> None:
    before = all_true()
    after = set_condition(before, PARTS[0], "False", "Stopped", "It stopped.", LATE)
    assert [condition.type for condition in after] == [condition.type for condition in before]
    assert after[0] == Condition(PARTS[0], "False", "Stopped", "It stopped.", LATE)
    assert after[1:] == before[1:]


def test_types_and_statuses_are_stored_as_plain_text() -> None:
    (condition,) = set_condition((), ConditionType.READY, ConditionStatus.TRUE, "Fine", "", EARLY)
    assert type(condition.type) is str
    assert type(condition.status) is str


def test_a_long_message_is_cut() -> None:
    (condition,) = set_condition((), "Ready", "True", "Fine", "x" * 5000, EARLY)
    assert len(condition.message) == MESSAGE_LIMIT
    assert condition.message.endswith("…")
    (whole,) = set_condition((), "Ready", "True", "Fine", "x" * MESSAGE_LIMIT, EARLY)
    assert whole.message == "x" * MESSAGE_LIMIT


def test_a_condition_is_found_by_its_type() -> None:
    assert find_condition(all_true(), PARTS[1]) == all_true()[1]
    assert find_condition(all_true(), "Ready") is None


def test_ready_is_true_when_all_parts_are_and_nobody_judges_the_heartbeat() -> None:
    ready = find_condition(set_ready(all_true(), LATE), "Ready")
    assert ready == Condition("Ready", "True", "Ready", "All parts are healthy.", LATE)


@pytest.mark.parametrize("part", [*PARTS, ConditionType.HEARTBEAT_HEALTHY])
def test_ready_is_false_when_one_part_is(part: str) -> None:
    conditions = set_condition(all_true(), part, "False", "Gone", "it is gone", LATE)
    ready = find_condition(set_ready(conditions, LATE), "Ready")
    assert ready == Condition("Ready", "False", "Gone", f"{part}: it is gone", LATE)


@pytest.mark.parametrize("part", [*PARTS, ConditionType.HEARTBEAT_HEALTHY])
def test_ready_is_unknown_when_one_part_is(part: str) -> None:
    conditions = set_condition(all_true(), part, "Unknown", "Silent", "no answer", LATE)
    ready = find_condition(set_ready(conditions, LATE), "Ready")
    assert ready == Condition("Ready", "Unknown", "Silent", f"{part}: no answer", LATE)


def test_ready_is_unknown_before_a_part_was_observed_and_names_the_first_one() -> None:
    ready = find_condition(set_ready((), EARLY), "Ready")
    assert ready is not None
    assert (ready.status, ready.reason) == ("Unknown", "NotObserved")
    assert ready.message == "SyncerReady has not been observed yet."
    first_unknown = set_condition((), PARTS[0], "Unknown", "Silent", "no answer", EARLY)
    ready = find_condition(set_ready(first_unknown, EARLY), "Ready")
    assert ready is not None
    assert ready.reason == "Silent"


def test_a_part_that_is_false_outweighs_one_that_is_unknown() -> None:
    conditions = set_condition((), PARTS[2], "False", "Down", "down", EARLY)
    ready = find_condition(set_ready(conditions, EARLY), "Ready")
    assert ready is not None
    assert ready.status == "False"
