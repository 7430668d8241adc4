from __future__ import annotations

import pytest

from tests.unit.engine.records import key, record
from tests.unit.engine.watching import Event, Machine, bookmark, error_event, paging, watching
from tmc_syncer.engine import reflector
from tmc_syncer.engine.reflector_outputs import (
    Advance,
    AskVersion,
    Collect,
    Discard,
    FetchPage,
    OpenWatch,
    Put,
    Regressed,
    Remove,
    Swap,
    Trouble,
    Uncollect,
    UnknownType,
    Wait,
)
from tmc_syncer.engine.reflector_states import (
    Asking,
    EventArrived,
    Listing,
    Next,
    Opening,
    PageArrived,
    Waiting,
    WaitOver,
    WatchClosed,
    Watching,
    WatchOpened,
)
from tmc_syncer.engine.refusal import Failure

MOST_RECENT = FetchPage("", "", "")


# The way of a reflector


def test_the_first_list_of_a_process_is_the_most_recent_one():
    assert paging().request == MOST_RECENT
    assert Machine().request == OpenWatch("", True)
    assert paging().done[0] == Discard()


def test_pages_are_collected_and_swapped_together():
    machine = paging()
    assert machine.page(record("a"), version="100", token="next") == FetchPage("", "", "next")
    assert machine.effects(Collect) == [Collect((record("a"),))]
    assert machine.page(record("b"), version="105", token="") == OpenWatch("100", False)
    assert machine.done == [Collect((record("b"),)), Swap("100"), OpenWatch("100", False)]
    assert machine.memory.synced


def test_after_the_list_it_watches_from_its_version():
    machine = watching()
    assert isinstance(machine.state, Watching)
    assert machine.request is None
    assert machine.state.version == "100"


def test_events_are_put_removed_and_move_the_version():
    machine = watching()
    machine.event(Event("ADDED", record("a", 101)))
    assert machine.done == [Put(record("a", 101))]
    machine.event(Event("MODIFIED", record("a", 102)))
    assert machine.done == [Put(record("a", 102))]
    machine.event(Event("DELETED", record("a", 103)))
    assert machine.done == [Remove(record("a", 103))]
    machine.event(bookmark(110))
    assert machine.done == [Advance("110")]
    assert machine.state.version == "110"


def test_a_replayed_event_does_not_move_the_version_back():
    machine = watching()
    machine.event(Event("ADDED", record("a", 50)))
    assert machine.done == [Put(record("a", 50))]
    assert machine.state.version == "100"


@pytest.mark.parametrize("event", [Event("COMPACTED"), Event("ADDED"), Event("DELETED"), Event("BOOKMARK")])
def test_an_event_of_an_unknown_type_or_without_an_object_is_told_and_nothing_else(event):
    machine = watching()
    machine.event(event)
    assert machine.done == [UnknownType(event.type)]
    assert machine.state.version == "100"


def test_a_watch_that_ends_after_its_timeout_goes_on_from_its_version_and_stays_fresh():
    machine = watching()
    machine.event(Event("ADDED", record("a", 120)))
    machine.now = 399.0
    machine.event(bookmark(130))
    machine.now = 400.0
    assert machine.closed() == OpenWatch("130", False)
    assert machine.fresh
    machine.opened()
    assert machine.fresh


# WatchList


def test_initial_events_are_collected_until_their_end():
    machine = Machine()
    machine.opened()
    machine.event(Event("ADDED", record("b", 90)))
    assert machine.done == [Collect((record("b", 90),))]
    machine.event(Event("MODIFIED", record("a", 20)))
    machine.event(Event("DELETED", record("b", 95)))
    assert machine.done == [Uncollect(key("b"))]
    assert machine.state.version == ""
    assert not machine.memory.synced
    machine.event(Event("COMPACTED"))
    assert machine.done == [UnknownType("COMPACTED")]
    assert machine.event(bookmark(100, end=True)) is None
    assert machine.done == [Swap("100")]
    assert machine.state == Watching(machine.memory, False, "100", 0.0, 0.0, 400.0)
    assert machine.memory.synced


