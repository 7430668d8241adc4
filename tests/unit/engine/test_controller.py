from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tmc_syncer.engine.controller import Controller
from tmc_syncer.engine.dispatcher import ConcurrencyLimit
from tmc_syncer.engine.env import Env, LoopClock
from tmc_syncer.engine.outcomes import DONE, Outcome, RequeueAfter, Retry, Verdict
from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.errors import ApiError, RetryClass

pytestmark = pytest.mark.looptime


def refusing(status: int, retry_class: RetryClass, retry_after: float | None = None) -> ApiError:
    return ApiError("refused", status=status, retry_class=retry_class, retry_after=retry_after)


class World:
    """A running controller. What its reconcile does is set as `do`; it counts and checks what runs at once."""

    def __init__(self, do=None, *, limit=None, fairness=None, on_outcome=None):
        self.clock = LoopClock()
        self.queue: WorkQueue[str] = WorkQueue(fairness=fairness)
        self.outcomes: list[Outcome[str]] = []
        self.controller = Controller(
            "spec",
            self.queue,
            self.reconcile,
            Env(self.clock, random.Random(1), str),
            limit=limit,
            on_outcome=on_outcome or self.outcomes.append,
        )
        self.do = do
        self.began: list[tuple[str, float]] = []
        self.running: set[str] = set()
        self.most = 0

    async def reconcile(self, key: str):
        assert key not in self.running, "two reconciles of one key"
        self.running.add(key)
        self.most = max(self.most, len(self.running))
        self.began.append((key, round(self.clock.monotonic() - self.start, 3)))
        try:
            return DONE if self.do is None else await self.do(key)
        finally:
            self.running.discard(key)

    async def __aenter__(self):
        self.start = self.clock.monotonic()
        self.task = asyncio.create_task(self.controller.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *exception):
        self.controller.stop(0)
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()
        assert len(asyncio.all_tasks()) == 1
        assert self.queue.processing == ()
        assert self.controller.in_flight == {}
        assert self.running == set()

    def add(self, *keys: str) -> None:
        for key in keys:
            self.controller.add(key)

    def times(self, key: str) -> list[float]:
        return [time for found, time in self.began if found == key]


async def pause(key):
    await asyncio.sleep(1)
    return DONE


async def test_ready_keys_are_reconciled_whether_added_before_or_while_it_runs():
    world = World()
    world.add("before")
    async with world:
        world.add("while")
        await asyncio.sleep(0.1)
        world.add("later")
        await asyncio.sleep(0.1)
    assert [key for key, _ in world.began] == ["before", "while", "later"]
    assert [(o.key, o.verdict, o.attempts) for o in world.outcomes] == [
        (key, Verdict.DONE, 0) for key in ("before", "while", "later")
    ]


async def test_as_many_run_at_once_as_the_limit_allows_and_never_two_of_a_key():
    async with World(pause, limit=ConcurrencyLimit(16)) as world:
        for _ in range(3):
            world.add(*map(str, range(40)))
            await asyncio.sleep(0.5)
        await asyncio.sleep(10)
    assert world.most == 16
    runs = Counter(key for key, _ in world.began)
    assert len(runs) == 40
    assert set(runs.values()) <= {1, 2, 3}


async def test_a_key_that_changes_while_it_runs_runs_once_more():
    async with World(pause) as world:
        world.add("a")
        await asyncio.sleep(0.5)
        for _ in range(10_000):
            world.add("a")
        await asyncio.sleep(5)
    assert world.times("a") == [0.0, 1.0]


async def test_a_slow_key_delays_nobody():
    async def do(key):
        await asyncio.sleep(100 if key == "slow" else 0.01)
        return DONE

    async with World(do, limit=ConcurrencyLimit(2)) as world:
        world.add("slow")
        for number in range(50):
            world.add(str(number))
        await asyncio.sleep(1)
        assert len(world.outcomes) == 50


async def test_requeue_after_looks_again_at_that_time():
    answers = [RequeueAfter(5.0, "cache is behind"), RequeueAfter(0.0, "more to do"), DONE]

    async def do(key):
        return answers.pop(0)

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(20)
    assert world.times("a") == [0.0, 5.0, 5.0]
    assert world.outcomes[0].verdict is Verdict.REQUEUED
    assert (world.outcomes[0].retry_in, world.outcomes[0].reason) == (5.0, "cache is behind")


async def test_a_change_of_input_wakes_a_requeued_key_and_voids_its_wait():
    async def do(key):
        return RequeueAfter(50.0) if len(world.began) == 1 else DONE

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(10)
        world.add("a")
        await asyncio.sleep(100)
    assert world.times("a") == [0.0, 10.0]


