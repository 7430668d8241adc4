"""The store against a list of revisions: every state it was ever in is written down whole, and whatever the store says of a
revision must be what the list has there; a watch from any revision must tell exactly the steps between two of them.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tmc_syncer.controlplane.storage.collection import Collection
from tmc_syncer.controlplane.storage.records import Compacted, Mismatch, Record
from tmc_syncer.controlplane.storage.store import Store
from tmc_syncer.controlplane.storage.watch import Event, Watch

TYPES = ("pods", "configmaps")
KEYS = ("c/a-b/x", "c/a/x", "c/a/y", "c/a/yy", "d/a/x", "d/node")
PREFIXES = ("", "c/", "d/", "c/a/", "c/a-b/", "d/a/", "c/a/y", "d/node")
COLOURS = ("red", "blue")

State = dict[tuple[str, str], Record]


def below(key: str, prefix: str) -> bool:
    return key.startswith(prefix) if prefix.endswith("/") or not prefix else key == prefix


def is_red(record: Record) -> bool:
    return (record.labels or {}).get("colour") == "red"


class Reader:
    """A watch, and what it must have told so far: everything between `since` and the revision it has been taken to."""

    def __init__(self, watch: Watch, name: str, prefix: str, since: int, *, red: bool) -> None:
        self.watch, self.name, self.prefix, self.since, self.red = watch, name, prefix, since, red
        self.told: list[Event] = []
        self.woken = 0
        watch.on_ready = self.wake

    def wake(self) -> None:
        self.woken += 1

    def read(self) -> None:
        while not self.watch.idle() and not self.watch.behind:
            self.told += self.watch.take()


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.states: list[State] = [{}]
        self.compacted = 0
        self.readers: list[Reader] = []
        self.store = Store()

    @initialize(history=st.sampled_from([1, 3, 10_000]))
    def start(self, history: int) -> None:
        self.history = history
        self.store = Store(history=history)

    @property
    def now(self) -> int:
        return len(self.states) - 1

    def live(self, name: str, key: str) -> Record | None:
        return self.states[-1].get((name, key))

    def collection(self, name: str) -> Collection:
        return self.store.collection(name)

    def step(self, state: State) -> None:
        self.states.append(state)
        self.compacted = max(self.compacted, self.now - self.history)

    # Writes

    @rule(
        name=st.sampled_from(TYPES),
        key=st.sampled_from(KEYS),
        colour=st.sampled_from(COLOURS),
        data=st.data(),
    )
    def put(self, name: str, key: str, colour: str, data: Any) -> None:
        before = self.live(name, key)
        at = 0 if before is None else before.revision
        expected = data.draw(st.sampled_from([None, at, at + 1]))
        record = Record(key, self.now + 1, b"x" * self.now, labels={"colour": colour})
        if expected == at + 1:
            with pytest.raises(Mismatch) as refused:
                self.store.put(name, record, expected=expected)
            assert refused.value.current == before
            return
        change = self.store.put(name, record, expected=expected)
        assert (change.record, change.previous, change.deleted) == (record, before, False)
        self.step({**self.states[-1], (name, key): record})

    @rule(name=st.sampled_from(TYPES), key=st.sampled_from(KEYS), wrong=st.booleans())
    def delete(self, name: str, key: str, wrong: bool) -> None:
        before = self.live(name, key)
        last = Record(key, self.now + 1, b"", labels=None if before is None else before.labels)
        if before is None or wrong:
            with pytest.raises(Mismatch):
                self.store.delete(name, last, expected=self.now + 1 if wrong else None)
            return
        change = self.store.delete(name, last, expected=before.revision)
        assert (change.record, change.previous, change.deleted) == (last, before, True)
        self.step({place: record for place, record in self.states[-1].items() if place != (name, key)})

    @rule(data=st.data())
    def compact(self, data: Any) -> None:
        revision = data.draw(st.integers(0, self.now + 2))
        self.store.compact(revision)
        self.compacted = max(self.compacted, min(revision, self.now))

    # Reads

    @rule(
        name=st.sampled_from(TYPES),
        prefix=st.sampled_from(PREFIXES),
        limit=st.integers(0, 3),
        red=st.booleans(),
        data=st.data(),
    )
    def list_pages(self, name: str, prefix: str, limit: int, red: bool, data: Any) -> None:
        revision = data.draw(st.one_of(st.none(), st.integers(0, self.now)))
        match = is_red if red else None
        collection = self.collection(name)
        if revision is not None and revision < self.compacted:
            with pytest.raises(Compacted) as refused:
                collection.page(prefix, self.now, revision=revision)
            assert refused.value.oldest == self.compacted
            return
        state = self.states[self.now if revision is None else revision]
        keys = sorted(key for kind, key in state if kind == name and below(key, prefix))
        wanted = [state[name, key] for key in keys if not red or is_red(state[name, key])]
        found: list[Record] = []
        after = ""
        while True:
            page = collection.page(prefix, self.now, revision=revision, after=after, limit=limit, match=match)
            assert page.revision == (self.now if revision is None else revision)
            found += page.records
            if not page.after:
                break
            assert len(page.records) == limit
            assert page.remaining == len([key for key in keys if key > page.after]) > 0
            after = page.after
        assert found == wanted

    @rule(name=st.sampled_from(TYPES), key=st.sampled_from(KEYS), data=st.data())
    def get(self, name: str, key: str, data: Any) -> None:
        revision = data.draw(st.integers(0, self.now))
        if revision < self.compacted:
            with pytest.raises(Compacted):
                self.collection(name).get(key, revision)
        else:
            assert self.collection(name).get(key, revision) == self.states[revision].get((name, key))

    # Watches

    @precondition(lambda self: len(self.readers) < 6)
    @rule(name=st.sampled_from(TYPES), prefix=st.sampled_from(PREFIXES), red=st.booleans(), data=st.data())
    def watch(self, name: str, prefix: str, red: bool, data: Any) -> None:
        since = data.draw(st.integers(0, self.now + 3))
        if since < self.compacted:
            with pytest.raises(Compacted):
                self.collection(name).watch(prefix, since)
            return
        watch = self.collection(name).watch(prefix, since, is_red if red else None)
        self.readers.append(Reader(watch, name, prefix, since, red=red))

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read(self, data: Any) -> None:
        data.draw(st.sampled_from(self.readers)).read()

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def close(self, data: Any) -> None:
        reader = data.draw(st.sampled_from(self.readers))
        self.readers.remove(reader)
        reader.watch.close()
        assert reader.watch not in list(self.collection(reader.name).watches())

    # What always holds

    @invariant()
    def the_present_is_the_last_state(self) -> None:
        assert self.store.revision == self.now
        assert self.store.compacted == self.compacted
        for name in TYPES:
            live = {key: record for (kind, key), record in self.states[-1].items() if kind == name}
            assert self.collection(name).live == live
            assert self.collection(name).count() == len(live)

    @invariant()
    def a_watch_tells_every_step_or_says_that_it_cannot(self) -> None:
        for reader in self.readers:
            told = [(event.type, event.record.key, event.revision) for event in reader.told]
            wanted = [step for step in self.steps(reader) if step[2] > reader.since]
            if reader.watch.idle():
                assert told == wanted
                for event in reader.told:
                    assert event.record.revision == event.revision or event.type == "DELETED"
            else:
                assert told == wanted[: len(told)]
            if reader.watch.behind:
                assert reader.watch.waiting_since is not None
                assert reader.watch.waiting_since <= self.compacted

    def steps(self, reader: Reader) -> list[tuple[str, str, int]]:
        """What happened below the reader's prefix, state by state."""
        found: list[tuple[str, str, int]] = []
        for revision in range(1, self.now + 1):
            before, after = (
                {
                    key: record
                    for (kind, key), record in self.states[number].items()
                    if kind == reader.name
                    and below(key, reader.prefix)
                    and (not reader.red or is_red(record))
                }
                for number in (revision - 1, revision)
            )
            for key in before.keys() | after.keys():
                if key not in after:
                    found.append(("DELETED", key, revision))
                elif key not in before:
                    found.append(("ADDED", key, revision))
                elif before[key] is not after[key]:
                    found.append(("MODIFIED", key, revision))
        return found


TestStore = StoreMachine.TestCase
