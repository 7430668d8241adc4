"""Where keys are kept: a folder that only its owner can read, or memory.

Both have the same two methods, `read` (None when there is nothing) and `write`, by a simple name. The folder is made with
mode 0700 and each file with 0600, whatever the umask; a file that others may read is taken from them when it is read. A file
is replaced in one step and synced before, so that a crash leaves the old or the new content, never half.

Failures of the disk are `KeyringError` (TMC-046) with a sentence that names the path. Called by `keyring` alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Protocol

from tmc_syncer.api.errors import TmcError

__all__ = ["KeyringError", "MemoryFiles", "SecretFiles", "SecretFolder"]

_FOREIGN = 0o077
"""The rights of everybody but the owner."""


class KeyringError(TmcError):
    """Keys cannot be read, written or used."""

    code = "TMC-046"


class SecretFiles(Protocol):
    """Named contents that nobody else reads."""

    def read(self, name: str) -> bytes | None:
        """The content, None when there is none. Raises `KeyringError`."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Keep a content in place of what is there. Raises `KeyringError`."""
        ...


class MemoryFiles:
    """Contents that end with the process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._contents.get(name)

    def write(self, name: str, content: bytes) -> None:
        self._contents[name] = content


class SecretFolder:
    """Contents as files of `directory`, which is made when the first is written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, name: str) -> bytes | None:
        path = self._directory / name
        try:
            if path.stat().st_mode & _FOREIGN:
                path.chmod(0o600)
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeyringError(
                f"{path} cannot be read: {error.strerror}.", hint="Give a folder that is yours alone."
            ) from error

    def write(self, name: str, content: bytes) -> None:
        path = self._directory / name
        fresh = path.with_name(f".{name}.{secrets.token_hex(4)}")
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise KeyringError(
                f"{path} cannot be written: {error.strerror}.", hint="Give a folder that you may write to."
            ) from error
