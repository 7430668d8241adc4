"""`Informer`: keeps a `Store` like the objects of one type on one server. The thin shell around the reflector machine.

It is given two functions, usually `Client.list_page` and `Client.watch` bound to a type and a selector, and carries out
what the machine asks for: fetch a page, open a watch, wait. While it does, a guard watches the deadlines (silence, the
periodic relist). Guarantees:

- `run` goes on for ever, whatever the server, a listener or `trim` does; cancel its task to stop it. The store stays.
- The reader never waits for a reconcile: `on_change` only enqueues, and must not block (F16).
- Losing the server is loss of sight: the store keeps what it has, `fresh` turns false, `status` says why and since when.
- A regressed server (F23) is told to `on_regression` before the first change that its list makes.

Not here: what a change means. Every rule of listing and watching is in `reflector`; this file has no `if` about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.engine import reflector
from tmc_syncer.engine import reflector_outputs as outputs
from tmc_syncer.engine import reflector_states as states
from tmc_syncer.engine.env import Env
from tmc_syncer.engine.informer_health import InformerHealth, InformerStatus
from tmc_syncer.engine.refusal import refusal_of
from tmc_syncer.engine.sources import ListFunction, WatchFunction
from tmc_syncer.engine.store import Change, Store
from tmc_syncer.engine.transitions import Step

__all__ = ["RELIST_SECONDS", "Informer"]

PAGE_SIZE = 500
WATCH_SECONDS = (300.0, 600.0)
"""Each watch asks for a random timeout between these, so that a thousand watches do not end together."""

RELIST_SECONDS = 600.0
"""Resync (semantics.md, "Numbers"): what a watch lost (F09) is found this late at most."""

GUARD_SECONDS = 15.0
"""How often the guard looks: a deadline that a first bookmark brought nearer is noticed this late at most."""


class _InterruptedError(Exception):
    """The guard or a relist ends what is being carried out: the machine wants something else."""


class Informer:
    """See the module docstring.

    `trim` drops from a record what nobody reads; `selects` is the selector of the two functions, for replies that show an
    object leaving the view. `seen_version` is the last version that an earlier process saw.
    """

    def __init__(  # noqa: PLR0913  # an informer is wired once, by keywords
        self,
        *,
        name: str,
        list_page: ListFunction,
        watch: WatchFunction,
        env: Env,
        on_change: Callable[[Change], None] | None = None,
        trim: Callable[[Record], Record] | None = None,
        selects: Callable[[Record], bool] | None = None,
        page_size: int = PAGE_SIZE,
        watch_list: bool = True,
        relist_seconds: float = RELIST_SECONDS,
        seen_version: str = "",
        on_regression: Callable[[str, str], None] | None = None,
    ) -> None:
        self.name = name
        self.health = InformerHealth(name)
        self.store = Store(
            env.clock.monotonic,
            selects=selects,
            trim=None if trim is None else self.health.guarded_trim(trim),
            on_listener_error=lambda error: self.health.bug("on_change", error),
        )
        if on_change is not None:
            self.store.subscribe(on_change)
        self._list_page = list_page
        self._watch = watch
        self._clock = env.clock
        self._uniform = env.rng.uniform
        self._page_size = page_size
        self._watch_list = watch_list
        self._relist_seconds = relist_seconds
        self._seen_version = seen_version
        self._on_regression = on_regression
        self._state: states.State | None = None
        self._request: outputs.Request | None = None
        self._collected: dict[Key, Record] = {}
        self._relist_due = 0.0
        self._relist_wanted = asyncio.Event()
        self._swapped = asyncio.Event()
        self._synced = asyncio.Event()

    # For the owner

    @property
    def synced(self) -> bool:
        """Whether a complete list was seen."""
        return self.store.synced

    def fresh(self, now: float) -> bool:
        """Whether the store may be acted on: synced, and heard of within the idle deadline with nothing wrong since."""
        return self._state is not None and reflector.is_fresh(self._state, now)

    async def wait_synced(self) -> None:
        """Return once a complete list was seen."""
        await self._synced.wait()

    def request_relist(self) -> None:
        """List again now: at once when watching or waiting, after the list that is under way otherwise."""
        self._relist_wanted.set()

    def status(self, now: float) -> InformerStatus:
        """What ``/statusz`` shows."""
        state, fresh = self._state, self.fresh(now)
        heard = None if state is None or not self.synced else now - reflector.heard_at(state)
        return InformerStatus(
            name=self.name,
            state="Stopped" if state is None else type(state).__name__,
            synced=self.synced,
            fresh=fresh,
            heard_seconds_ago=heard,
            objects=len(self.store),
            resource_version=self.store.resource_version,
            relists=self.health.relists,
            restarts=dict(self.health.restarts),
            last_error=self.health.last_error,
        )

    async def run(self) -> None:
        """List and watch until cancelled. May be run again later; only one at a time."""
        seen = self.store.resource_version or self._seen_version
        now = self._clock.monotonic()
        self._relist_due = now + self._relist_seconds
        self._take(reflector.begin(now, seen_version=seen, watch_list=self._watch_list))
        try:
            while True:
                request, self._request = self._request, None
                assert request is not None, f"the machine is stuck in {self._state}"
                await self._guarded(request)
        finally:
            self._state = None
            self._collected = {}

    # Carrying out requests

    async def _guarded(self, request: outputs.Request) -> None:
        """Carry out one request until the machine wants another."""
        try:
            async with asyncio.TaskGroup() as group:
                guards = (
                    group.create_task(self._guard_deadlines(), name=f"{self.name}-guard"),
                    group.create_task(self._guard_relists(), name=f"{self.name}-relist"),
                )
                try:
                    await self._carry_out(request)
                finally:
                    for guard in guards:
                        guard.cancel()
        except* _InterruptedError:
            pass
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Until Python 3.13 a TaskGroup that fails while it is cancelled reports the failure only.
            raise asyncio.CancelledError

    async def _carry_out(self, request: outputs.Request) -> None:
        try:
            match request:
                case outputs.FetchPage():
                    await self._fetch(request)
                case outputs.AskVersion():
                    page = await self._list_page(limit=1, continue_token="", resource_version="", match="")
                    self._feed(states.PageArrived(self._clock.monotonic(), (), page.resource_version, ""))
                case outputs.OpenWatch():
                    await self._read(request)
                case outputs.Wait(low, high):
                    seconds = self._uniform(low, high)
                    self.health.waits(self._clock.monotonic(), seconds)
                    await self._clock.sleep(seconds)
                    self._feed(states.WaitOver(self._clock.monotonic()))
        except Exception as error:  # noqa: BLE001  # of the server, a listener or ours: the machine waits and goes on
            self._feed(states.Failed(self._clock.monotonic(), refusal_of(error)))

    async def _fetch(self, request: outputs.FetchPage) -> None:
        page = await self._list_page(
            limit=self._page_size if request.paged else 0,
            continue_token=request.token,
            resource_version=request.resource_version,
            match=request.match,
        )
        now = self._clock.monotonic()
        self._feed(states.PageArrived(now, page.records, page.resource_version, page.continue_token))

    async def _read(self, request: outputs.OpenWatch) -> None:
        monotonic, timeout = self._clock.monotonic, int(self._uniform(*WATCH_SECONDS))
        async with self._watch(
            resource_version=request.resource_version,
            timeout_seconds=timeout,
            send_initial_events=request.initial,
        ) as events:
            self._feed(states.WatchOpened(monotonic(), timeout))
            async for event in events:
                self._feed(states.EventArrived(monotonic(), event))
                if self._request is not None:
                    return
        self._feed(states.WatchClosed(monotonic()))

    async def _guard_deadlines(self) -> None:
        while True:
            now = self._clock.monotonic()
            if now >= self._relist_due:
                self._relist_due = now + self._relist_seconds
                self.request_relist()
            silent = None if self._state is None else reflector.deadline(self._state)
            if silent is not None and now >= silent:
                self._feed(states.Silent(now))
                raise _InterruptedError
            left = min(
                GUARD_SECONDS, self._relist_due - now, GUARD_SECONDS if silent is None else silent - now
            )
            await self._clock.sleep(max(left, 0.001))
            if self.fresh(self._clock.monotonic()):
                self.health.well()  # not at the first sign: a server may close each watch as soon as it opened it

    async def _guard_relists(self) -> None:
        while True:
            await self._relist_wanted.wait()
            self._feed(states.RelistWanted(self._clock.monotonic()))
            if self._request is not None:
                self._relist_wanted.clear()
                raise _InterruptedError
            # A list is under way, and may be older than the wish.
            await self._swapped.wait()

    # The machine

    def _feed(self, given: states.Input) -> None:
        """Take a step, unless the machine already waits for another request to be carried out."""
        if self._request is None and self._state is not None:
            if isinstance(given, states.WatchClosed):
                self.health.closed()
            self._take(reflector.step(self._state, given))

    def _take(self, step: Step) -> None:
        self._state, answers = step
        for output in answers:
            match output:
                case outputs.FetchPage() | outputs.AskVersion() | outputs.OpenWatch() | outputs.Wait():
                    self._request = output
                case _:
                    self._perform(output)

    def _perform(self, effect: outputs.Effect) -> None:
        match effect:
            case outputs.Put(record):
                self.store.put(record)
            case outputs.Remove(record):
                self.store.remove(record)
            case outputs.Advance(version):
                self.store.advance(version)
            case outputs.Collect(records):
                for record in records:
                    self._collected[record.key] = record
            case outputs.Uncollect(key):
                self._collected.pop(key, None)
            case outputs.Discard():
                self._collected = {}
                self._swapped.clear()
            case outputs.Swap(version):
                self._swap(version)
            case outputs.Regressed(old, new):
                self._regressed(old, new)
            case outputs.Trouble(refusal):
                self.health.trouble(refusal)
            case outputs.UnknownType(name):
                self.health.unknown_type(name)

    def _swap(self, version: str) -> None:
        collected, self._collected = self._collected, {}
        self._relist_due = self._clock.monotonic() + self._relist_seconds * self._uniform(0.9, 1.1)
        self.health.well()
        self.health.relists += self.store.synced
        self.store.replace(collected.values(), version)
        self._swapped.set()
        self._synced.set()

    def _regressed(self, old: str, new: str) -> None:
        try:
            if self._on_regression is not None:
                self._on_regression(old, new)
        except Exception as error:  # noqa: BLE001  # the new list has to be taken in whatever its listener does
            self.health.bug("on_regression", error)
        self.store.reset()
