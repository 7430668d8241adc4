from __future__ import annotations

from collections import Counter

import pytest

from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.errors import RetryClass


def drain(queue: WorkQueue, now: float = 0.0) -> list:
    taken = []
    while (found := queue.get(now)) is not None:
        taken.append(found)
        queue.done(found, now)
    return taken


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue()


def test_keys_leave_in_the_order_of_their_arrival(queue):
    for name in "bac":
        queue.add(name, 0.0)
    assert len(queue) == 3
    assert drain(queue) == ["b", "a", "c"]
    assert queue.get(0.0) is None


def test_adding_a_dirty_key_again_changes_nothing(queue):
    queue.add("a", 0.0)
    queue.add("b", 0.0)
    queue.add("a", 0.0)
    assert drain(queue) == ["a", "b"]


def test_a_key_in_process_is_not_handed_out_again_until_it_is_done(queue):
    queue.add("a", 0.0)
    assert queue.get(0.0) == "a"
    assert queue.processing == ("a",)
    queue.add("a", 0.0)
    assert "a" in queue
    assert queue.get(0.0) is None
    queue.done("a", 0.0)
    assert queue.get(0.0) == "a"
    assert "a" not in queue
    queue.done("a", 0.0)
    assert queue.get(0.0) is None
    assert queue.processing == ()


def test_a_lost_or_doubled_done_does_not_pass_unseen(queue):
    with pytest.raises(KeyError):
        queue.done("a", 0.0)


def test_ten_thousand_events_of_a_key_are_one_more_look(queue):
    queue.add("a", 0.0)
    queue.get(0.0)
    for _ in range(10_000):
        queue.add("a", 0.0)
    queue.done("a", 0.0)
    assert drain(queue) == ["a"]


def test_higher_priorities_leave_first(queue):
    queue.add("low", 0.0, -1)
    queue.add("normal", 0.0)
    queue.add("high", 0.0, 5)
    assert drain(queue) == ["high", "normal", "low"]


def test_the_priority_of_a_dirty_key_rises_and_never_falls(queue):
    for name in "abc":
        queue.add(name, 0.0)
    queue.add("c", 0.0, 3)
    queue.add("c", 0.0, 1)
    assert drain(queue) == ["c", "a", "b"]


def test_the_only_key_of_a_priority_may_rise(queue):
    queue.add("a", 0.0, 1)
    queue.add("a", 0.0, 2)
    queue.add("b", 0.0, 1)
    assert drain(queue) == ["a", "b"]


def test_the_priority_asked_for_while_in_process_holds_afterwards(queue):
    queue.add("a", 0.0)
    queue.get(0.0)
    queue.add("a", 0.0)
    queue.add("a", 0.0, 2)
    queue.add("a", 0.0, 1)
    queue.add("b", 0.0, 1)
    queue.done("a", 0.0)
    assert queue.get(0.0) == "a"
    assert queue.priority_of("a") == 2
    assert queue.priority_of("b") == 0


