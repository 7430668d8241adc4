from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.unit.controlplane.storage.records import PODS, delete, put
from tmc_syncer.controlplane.storage.database import FORMAT, Batch, Database
from tmc_syncer.controlplane.storage.failures import (
    BrokenDatabase,
    DatabaseInUse,
    DataDirectoryError,
    DiskFailure,
    NewerDatabase,
)
from tmc_syncer.controlplane.storage.records import Change
from tmc_syncer.controlplane.storage.store import Store


class Kept:
    """A store whose batch is written by hand."""

    def __init__(self, directory: Path, *, history: int = 100) -> None:
        self.database = Database(directory, "store")
        self.store = Store(history=history)
        try:
            self.database.load(self.store)
        except BaseException:
            self.database.close()
            raise
        self.batch = Batch()
        self.store.on_change = lambda name, change: self.batch.changes.append((name, change))
        self.store.on_drop = self.dropped

    def dropped(self, name: str, change: Change) -> None:
        if change.previous is not None:
            self.batch.dropped.append(change.previous.revision)
        if change.deleted:
            self.batch.dropped.append(change.revision)

    def commit(self) -> None:
        self.batch.revision, self.batch.compacted = self.store.revision, self.store.compacted
        self.database.commit(self.batch)
        self.batch = Batch()

    def rows(self) -> int:
        count: int = self.database._connection.execute("SELECT count(*) FROM versions").fetchone()[0]
        return count


def everything(store: Store) -> tuple[object, ...]:
    pods = store.collection(PODS)
    return store.revision, store.compacted, pods.live, list(pods.changes_from(0, 1000))


def test_what_was_committed_is_there_again_with_its_history(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    put(kept.store, "c/a/x", b'"metadata":{}}', colour="red")
    put(kept.store, "c/a/y")
    put(kept.store, "c/a/x", b"second")
    delete(kept.store, "c/a/y", b"last")
    kept.commit()
    before = everything(kept.store)
    kept.database.close()
    again = Kept(tmp_path)
    assert everything(again.store) == before
    again.database.close()


def test_what_was_not_committed_is_gone(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    put(kept.store, "c/a/x")
    kept.commit()
    put(kept.store, "c/a/y")
    kept.database.close()
    again = Kept(tmp_path)
    assert (again.store.revision, list(again.store.collection(PODS).live)) == (1, ["c/a/x"])
    again.database.close()


def test_the_file_holds_what_the_memory_holds_and_no_more(tmp_path: Path) -> None:
    kept = Kept(tmp_path, history=5)
    for number in range(60):
        put(kept.store, f"c/a/{number % 3}")
        kept.commit()
    for number in range(3):
        delete(kept.store, f"c/a/{number}")
    put(kept.store, "c/a/last")
    kept.commit()
    assert kept.rows() <= 5 + 3
    before = everything(kept.store)
    kept.database.close()
    again = Kept(tmp_path, history=5)
    assert everything(again.store) == before
    again.database.close()


def test_rows_that_a_smaller_window_leaves_behind_are_swept_at_the_next_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    put(kept.store, "c/a/x")
    put(kept.store, "c/a/x")
    delete(kept.store, "c/a/x")
    put(kept.store, "c/a/y")
    kept.commit()
    kept.database._connection.execute("UPDATE position SET compacted = 4")
    kept.database.close()
    again = Kept(tmp_path)
    assert again.store.compacted == 4
    assert again.rows() == 1
    again.database.close()


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    database = Database(tmp_path / "a" / "b", "store")
    assert (tmp_path / "a" / "b" / "store.sqlite").exists()
    database.close()


def test_a_directory_that_cannot_be_made_or_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataDirectoryError, match="cannot be made") as refused:
        Database(tmp_path / "file" / "data", "store")
    assert refused.value.code == "TMC-040"
    assert "--data-dir" in refused.value.hint
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DataDirectoryError, match="is not writable"):
        Database(tmp_path, "store")


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").mkdir()
    with pytest.raises(DataDirectoryError, match="cannot be opened"):
        Database(tmp_path, "store")


def test_a_database_of_a_later_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    Database(tmp_path, "store").close()
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    before = (tmp_path / "store.sqlite").read_bytes()
    with pytest.raises(NewerDatabase, match=f"format {FORMAT + 1}") as refused:
        Database(tmp_path, "store")
    assert refused.value.code == "TMC-041"
    assert (tmp_path / "store.sqlite").read_bytes() == before


def test_a_broken_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"this is no database, but long enough to look like one" * 100)
    with pytest.raises(BrokenDatabase) as refused:
        Database(tmp_path, "store")
    assert refused.value.code == "TMC-042"
    assert (tmp_path / "store.sqlite").read_bytes().startswith(b"this is no database")


def test_damage_inside_is_found_at_the_start(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    for number in range(200):
        put(kept.store, f"c/a/{number}", b"x" * 1000)
    kept.commit()
    kept.database.close()
    path = tmp_path / "store.sqlite"
    content = bytearray(path.read_bytes())
    content[8192:120_000] = b"\xff" * (120_000 - 8192)
    path.write_bytes(content)
    with pytest.raises(BrokenDatabase):
        Kept(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE position SET revision = 0",
        "DELETE FROM position",
        "UPDATE versions SET facts = x'7b'",
        "UPDATE versions SET facts = 'text'",
    ],
)
def test_contents_that_make_no_sense_are_refused(tmp_path: Path, damage: str) -> None:
    kept = Kept(tmp_path)
    put(kept.store, "c/a/x")
    kept.commit()
    kept.database._connection.execute(damage)
    kept.database.close()
    with pytest.raises(BrokenDatabase):
        Kept(tmp_path)


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(DataDirectoryError, match="something else"):
        Database(tmp_path, "store")


def test_a_second_server_on_one_file_is_refused(tmp_path: Path) -> None:
    first = Database(tmp_path, "store")
    with pytest.raises(DatabaseInUse) as refused:
        Database(tmp_path, "store")
    assert refused.value.code == "TMC-043"
    first.close()
    Database(tmp_path, "store").close()


def test_a_disk_that_is_full_is_a_failure_with_a_code_and_what_was_there_stays(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    put(kept.store, "c/a/x")
    kept.commit()
    pages = kept.database._connection.execute("PRAGMA page_count").fetchone()[0]
    kept.database._connection.execute(f"PRAGMA max_page_count = {pages}")
    put(kept.store, "c/a/y", b"x" * 100_000)
    with pytest.raises(DiskFailure, match="full") as failed:
        kept.commit()
    assert failed.value.code == "TMC-044"
    kept.database.close()
    again = Kept(tmp_path)
    assert list(again.store.collection(PODS).live) == ["c/a/x"]
    again.database.close()