@pytest.mark.parametrize("event", [Event("ADDED"), Event("DELETED")])
def test_an_initial_event_without_an_object_is_told(event):
    machine = Machine()
    machine.opened()
    machine.event(event)
    assert machine.done == [UnknownType(event.type)]


def test_a_relist_is_not_older_than_the_last_seen_version():
    machine = watching()
    machine.event(bookmark(130))
    assert machine.relist() == FetchPage("130", "NotOlderThan", "")
    assert machine.fresh
    machine = Machine()
    machine.opened()
    machine.event(bookmark(100, end=True))
    assert machine.relist() == OpenWatch("100", True)


@pytest.mark.parametrize("failure", [Failure.UNSUPPORTED])
def test_a_server_that_refuses_initial_events_is_listed_in_pages_at_once(failure):
    machine = Machine()
    assert machine.failed(failure) == MOST_RECENT
    machine.page()
    machine.opened()
    assert machine.relist() == FetchPage("100", "NotOlderThan", "")


@pytest.mark.parametrize("event", [bookmark(100), Event("BOOKMARK")])
def test_a_server_that_ignores_initial_events_is_listed_in_pages_at_once(event):
    machine = Machine()
    machine.opened()
    machine.event(Event("ADDED", record("a", 50)))
    assert machine.event(event) == MOST_RECENT
    assert machine.effects(Discard)


def test_initial_events_that_end_early_twice_are_given_up_for_pages():
    machine = Machine()
    machine.opened()
    assert isinstance(machine.closed(), Wait)
    assert machine.waited() == OpenWatch("", True)
    machine.opened()
    assert isinstance(machine.silent(), Wait)
    assert machine.waited() == MOST_RECENT


def test_a_relist_wanted_during_initial_events_is_left_to_the_list_under_way():
    machine = Machine()
    assert machine.relist() is None
    assert isinstance(machine.state, Opening)
    machine.opened()
    assert machine.relist() is None
    assert isinstance(machine.state, Watching)


@pytest.mark.parametrize("failure", [Failure.TRANSIENT, Failure.THROTTLED, Failure.REFUSED, Failure.EXPIRED])
def test_initial_events_that_cannot_be_had_are_asked_for_again_after_a_wait(failure):
    machine = Machine()
    assert isinstance(machine.failed(failure), Wait)
    assert machine.waited() == OpenWatch("", True)


def test_an_error_among_the_initial_events_is_a_failed_list():
    machine = Machine()
    machine.opened()
    assert isinstance(machine.event(error_event(500)), Wait)
    assert machine.state.then is Next.LIST


# F02, F03: the version is too old


@pytest.mark.parametrize("how", ["on opening", "in the stream"])
def test_an_expired_version_leads_to_a_list_not_older_than_it(how):
    machine = watching()
    machine.event(bookmark(130))
    if how == "in the stream":
        machine.event(error_event(410))
    else:
        machine.now = 400.0
        machine.closed()
        machine.failed(Failure.EXPIRED)
    assert machine.request == FetchPage("130", "NotOlderThan", "")
    assert machine.effects(Trouble)
    assert not machine.fresh
    machine.page(version="140")
    assert machine.request == OpenWatch("140", False)
    assert machine.fresh


def test_a_server_that_calls_every_version_too_old_is_not_asked_in_a_hot_loop():
    machine = watching()
    machine.event(error_event(410))
    waits = []
    for _ in range(8):
        machine.page(version="140")
        request = machine.failed(Failure.EXPIRED)
        waits.append(request.high)
        machine.waited()
    assert waits == [1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0]


# F04, F05: half a list


def test_an_expired_continue_token_begins_the_list_anew():
    machine = paging()
    machine.page(record("a"), token="next")
    assert machine.failed(Failure.EXPIRED) == MOST_RECENT
    assert machine.effects(Discard)
    assert machine.effects(Swap) == []


