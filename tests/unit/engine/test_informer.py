from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager

import pytest

from tests.unit.engine.apiserver import ApiServer
from tests.unit.engine.records import key, record
from tests.unit.engine.watching import Event, bookmark, error_event, refusing
from tmc_syncer.engine.env import Env, LoopClock
from tmc_syncer.engine.informer import Informer
from tmc_syncer.engine.store import Change, ChangeOrigin
from tmc_syncer.kube.errors import TransportError, TransportFault

pytestmark = pytest.mark.looptime


class Clock(LoopClock):
    """The loop's clock, which runs ahead of it when the process has stood still."""

    slept = 0.0

    def monotonic(self):
        return super().monotonic() + self.slept


class World:
    """A server, an informer of it, and what the informer told."""

    def __init__(self, **options):
        self.server = options.pop("server", None) or ApiServer()
        self.clock = Clock()
        self.heard: list[Change] = []
        self.regressions: list[tuple[str, str]] = []
        options.setdefault("on_change", self.heard.append)
        options.setdefault("on_regression", lambda old, new: self.regressions.append((old, new)))
        self.informer = Informer(
            name="configmaps",
            list_page=self.server.list_page,
            watch=self.server.watch,
            env=Env(self.clock, random.Random(1), str),
            **options,
        )

    async def __aenter__(self):
        self.task = asyncio.create_task(self.informer.run())
        await asyncio.sleep(0.001)
        return self

    async def __aexit__(self, *exception):
        self.task.cancel()
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            raise AssertionError("the informer ended by itself") from self.task.exception()
        assert self.server.streams == set()

    @property
    def fresh(self) -> bool:
        return self.informer.fresh(self.clock.monotonic())

    @property
    def status(self):
        return self.informer.status(self.clock.monotonic())

    def names(self):
        return {found.meta.name: found.version for found in self.informer.store.values()}

    def assert_like_the_server(self):
        assert self.names() == self.server.names()


@pytest.fixture(params=["WatchList", "pages"])
def server(request):
    server = ApiServer()
    server.knows_watch_list = request.param == "WatchList"
    for name in "abc":
        server.put(name)
    return server


async def test_it_syncs_and_follows(server):
    async with World(server=server) as world:
        await world.informer.wait_synced()
        assert world.informer.synced
        assert world.fresh
        world.assert_like_the_server()
        server.put("d")
        server.put("a")
        server.delete("b")
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert [change.origin for change in world.heard[3:]] == [ChangeOrigin.WATCH] * 3


async def test_the_first_list_is_the_most_recent(server):
    async with World(server=server) as world:
        await world.informer.wait_synced()
        assert {asked["version"] for asked in server.lists} <= {""}
        assert server.watches[0]["version"] in {"", "103"}


async def test_f01_a_watch_that_ends_goes_on_without_a_list(server):
    async with World(server=server, relist_seconds=1e9) as world:
        for _ in range(6):
            await asyncio.sleep(600)
            server.put("a")
            assert world.fresh
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert world.status.relists <= 2
        assert world.status.restarts["closed"] >= 5
        assert len(world.heard) == 3 + 6


