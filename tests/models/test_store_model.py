"""The store against a dict, under any order of events, replays, lists, replies, deletions and a restored server.

The server is a log of versions. What the store was told of a key last, by version, is all that it may show: `told` is
that dict. A reply "gone at once" tells of a uid, not of a version: `gone` holds those.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.engine.records import key as key_of
from tests.unit.engine.records import record
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import Key
from tmc_syncer.engine.store import Change, ChangeOrigin, Store

NAMES = st.sampled_from("abc")
World = dict[str, Record]


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.store = Store(lambda: self.now)
        self.store.add_index("team", lambda found: [found.meta.labels["team"]] if found.meta.labels else [])
        self.mirror: dict[Key, Record] = {}
        self.origins: set[ChangeOrigin] = set()
        self.store.subscribe(self.listen)
        # The server.
        self.version = 10
        self.uids = 0
        self.objects: World = {}
        self.worlds: dict[int, World] = {10: {}}
        self.log: list[tuple[str, Record]] = []
        # What the store was told.
        self.told: dict[str, tuple[int, Record | None]] = {}
        self.listed: tuple[int, World] = (0, {})
        self.gone: set[str] = set()
        self.seen = 0
        self.receipts: dict[str, int] = {}

    def listen(self, change: Change) -> None:
        assert self.mirror.get(change.key) is change.old
        assert self.store.get(change.key) is change.new or change.origin is ChangeOrigin.LIST
        self.origins.add(change.origin)
        if change.new is None:
            del self.mirror[change.key]
        else:
            self.mirror[change.key] = change.new

    # The server

    def write(self, kind: str, name: str, *, team: str = "") -> Record:
        self.version += 1
        old = self.objects.get(name)
        if old is None:
            self.uids += 1
        uid = str(self.uids) if old is None else old.meta.uid
        stored = record(name, self.version, uid=uid, labels={"team": team} if team else None)
        if kind == "DELETED":
            del self.objects[name]
        else:
            self.objects[name] = stored
        self.worlds[self.version] = dict(self.objects)
        self.log.append((kind, stored))
        return stored

    @rule(name=NAMES, team=st.sampled_from(["", "red", "blue"]))
    def somebody_writes(self, name: str, team: str) -> None:
        self.write("MODIFIED" if name in self.objects else "ADDED", name, team=team)

    @rule(name=NAMES)
    def somebody_deletes(self, name: str) -> None:
        if name in self.objects:
            self.write("DELETED", name)

    # What reaches the store

    def newest(self, name: str) -> tuple[int, Record | None]:
        return max(
            self.told.get(name, (0, None)),
            (self.listed[0], self.listed[1].get(name)),
            key=lambda pair: pair[0],
        )

    def hear(self, kind: str, found: Record) -> None:
        self.see(found.version)
        name, uid = found.meta.name, found.meta.uid
        if kind == "DELETED":
            self.store.remove(found)
            self.gone.discard(uid)
        else:
            self.store.put(found)
            if uid in self.gone:
                return
        if found.version > self.newest(name)[0]:
            self.told[name] = (found.version, None if kind == "DELETED" else found)

    def see(self, version: int) -> None:
        self.seen = max(self.seen, version)
        self.receipts = {name: at for name, at in self.receipts.items() if at > self.seen}

    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def any_event_arrives(self, data: st.DataObject) -> None:
        self.hear(*data.draw(st.sampled_from(self.log)))

    @precondition(lambda self: self.log)
    @rule()
    def the_newest_event_arrives_twice(self) -> None:
        self.hear(*self.log[-1])
        self.hear(*self.log[-1])

    @rule(data=st.data())
    def a_bookmark_arrives(self, data: st.DataObject) -> None:
        version = data.draw(st.integers(1, self.version))
        self.store.advance(str(version))
        self.see(version)

    @rule(data=st.data())
    def a_list_arrives(self, data: st.DataObject) -> None:
        """Not older than the last seen version, but possibly older than our own writes."""
        version = data.draw(st.sampled_from([at for at in self.worlds if at >= self.seen]))
        world = {
            name: found for name, found in self.worlds[version].items() if found.meta.uid not in self.gone
        }
        told = {name: pair for name, pair in self.told.items() if pair[0] > version}
        self.store.replace(self.worlds[version].values(), str(version))
        self.told, self.listed = told, (version, world)
        self.see(version)

    @rule(name=NAMES, lost=st.booleans())
    def we_write(self, name: str, lost: bool) -> None:
        found = self.write("MODIFIED" if name in self.objects else "ADDED", name)
        if lost:
            return
        self.reply(found)

    def reply(self, found: Record) -> None:
        name = found.meta.name
        self.store.write_replied(found)
        if found.meta.uid in self.gone or found.version <= self.newest(name)[0]:
            return
        self.told[name] = (found.version, found)
        if found.version > self.seen:
            self.receipts[name] = found.version

    @precondition(lambda self: any(kind != "DELETED" for kind, _ in self.log))
    @rule(data=st.data())
    def a_reply_comes_late(self, data: st.DataObject) -> None:
        self.reply(data.draw(st.sampled_from([found for kind, found in self.log if kind != "DELETED"])))

    @rule(name=NAMES)
    def we_delete(self, name: str) -> None:
        """Gone at once: the reply names no version."""
        if name not in self.objects:
            return
        uid = self.objects[name].meta.uid
        self.write("DELETED", name)
        self.forget(name, uid)
        self.store.delete_replied(key_of(name), uid, None)

    def forget(self, name: str, uid: str) -> None:
        self.gone.add(uid)
        version, shown = self.newest(name)
        if shown is not None and shown.meta.uid == uid:
            self.told[name] = (version, None)
            self.receipts.pop(name, None)

    @rule(name=NAMES)
    def we_look(self, name: str) -> None:
        """One live GET, as an unmet receipt asks for."""
        known, found = self.store.get(key_of(name)), self.objects.get(name)
        self.receipts.pop(name, None)
        self.store.observed(key_of(name), found, known=known)
        if found is None:
            if known is not None:
                self.forget(name, known.meta.uid)
        elif found.meta.uid not in self.gone and found.version > self.newest(name)[0]:
            self.told[name] = (found.version, found)

    @rule(data=st.data())
    def the_server_is_restored(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.worlds)))
        self.worlds = {at: world for at, world in self.worlds.items() if at <= version}
        self.objects, self.version = dict(self.worlds[version]), version
        self.log = [(kind, found) for kind, found in self.log if found.version <= version]
        self.store.reset()
        self.store.replace(self.objects.values(), str(version))
        self.told, self.listed, self.gone, self.receipts = {}, (version, dict(self.objects)), set(), {}
        self.seen = version

    # What always holds

    @invariant()
    def it_shows_what_it_was_told_last(self) -> None:
        expected = {name: shown for name in "abc" if (shown := self.newest(name)[1]) is not None}
        assert {found.meta.name: found for found in self.store.values()} == expected

    @invariant()
    def listeners_and_indexes_agree_with_it(self) -> None:
        assert self.mirror == {found.key: found for found in self.store.values()}
        for team in ("red", "blue"):
            members = {k for k, found in self.mirror.items() if (found.meta.labels or {}).get("team") == team}
            assert set(self.store.index("team", team)) == members
            assert self.store.index_size("team", team) == len(members)

    @invariant()
    def receipts_wait_for_the_watch(self) -> None:
        for name in "abc":
            assert self.store.has_receipt(key_of(name)) == (name in self.receipts)
        assert {found.name for found in self.store.unmet_receipts(1e9, 0.0)} == set(self.receipts)

    @invariant()
    def its_version_is_what_was_seen(self) -> None:
        assert self.store.resource_version == (str(self.seen) if self.seen else "")

    def teardown(self) -> None:
        """Whatever came before, in any order: a complete list of now makes it like the server."""
        self.gone.clear()
        self.now += 1e6
        self.store.replace(self.objects.values(), str(self.version))
        assert {found.meta.name: found for found in self.store.values()} == self.objects


TestStore = StoreMachine.TestCase
