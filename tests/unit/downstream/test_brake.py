"""The brake lets no more than a fifth of the copies go within a minute, unless a person says that it is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.resources import GVR, Key
from tmc_syncer.downstream.brake import (
    MINIMUM_DELETIONS,
    SETTLE_SECONDS,
    SHARE_OF_COPIES,
    WINDOW_SECONDS,
    Brake,
    Cause,
    Permission,
    Trip,
)

GO, WAIT, HELD = Permission.GO, Permission.WAIT, Permission.HELD
START = datetime(2026, 1, 1, tzinfo=UTC)


def item(number: int) -> tuple[GVR, Key]:
    return GVR("", "v1", "configmaps"), Key("c", "ns", f"n{number}")


class Target:
    """A target with a brake and a clock; the wall clock goes along with the monotonic one."""

    def __init__(self, copies: int = 100) -> None:
        self.brake = Brake()
        self.copies = copies
        self.now = 0.0
        self.backlog = 0.0

    @property
    def wall(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def ask(self, number: int, cause: Cause = Cause.UNKNOWN) -> Permission:
        return self.brake.ask(
            item(number),
            cause=cause,
            copies=self.copies,
            backlog=lambda: self.backlog,
            now=self.now,
            wall=self.wall,
        )

    def ask_all(self, numbers: range, cause: Cause = Cause.UNKNOWN) -> list[Permission]:
        return [self.ask(number, cause) for number in numbers]

    def release(self, *, after: float = 0.0) -> bool:
        return self.brake.release(self.wall + timedelta(seconds=after))

    def withdraw(self, numbers: range) -> None:
        for number in numbers:
            self.brake.withdraw(item(number))

    def tripped(self) -> Target:
        self.ask_all(range(self.copies))
        assert self.brake.trip is not None
        return self


# ---- counting ----------------------------------------------------------------------------------------------


def test_a_deletion_settles_before_it_goes() -> None:
    target = Target()
    assert target.ask(1) is WAIT
    target.now += SETTLE_SECONDS
    assert target.ask(1) is GO


def test_a_deletion_waits_for_keys_that_were_due_before_it() -> None:
    """Each of them may be one more deletion of the same change."""
    target = Target()
    target.ask(1)
    target.now += 10.0
    target.backlog = 10.5
    assert target.ask(1) is WAIT
    target.backlog = 10.0
    assert target.ask(1) is GO


def test_a_change_is_counted_whole_before_the_first_copy_goes() -> None:
    target = Target(copies=1000)
    assert set(target.ask_all(range(200))) == {WAIT}
    assert target.ask(200) is HELD
    target.now += SETTLE_SECONDS
    assert set(target.ask_all(range(201))) == {HELD}


@pytest.mark.parametrize(("copies", "limit"), [(0, 10), (10, 10), (50, 10), (51, 10), (100, 20), (1000, 200)])
def test_the_limit_is_ten_or_a_fifth_of_the_copies(copies: int, limit: int) -> None:
    target = Target(copies)
    assert set(target.ask_all(range(limit))) == {WAIT}
    assert target.ask(limit) is HELD
    assert target.brake.trip == Trip(START, Cause.UNKNOWN, limit + 1, copies)


def test_asking_again_for_one_object_counts_once() -> None:
    target = Target()
    for _ in range(100):
        target.ask(1)
        target.now += 0.1
    assert target.brake.trip is None


def test_what_was_deleted_within_the_minute_goes_on_counting() -> None:
    target = Target()
    target.ask_all(range(20))
    target.now += SETTLE_SECONDS
    assert set(target.ask_all(range(20))) == {GO}
    target.withdraw(range(20))
    target.now += WINDOW_SECONDS / 2
    assert target.ask(20) is HELD


def test_a_minute_later_a_deletion_no_longer_counts() -> None:
    target = Target()
    target.ask_all(range(20))
    target.now += SETTLE_SECONDS
    target.ask_all(range(20))
    target.withdraw(range(20))
    target.now += WINDOW_SECONDS
    assert target.ask(20) is HELD
    target.withdraw(range(20, 21))
    assert target.brake.clear_if_idle()
    target.now += 0.001
    assert target.ask(20) is WAIT


def test_a_deletion_that_was_never_carried_out_counts_for_as_long_as_it_is_planned() -> None:
    target = Target()
    target.ask_all(range(20))
    target.now += WINDOW_SECONDS + 1
    assert target.ask(20) is HELD


def test_a_deletion_that_is_asked_for_late_counts_from_when_it_goes() -> None:
    """A slow server: half was planned a minute ago and goes now, together with the other half."""
    target = Target()
    target.ask_all(range(15))
    target.now += WINDOW_SECONDS + 1
    assert set(target.ask_all(range(15))) == {GO}
    target.withdraw(range(15))
    assert target.ask_all(range(15, 21))[-1] is HELD


def test_deletions_that_take_longer_than_the_minute_do_not_add_up() -> None:
    """Nothing of them is left once they are done, however long the server took and whatever was asked for meanwhile."""
    target = Target()
    for start in range(0, 200, 20):
        slow = range(start, start + 20)
        target.ask_all(slow)
        target.now += SETTLE_SECONDS
        assert set(target.ask_all(slow)) == {GO}
        target.now += WINDOW_SECONDS + 1
        assert target.ask(slow[-1]) is GO  # tried again; the others no longer count as gone
        for number in slow:
            target.brake.withdraw(item(number))
        target.now += WINDOW_SECONDS + 1
    assert target.brake.trip is None


def test_an_object_that_is_deleted_again_settles_again() -> None:
    target = Target()
    target.ask(1)
    target.now += SETTLE_SECONDS
    assert target.ask(1) is GO
    target.withdraw(range(1, 2))
    assert target.ask(1) is WAIT
    target.now += WINDOW_SECONDS + 1
    assert target.ask(1) is GO


def test_what_goes_again_within_the_minute_counts_from_its_last_time() -> None:
    target = Target()
    target.ask(1)
    for _ in range(2):
        target.now += SETTLE_SECONDS
        assert target.ask(1) is GO
    target.withdraw(range(1, 2))
    target.now += WINDOW_SECONDS - 1
    assert set(target.ask_all(range(2, 21))) == {WAIT}
    assert target.ask(21) is HELD


def test_an_object_that_lives_again_no_longer_counts() -> None:
    target = Target()
    target.ask_all(range(20))
    target.brake.withdraw(item(0))
    target.brake.withdraw(item(99))
    assert target.ask(20) is WAIT


def test_a_copy_that_went_counts_although_its_object_lives_again() -> None:
    target = Target()
    target.ask_all(range(20))
    target.now += SETTLE_SECONDS
    target.ask_all(range(20))
    target.withdraw(range(20))
    assert target.ask(20) is HELD


# ---- the end of a trip -------------------------------------------------------------------------------------


def test_it_ends_by_itself_once_nothing_is_planned_any_more() -> None:
    target = Target(copies=15)
    target.tripped()
    target.withdraw(range(14))
    assert not target.brake.clear_if_idle()
    target.withdraw(range(14, 15))
    assert target.brake.clear_if_idle()
    assert target.brake.trip is None
    assert not target.brake.clear_if_idle()


def test_a_restored_upstream_does_not_end_by_itself() -> None:
    target = Target()
    target.brake.engage(Cause.UPSTREAM_RESTORED, copies=5, wall=target.wall)
    assert target.ask(1) is HELD
    target.brake.withdraw(item(1))
    assert not target.brake.clear_if_idle()
    assert target.release()


def test_engaging_again_for_the_same_cause_keeps_the_time_of_the_first() -> None:
    target = Target()
    target.brake.engage(Cause.UPSTREAM_RESTORED, copies=5, wall=target.wall)
    target.now = 10.0
    target.brake.engage(Cause.UPSTREAM_RESTORED, copies=5, wall=target.wall)
    assert target.brake.trip == Trip(START, Cause.UPSTREAM_RESTORED, 0, 5)


def test_a_trip_of_another_cause_becomes_that_of_a_restored_upstream() -> None:
    """Else it would end by itself once the first cause is gone."""
    target = Target(copies=50).tripped()
    target.now = 10.0
    target.brake.engage(Cause.UPSTREAM_RESTORED, copies=50, wall=target.wall)
    assert target.brake.trip == Trip(target.wall, Cause.UPSTREAM_RESTORED, 50, 50)


def test_a_release_lets_exactly_the_planned_deletions_go() -> None:
    target = Target(copies=200)
    target.ask_all(range(100))
    target.withdraw(range(50, 100))
    assert target.release()
    assert target.brake.trip is None
    target.now = 3600.0
    assert set(target.ask_all(range(50))) == {GO}
    assert set(target.ask_all(range(50, 90))) == {WAIT}
    assert target.ask(90) is HELD


def test_what_was_released_and_lives_again_is_counted_again() -> None:
    target = Target().tripped()
    target.release()
    target.withdraw(range(1))
    assert target.ask(0) is WAIT
    assert target.ask(1) is GO


def test_a_release_from_before_the_trip_does_nothing() -> None:
    target = Target().tripped()
    assert not target.release(after=-1)
    assert target.ask(0) is HELD


def test_a_release_that_was_there_before_the_trip_does_nothing() -> None:
    """Not even one with a time in the future, from a machine whose clock is ahead."""
    target = Target()
    assert not target.release(after=3600)
    target.tripped()
    assert not target.release(after=3600)
    assert target.ask(0) is HELD


def test_one_release_does_not_serve_twice() -> None:
    """The annotation stays on the SyncTarget; a time in the future would else release every later trip."""
    target = Target().tripped()
    moment = START + timedelta(days=1)
    assert target.brake.release(moment)
    target.withdraw(range(100))
    target.tripped()
    assert not target.brake.release(moment)
    assert target.brake.release(moment + timedelta(seconds=1))


def test_a_restored_upstream_ends_a_release() -> None:
    target = Target().tripped()
    target.release()
    target.brake.engage(Cause.UPSTREAM_RESTORED, copies=100, wall=target.wall)
    assert target.ask(0) is HELD


# ---- what people see ---------------------------------------------------------------------------------------


def test_the_message_tells_how_many_why_and_what_to_do() -> None:
    target = Target(copies=50)
    target.ask_all(range(30), Cause.SELECTOR_CHANGED)
    assert target.brake.trip is not None
    message = target.brake.trip.message()
    assert message.startswith("30 deletions were planned within a minute, of 50 copies (SelectorChanged)")
    assert "tmc target release-brake" in message


def test_the_cause_is_that_of_most_deletions_and_the_newest_of_each() -> None:
    target = Target(copies=20)
    target.ask_all(range(4), Cause.RELIST)
    target.ask_all(range(4, 10), Cause.TYPES_SHORTENED)
    target.ask(4, Cause.RELIST)
    target.ask(5, Cause.RELIST)
    target.ask(10, Cause.SELECTOR_CHANGED)
    assert target.brake.trip is not None
    assert target.brake.trip.cause is Cause.RELIST


# ---- properties --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "ask", "sleep", "withdraw", "clear", "more"]),
        st.integers(0, 40),
    ),
    max_size=120,
)


@given(STEPS, st.sampled_from([5, 50, 80, 120]))
def test_without_a_release_no_more_than_the_limit_goes_within_a_minute(
    steps: list[tuple[str, int]], copies: int
) -> None:
    target = Target(copies)
    gone: list[tuple[float, int]] = []
    limit = max(MINIMUM_DELETIONS, int(SHARE_OF_COPIES * copies))
    for step, number in steps:
        match step:
            case "ask":
                numbers = range(number, number + 5)
                gone.extend((target.now, each) for each in numbers if target.ask(each) is GO)
            case "sleep":
                target.now += number
            case "withdraw":
                target.brake.withdraw(item(number))
            case "clear":
                target.brake.clear_if_idle()
            case _:
                target.ask_all(range(number))
        recent = {each for when, each in gone if when >= target.now - WINDOW_SECONDS}
        assert len(recent) <= limit


@given(STEPS)
def test_nothing_goes_while_it_is_engaged_and_nothing_but_mending_or_a_release_ends_it(steps: Any) -> None:
    target = Target(copies=50)
    held: set[int] = set()
    target.ask_all(range(60))
    held.update(range(60))
    for step, number in steps:
        assert target.brake.trip is not None
        match step:
            case "ask":
                assert target.ask(number) is HELD
                held.add(number)
            case "sleep":
                target.now += number
            case "withdraw":
                target.brake.withdraw(item(number))
                held.discard(number)
            case _:
                assert target.brake.clear_if_idle() is (not held)
                if not held:
                    return
