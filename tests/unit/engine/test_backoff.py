from __future__ import annotations

import pytest

from tmc_syncer.engine.backoff import (
    FAST_RETRIES,
    MAX_RETRY_AFTER_SECONDS,
    OWN,
    SERVER,
    TERMINAL_SECONDS,
    Ladder,
    failure_of,
    retry_bounds,
    retry_seconds,
)
from tmc_syncer.kube.errors import ApiError, KubeconfigError, RetryClass, TransportError, TransportFault

WAITING = (RetryClass.TRANSIENT, RetryClass.GONE, RetryClass.NAMESPACE_TERMINATING)


def test_a_ladder_doubles_from_its_first_rung_to_its_cap():
    assert [Ladder(1.0, 10.0).rung(attempt) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_a_ladder_takes_no_attempt_for_the_first_and_a_million_for_the_last():
    assert Ladder(1.0, 10.0).rung(0) == 1
    assert Ladder(1.0, 10.0).rung(1_000_000) == 10


def test_our_own_errors_wait_from_5_ms_to_1000_s():
    assert retry_bounds(None, 1) == (0.0025, 0.005)
    assert retry_bounds(None, 40) == (500.0, 1000.0)


@pytest.mark.parametrize("retry_class", WAITING)
def test_the_servers_errors_wait_from_800_ms_to_30_s(retry_class):
    assert retry_bounds(retry_class, 1) == (0.4, 0.8)
    assert retry_bounds(retry_class, 2) == (0.8, 1.6)
    assert retry_bounds(retry_class, 40) == (15.0, 30.0)


def test_the_first_conflict_is_looked_at_again_at_once_and_the_next_few_almost():
    assert retry_bounds(RetryClass.CONFLICT, 1) == (0.0, 0.0)
    assert retry_bounds(RetryClass.CONFLICT, 2) == OWN.bounds(1)
    assert retry_bounds(RetryClass.CONFLICT, FAST_RETRIES) == OWN.bounds(FAST_RETRIES - 1)


def test_a_key_in_endless_conflict_takes_the_servers_ladder():
    assert retry_bounds(RetryClass.CONFLICT, FAST_RETRIES + 1) == SERVER.bounds(1)
    assert retry_bounds(RetryClass.CONFLICT, 100) == (15.0, 30.0)


@pytest.mark.parametrize("attempt", [1, 7])
def test_a_terminal_refusal_waits_about_ten_minutes_each_time(attempt):
    low, high = retry_bounds(RetryClass.TERMINAL, attempt)
    assert (low, high) == (540.0, 600.0)
    assert high == TERMINAL_SECONDS


@pytest.mark.parametrize("retry_class", [None, *RetryClass])
def test_retry_after_wins_over_every_class_and_is_never_undercut(retry_class):
    assert retry_bounds(retry_class, 3, 8.0) == (8.0, 10.0)


def test_retry_after_is_spread_by_half_a_second_at_least():
    assert retry_bounds(None, 1, 0.0) == (0.0, 0.5)
    assert retry_bounds(None, 1, 1.0) == (1.0, 1.5)


@pytest.mark.parametrize(("asked", "least"), [(-3.0, 0.0), (1e9, MAX_RETRY_AFTER_SECONDS)])
def test_a_senseless_retry_after_is_bounded(asked, least):
    assert retry_bounds(None, 1, asked)[0] == least


def test_the_dice_choose_between_the_bounds():
    assert retry_seconds(RetryClass.TRANSIENT, 1, lambda low, high: low) == 0.4
    assert retry_seconds(RetryClass.TRANSIENT, 1, lambda low, high: high) == 0.8
    assert retry_seconds(None, 1, lambda low, high: high, 4.0) == 5.0


def test_a_failure_is_read_from_any_error_that_says_its_class():
    refused = ApiError("no", status=429, retry_after=7, retry_class=RetryClass.TRANSIENT)
    assert failure_of(refused) == (RetryClass.TRANSIENT, 7)
    assert failure_of(ApiError("no", status=422, retry_class=RetryClass.TERMINAL)) == (
        RetryClass.TERMINAL,
        None,
    )
    assert failure_of(TransportError("cut", fault=TransportFault.BROKEN)) == (RetryClass.TRANSIENT, None)
    assert failure_of(KubeconfigError("none")) == (RetryClass.TERMINAL, None)


def test_an_error_without_a_class_is_our_own():
    assert failure_of(ValueError("bug")) == (None, None)

    class Odd(Exception):
        retry_class = "Transient"
        retry_after = 3

    assert failure_of(Odd()) == (None, None)


def test_a_retry_after_that_is_no_number_is_left_aside():
    class Odd(Exception):
        retry_class = RetryClass.TRANSIENT
        retry_after = "soon"

    assert failure_of(Odd()) == (RetryClass.TRANSIENT, None)
