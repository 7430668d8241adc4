from __future__ import annotations

from datetime import UTC, datetime

from tmc_syncer.api.resources import GVR
from tmc_syncer.engine.counters import Counters, SyncState, TypeCounts

PODS = GVR("", "v1", "pods")
DEPLOYMENTS = GVR("apps", "v1", "deployments")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)


def test_nothing_is_counted_at_first():
    assert Counters().snapshot() == ()
    assert Counters().total(SyncState.SYNCED) == 0


def test_an_object_is_counted_where_it_stands():
    counters = Counters()
    counters.move(PODS, None, SyncState.PENDING, NOON)
    assert counters.snapshot() == (TypeCounts(PODS, pending=1),)
    counters.move(PODS, SyncState.PENDING, SyncState.FAILED, NOON)
    assert counters.snapshot() == (TypeCounts(PODS, failed=1),)
    counters.move(PODS, SyncState.FAILED, SyncState.EXCLUDED, NOON)
    assert counters.snapshot() == (TypeCounts(PODS, excluded=1),)
    counters.move(PODS, SyncState.EXCLUDED, SyncState.SYNCED, NOON)
    assert counters.snapshot() == (TypeCounts(PODS, synced=1, last_sync=NOON),)
    counters.move(PODS, SyncState.SYNCED, None, LATER)
    assert counters.snapshot() == (TypeCounts(PODS, last_sync=NOON),)


def test_a_write_that_keeps_an_object_synced_is_a_sync():
    counters = Counters()
    counters.move(PODS, None, SyncState.SYNCED, NOON)
    counters.move(PODS, SyncState.SYNCED, SyncState.SYNCED, LATER)
    assert counters.snapshot() == (TypeCounts(PODS, synced=1, last_sync=LATER),)


def test_types_come_in_the_order_of_their_names_and_can_be_dropped():
    counters = Counters()
    counters.move(DEPLOYMENTS, None, SyncState.SYNCED, NOON)
    counters.move(PODS, None, SyncState.SYNCED, NOON)
    counters.move(PODS, None, SyncState.FAILED, NOON)
    assert [counts.gvr for counts in counters.snapshot()] == [PODS, DEPLOYMENTS]
    assert [counts.total for counts in counters.snapshot()] == [2, 1]
    assert counters.total(SyncState.SYNCED) == 2
    counters.drop(PODS)
    counters.drop(PODS)
    assert [counts.gvr for counts in counters.snapshot()] == [DEPLOYMENTS]


def test_whether_a_type_is_connected_is_shown():
    counters = Counters()
    counters.connect(PODS, connected=True)
    assert counters.snapshot()[0].connected
    counters.connect(PODS, connected=False)
    assert not counters.snapshot()[0].connected
