from __future__ import annotations

import pytest

from tmc_syncer.engine.dispatcher import COOLDOWN_SECONDS, ConcurrencyLimit


class Server:
    """Feeds a limit with windows of requests of one latency."""

    def __init__(self, limit: ConcurrencyLimit):
        self.limit = limit
        self.now = 0.0

    def windows(self, count: int, seconds: float, *, in_flight: int | None = None) -> None:
        for _ in range(count):
            for _ in range(max(16, self.limit.limit)):
                self.now += 0.01
                self.limit.observe(
                    seconds, self.now, in_flight=self.limit.limit if in_flight is None else in_flight
                )


@pytest.fixture
def limit() -> ConcurrencyLimit:
    return ConcurrencyLimit()


@pytest.fixture
def server(limit) -> Server:
    return Server(limit)


def test_it_starts_at_16(limit):
    assert (limit.limit, limit.smallest, limit.largest) == (16, 4, 64)


@pytest.mark.parametrize(
    ("workers", "limits"), [(1, (1, 1, 1)), (3, (3, 3, 3)), (10, (10, 4, 10)), (200, (16, 4, 64))]
)
def test_workers_cap_it(workers, limits):
    limit = ConcurrencyLimit(workers)
    assert (limit.limit, limit.smallest, limit.largest) == limits


def test_no_workers_are_no_setting():
    with pytest.raises(ValueError, match="at least 1"):
        ConcurrencyLimit(0)


def test_the_start_is_at_least_the_floor():
    assert ConcurrencyLimit(start=1).limit == 4


def test_a_calm_server_gets_more_up_to_the_top(limit, server):
    server.windows(1, 0.01)
    assert limit.limit == 17
    server.windows(100, 0.01)
    assert limit.limit == 64


def test_without_enough_to_do_it_does_not_grow(limit, server):
    server.windows(50, 0.01, in_flight=3)
    assert limit.limit == 16


def test_one_full_moment_in_a_window_counts_as_full(limit):
    for number in range(16):
        limit.observe(0.01, float(number), in_flight=16 if number == 5 else 2)
    assert limit.limit == 17


def test_a_caller_that_does_not_know_what_is_in_flight_counts_as_full(limit):
    for number in range(16):
        limit.observe(0.01, float(number))
    assert limit.limit == 17


def test_throttling_halves_it_once_a_second_down_to_the_floor(limit):
    limit.throttled(0.0)
    limit.throttled(0.5)
    assert limit.limit == 8
    limit.throttled(COOLDOWN_SECONDS)
    assert limit.limit == 4
    limit.throttled(10.0)
    assert limit.limit == 4
    assert limit.halvings == 3


def test_latency_that_triples_halves_it(limit, server):
    server.windows(3, 0.01)
    before = limit.limit
    server.windows(1, 0.035)
    assert limit.limit == before // 2


def test_latency_in_between_holds_it(limit, server):
    server.windows(3, 0.01)
    before = limit.limit
    server.windows(3, 0.02)
    assert limit.limit == before


def test_what_was_sent_before_a_halving_counts_no_more(limit, server):
    limit.throttled(0.0)
    for _ in range(1000):
        limit.observe(9.0, 0.9)
    assert limit.limit == 8


def test_it_grows_back_after_a_halving(limit, server):
    server.windows(3, 0.01)
    limit.throttled(server.now)
    server.now += COOLDOWN_SECONDS
    server.windows(100, 0.01)
    assert limit.limit == 64


def test_dearer_requests_cost_one_halving_and_are_then_the_normal(limit, server):
    server.windows(1, 0.001)
    server.windows(5, 0.01)
    assert limit.halvings == 1
    server.windows(100, 0.01)
    assert limit.halvings == 1
    assert limit.limit == 64


def test_a_server_that_slows_down_with_load_is_held_where_it_still_answers_well(limit, server):
    for _ in range(300):
        server.windows(1, 0.002 * max(1.0, limit.limit / 24))  # done in parallel up to 24, queued beyond
    assert 16 <= limit.limit <= 64
    assert limit.halvings == 0


def test_a_server_that_breaks_down_under_load_is_let_breathe(limit, server):
    limits = []
    for _ in range(300):
        server.windows(1, 0.002 if limit.limit <= 20 else 0.02)
        server.now += 1.0
        limits.append(limit.limit)
    assert max(limits) == 21
    assert limit.halvings > 1