def test_tokens_that_keep_expiring_end_paging_and_then_cost_a_wait():
    machine = paging()
    machine.page(token="next")
    machine.failed(Failure.EXPIRED)
    machine.page(token="next")
    assert machine.failed(Failure.EXPIRED) == FetchPage("", "", "", paged=False)
    machine.page(token="next")
    assert isinstance(machine.failed(Failure.EXPIRED), Wait)
    assert machine.waited() == FetchPage("", "", "", paged=False)
    machine.page()
    machine.opened()
    assert machine.relist() == FetchPage("100", "NotOlderThan", "")


def test_a_connection_lost_between_pages_begins_the_list_anew_after_a_wait():
    machine = paging()
    machine.page(record("a"), token="next")
    assert machine.failed(Failure.TRANSIENT) == Wait(0.4, 0.8)
    assert machine.waited() == MOST_RECENT
    assert machine.done == [Discard(), MOST_RECENT]


# F06, F20, F23: which list may be believed


def test_a_server_behind_our_version_is_waited_for_and_then_asked_for_the_most_recent_list():
    machine = watching()
    machine.relist()
    assert isinstance(machine.failed(Failure.TOO_LARGE), Wait)
    assert machine.waited() == MOST_RECENT
    machine.page(version="140")
    machine.opened()
    assert machine.relist() == FetchPage("140", "NotOlderThan", "")


def test_a_watch_refused_as_too_new_leads_to_the_most_recent_list():
    machine = watching()
    machine.now = 400.0
    machine.closed()
    assert isinstance(machine.failed(Failure.TOO_LARGE), Wait)
    assert machine.waited() == MOST_RECENT


def test_an_older_list_although_asked_not_to_is_not_believed():
    machine = watching()
    machine.relist()
    assert isinstance(machine.page(record("a"), version="90"), Wait)
    assert machine.effects(Swap) == []
    assert "not older than 100" in machine.effects(Trouble)[0].refusal.text
    assert machine.waited() == MOST_RECENT


def test_a_most_recent_list_that_is_older_means_a_restored_server():
    machine = watching()
    machine.relist()
    machine.failed(Failure.TOO_LARGE)
    machine.waited()
    machine.page(record("a", 80), version="90")
    assert machine.done == [
        Collect((record("a", 80),)),
        Regressed("100", "90"),
        Swap("90"),
        OpenWatch("90", False),
    ]


def test_a_version_of_an_earlier_process_shows_a_restored_server_at_the_start():
    machine = paging(seen_version="100")
    assert machine.request == MOST_RECENT
    machine.page(version="90")
    assert machine.effects(Regressed) == [Regressed("100", "90")]


def test_an_opaque_version_is_never_called_older():
    machine = watching()
    machine.relist()
    machine.page(version="opaque")
    assert machine.effects(Swap) == [Swap("opaque")]
    machine.opened()
    machine.event(Event("ADDED", record("a", "another")))
    assert machine.state.version == "another"
    machine.event(bookmark(""))
    assert machine.state.version == "another"


@pytest.mark.parametrize("version", ["", "0"])
def test_a_list_without_a_version_is_no_list(version):
    machine = paging()
    assert isinstance(machine.page(record("a"), version=version), Wait)
    assert "no resourceVersion" in machine.effects(Trouble)[0].refusal.text
    assert machine.waited() == MOST_RECENT


def test_a_later_page_without_a_version_is_taken_because_the_first_had_one():
    machine = paging()
    machine.page(version="100", token="next")
    assert machine.page(version="") == OpenWatch("100", False)


# F14, F15, F33, F34, F74: watches that break


def test_silence_reopens_the_watch_from_its_version_after_a_breath():
    machine = watching()
    machine.event(bookmark(130))
    machine.now = 150.0
    assert machine.fresh
    machine.now = 151.0
    assert not machine.fresh
    assert machine.silent() == Wait(0.4, 0.8)
    assert machine.waited() == OpenWatch("130", False)
    assert not machine.fresh