async def test_f02_an_expired_stream_relists_and_finds_what_was_deleted(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.lose = lambda event: True
        server.delete("b")
        server.put("d")
        server.lose = lambda event: False
        server.send(error_event(410))
        await asyncio.sleep(1)
        world.assert_like_the_server()
        gone = [change for change in world.heard if change.new is None]
        assert [(change.key, change.origin) for change in gone] == [(key("b"), ChangeOrigin.LIST)]
        assert world.fresh


async def test_f03_a_watch_refused_as_expired_relists(server):
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(10)
        server.cut()
        await asyncio.sleep(0.01)
        server.put("d")
        server.compact()
        await asyncio.sleep(5)
        world.assert_like_the_server()
        assert world.status.restarts["expired"] == 1


async def test_f04_an_expired_token_discards_the_pages_and_changes_nothing_until_complete():
    server = ApiServer()
    server.knows_watch_list = False
    for number in range(12):
        server.put(str(number))

    def expire_once(asked):
        if asked["token"].endswith("/6"):
            server.fail_list = lambda asked: None
            assert world.names() == {}
            return refusing(410)
        return None

    server.fail_list = expire_once
    async with World(server=server, page_size=3) as world:
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert [change.new is None for change in world.heard] == [False] * 12


@pytest.mark.parametrize(
    "error",
    [
        TransportError("cut", fault=TransportFault.BROKEN),
        TransportError("truncated", fault=TransportFault.GARBLED),
        ValueError("a bug"),
    ],
)
async def test_f05_a_page_that_is_lost_deletes_nothing(error):
    server = ApiServer()
    server.knows_watch_list = False
    for number in range(9):
        server.put(str(number))
    async with World(server=server, page_size=3) as world:
        await asyncio.sleep(1)
        server.lose = lambda event: True
        server.delete("0")
        server.put("9")
        before = world.names()
        server.fail_list = lambda asked: error if asked["token"] else None
        world.informer.request_relist()
        await asyncio.sleep(20)
        assert world.names() == before
        assert not world.fresh
        assert str(error) in world.status.last_error
        server.fail_list = lambda asked: None
        await asyncio.sleep(40)
        world.assert_like_the_server()
        assert world.fresh


async def test_f06_a_server_behind_our_version_is_waited_for(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        refuse = lambda asked: refusing(504, too_large=True) if asked["version"] else None  # noqa: E731
        server.fail_list = refuse
        server.fail_watch = lambda asked: refuse(asked) if asked["initial"] else None
        world.informer.request_relist()
        await asyncio.sleep(5)
        assert world.fresh
        assert world.status.restarts["too-large"] == 1
        world.assert_like_the_server()


async def test_f07_without_bookmarks_it_is_correct_all_the_same(server):
    server.sends_bookmarks = False
    async with World(server=server) as world:
        for _ in range(5):
            await asyncio.sleep(400)
            server.put("a")
            await asyncio.sleep(1)
            world.assert_like_the_server()
            assert world.fresh


async def test_f08_an_event_that_a_bookmark_overtook_is_still_taken(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.lose = lambda event: True
        late = server.put("d")
        server.send(bookmark(server.version))
        server.send(Event("ADDED", late))
        await asyncio.sleep(1)
        world.assert_like_the_server()


@pytest.mark.parametrize("lost", ["ADDED", "MODIFIED", "DELETED"])
async def test_f09_a_lost_event_is_healed_by_the_periodic_relist(server, lost):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.lose = lambda event: event.type == lost
        server.put("d")
        server.put("a")
        server.delete("b")
        await asyncio.sleep(1)
        assert world.names() != server.names()
        await asyncio.sleep(700)
        world.assert_like_the_server()
        assert world.fresh


async def test_f10_duplicates_and_replays_change_nothing(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        old = server.objects["a"]
        server.put("a")
        server.delete("b")
        await asyncio.sleep(1)
        count = len(world.heard)
        for line in [Event("MODIFIED", old), *[event for _, event in server.log]]:
            server.send(line)
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert len(world.heard) == count


async def test_f11_odd_events_do_no_harm(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.send(Event("ADDED", record("a", 500)))
        server.send(Event("MODIFIED", record("new", 501)))
        server.send(Event("DELETED", record("unknown", 502)))
        for _ in range(3):
            server.send(Event("COMPACTED"))
        await asyncio.sleep(1)
        assert world.names() == {"a": 500, "b": 102, "c": 103, "new": 501}
        server.version = 600
        world.informer.request_relist()
        await asyncio.sleep(1)
        world.assert_like_the_server()


async def test_f12_the_resume_version_is_the_initial_ends_not_an_initial_events():
    server = ApiServer()
    server.put("z")
    server.objects["y"] = record("y", 50)
    server.version = 200
    async with World(server=server) as world:
        await asyncio.sleep(1)
        server.cut()
        await asyncio.sleep(2)
        assert server.watches[-1]["version"] == "200"
        world.assert_like_the_server()


async def test_f14_a_half_open_connection_is_found_within_the_idle_deadline(server):
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(61)
        server.kill()
        server.put("d")
        server.fail_watch = lambda asked: TransportError("down", fault=TransportFault.CONNECT)
        await asyncio.sleep(155)
        assert not world.fresh
        assert world.names() == {"a": 101, "b": 102, "c": 103}
        server.fail_watch = lambda asked: None
        await asyncio.sleep(20)
        world.assert_like_the_server()
        assert world.fresh


async def test_f14_without_bookmarks_it_is_found_after_the_timeout_of_the_watch(server):
    server.sends_bookmarks = False
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(1)
        server.kill()
        server.put("d")
        await asyncio.sleep(640)
        await asyncio.sleep(20)
        world.assert_like_the_server()


async def test_f15_a_server_that_closes_each_watch_at_once_is_asked_ever_more_seldom(server):
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(10)
        server.closes_at_once = True
        server.send(None)
        await asyncio.sleep(300)
        before = server.requests.total()
        await asyncio.sleep(1000)
        assert server.requests.total() - before < 100
        assert not world.fresh
        server.closes_at_once = False
        server.put("d")
        await asyncio.sleep(33)
        world.assert_like_the_server()
        assert world.fresh


@pytest.mark.parametrize("version", ["", "0"])
async def test_f18_a_list_without_a_version_is_not_watched_from(version):
    server = ApiServer()
    server.knows_watch_list = False
    server.put("a")
    server.list_version = lambda: version
    async with World(server=server) as world:
        await asyncio.sleep(60)
        assert not world.informer.synced
        assert "no resourceVersion" in world.status.last_error
        assert server.streams == set()
        server.list_version = lambda: str(server.version)
        await asyncio.sleep(31)
        world.assert_like_the_server()


async def test_f20_an_older_server_in_mid_life_does_not_turn_the_store_back(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.put("a")
        await asyncio.sleep(1)
        objects, version = dict(server.objects), server.version
        server.restore({"a": record("a", 101)}, 101)
        server.fail_list = lambda asked: None if asked["version"] else refusing(500)
        server.fail_watch = lambda asked: None if asked["version"] else refusing(500)
        server.send(error_event(410))
        await asyncio.sleep(20)
        assert world.names()["a"] == 104
        server.restore(objects, version)
        server.fail_list = server.fail_watch = lambda asked: None
        await asyncio.sleep(31)
        world.assert_like_the_server()
        assert world.regressions == []


async def test_f23_a_restored_server_is_told_and_accepted(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        backup, version = dict(server.objects), server.version
        for number in range(10):
            server.put(str(number))
        await asyncio.sleep(1)
        world.informer.store.write_replied(record("mine", server.version + 5))
        server.restore(backup, version)
        server.cut()
        server.send(error_event(410))
        world.informer.request_relist()
        await asyncio.sleep(60)
        assert world.regressions == [("113", "103")]
        world.assert_like_the_server()
        assert world.fresh
        assert {change.origin for change in world.heard if change.new is None} == {ChangeOrigin.LIST}


async def test_f23_a_restore_behind_a_broken_watch_is_noticed_at_once(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        backup, version = dict(server.objects), server.version
        for number in range(10):
            server.put(str(number))
        await asyncio.sleep(1)
        server.restore(backup, version)
        server.cut()
        await asyncio.sleep(10)
        assert world.regressions == [("113", "103")]
        server.put("after the restore")
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert world.fresh


async def test_f23_an_earlier_processs_version_shows_a_restore_at_the_start(server):
    async with World(server=server, seen_version="900") as world:
        await asyncio.sleep(1)
        assert world.regressions == [("900", "103")]
        world.assert_like_the_server()


async def test_f33_throttling_does_not_relist_and_its_wish_is_obeyed(server):
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(10)
        relists = world.status.relists
        server.fail_watch = lambda asked: refusing(429, retry_after=40.0)
        server.cut()
        await asyncio.sleep(2)
        before = server.requests.total()
        await asyncio.sleep(38)
        assert server.requests.total() == before
        server.fail_watch = lambda asked: None
        server.put("d")
        await asyncio.sleep(20)
        world.assert_like_the_server()
        assert world.status.relists == relists


async def test_f34_a_server_that_is_down_is_asked_every_half_minute_and_comes_back(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        refused = TransportError("connection refused", fault=TransportFault.CONNECT)
        server.fail_list = server.fail_watch = lambda asked: refused
        server.cut()
        await asyncio.sleep(3600)
        assert not world.fresh
        assert len(world.names()) == 3
        server.fail_list = server.fail_watch = lambda asked: None
        server.delete("a")
        await asyncio.sleep(31)
        world.assert_like_the_server()
        assert world.fresh


async def test_f74_after_a_long_pause_the_store_is_stale_until_the_server_was_heard_again(server):
    async with World(server=server, relist_seconds=1e9) as world:
        await asyncio.sleep(61)
        assert world.fresh
        server.fail_watch = lambda asked: TransportError("down", fault=TransportFault.CONNECT)
        # The process stands still: nobody reads, and then the old lines are read first.
        world.clock.slept = 600.0
        assert not world.fresh
        server.put("d")
        await asyncio.sleep(5)
        assert not world.fresh
        assert "d" not in world.names()
        server.fail_watch = lambda asked: None
        await asyncio.sleep(31)
        world.assert_like_the_server()
        assert world.fresh


async def test_a_refused_type_stays_unsynced_says_why_and_wakes_on_request():
    server = ApiServer()
    server.put("a")
    server.fail_list = server.fail_watch = lambda asked: refusing(403, terminal=True)
    async with World(server=server) as world:
        await asyncio.sleep(7200)
        assert not world.informer.synced
        assert not world.fresh
        assert "403" in world.status.last_error
        before = server.requests.total()
        await asyncio.sleep(3600)
        assert server.requests.total() - before <= 13
        server.fail_list = server.fail_watch = lambda asked: None
        world.informer.request_relist()
        await asyncio.sleep(0.1)
        world.assert_like_the_server()


async def test_a_type_that_vanishes_takes_no_object_with_it(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        server.fail_list = server.fail_watch = lambda asked: refusing(404, terminal=True)
        server.send(None)
        await asyncio.sleep(3600)
        assert len(world.names()) == 3
        assert not world.fresh
        assert world.informer.synced


async def test_a_server_that_ignores_watch_list_is_listed_in_pages():
    server = ApiServer()
    server.ignores_watch_list = True
    server.put("a")
    async with World(server=server) as world:
        await asyncio.sleep(120)
        world.assert_like_the_server()
        assert world.informer.synced


async def test_a_relist_wanted_while_one_is_under_way_is_done_after_it():
    server = ApiServer()
    server.knows_watch_list = False
    server.put("a")
    async with World(server=server) as world:
        await asyncio.sleep(1)
        server.latency = 5.0
        world.informer.request_relist()
        await asyncio.sleep(1)
        assert world.status.relists == 0
        world.informer.request_relist()
        await asyncio.sleep(30)
        assert world.status.relists == 2
        assert server.requests["list"] == 3


@pytest.mark.parametrize("what", ["put", "delete"])
async def test_a_relist_shows_what_changed_while_it_was_wanted(server, what):
    async with World(server=server) as world:
        await asyncio.sleep(1)
        server.lose = lambda event: True
        server.put("z") if what == "put" else server.delete("a")
        world.informer.request_relist()
        await asyncio.sleep(1)
        world.assert_like_the_server()


async def test_the_periodic_relist_of_an_unchanged_world_tells_nothing(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        count = len(world.heard)
        await asyncio.sleep(3600)
        assert 5 <= world.status.relists <= 9
        assert len(world.heard) == count
        assert world.fresh


async def test_a_listener_that_fails_is_shown_and_harms_nobody(server):
    def listener(change):
        raise RuntimeError("bug")

    async with World(server=server, on_change=listener) as world:
        server.put("d")
        await asyncio.sleep(1)
        world.assert_like_the_server()
        assert world.fresh
        assert "bug" in world.status.last_error


async def test_a_trim_that_fails_keeps_the_whole_record(server):
    def trim(found):
        if found.meta.name == "a":
            raise RuntimeError("bug")
        return record(found.meta.name, found.version, uid="trimmed")

    async with World(server=server, trim=trim) as world:
        await asyncio.sleep(1)
        uids = {found.meta.name: found.meta.uid for found in world.informer.store.values()}
        assert uids == {"a": "uid-a", "b": "trimmed", "c": "trimmed"}


async def test_a_regression_hook_that_fails_does_not_keep_the_list_out(server):
    def hook(old, new):
        raise RuntimeError("bug")

    async with World(server=server, seen_version="900", on_regression=hook) as world:
        await asyncio.sleep(1)
        world.assert_like_the_server()


async def test_without_hooks_it_works_too(server):
    async with World(server=server, seen_version="900", on_regression=None, on_change=None) as world:
        await asyncio.sleep(1)
        world.assert_like_the_server()


async def test_an_index_that_fails_is_shown_and_healed_by_the_next_list(server):
    async with World(server=server) as world:
        await asyncio.sleep(10)
        broken = True

        def index(found):
            if broken and found.meta.name == "d":
                raise RuntimeError("bug")
            return []

        world.informer.store.add_index("odd", index)
        server.put("d")
        await asyncio.sleep(1)
        assert "bug" in world.status.last_error
        broken = False
        await asyncio.sleep(700)
        world.assert_like_the_server()


async def test_stopped_it_keeps_its_store_and_may_run_again(server):
    async with World(server=server) as world:
        await asyncio.sleep(1)
    assert world.status.state == "Stopped"
    assert not world.fresh
    world.assert_like_the_server()
    server.put("d")
    async with world:
        await asyncio.sleep(1)
        world.assert_like_the_server()


async def test_status_says_what_is_going_on(server):
    world = World(server=server)
    assert world.status.state == "Stopped"
    assert world.status.heard_seconds_ago is None
    async with world:
        await asyncio.sleep(70)
        status = world.status
        assert (status.name, status.state, status.synced, status.fresh) == (
            "configmaps",
            "Watching",
            True,
            True,
        )
        assert (status.objects, status.resource_version, status.last_error) == (3, "103", "")
        assert 9 <= status.heard_seconds_ago <= 11


@pytest.mark.parametrize("moment", [0.0, 0.5, 1.0, 1.5, 2.0, 61.0, 599.9, 600.0, 601.0])
@pytest.mark.parametrize("trouble", [False, True])
async def test_f56_cancelled_at_any_moment_it_ends_and_leaves_nothing(server, moment, trouble):
    server.latency = 0.5
    if trouble:
        server.fail_list = server.fail_watch = lambda asked: refusing(500)
    async with World(server=server):
        await asyncio.sleep(moment)
    assert len(asyncio.all_tasks()) == 1


async def test_cancelled_in_the_turn_of_an_interruption_it_ends(server):
    """A TaskGroup of Python 3.11 that fails while it is cancelled forgets the cancellation."""
    for turns in range(12):
        async with World(server=server) as world:
            await asyncio.sleep(1)
            world.informer.request_relist()
            for _ in range(turns):
                await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_the_reader_never_waits_for_anybody(server):
    """F16: whatever comes is read and taken as fast as it comes; nobody else has to do anything for it."""
    async with World(server=server) as world:
        await asyncio.sleep(1)
        for _ in range(2_000):
            server.put("a")
        await asyncio.sleep(0.1)
        world.assert_like_the_server()


async def test_a_watch_function_that_cannot_even_begin_is_a_failed_watch():
    @asynccontextmanager
    async def watch(**asked):
        raise RuntimeError("not today")
        yield

    server = ApiServer()
    server.watch = watch  # type: ignore[method-assign]
    async with World(server=server) as world:
        await asyncio.sleep(100)
        assert "not today" in world.status.last_error
        assert not world.informer.synced
