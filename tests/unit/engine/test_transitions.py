"""The single steps; the ways they make together are in test_reflector.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.records import record
from tmc_syncer.engine.reflector_outputs import (
    AskVersion,
    Collect,
    Discard,
    FetchPage,
    OpenWatch,
    Regressed,
    Swap,
    Trouble,
    Wait,
)
from tmc_syncer.engine.reflector_states import Asking, Listing, Memory, Next, Opening, Waiting, Watching
from tmc_syncer.engine.refusal import Failure, Refusal
from tmc_syncer.engine.transitions import (
    FREE_EXPIRATIONS,
    MAX_INCOMPLETE,
    answered,
    broken,
    idle_seconds,
    later,
    leave,
    list_after,
    list_again,
    listed,
    refused,
    wait,
    watch_after_break,
    watch_again,
)

SEEN = Memory(version="100", synced=True, quorum=False, current=True, heard=5.0, idle=150.0)
PAGING = Memory(version="100", synced=True, quorum=False, watch_list=False, current=True)
CUT = Refusal(Failure.TRANSIENT, "cut")


def watch(memory=SEEN, *, initial=False, version="120", opened=0.0, heard=10.0, bookmarked=False):
    return Watching(memory, initial, version, opened, heard, 400.0, bookmarked)


def refusal(failure, retry_after=None):
    return Refusal(failure, "text", retry_after)


def test_a_list_begins_as_a_watch_list_or_in_pages_with_the_floor_that_is_known():
    assert list_again(SEEN, 1.0) == (Opening(SEEN, True, 1.0), (Discard(), OpenWatch("100", True)))
    assert list_again(PAGING, 1.0) == (Listing(PAGING), (Discard(), FetchPage("100", "NotOlderThan", "")))
    recent = Memory(watch_list=False)
    assert list_again(recent, 1.0) == (Listing(recent), (Discard(), FetchPage("", "", "")))
    hopeless = Memory(watch_list=False, expirations=FREE_EXPIRATIONS + 1)
    assert list_again(hopeless, 1.0)[1][1] == FetchPage("", "", "", paged=False)


def test_after_a_break_the_server_is_asked_how_far_it_is_unless_its_versions_are_opaque():
    assert watch_after_break(SEEN, 1.0) == (Asking(SEEN), (AskVersion(),))
    opaque = Memory(version="shard-a:7")
    assert watch_after_break(opaque, 1.0) == watch_again(opaque, 1.0)


@pytest.mark.parametrize("version", ["100", "101", "", "opaque"])
def test_a_server_that_is_as_far_as_it_was_is_watched_on(version):
    assert answered(SEEN, version, 1.0) == watch_again(SEEN, 1.0)


def test_a_server_that_has_gone_back_is_listed_at_its_most_recent():
    state, (trouble, *rest) = answered(PAGING, "99", 1.0)
    assert isinstance(trouble, Trouble)
    assert "gone back from version 100 to 99" in trouble.refusal.text
    assert rest == [Discard(), FetchPage("", "", "")]
    assert state.memory.quorum
    assert not state.memory.current


def test_a_list_after_trouble_tells_it_first():
    assert list_after(CUT, PAGING, 1.0)[1][0] == Trouble(CUT)


def test_a_watch_begins_where_the_last_one_ended():
    assert watch_again(SEEN, 1.0) == (Opening(SEEN, False, 1.0), (OpenWatch("100", False),))


def test_a_complete_list_of_pages_is_swapped_and_watched():
    state, done = listed(PAGING, "130", 7.0, Collect((record(),)))
    assert done == (Collect((record(),)), Swap("130"), OpenWatch("130", False))
    assert isinstance(state, Opening)
    memory = state.memory
    assert (memory.version, memory.synced, memory.current, memory.heard, memory.idle) == (
        "130",
        True,
        True,
        7.0,
        150.0,
    )


def test_a_complete_watch_list_goes_on_in_the_same_stream():
    before = watch(Memory(incomplete=1, expirations=1), initial=True, version="")
    state, done = listed(before.memory, "130", 7.0, watch=before)
    assert done == (Swap("130"),)
    assert state == Watching(state.memory, False, "130", 0.0, 7.0, 400.0, False)
    assert (state.memory.incomplete, state.memory.expirations, state.memory.quorum) == (0, 0, False)


def test_an_older_list_is_believed_only_if_it_is_the_most_recent():
    state, done = listed(SEEN, "99", 7.0)
    assert isinstance(state, Waiting)
    assert state.memory.quorum
    assert [type(output) for output in done] == [Trouble, Wait]
    quorum = Memory(version="100", quorum=True, watch_list=False)
    assert listed(quorum, "99", 7.0)[1] == (Regressed("100", "99"), Swap("99"), OpenWatch("99", False))
    assert listed(quorum, "100", 7.0)[1] == (Swap("100"), OpenWatch("100", False))
    assert listed(quorum, "opaque", 7.0)[1] == (Swap("opaque"), OpenWatch("opaque", False))


def test_a_broken_watch_list_is_given_up_after_its_last_chance():
    state: Any = broken(watch(initial=True), CUT, 20.0)[0]
    assert (state.then, state.memory.incomplete, state.memory.watch_list) == (Next.LIST, 1, True)
    last = Memory(version="100", incomplete=MAX_INCOMPLETE - 1)
    assert not broken(watch(last, initial=True), CUT, 20.0)[0].memory.watch_list


def test_a_broken_watch_is_reopened_where_it_was():
    state: Any
    state, done = broken(watch(), CUT, 20.0)
    assert (state.then, state.memory.version, state.memory.current) == (Next.WATCH, "120", False)
    assert done == (Trouble(CUT), Wait(0.4, 0.8))


@pytest.mark.parametrize(
    ("failure", "initial", "state"),
    [
        (Failure.TRANSIENT, False, Next.WATCH),
        (Failure.THROTTLED, False, Next.WATCH),
        (Failure.TRANSIENT, True, Next.LIST),
        (Failure.THROTTLED, True, Next.LIST),
        (Failure.REFUSED, False, Next.LIST),
        (Failure.REFUSED, True, Next.LIST),
        (Failure.TOO_LARGE, False, Next.LIST),
        (Failure.UNSUPPORTED, False, Next.LIST),
        (Failure.EXPIRED, True, Next.LIST),
    ],
)
def test_what_follows_the_wait_of_a_refused_watch(failure, initial, state):
    waiting: Any = refused(SEEN, refusal(failure), 1.0, initial=initial)[0]
    assert waiting.then is state


def test_an_expired_watch_lists_at_once_the_first_time_in_a_row():
    state, done = refused(SEEN, refusal(Failure.EXPIRED), 1.0, initial=False)
    assert isinstance(state, Opening)
    assert done == (Trouble(refusal(Failure.EXPIRED)), Discard(), OpenWatch("100", True))
    assert state.memory.failures == 1
    assert not state.memory.current
    assert isinstance(refused(state.memory, refusal(Failure.EXPIRED), 1.0, initial=False)[0], Waiting)


def test_an_expired_watch_lists_at_once_after_an_outage_too():
    state, done = refused(Memory("100", failures=7), refusal(Failure.EXPIRED), 1.0, initial=False)
    assert done == (Trouble(refusal(Failure.EXPIRED)), Discard(), OpenWatch("", True))
    assert (state.memory.failures, state.memory.expired) == (7, True)
    assert isinstance(refused(state.memory, refusal(Failure.EXPIRED), 1.0, initial=False)[0], Waiting)


def test_an_unsupported_watch_list_is_no_trouble():
    state, done = refused(SEEN, refusal(Failure.UNSUPPORTED), 1.0, initial=True)
    assert done == (Discard(), FetchPage("100", "NotOlderThan", ""))
    assert not state.memory.watch_list


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.UNSUPPORTED])
def test_only_refusals_wait_up_to_ten_minutes(failure):
    many = Memory(failures=50, refusals=49)
    assert wait(many, Next.LIST, refusal(failure))[1][1] == Wait(300.0, 600.0)
    assert wait(many, Next.LIST, CUT)[1][1] == Wait(15.0, 30.0)
    assert wait(many, Next.LIST, refusal(failure, 8.0))[1][1] == Wait(8.0, 10.0)


def test_refusals_after_an_outage_begin_a_row_of_their_own():
    state, done = wait(Memory(failures=50), Next.LIST, refusal(Failure.REFUSED))
    assert done[1] == Wait(0.4, 0.8)
    state, done = wait(state.memory, Next.LIST, refusal(Failure.REFUSED))
    assert done[1] == Wait(0.8, 1.6)
    state, _ = wait(state.memory, Next.LIST, CUT)
    assert (state.memory.failures, state.memory.refusals) == (53, 0)


@pytest.mark.parametrize(
    ("failure", "then", "quorum"),
    [
        (Failure.TOO_LARGE, Next.LIST, True),
        (Failure.UNSUPPORTED, Next.LIST, True),
        (Failure.TOO_LARGE, Next.WATCH, False),
        (Failure.TRANSIENT, Next.LIST, False),
    ],
)
def test_what_asks_for_the_most_recent_list(failure, then, quorum):
    assert wait(SEEN, then, refusal(failure))[0].memory.quorum is quorum


def test_a_wish_for_the_most_recent_list_lasts_until_there_is_one():
    assert wait(Memory(quorum=True), Next.LIST, CUT)[0].memory.quorum


def test_leaving_a_watch_remembers_where_it_was_and_whether_it_was_healthy():
    memory = leave(watch(Memory(failures=3, current=True), bookmarked=True), 119.0)
    assert (memory.version, memory.heard, memory.idle, memory.failures, memory.current) == (
        "120",
        10.0,
        150.0,
        3,
        True,
    )
    well = leave(watch(Memory(failures=3, refusals=2, expired=True)), 120.0)
    assert (well.failures, well.refusals, well.expired) == (0, 0, False)
    assert not leave(watch(), 20.0, current=False).current


def test_leaving_initial_events_remembers_nothing_of_them():
    assert leave(watch(initial=True), 500.0) == SEEN
    assert not leave(watch(initial=True), 500.0, current=False).current


def test_how_long_a_watch_may_be_silent():
    assert idle_seconds(watch()) == 430.0
    assert idle_seconds(watch(bookmarked=True)) == 150.0
    assert idle_seconds(watch(initial=True)) == 60.0


@pytest.mark.parametrize(
    ("seen", "version", "kept"),
    [
        ("5", "6", "6"),
        ("5", "4", "5"),
        ("5", "", "5"),
        ("", "4", "4"),
        ("5", "x", "x"),
        ("x", "4", "4"),
        ("10", "9", "10"),
    ],
)
def test_the_later_of_two_versions(seen, version, kept):
    assert later(seen, version) == kept
