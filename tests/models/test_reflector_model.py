"""The reflector against a reference log: what the store shows is always one state that the server was in, the one of the
version that the reflector has come to; and left alone with a healthy server it comes to the newest.

Each request of the machine is answered by a rule: with success, or with one of the faults of a real server. Events of a
watch come one by one, in order, and the connection may break, fall silent or end between any two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.engine.records import record
from tests.unit.engine.watching import Event, Machine, bookmark, error_event
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.engine import reflector
from tmc_syncer.engine import reflector_outputs as outputs
from tmc_syncer.engine import reflector_states as states
from tmc_syncer.engine.refusal import Failure
from tmc_syncer.engine.store import Store

NAMES = st.sampled_from("abcd")
World = dict[str, Record]
Decorator = Callable[[Any], Any]
"""Of a rule; hypothesis has no types that a stack of them keeps."""


def asks(*kinds: type) -> Decorator:
    return precondition(lambda self: isinstance(self.machine.request, kinds))


def in_state(kind: type[states.Watching], *, initial: bool | None = None) -> Decorator:
    def holds(self: ReflectorMachine) -> bool:
        state = self.machine.state
        return (
            self.machine.request is None
            and isinstance(state, kind)
            and (initial is None or state.initial is initial)
        )

    return precondition(holds)


class ReflectorMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        # The server.
        self.version = 10
        self.uids = 0
        self.objects: World = {}
        self.log: list[Event] = []
        self.worlds: dict[int, World] = {10: {}}
        self.compacted = 0
        # The client.
        self.machine = Machine()
        self.store = Store(lambda: self.machine.now)
        self.collected: dict[Key, Record] = {}
        self.shown: World = {}  # the state that the store has to show
        self.regressions = 0
        # The connection of an open watch, and the pages of a list under way.
        self.stream: list[Event] = []
        self.sent = 0
        self.pages: tuple[list[Record], int] | None = None
        self.restored_at = 0  # the version that was lost and has not been seen again
        self.after()

    # The server

    def write(self, name: str, *, delete: bool = False) -> None:
        if self.restored_at and self.version + 1 >= self.restored_at:
            return  # a counter that has overtaken what was lost hides the loss from everybody
        self.version += 1
        if delete:
            gone = self.objects.pop(name)
            event = Event("DELETED", record(name, self.version, uid=gone.meta.uid))
        else:
            known = self.objects.get(name)
            self.uids += known is None
            uid = str(self.uids) if known is None else known.meta.uid
            stored = self.objects[name] = record(name, self.version, uid=uid)
            event = Event("ADDED" if known is None else "MODIFIED", stored)
        self.worlds[self.version] = dict(self.objects)
        self.log.append(event)
        self.stream.append(event)

    @rule(name=NAMES)
    def somebody_writes(self, name: str) -> None:
        self.write(name)

    @rule(name=NAMES)
    def somebody_deletes(self, name: str) -> None:
        if name in self.objects:
            self.write(name, delete=True)

    @rule()
    def the_log_is_compacted(self) -> None:
        self.compacted = self.version

    @precondition(lambda self: not self.restored_at)
    @rule(data=st.data())
    def the_server_is_restored(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.worlds)))
        self.version = version
        self.objects = dict(self.worlds[version])
        self.worlds = {at: world for at, world in self.worlds.items() if at <= version}
        self.log = [event for event in self.log if event.record and event.record.version <= version]
        self.compacted = min(self.compacted, version)
        self.pages = None
        position = self.position()
        if position > version:
            self.restored_at = position
        if not isinstance(self.machine.request, outputs.Wait):
            self.fail(Failure.TRANSIENT)  # it was stopped for that, and with it every connection

    # What the machine did

    def position(self) -> int:
        """The version that the machine has come to."""
        state = self.machine.state
        watching = isinstance(state, states.Watching) and not state.initial
        return int((state.version if watching else state.memory.version) or 0)

    def after(self) -> None:
        for output in self.machine.done:
            match output:
                case outputs.Discard():
                    self.collected = {}
                case outputs.Collect(records):
                    self.collected |= {found.key: found for found in records}
                case outputs.Uncollect(key):
                    self.collected.pop(key, None)
                case outputs.Put(found):
                    self.store.put(found)
                    self.shown = {**self.shown, found.meta.name: found}
                case outputs.Remove(found):
                    self.store.remove(found)
                    self.shown = {name: kept for name, kept in self.shown.items() if name != found.meta.name}
                case outputs.Advance(version):
                    self.store.advance(version)
                case outputs.UnknownType():
                    raise AssertionError("no server of this model sends one")
                case (
                    outputs.Trouble()
                    | outputs.AskVersion()
                    | outputs.FetchPage()
                    | outputs.OpenWatch()
                    | outputs.Wait()
                ):
                    pass
                case outputs.Regressed(old, new):
                    assert int(new) < int(old)
                    assert self.restored_at
                    self.regressions += 1
                    self.store.reset()
                case outputs.Swap(version):
                    self.store.replace(self.collected.values(), version)
                    self.shown = self.worlds[int(version)]
                    self.restored_at = 0

    def fail(self, failure: Failure) -> None:
        self.pages = None
        self.machine.failed(failure)
        self.after()

    # Answers to its requests

    @asks(outputs.FetchPage)
    @rule(size=st.integers(1, 3))
    def a_page_comes(self, size: int) -> None:
        asked = self.machine.request
        if not asked.token:
            if asked.resource_version and int(asked.resource_version) > self.version:
                self.fail(Failure.TOO_LARGE)
                return
            self.pages = (list(self.objects.values()), self.version)
        if self.pages is None:
            self.fail(Failure.EXPIRED)
            return
        records, version = self.pages
        start = int(asked.token or 0)
        end = start + size if asked.paged else len(records)
        self.machine.page(
            *records[start:end], version=str(version), token=str(end) if end < len(records) else ""
        )
        self.after()

    @asks(outputs.AskVersion)
    @rule()
    def the_version_comes(self) -> None:
        self.machine.page(version=str(self.version))
        self.after()

    @asks(outputs.OpenWatch)
    @rule()
    def the_watch_opens(self) -> None:
        asked = self.machine.request
        if asked.initial and asked.resource_version and int(asked.resource_version) > self.version:
            self.fail(Failure.TOO_LARGE)
        elif not asked.initial and int(asked.resource_version) < self.compacted:
            self.fail(Failure.EXPIRED)
        else:
            if asked.initial:
                start = [Event("ADDED", found) for found in self.objects.values()]
                self.stream = [*start, bookmark(self.version, end=True)]
            else:
                since = int(asked.resource_version)
                self.stream = [event for event in self.log if event.record and event.record.version > since]
            self.sent = 0
            self.machine.opened()
            self.after()

    @asks(outputs.FetchPage, outputs.OpenWatch, outputs.AskVersion)
    @rule(failure=st.sampled_from(Failure))
    def a_request_fails(self, failure: Failure) -> None:
        self.fail(failure)

    @asks(outputs.Wait)
    @rule()
    def the_wait_is_over(self) -> None:
        self.machine.now += self.machine.request.high
        self.machine.feed(states.WaitOver(self.machine.now))
        self.after()

    # What comes through an open watch

    @in_state(states.Watching)
    @rule(count=st.integers(1, 4))
    def events_come(self, count: int) -> None:
        while count and self.machine.request is None and self.sent < len(self.stream):
            self.sent += 1
            count -= 1
            self.machine.event(self.stream[self.sent - 1])
            self.after()

    @in_state(states.Watching, initial=False)
    @rule()
    def a_bookmark_comes(self) -> None:
        if self.sent == len(self.stream):
            self.machine.event(bookmark(self.version))
            self.after()

    @in_state(states.Watching)
    @rule(status=st.sampled_from([410, 429, 500]))
    def an_error_comes(self, status: int) -> None:
        self.machine.event(error_event(status))
        self.after()

    @in_state(states.Watching)
    @rule(how=st.sampled_from(["closed", "silent"]))
    def the_watch_ends(self, how: str) -> None:
        self.machine.closed() if how == "closed" else self.machine.silent()
        self.after()

    @in_state(states.Watching)
    @rule(failure=st.sampled_from(Failure))
    def the_watch_breaks(self, failure: Failure) -> None:
        self.fail(failure)

    @rule()
    def somebody_wants_a_list(self) -> None:
        before = self.machine.request
        self.machine.relist()
        if self.machine.request is None:
            self.machine.request = before  # what is under way goes on
        else:
            self.pages = None
            self.after()

    @rule(seconds=st.sampled_from([0.1, 3.0, 100.0, 1000.0]))
    def time_passes(self, seconds: float) -> None:
        self.machine.now += seconds

    # What always holds

    @invariant()
    def the_store_shows_one_state_of_the_server(self) -> None:
        assert {found.meta.name: found for found in self.store.values()} == self.shown
        assert self.store.synced == self.machine.memory.synced

    @invariant()
    def that_state_is_the_one_of_the_version_it_has_come_to(self) -> None:
        if self.restored_at or not self.store.synced:
            return
        at = max(found for found in self.worlds if found <= self.position())
        assert self.shown == self.worlds[at]

    @invariant()
    def fresh_means_synced_and_heard_of(self) -> None:
        now, state = self.machine.now, self.machine.state
        if reflector.is_fresh(state, now):
            assert self.store.synced
            assert now - reflector.heard_at(state) <= 430.0
            assert not isinstance(state, states.Waiting)

    def teardown(self) -> None:
        """Left alone with a healthy server it comes to the newest state within a few answers."""
        for _ in range(60):
            state, request = self.machine.state, self.machine.request
            if isinstance(request, outputs.FetchPage):
                self.a_page_comes(3)
            elif isinstance(request, outputs.AskVersion):
                self.the_version_comes()
            elif isinstance(request, outputs.OpenWatch):
                self.the_watch_opens()
            elif isinstance(request, outputs.Wait):
                self.the_wait_is_over()
            elif state.initial or self.sent < len(self.stream):
                self.machine.now = state.heard
                self.events_come(4)
            else:
                self.machine.now = state.heard
                self.a_bookmark_comes()
                break
        assert {found.meta.name: found for found in self.store.values()} == self.objects
        assert not self.restored_at
        self.machine.now += reflector.heard_at(self.machine.state) - self.machine.now + 2.0
        assert reflector.is_fresh(self.machine.state, self.machine.now)


TestReflector = ReflectorMachine.TestCase
