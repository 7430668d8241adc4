"""`Database`: the history of a store in one SQLite file, as a list of versions, one row for each change (etcd's model).

A change is one row, keyed by its revision; the live state of an object is its last row, if that is no deletion. What
the window of the store drops is deleted from the file in the same transaction as later changes, so that the file holds
what the memory holds. `load` replays it.

A commit is durable when it returns: WAL with synchronous=FULL, on macOS with a full barrier. The file is locked for the
life of the connection: two servers on one file would give one revision twice. Everything here is synchronous; it is called
from one thread at a time. Refusals are `DataDirectoryError`s with a code and a hint.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tmc_syncer.controlplane.storage.failures import (
    BrokenDatabase,
    DatabaseInUse,
    DataDirectoryError,
    DiskFailure,
    NewerDatabase,
)
from tmc_syncer.controlplane.storage.records import Change, Record
from tmc_syncer.controlplane.storage.store import Store

__all__ = ["FORMAT", "Batch", "Database"]

FORMAT = 1
"""Version of the file's layout; a later one is refused."""

APPLICATION_ID = 0x746D6370
"""Marks the file as ours ("tmcp")."""

_LAYOUT = """
CREATE TABLE IF NOT EXISTS versions (
    revision INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, deleted INTEGER NOT NULL,
    facts BLOB NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS position (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER, compacted INTEGER);
INSERT OR IGNORE INTO position VALUES (1, 0, 0);
"""


class _Facts(msgspec.Struct, array_like=True, gc=False):
    uid: str = ""
    version: str = ""
    labels: dict[str, str] | None = None
    fields: dict[str, str] | None = None


_decode_facts = msgspec.json.Decoder(_Facts).decode


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    changes: list[tuple[str, Change]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    revision: int = 0
    compacted: int = 0


class Database:
    """An open file in `directory`, which is made where it is missing. Raises `DataDirectoryError`."""

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / f"{name}.sqlite"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataDirectoryError(
                f"The data directory {directory} cannot be made: {error.strerror}.",
                hint="Give a directory that you may write to with --data-dir.",
            ) from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise DataDirectoryError(
                f"The data directory {directory} is not writable.",
                hint="Give a directory that you may write to with --data-dir.",
            )
        with self._translated():
            self._connection = sqlite3.connect(
                self.path, timeout=0.0, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    def load(self, store: Store) -> None:
        """Fill an empty store with what was kept. Raises `BrokenDatabase`."""
        with self._translated(), closing(self._connection.cursor()) as cursor:
            revision, compacted = cursor.execute("SELECT revision, compacted FROM position").fetchone()
            live: dict[str, dict[str, Record]] = {}
            log: list[tuple[str, Change]] = []
            garbage: list[tuple[int]] = []
            rows = cursor.execute(
                "SELECT revision, collection, key, deleted, facts, body FROM versions ORDER BY revision"
            )
            for number, collection, key, deleted, raw, body in rows:
                if number > revision:
                    raise BrokenDatabase(
                        f"{self.path} is damaged: revision {number} is not known.", hint=_RESTORE
                    )
                facts = _decode_facts(raw)
                record = Record(key, number, body, facts.uid, facts.version, facts.labels, facts.fields)
                there = live.setdefault(collection, {})
                previous = there.get(key)
                if number > compacted:
                    log.append((collection, Change(record, previous, deleted=bool(deleted))))
                else:
                    garbage += [(old.revision,) for old in (previous, record if deleted else None) if old]
                if deleted:
                    there.pop(key, None)
                else:
                    there[key] = record
            self._connection.executemany("DELETE FROM versions WHERE revision = ?", garbage)
        store.load(revision, compacted, live, log)

    def commit(self, batch: Batch) -> None:
        """Write a batch; it is on disk when this returns. Raises `DiskFailure`."""
        rows = [
            (
                change.revision,
                collection,
                change.record.key,
                int(change.deleted),
                msgspec.json.encode(_facts(change.record)),
                change.record.body,
            )
            for collection, change in batch.changes
        ]
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)", rows)
            cursor.executemany(
                "DELETE FROM versions WHERE revision = ?", [(number,) for number in batch.dropped]
            )
            cursor.execute(
                "UPDATE position SET revision = ?, compacted = ?", (batch.revision, batch.compacted)
            )
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                cursor.execute("ROLLBACK")
            raise DiskFailure(
                f"{self.path} cannot be written any more: {error}.",
                hint="Free space or mend the disk, then start again; everything acknowledged is there.",
            ) from error
        finally:
            cursor.close()  # an open statement would keep the file locked after `close`

    def _prepare(self) -> None:
        connection = self._connection
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        used = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if used and application != APPLICATION_ID:
            raise DataDirectoryError(
                f"{self.path} is a database of something else.",
                hint="Give another directory with --data-dir.",
            )
        if found > FORMAT:
            raise NewerDatabase(
                f"{self.path} was written by a later release (format {found}, this one knows {FORMAT}).",
                hint="Start the release that wrote it, or give another directory with --data-dir.",
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(None, map(str.strip, _LAYOUT.split(";"))):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise DatabaseInUse(
                    f"{self.path} is in use by another process.",
                    hint="Stop that one, or give another directory with --data-dir.",
                ) from error
            raise DataDirectoryError(
                f"{self.path} cannot be opened: {error}.",
                hint="Give a directory that you may read and write with --data-dir.",
            ) from error
        except (sqlite3.Error, msgspec.DecodeError, TypeError) as error:
            raise BrokenDatabase(
                f"{self.path} is no database of ours, or damaged: {error}.", hint=_RESTORE
            ) from error


_RESTORE = "Restore the file from a copy, or move it away to start empty."


def _facts(record: Record) -> _Facts:
    return _Facts(record.uid, record.version, record.labels, record.fields)
