"""Tar archives of files in memory, in the form that ``kubectl cp`` sends and expects.

Only plain files and directories are read out of an archive; links, devices and paths that lead out of the target are left out. Nothing
is ever written to or read from the host. Pure.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Sequence

from tmc_syncer.controlplane.cluster.shell.effects import Machine
from tmc_syncer.controlplane.cluster.shell.files import FileError

__all__ = ["ArchiveError", "pack", "unpack"]


class ArchiveError(Exception):
    """What is wrong with an archive, or with what is to go into one."""


def pack(machine: Machine, names: Sequence[str]) -> bytes:
    """An archive of these files and directories. Raises `ArchiveError`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            path = machine.files.resolve(name, machine.folder)
            found = machine.files.tree(path)
            if not found and not machine.files.is_folder(path):
                raise ArchiveError(f"{name}: No such file or directory")
            if path not in found:
                folder = tarfile.TarInfo(path.lstrip("/"))
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(folder)
            for inside, data in found.items():
                entry = tarfile.TarInfo(inside.lstrip("/"))
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def unpack(machine: Machine, data: bytes, folder: str) -> None:
    """Write the files of an archive below a directory. Raises `ArchiveError` and `FileError`."""
    target = machine.files.resolve(folder, machine.folder)
    if not machine.files.is_folder(target):
        raise ArchiveError(f"can't change directory to '{folder}': No such file or directory")
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                path = posixpath.normpath(posixpath.join(target, entry.name))
                if not path.startswith(target.rstrip("/") + "/"):
                    continue
                if entry.isdir():
                    machine.files.make_folder(path)
                elif entry.isfile() and (content := archive.extractfile(entry)) is not None:
                    parent = posixpath.dirname(path)
                    if not machine.files.is_folder(parent):
                        machine.files.make_folder(parent)
                    machine.files.write(path, content.read())
    except tarfile.TarError as error:
        raise ArchiveError(f"invalid archive: {error}") from error
    except FileError as error:
        raise ArchiveError(str(error)) from error