def test_the_idle_deadline_is_near_once_a_bookmark_was_seen():
    machine = watching()
    assert reflector.deadline(machine.state) == 430.0
    machine.now = 20.0
    machine.event(bookmark(130))
    assert reflector.deadline(machine.state) == 170.0
    machine.now = 30.0
    machine.event(Event("ADDED", record("a", 140)))
    assert reflector.deadline(machine.state) == 180.0


def test_opening_a_watch_and_its_initial_events_have_a_deadline_lists_and_waits_have_their_own():
    machine = Machine()
    assert reflector.deadline(machine.state) == 60.0
    machine.now = 10.0
    machine.opened()
    assert reflector.deadline(machine.state) == 70.0
    assert reflector.deadline(paging().state) is None
    machine.failed(Failure.TRANSIENT)
    assert reflector.deadline(machine.state) is None


def test_a_watch_request_that_is_never_answered_is_sent_again():
    machine = paging()
    machine.page()
    machine.now = 60.0
    assert isinstance(machine.silent(), Wait)
    assert machine.waited() == OpenWatch("100", False)


def test_what_is_read_after_a_long_sleep_is_not_believed_to_be_news():
    machine = watching()
    machine.event(bookmark(130))
    machine.now = 600.0
    assert isinstance(machine.event(Event("ADDED", record("a", 131))), Wait)
    assert machine.effects(Put) == []
    assert not machine.fresh
    assert machine.waited() == OpenWatch("130", False)


def test_a_server_that_closes_at_once_for_ever_gets_less_than_a_request_in_ten_seconds():
    machine = watching()
    machine.now = 1.0
    machine.closed()
    waits = []
    for _ in range(10):
        waits.append(machine.request.low)
        machine.waited()
        machine.opened()
        machine.closed()
    assert waits[-3:] == [15.0, 15.0, 15.0]


def test_a_watch_that_lived_a_little_longer_is_reopened_at_once():
    machine = watching()
    machine.now = 5.0
    assert machine.closed() == OpenWatch("100", False)


def test_two_healthy_minutes_end_a_row_of_failures():
    machine = watching()
    for _ in range(5):
        machine.failed(Failure.TRANSIENT)
        machine.waited()
        machine.opened()
    machine.now += 119.0
    assert machine.failed(Failure.TRANSIENT).high == 25.6
    machine.waited()
    machine.opened()
    machine.now += 121.0
    assert machine.failed(Failure.TRANSIENT).high == 0.8


@pytest.mark.parametrize("failure", [Failure.TRANSIENT, Failure.THROTTLED])
def test_a_cut_or_throttled_watch_does_not_relist(failure):
    machine = watching()
    machine.failed(failure)
    assert machine.waited() == OpenWatch("100", False)


def test_the_servers_wish_is_obeyed():
    machine = watching()
    assert machine.failed(Failure.THROTTLED, retry_after=40.0) == Wait(40.0, 50.0)
    machine.waited()
    assert machine.failed(Failure.REFUSED, retry_after=4.0) == Wait(4.0, 5.0)


def test_an_error_event_that_is_throttling_does_not_relist():
    machine = watching()
    machine.event(error_event(429))
    assert machine.waited() == OpenWatch("100", False)


@pytest.mark.parametrize("event", [error_event(500), Event("ERROR")])
def test_an_error_event_of_another_kind_is_listed_past(event):
    machine = watching()
    assert isinstance(machine.event(event), Wait)
    assert not machine.fresh
    assert machine.waited() == FetchPage("100", "NotOlderThan", "")


def test_a_type_that_is_refused_is_asked_for_ever_more_slowly_and_then_listed():
    machine = watching()
    waits = []
    machine.failed(Failure.REFUSED)
    for _ in range(12):
        waits.append(machine.request.high)
        assert machine.waited() == FetchPage("100", "NotOlderThan", "")
        machine.failed(Failure.REFUSED)
    assert waits[:3] == [0.8, 1.6, 3.2]
    assert waits[-1] == 600.0