@pytest.mark.parametrize("raised", [True, False])
@pytest.mark.parametrize(
    ("error", "times"),
    [
        (refusing(503, RetryClass.TRANSIENT), [0, 0.8, 2.4, 5.6, 12.0, 24.8, 50.4, 80.4]),
        (refusing(409, RetryClass.CONFLICT), [0, 0, 0.005, 0.015, 0.035, 0.075, 0.875, 2.475]),
        (refusing(422, RetryClass.TERMINAL), [0]),
        (refusing(429, RetryClass.TRANSIENT, 8.0), [0, 10, 20, 30, 40, 50, 60, 70]),
        (RuntimeError("bug"), [0, 0.005, 0.015, 0.035, 0.075, 0.155, 0.315, 0.635]),
    ],
)
async def test_a_failed_key_waits_by_the_class_of_its_error(error, times, raised):
    async def do(key):
        if raised:
            raise error
        return Retry(error)

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(90)
    assert world.times("a")[:8] == pytest.approx(times, abs=0.005)
    first = world.outcomes[0]
    assert (first.verdict, first.attempts, first.error) == (Verdict.FAILED, 1, error)
    assert first.retry_class is getattr(error, "retry_class", None)
    assert [o.attempts for o in world.outcomes] == list(range(1, len(world.outcomes) + 1))


async def test_a_terminal_key_wakes_by_a_change_of_input_or_after_ten_minutes():
    async def do(key):
        raise refusing(422, RetryClass.TERMINAL)

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(100)
        world.add("a")
        await asyncio.sleep(800)
    assert world.times("a") == [0, 100, 700]


async def test_a_success_ends_the_row_of_failures():
    answers = [refusing(503, RetryClass.TRANSIENT), refusing(503, RetryClass.TRANSIENT), None]

    async def do(key):
        error = answers.pop(0) if answers else refusing(503, RetryClass.TRANSIENT)
        if error:
            raise error
        return DONE

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(10)
        world.add("a")
        await asyncio.sleep(1)
    assert world.outcomes[3].attempts == 1


async def test_a_reconcile_without_a_result_is_a_bug_of_its_own():
    async def do(key):
        return None

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(0.001)
    assert isinstance(world.outcomes[0].error, TypeError)


async def test_throttling_halves_the_limit():
    async def do(key):
        raise refusing(429, RetryClass.TRANSIENT)

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(0.1)
        assert world.controller.limit.limit == 8


async def test_a_smaller_limit_ends_workers_and_a_larger_one_begins_more():
    limit = ConcurrencyLimit()
    async with World(pause, limit=limit) as world:
        world.add(*map(str, range(200)))
        await asyncio.sleep(0.5)
        limit.limit = 4
        await asyncio.sleep(2)
        assert len(world.controller.in_flight) in {4, 5}  # a calm server lets it grow
        limit.limit = 20
        await asyncio.sleep(2)
        assert len(world.controller.in_flight) in {20, 21}


async def test_the_limit_grows_while_reconciles_that_wait_for_a_server_are_quick():
    async def do(key):
        await asyncio.sleep(0.01)
        return DONE

    async with World(do) as world:
        world.add(*map(str, range(5000)))
        await asyncio.sleep(60)
        assert len(world.outcomes) == 5000
        assert world.controller.limit.limit == 64
    assert world.most == 64


async def test_reconciles_that_wait_for_nothing_say_nothing_about_the_server():
    async with World() as world:
        world.add(*map(str, range(1000)))
        await asyncio.sleep(1)
        assert world.controller.limit.limit == 16


# F55, F56, F76


async def test_f55_a_reconcile_that_raises_harms_no_other_key(logged):
    async def do(key):
        assert key != "bad", "bad"
        return DONE

    async with World(do) as world:
        world.add("bad", "a", "b")
        await asyncio.sleep(3)
        assert {o.key for o in world.outcomes if o.verdict is Verdict.DONE} == {"a", "b"}
        assert world.queue.attempts("bad") > 5
    assert next(line["key"] for line in logged if line["log_level"] == "error") == "bad"


async def test_f76_a_poisoned_key_does_not_slow_down_the_others():
    async def do(key):
        await asyncio.sleep(0.01)
        if key == "poisoned":
            raise RuntimeError("always")
        return DONE

    async with World(do, limit=ConcurrencyLimit(1)) as world:
        world.add("poisoned")
        await asyncio.sleep(3600)
        before = len(world.times("poisoned"))
        world.add(*map(str, range(100)))
        await asyncio.sleep(2)
        assert len({o.key for o in world.outcomes}) == 101
        assert len(world.times("poisoned")) - before <= 1
        assert before < 25


@pytest.mark.parametrize("turns", range(8))
async def test_f56_cancelled_at_any_await_the_key_is_done_once_and_comes_again(turns):
    steps = 0

    async def do(key):
        nonlocal steps
        for _ in range(5):
            await asyncio.sleep(0)
            steps += 1
        return DONE

    async with World(do) as world:
        world.add("a", "b")
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asyncio.all_tasks():
            if task.get_name().startswith("spec-worker"):
                task.cancel()
        await asyncio.sleep(1)
        assert {o.key for o in world.outcomes if o.verdict is Verdict.DONE} == {"a", "b"}
        assert len(world.queue) == 0
        world.add("a")
        await asyncio.sleep(1)
        assert world.outcomes[-1].verdict is Verdict.DONE


