"""Why a data directory cannot be used, each with a stable code and what to do.

DataDirectoryError       TMC-040  the directory cannot be written, or there is something else in it
NewerDatabase            TMC-041  written by a later release
BrokenDatabase           TMC-042  not a database, or damaged
DatabaseInUse            TMC-043  another process has it open
DiskFailure              TMC-044  a write failed while the server ran
"""

from __future__ import annotations

from tmc_syncer.api.errors import TmcError

__all__ = ["BrokenDatabase", "DataDirectoryError", "DatabaseInUse", "DiskFailure", "NewerDatabase"]


class DataDirectoryError(TmcError):
    """The data directory cannot be used as it is."""

    code = "TMC-040"


class NewerDatabase(DataDirectoryError):
    """The database was written by a later release."""

    code = "TMC-041"


class BrokenDatabase(DataDirectoryError):
    """The file is no database, or a damaged one."""

    code = "TMC-042"


class DatabaseInUse(DataDirectoryError):
    """Another process has the database open."""

    code = "TMC-043"


class DiskFailure(DataDirectoryError):
    """What was acknowledged is on disk; what came later could not be written."""

    code = "TMC-044"