def test_a_list_that_is_not_understood_is_asked_for_without_a_version():
    machine = watching()
    machine.relist()
    assert isinstance(machine.failed(Failure.UNSUPPORTED), Wait)
    assert machine.waited() == MOST_RECENT


# Relists on request


def test_a_relist_wakes_from_any_wait():
    machine = paging()
    machine.failed(Failure.REFUSED)
    assert machine.relist() == MOST_RECENT
    machine = watching()
    machine.failed(Failure.TRANSIENT)
    assert machine.relist() == FetchPage("100", "NotOlderThan", "")


def test_a_relist_goes_before_opening_a_watch_and_after_a_list_under_way():
    machine = paging()
    assert machine.relist() is None
    assert isinstance(machine.state, Listing)
    machine.page()
    assert machine.relist() == FetchPage("100", "NotOlderThan", "")


def test_a_failed_relist_makes_the_store_stale_until_the_next_complete_one():
    machine = watching()
    machine.relist()
    assert machine.fresh
    machine.failed(Failure.TRANSIENT)
    assert not machine.fresh
    machine.waited()
    machine.page(version="140")
    assert machine.fresh


def test_a_store_that_waits_too_long_for_a_list_is_stale():
    machine = watching()
    machine.event(bookmark(130))
    machine.relist()
    machine.now = 150.0
    assert machine.fresh
    machine.now = 151.0
    assert not machine.fresh


def test_nothing_is_fresh_before_the_first_list():
    machine = Machine()
    machine.opened()
    assert not machine.fresh


def test_when_the_content_was_last_right_is_known():
    machine = watching()
    machine.now = 10.0
    machine.event(bookmark(130))
    assert reflector.heard_at(machine.state) == 10.0
    machine.now = 20.0
    machine.failed(Failure.TRANSIENT)
    assert reflector.heard_at(machine.state) == 10.0


# A server that was restored while the watch was broken (F23)


def asking() -> Machine:
    """A machine whose watch at version 130 broke; it asks the server how far it is."""
    machine = watching()
    machine.event(bookmark(130))
    machine.failed(Failure.TRANSIENT)
    machine.now += machine.request.high
    assert machine.feed(WaitOver(machine.now)) == AskVersion()
    return machine


def test_after_a_break_it_asks_how_far_the_server_is_and_watches_on():
    machine = asking()
    assert not machine.fresh
    assert machine.page(version="130") == OpenWatch("130", False)


def test_a_server_that_has_gone_back_is_listed_told_and_accepted():
    machine = asking()
    assert machine.page(version="120") == MOST_RECENT
    assert not machine.fresh
    machine.page(record("a", 90), version="120")
    assert machine.effects(Regressed) == [Regressed("130", "120")]
    assert machine.effects(Swap) == [Swap("120")]


def test_while_it_asks_failures_wait_and_a_relist_is_done_at_once():
    machine = asking()
    assert isinstance(machine.failed(Failure.TRANSIENT), Wait)
    assert machine.state.then is Next.WATCH
    assert reflector.deadline(asking().state) is None
    assert asking().relist() == FetchPage("130", "NotOlderThan", "")


# What cannot be


@pytest.mark.parametrize(
    ("state", "given"),
    [
        (watching().state, WaitOver(1.0)),
        (paging().state, EventArrived(1.0, Event("ADDED"))),
        (Machine().state, WatchClosed(1.0)),
        (Waiting(paging().memory, Next.LIST), PageArrived(1.0, (), "1", "")),
        (watching().state, WatchOpened(1.0, 1.0)),
        (Asking(paging().memory), WatchClosed(1.0)),
    ],
)
def test_an_input_that_is_impossible_in_a_state_is_loud(state, given):
    with pytest.raises(ValueError, match=f"{type(given).__name__} in state {type(state).__name__}"):
        reflector.step(state, given)