def test_workspaces_take_turns_inside_a_priority():
    queue: WorkQueue[str] = WorkQueue(fairness=lambda name: name[0])
    for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
        queue.add(name, 0.0)
    queue.add("d1", 0.0, 1)
    assert drain(queue) == ["d1", "a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_a_key_that_rises_leaves_its_share():
    queue: WorkQueue[str] = WorkQueue(fairness=lambda name: name[0])
    for name in ("a1", "a2", "b1"):
        queue.add(name, 0.0)
    queue.add("a1", 0.0, 1)
    queue.add("b1", 0.0, 1)
    assert drain(queue) == ["a1", "b1", "a2"]


def test_a_noisy_workspace_delays_the_others_by_one_key_a_turn():
    queue: WorkQueue[str] = WorkQueue(fairness=lambda name: name[0])
    for number in range(1000):
        queue.add(f"n{number}", 0.0)
    taken = []
    for number in range(10):
        queue.add(f"q{number}", 0.0)
        for _ in range(2):
            found = queue.get(0.0)
            assert found is not None
            queue.done(found, 0.0)
            taken.append(found[0])
    assert Counter(taken) == {"n": 10, "q": 10}


def test_a_delayed_key_becomes_ready_at_its_time(queue):
    queue.add_after("a", 5.0, 10.0)
    assert queue.delayed == 1
    assert queue.next_try("a") == 15.0
    assert queue.get(14.9) is None
    assert queue.get(15.0) == "a"
    assert queue.delayed == 0
    assert queue.next_try("a") is None


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_delay_is_at_once(queue, seconds):
    queue.add_after("a", seconds, 0.0, 4)
    assert queue.get(0.0) == "a"
    assert queue.priority_of("a") == 4


def test_the_earliest_of_several_promises_holds_with_the_highest_priority(queue):
    queue.add_after("a", 5.0, 0.0)
    queue.add_after("a", 9.0, 0.0, 3)
    assert queue.next_try("a") == 5.0
    queue.add_after("a", 2.0, 0.0, 1)
    assert queue.next_try("a") == 2.0
    queue.add("b", 2.0, 2)
    assert drain(queue, 2.0) == ["a", "b"]
    assert drain(queue, 9.0) == []


def test_a_promise_is_kept_although_the_key_was_looked_at_before(queue):
    queue.add_after("a", 5.0, 0.0)
    queue.add("a", 0.0)
    assert drain(queue, 0.0) == ["a"]
    assert drain(queue, 5.0) == ["a"]


def test_a_promise_that_falls_due_in_process_is_one_more_look(queue):
    queue.add_after("a", 5.0, 0.0)
    queue.add("a", 0.0)
    queue.get(0.0)
    assert queue.get(6.0) is None
    queue.done("a", 6.0)
    assert drain(queue, 6.0) == ["a"]


def test_a_retry_is_void_once_the_key_was_looked_at(queue):
    queue.retry_after("a", 600.0, 0.0)
    queue.add("a", 1.0)
    assert drain(queue, 1.0) == ["a"]
    assert queue.next_try("a") is None
    assert drain(queue, 600.0) == []


def test_the_newest_retry_holds(queue):
    queue.retry_after("a", 5.0, 0.0)
    queue.retry_after("a", 9.0, 0.0)
    assert queue.next_try("a") == 9.0
    assert drain(queue, 8.0) == []
    assert drain(queue, 9.0) == ["a"]


def test_retry_and_promise_of_a_key_stand_side_by_side(queue):
    queue.retry_after("a", 9.0, 0.0)
    queue.add_after("a", 5.0, 0.0)
    assert queue.delayed == 1
    assert queue.next_try("a") == 5.0
    assert drain(queue, 5.0) == ["a"]
    assert drain(queue, 9.0) == []


def test_failures_of_a_key_lengthen_its_wait_until_it_is_forgotten(queue):
    waits = [queue.add_rate_limited("a", RetryClass.TRANSIENT, 0.0) for _ in range(8)]
    assert waits == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert queue.attempts("a") == 8
    assert queue.next_try("a") == 30.0
    queue.forget("a")
    assert queue.attempts("a") == 0
    assert queue.next_try("a") is None
    assert queue.add_rate_limited("a", RetryClass.TRANSIENT, 0.0) == 0.8


def test_one_keys_failures_are_not_anothers(queue):
    for _ in range(10):
        queue.add_rate_limited("poisoned", None, 0.0)
    queue.add("fine", 0.0)
    assert queue.get(0.0) == "fine"
    assert queue.add_rate_limited("other", None, 0.0) == 0.005


def test_a_conflict_is_ready_again_as_soon_as_it_is_done(queue):
    queue.add("a", 0.0, 2)
    queue.get(0.0)
    assert queue.add_rate_limited("a", RetryClass.CONFLICT, 0.0, priority=2) == 0.0
    queue.done("a", 0.0)
    assert queue.get(0.0) == "a"
    assert queue.priority_of("a") == 2


def test_the_servers_wish_and_the_dice_are_obeyed():
    queue: WorkQueue[str] = WorkQueue(uniform=lambda low, high: low)
    assert queue.add_rate_limited("a", RetryClass.TRANSIENT, 0.0) == 0.4
    assert queue.add_rate_limited("a", RetryClass.TRANSIENT, 0.0, retry_after=7.0) == 7.0
    assert queue.next_try("a") == 7.0


def test_a_terminal_key_wakes_by_a_change_of_input(queue):
    queue.add_rate_limited("a", RetryClass.TERMINAL, 0.0)
    assert queue.get(500.0) is None
    queue.add("a", 500.0)
    assert queue.get(500.0) == "a"
    queue.done("a", 500.0)
    assert queue.get(10_000.0) is None


def test_the_next_wakeup_is_now_later_or_never(queue):
    assert queue.next_wakeup(0.0) is None
    queue.add_after("a", 5.0, 0.0)
    assert queue.next_wakeup(2.0) == 3.0
    assert queue.next_wakeup(7.0) == 0.0
    queue.add("b", 2.0)
    assert queue.next_wakeup(2.0) == 0.0


def test_the_next_wakeup_skips_what_was_superseded(queue):
    queue.retry_after("a", 1.0, 0.0)
    queue.forget("a")
    queue.add_after("b", 5.0, 0.0)
    assert queue.next_wakeup(0.0) == 5.0
    queue.retry_after("c", 1.0, 0.0)
    queue.forget("c")
    drain(queue, 5.0)
    assert queue.next_wakeup(5.0) is None


def test_the_longest_wait_of_a_ready_key_is_known(queue):
    assert queue.oldest(9.0) == 0.0
    queue.add("a", 2.0)
    queue.add("b", 5.0)
    queue.add("a", 6.0, 3)
    assert queue.oldest(9.0) == 7.0


def test_a_key_that_turned_dirty_in_process_has_waited_since_then(queue):
    queue.add("a", 0.0)
    queue.get(0.0)
    queue.add("a", 3.0)
    queue.done("a", 8.0)
    assert queue.oldest(9.0) == 6.0


def test_whoever_waits_is_told_of_ready_keys_and_of_earlier_times():
    rings: list[int] = []
    queue: WorkQueue[str] = WorkQueue(on_ready=lambda: rings.append(1))
    queue.add("a", 0.0)
    assert len(rings) == 1
    queue.add("a", 0.0)
    assert len(rings) == 1
    queue.add_after("b", 5.0, 0.0)
    assert len(rings) == 2
    queue.add_after("c", 9.0, 0.0)
    assert len(rings) == 2
    queue.add_after("d", 1.0, 0.0)
    assert len(rings) == 3
    queue.get(0.0)
    queue.add("a", 0.0)
    assert len(rings) == 3
    queue.done("a", 0.0)
    assert len(rings) == 4


def test_a_key_that_is_retried_often_takes_no_memory(queue):
    for number in range(10_000):
        queue.retry_after("a", 10.0 + number, 0.0)
    assert queue.delayed == 1
    assert len(queue._delayed) <= 70
    assert drain(queue, 10_008.0) == []
    assert drain(queue, 10_009.0) == ["a"]


def test_empty_lanes_and_shares_are_not_kept():
    queue: WorkQueue[str] = WorkQueue(fairness=lambda name: name)
    for number in range(100):
        queue.add(str(number), 0.0, number % 7)
    assert len(drain(queue)) == 100
    assert queue._lanes == {}
    assert queue._priorities == []
