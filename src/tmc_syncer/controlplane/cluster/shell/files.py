"""`Files`: the file system of one simulated container, in memory: what it mounts, what was written, and a few files that all have.

Mounted files come from a function, so that a ConfigMap that changes is seen changed; they cannot be written. Everything else is bytes in a
dictionary, bounded in number and size. Nothing here ever opens a file of the host. Pure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

__all__ = ["FileError", "Files"]

MAX_FILES = 256
"""Files that a container may have written."""

MAX_BYTES = 1024 * 1024
"""Bytes of one file."""

DIRECTORIES = ("/", "/bin", "/dev", "/etc", "/home", "/proc", "/root", "/tmp", "/usr", "/var")  # noqa: S108

COMMANDS = ("cat", "date", "echo", "env", "false", "hostname", "ls", "printf", "sh", "sleep", "tar", "true")


class FileError(Exception):
    """A path that cannot be used; the message is the reason, as the C library says it."""


class Files:
    """See the module. `mounted` gives the mounted files by path; `hostname` is in ``/etc/hostname``."""

    def __init__(self, hostname: str = "", mounted: Callable[[], Mapping[str, bytes]] = dict) -> None:
        self._mounted = mounted
        self._written: dict[str, bytes] = {}
        self._folders: set[str] = set()
        self._given = {
            "/etc/hostname": f"{hostname}\n".encode(),
            "/etc/hosts": f"127.0.0.1\tlocalhost\n127.0.0.1\t{hostname}\n".encode(),
            "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
            **{f"/bin/{name}": b"" for name in COMMANDS},
        }

    def _all(self) -> dict[str, bytes]:
        return {**self._given, **self._mounted(), **self._written}

    def resolve(self, path: str, folder: str = "/") -> str:
        """An absolute path."""
        return posixpath.normpath(posixpath.join(folder, path))

    def is_folder(self, path: str) -> bool:
        """Whether there is a directory."""
        if path in DIRECTORIES or path in self._folders:
            return True
        return any(name.startswith(f"{path}/") for name in self._all())

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        return path in self._all()

    def read(self, path: str) -> bytes:
        """The content of a file. Raises `FileError`."""
        found = self._all().get(path)
        if found is not None:
            return found
        raise FileError("Is a directory" if self.is_folder(path) else "No such file or directory")

    def write(self, path: str, data: bytes, *, append: bool = False) -> None:
        """Write a file. Raises `FileError`."""
        if self.is_folder(path):
            raise FileError("Is a directory")
        if path in self._mounted() or path in self._given:
            raise FileError("Read-only file system")
        if not self.is_folder(posixpath.dirname(path)):
            raise FileError("No such file or directory")
        content = (self._written.get(path, b"") if append else b"") + data
        if len(content) > MAX_BYTES or (path not in self._written and len(self._written) >= MAX_FILES):
            raise FileError("No space left on device")
        self._written[path] = content

    def make_folder(self, path: str) -> None:
        """Make a directory and those above it. Raises `FileError`."""
        if self.is_file(path):
            raise FileError("File exists")
        if len(self._folders) >= MAX_FILES:
            raise FileError("No space left on device")
        while path not in ("/", ""):
            self._folders.add(path)
            path = posixpath.dirname(path)

    def remove(self, path: str) -> None:
        """Remove a file that was written. Raises `FileError`."""
        if path not in self._written:
            raise FileError("Read-only file system" if self.is_file(path) else "No such file or directory")
        del self._written[path]

    def entries(self, path: str) -> list[str]:
        """The names in a directory, sorted. Raises `FileError`."""
        if not self.is_folder(path):
            raise FileError("No such file or directory")
        inside = path.rstrip("/") + "/"
        everything = [*self._all(), *DIRECTORIES, *self._folders]
        names = {name[len(inside) :].partition("/")[0] for name in everything if name.startswith(inside)}
        return sorted(name for name in names if name)

    def tree(self, path: str) -> dict[str, bytes]:
        """All files at or below a path."""
        return {
            name: data
            for name, data in sorted(self._all().items())
            if name == path or name.startswith(path.rstrip("/") + "/")
        }
