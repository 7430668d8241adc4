"""Secrets are for their owner alone, whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tmc_syncer.controlplane.auth.secret_files import KeyringError, MemoryFiles, SecretFiles, SecretFolder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_what_is_written_is_read_and_replaced(kind: str, tmp_path: Path) -> None:
    files: SecretFiles = MemoryFiles() if kind == "memory" else SecretFolder(tmp_path / "keys of mine")
    assert files.read("a.pem") is None
    files.write("a.pem", b"one")
    assert files.read("a.pem") == b"one"
    files.write("a.pem", b"two")
    assert files.read("a.pem") == b"two"
    assert files.read("b.pem") is None


def test_nobody_else_may_read_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        SecretFolder(tmp_path / "keys").write("a.pem", b"one")
    finally:
        os.umask(before)
    assert mode(tmp_path / "keys") == 0o700
    assert mode(tmp_path / "keys" / "a.pem") == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["a.pem"]


def test_a_file_that_others_may_read_is_taken_from_them(tmp_path: Path) -> None:
    path = tmp_path / "a.pem"
    path.write_bytes(b"one")
    path.chmod(0o644)
    assert SecretFolder(tmp_path).read("a.pem") == b"one"
    assert mode(path) == 0o600


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    files = SecretFolder(blocked)
    with pytest.raises(KeyringError, match=r"file/a\.pem cannot be written: .*Give a folder"):
        files.write("a.pem", b"one")
    with pytest.raises(KeyringError, match=r"file/a\.pem cannot be read"):
        files.read("a.pem")


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SecretFolder(tmp_path)
    files.write("a.pem", b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyringError, match="No space left on device"):
        files.write("a.pem", b"two")
    assert files.read("a.pem") == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pem"]
