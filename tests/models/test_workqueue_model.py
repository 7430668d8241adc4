"""The work queue against what client-go's is: three sets, here with priorities, shares and two kinds of delay."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tmc_syncer.engine.backoff import retry_seconds
from tmc_syncer.engine.workqueue import WorkQueue
from tmc_syncer.kube.errors import RetryClass

KEYS = st.tuples(st.sampled_from("xyz"), st.integers(0, 3))
PRIORITIES = st.integers(-1, 2)
SECONDS = st.sampled_from([-1.0, 0.0, 0.25, 1.0, 5.0, 60.0])
CLASSES = st.sampled_from([None, *RetryClass])

Key = tuple[str, int]


class QueueMachine(RuleBasedStateMachine):
    """`ready` and `dirty` (the dirty keys in process) hold priority and since; `promised` and `retries` time and priority."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rings = 0
        self.queue: WorkQueue[Key] = WorkQueue(fairness=lambda key: key[0], on_ready=self.ring)
        self.ready: dict[Key, tuple[int, float]] = {}
        self.dirty: dict[Key, tuple[int, float]] = {}
        self.processing: dict[Key, int] = {}
        self.promised: dict[Key, tuple[float, int]] = {}
        self.retries: dict[Key, tuple[float, int]] = {}
        self.attempts: dict[Key, int] = {}
        # For each waiting share of a priority: the shares that were served while it waited.
        self.passed: dict[tuple[int, str], set[str]] = {}

    def ring(self) -> None:
        self.rings += 1

    # What it should be

    def model_add(self, key: Key, priority: int) -> None:
        where = self.dirty if key in self.processing else self.ready
        before = where.get(key)
        if before is None:
            where[key] = (priority, self.now)
        elif priority > before[0]:
            where[key] = (priority, before[1])

    def model_due(self) -> None:
        for delayed in (self.promised, self.retries):
            for key in [key for key, (when, _) in delayed.items() if when <= self.now]:
                self.model_add(key, delayed.pop(key)[1])

    def model_retry(self, key: Key, seconds: float, priority: int) -> None:
        self.retries.pop(key, None)
        if seconds <= 0:
            self.model_add(key, priority)
        else:
            self.retries[key] = (self.now + seconds, priority)

    # What happens

    @rule(key=KEYS, priority=PRIORITIES)
    def add(self, key: Key, priority: int) -> None:
        rings, fresh = self.rings, key not in self.ready and key not in self.processing
        self.queue.add(key, self.now, priority)
        self.model_add(key, priority)
        assert not fresh or self.rings > rings

    @rule(key=KEYS, seconds=SECONDS, priority=PRIORITIES)
    def add_after(self, key: Key, seconds: float, priority: int) -> None:
        self.queue.add_after(key, seconds, self.now, priority)
        if seconds <= 0:
            self.model_add(key, priority)
            return
        when, before = self.now + seconds, self.promised.get(key)
        if before is not None:
            when, priority = min(when, before[0]), max(priority, before[1])
        self.promised[key] = (when, priority)

    @rule(key=KEYS, seconds=SECONDS, priority=PRIORITIES)
    def retry_after(self, key: Key, seconds: float, priority: int) -> None:
        self.queue.retry_after(key, seconds, self.now, priority)
        self.model_retry(key, seconds, priority)

    @rule(key=KEYS, retry_class=CLASSES, asked=st.sampled_from([None, 0.0, 3.0]))
    def add_rate_limited(self, key: Key, retry_class: RetryClass | None, asked: float | None) -> None:
        seconds = self.queue.add_rate_limited(key, retry_class, self.now, retry_after=asked)
        self.attempts[key] = self.attempts.get(key, 0) + 1
        assert seconds == retry_seconds(retry_class, self.attempts[key], lambda low, high: high, asked)
        self.model_retry(key, seconds, 0)

    @rule(key=KEYS)
    def forget(self, key: Key) -> None:
        self.queue.forget(key)
        self.attempts.pop(key, None)
        self.retries.pop(key, None)

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def get(self) -> None:
        self.model_due()
        key = self.queue.get(self.now)
        if key is None:
            assert not self.ready
            return
        priority, since = self.ready[key]
        assert priority == max(found for found, _ in self.ready.values())
        lane = [(other, at) for other, (found, at) in self.ready.items() if found == priority]
        # Never before another key of its share that has been of this priority for longer would need the order of rises;
        # what has to hold is fairness between the shares.
        for share in {other[0] for other, _ in lane} - {key[0]}:
            passed = self.passed.setdefault((priority, share), set())
            assert key[0] not in passed, f"{key[0]} was served twice while {share} waited"
            passed.add(key[0])
        self.passed.pop((priority, key[0]), None)
        del self.ready[key]
        self.forget_empty_shares()
        self.retries.pop(key, None)
        self.processing[key] = priority
        assert since <= self.now

    def forget_empty_shares(self) -> None:
        waiting = {(priority, key[0]) for key, (priority, _) in self.ready.items()}
        self.passed = {share: passed for share, passed in self.passed.items() if share in waiting}

    @precondition(lambda self: self.processing)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.processing)))
        self.queue.done(key, self.now)
        del self.processing[key]
        dirty = self.dirty.pop(key, None)
        if dirty is not None:
            self.ready[key] = dirty

    # What always holds

    @invariant()
    def the_sets_are_the_same(self) -> None:
        assert len(self.queue) == len(self.ready)
        assert set(self.queue.processing) == set(self.processing)
        assert self.queue.delayed == len(self.promised.keys() | self.retries.keys())
        for key in self.ready.keys() | self.dirty.keys():
            assert key in self.queue
        for key, priority in self.processing.items():
            assert self.queue.priority_of(key) == priority
            assert key not in self.ready

    @invariant()
    def times_and_attempts_are_the_same(self) -> None:
        for share in "xyz":
            for number in range(4):
                key = (share, number)
                times = [delayed[key][0] for delayed in (self.promised, self.retries) if key in delayed]
                assert self.queue.next_try(key) == min(times, default=None)
                assert self.queue.attempts(key) == self.attempts.get(key, 0)
        assert self.queue.oldest(self.now) == self.now - min(
            (since for _, since in self.ready.values()), default=self.now
        )
        times = [when for delayed in (self.promised, self.retries) for when, _ in delayed.values()]
        expected = 0.0 if self.ready else max(0.0, min(times) - self.now) if times else None
        assert self.queue.next_wakeup(self.now) == expected

    def teardown(self) -> None:
        """Left alone, every key is handed out once more at most, and nothing stays behind."""
        for key in list(self.processing):
            self.queue.done(key, self.now)
        self.now += 10_000.0
        seen: list[Key] = []
        while (taken := self.queue.get(self.now)) is not None:
            seen.append(taken)
            self.queue.done(taken, self.now)
        expected = self.ready.keys() | self.dirty.keys() | self.promised.keys() | self.retries.keys()
        assert sorted(seen) == sorted(expected)
        assert (len(self.queue), self.queue.delayed, self.queue.next_wakeup(self.now)) == (0, 0, None)


TestQueue = QueueMachine.TestCase
