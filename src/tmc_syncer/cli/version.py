"""`tmc version`: which version this is, and what it runs on.

Without flags `main` answers it before anything is loaded; this module serves ``-o json`` and ``--help``.
"""

from __future__ import annotations

import platform

from tmc_syncer import __version__
from tmc_syncer.cli.output import OutputFlag, print_data

__all__ = ["version"]


def version(*, output: OutputFlag = "table") -> None:
    """Show the version."""
    facts = {"version": __version__, "python": platform.python_version(), "platform": platform.platform()}
    print_data(facts, output, f"tmc-syncer {__version__}")
