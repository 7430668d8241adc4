from __future__ import annotations

import gc

from tmc_syncer.controlplane.storage.records import Change, Compacted, Mismatch, Record, StoreError, Window


def test_a_change_has_the_revision_of_its_record() -> None:
    record = Record("c/a/x", 7, b"")
    assert Change(record, None).revision == 7
    assert not Change(record, None).deleted


def test_records_are_not_tracked_by_the_garbage_collector() -> None:
    record = Record("c/a/x", 7, b"", labels={"a": "b"})
    assert not gc.is_tracked(record)
    assert not gc.is_tracked(Change(record, None))


def test_refusals_say_what_is_there() -> None:
    record = Record("c/a/x", 7, b"")
    assert Mismatch("c/a/x", record).current is record
    compacted = Compacted(3, 5)
    assert (compacted.revision, compacted.oldest) == (3, 5)
    assert "older than the window, which starts at 5" in str(compacted)
    assert isinstance(compacted, StoreError)


def test_a_window_begins_at_the_beginning() -> None:
    assert Window().compacted == 0