async def test_f56_something_awaited_that_is_cancelled_is_a_failure_and_no_hot_loop():
    async def do(key):
        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        await cancelled

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(10)
        assert 5 < len(world.outcomes) < 20
        assert {o.verdict for o in world.outcomes} == {Verdict.CANCELLED}


@pytest.mark.parametrize("turns", range(6))
async def test_f56_run_cancelled_at_any_moment_ends_with_all_its_tasks(turns):
    world = World(pause)
    async with world:
        world.add(*map(str, range(40)))
        world.queue.add_after("late", 50.0, world.clock.monotonic())
        for _ in range(turns):
            await asyncio.sleep(0)
        world.task.cancel()
        await asyncio.wait([world.task])
        assert world.task.cancelled()
    assert len(world.queue) + world.queue.delayed == 41


async def test_an_outcome_hook_that_fails_is_logged_and_harms_nothing(logged):
    def hook(outcome):
        raise RuntimeError("journal")

    async with World(on_outcome=hook) as world:
        world.add("a", "b")
        await asyncio.sleep(0.1)
        assert len(world.began) == 2
    assert [line["event"] for line in logged] == ["the outcome hook failed"] * 2


async def test_without_a_hook_it_works_too():
    world = World()
    world.controller._on_outcome = None
    async with world:
        world.add("a")
        await asyncio.sleep(0.1)
        assert len(world.began) == 1


# Stopping, fault F53


async def test_stop_takes_no_new_keys_and_lets_those_in_flight_finish():
    async with World(pause, limit=ConcurrencyLimit(2)) as world:
        world.add("a", "b", "c")
        await asyncio.sleep(0.5)
        world.controller.stop(30)
        assert world.controller.stopping
        world.add("d")
        await asyncio.wait([world.task])
        assert world.clock.monotonic() - world.start == 1.0
        assert [o.key for o in world.outcomes if o.verdict is Verdict.DONE] == ["a", "b"]
        assert len(world.queue) == 2


async def test_what_does_not_finish_within_the_grace_is_cancelled():
    async def do(key):
        await asyncio.sleep(2 if key == "quick" else 1000)
        return DONE

    async with World(do) as world:
        world.add("quick", "slow")
        await asyncio.sleep(1)
        world.controller.stop(10)
        await asyncio.wait([world.task])
        assert world.clock.monotonic() - world.start == 11.0
        assert [(o.key, o.verdict) for o in world.outcomes] == [
            ("quick", Verdict.DONE),
            ("slow", Verdict.CANCELLED),
        ]


async def test_a_second_stop_cancels_at_once():
    async def do(key):
        await asyncio.sleep(1000)

    async with World(do) as world:
        world.add("a")
        await asyncio.sleep(1)
        world.controller.stop(30)
        await asyncio.sleep(1)
        world.controller.stop(30)
        await asyncio.wait([world.task])
        assert world.clock.monotonic() - world.start == 2.0


async def test_stopped_before_it_runs_it_reconciles_nothing():
    world = World()
    world.add("a")
    world.controller.stop()
    async with world:
        await asyncio.wait([world.task])
    assert world.began == []


# Load


async def test_f17_a_burst_of_ten_thousand_events_is_a_few_reconciles():
    async with World(pause) as world:
        for _ in range(100):
            for _ in range(100):
                world.add("a")
            await asyncio.sleep(0.03)
        await asyncio.sleep(5)
    assert len(world.began) <= 5


async def test_f75_ten_workspaces_get_the_same_share_and_the_concurrency_is_bounded():
    async def do(key):
        await asyncio.sleep(0.01)
        return DONE

    world = World(do, fairness=lambda key: key.split("/")[0], limit=ConcurrencyLimit(16))
    for workspace in range(10):
        world.add(*(f"{workspace}/{number}" for number in range(300)))
    async with world:
        await asyncio.sleep(0.5)
        done = Counter(o.key.split("/")[0] for o in world.outcomes)
        assert len(done) == 10
        assert max(done.values()) - min(done.values()) <= 3
        await asyncio.sleep(5)
        assert len(world.outcomes) == 3000
    assert world.most == 16


async def test_a_flood_that_waits_for_nothing_leaves_the_loop_its_turns():
    """Time stands still under looptime, so the clock is made to pass with each look at it."""
    world = World()
    began = 0.0

    def ticking():
        nonlocal began
        began += 0.0005
        return began

    world.clock.monotonic = ticking  # type: ignore[method-assign]
    world.start = 0.0
    turns = 0

    async def heart():
        nonlocal turns
        while len(world.began) < 1000:
            turns += 1
            await asyncio.sleep(0)

    world.controller.queue.add("first", 0.0)
    for number in range(1000):
        world.queue.add(str(number), 0.0)
    async with world:
        await heart()
    assert turns > 100


async def test_the_watchdog_can_name_the_key_of_a_worker():
    async with World(pause) as world:
        world.add("a", "b")
        await asyncio.sleep(0.5)
        names = [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("spec-worker")]
        assert {world.controller.key_of(name) for name in names} == {"a", "b"}
        assert world.controller.key_of("spec-worker-99") is None
        assert set(world.controller.in_flight) == {"a", "b"}
