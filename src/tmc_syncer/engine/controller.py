"""`Controller`: reconciles the ready keys of a work queue, as many at once as the limit allows. A thin asyncio shell.

`reconcile(key)` gets a name and nothing else: it reads the stores, decides, performs at most one write and returns a
`Result` (see `outcomes`). The controller guarantees:

- never two reconciles of one key at once, never a lost key: whatever a reconcile does (returns, raises, is cancelled),
  its key is `done` exactly once, and a failed one waits by the class of its error;
- one bad key harms no other: its exception ends nothing but its own attempt (F55, F76);
- `stop(grace)` takes no new keys, lets those in flight finish for `grace` seconds and cancels the rest; a second `stop`
  cancels at once (F53). Cancelling `run` itself cancels everything at once. Either way `run` leaves no task behind.

Keys are worked off by tasks that take the next ready key when they are through with one, and end when there is none or
there are more of them than the limit: the same order and bounds as a task per key, for less CPU. Together they never
hold the loop for much longer than `SLICE_SECONDS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from tmc_syncer.engine.alarm import Alarm
from tmc_syncer.engine.backoff import failure_of
from tmc_syncer.engine.dispatcher import ConcurrencyLimit
from tmc_syncer.engine.env import Env
from tmc_syncer.engine.outcomes import Done, Outcome, RequeueAfter, Result, Retry, Verdict
from tmc_syncer.engine.turns import Turns
from tmc_syncer.engine.workqueue import WorkQueue

__all__ = ["GRACE_SECONDS", "Controller"]

K = TypeVar("K", bound=Hashable)

GRACE_SECONDS = 30.0
"""Graceful stop (semantics.md, "Numbers")."""

SLICE_SECONDS = 0.005
"""Reconciles that find nothing to do never suspend; after this long the loop gets a turn, so that watches and heartbeats
are served on time while ten thousand of them pass."""


class Controller(Generic[K]):
    """See the module docstring. `on_outcome` is called after each reconcile and must not block.

    `limit` learns from how long reconciles that waited for a server took, and from 429s. Controllers that load the same
    server may share one: each then runs up to that many.
    """

    def __init__(
        self,
        name: str,
        queue: WorkQueue[K],
        reconcile: Callable[[K], Awaitable[Result]],
        env: Env,
        *,
        limit: ConcurrencyLimit | None = None,
        on_outcome: Callable[[Outcome[K]], None] | None = None,
    ) -> None:
        self.name = name
        self.queue = queue
        self.limit = limit or ConcurrencyLimit()
        self._reconcile = reconcile
        self._clock = env.clock
        self._on_outcome = on_outcome
        self._log = structlog.get_logger("tmc.engine.controller").bind(controller=name)
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._running: dict[int, tuple[K, float]] = {}
        self._turns = Turns()
        self._alarm: Alarm | None = None
        self._stopping = False
        self._stop_at = 0.0

    @property
    def in_flight(self) -> dict[K, float]:
        """The keys that are being reconciled, each with the monotonic time of its beginning."""
        return dict(self._running.values())

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    def key_of(self, task_name: str) -> K | None:
        """The key that the worker task of this name has in hand, so that a watchdog can name who blocks the loop."""
        for number, (key, _) in self._running.items():
            if task_name == self._task_name(number):
                return key
        return None

    def add(self, key: K, priority: int = 0) -> None:
        """`key` needs a look."""
        self.queue.add(key, self._clock.monotonic(), priority)

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """End `run`: no new keys, `grace_seconds` for those in flight. The second call cancels those at once."""
        now = self._clock.monotonic()
        self._stop_at = now if self._stopping else now + grace_seconds
        self._stopping = True
        self._ring()

    async def run(self) -> None:
        """Reconcile until `stop`. It raises nothing but `asyncio.CancelledError`, when it is cancelled itself."""
        async with asyncio.TaskGroup() as group:
            self._alarm = Alarm(self._clock, group, f"{self.name}-alarm")
            self.queue.on_ready = self._alarm.ring
            try:
                await self._dispatch(group, self._alarm)
                await self._drain(self._alarm)
            finally:
                self.queue.on_ready = None
                self._alarm.close()
                self._alarm = None

    # Inside

    async def _dispatch(self, group: asyncio.TaskGroup, alarm: Alarm) -> None:
        """See that there are enough workers for the ready keys, until `stop`."""
        number = 0
        while not self._stopping:
            now = self._clock.monotonic()
            self.queue.promote(now)
            # A worker without a key was just started, or is giving the loop a turn: it takes the next one.
            idle = len(self._workers) - len(self._running)
            for _ in range(min(len(self.queue) - idle, self.limit.limit - len(self._workers))):
                number += 1
                self._start_worker(group, number)
            # With keys left all slots are taken; a worker rings when it ends or finds room for another.
            await alarm.wait(None if len(self.queue) else self.queue.next_wakeup(now))

    async def _drain(self, alarm: Alarm) -> None:
        """Wait for the workers until the grace is over, then cancel them."""
        while self._workers and (left := self._stop_at - self._clock.monotonic()) > 0:
            await alarm.wait(left)
        for worker in tuple(self._workers.values()):
            worker.cancel()

    def _start_worker(self, group: asyncio.TaskGroup, number: int) -> None:
        worker = group.create_task(self._work(number), name=self._task_name(number))
        self._workers[number] = worker
        # A task that is cancelled before its first step never enters its coroutine: only the callback is certain.
        worker.add_done_callback(lambda _: self._ended(number))

    async def _work(self, number: int) -> None:
        """Take ready keys until there is none, or too many workers."""
        clock, queue, running, turns = self._clock, self.queue, self._running, self._turns
        while not self._stopping and len(self._workers) <= self.limit.limit:
            now = clock.monotonic()
            if turns.spent(now) > SLICE_SECONDS:
                await clock.sleep(0)
                continue
            key = queue.get(now)
            if key is None:
                break
            if len(queue) and len(self._workers) < self.limit.limit:
                self._ring()
            running[number] = (key, now)
            turn = turns.count
            try:
                result = await self._reconcile(key)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is this key's failure only (F55)
                result = Retry(error)
            except BaseException as error:  # cancelled, or the process ends
                self._abandoned(number, key, now, error)
                raise
            self._finished(number, key, now, result, waited=turns.count != turn)
        self._ended(number)

    def _finished(self, number: int, key: K, began: float, result: Result, *, waited: bool) -> None:
        now = self._clock.monotonic()
        seconds = now - began
        if waited:
            self.limit.observe(seconds, now, in_flight=len(self._running))
        del self._running[number]
        try:
            outcome = self._settle(key, result, seconds, now)
        finally:
            self.queue.done(key, now)
        self._report(outcome)

    def _settle(self, key: K, result: object, seconds: float, now: float) -> Outcome[K]:
        """Bring the queue in line with the result."""
        queue = self.queue
        match result:
            case Done():
                queue.forget(key)
                return Outcome(key, Verdict.DONE, seconds)
            case RequeueAfter(wait, reason):
                queue.forget(key)
                queue.retry_after(key, wait, now, queue.priority_of(key))
                return Outcome(key, Verdict.REQUEUED, seconds, retry_in=wait, reason=reason)
            case Retry(error):
                return self._failed(key, error, seconds, now)
            case _:
                return self._failed(
                    key, TypeError(f"a reconcile returned {result!r}, no Result"), seconds, now
                )

    def _failed(self, key: K, error: BaseException, seconds: float, now: float) -> Outcome[K]:
        queue = self.queue
        retry_class, retry_after = failure_of(error)
        if retry_after is not None or getattr(error, "status", 0) == 429:
            self.limit.throttled(now)
        if retry_class is None:
            self._log.error("reconcile failed by an error of ours", key=str(key), exc_info=error)
        wait = queue.add_rate_limited(
            key, retry_class, now, retry_after=retry_after, priority=queue.priority_of(key)
        )
        return Outcome(
            key,
            Verdict.FAILED,
            seconds,
            attempts=queue.attempts(key),
            retry_in=wait,
            reason=str(error),
            error=error,
            retry_class=retry_class,
        )

    def _abandoned(self, number: int, key: K, began: float, error: BaseException) -> None:
        """The reconcile was cancelled. Its key needs another look, whoever takes it."""
        now = self._clock.monotonic()
        del self._running[number]
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            self.queue.add(key, now, self.queue.priority_of(key))
        else:  # nobody cancelled this task: something that it awaited was cancelled, and may be again
            self.queue.add_rate_limited(key, None, now, priority=self.queue.priority_of(key))
        self.queue.done(key, now)
        self._report(Outcome(key, Verdict.CANCELLED, now - began, error=error))

    def _report(self, outcome: Outcome[K]) -> None:
        if self._on_outcome is None:
            return
        try:
            self._on_outcome(outcome)
        except Exception as error:  # noqa: BLE001  # a journal that fails must not end the worker
            self._log.error("the outcome hook failed", key=str(outcome.key), exc_info=error)

    def _ended(self, number: int) -> None:
        if self._workers.pop(number, None) is not None:
            self._ring()

    def _ring(self) -> None:
        if self._alarm is not None:
            self._alarm.ring()

    def _task_name(self, number: int) -> str:
        return f"{self.name}-worker-{number}"
