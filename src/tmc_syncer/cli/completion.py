"""`tmc completion`: the script that teaches a shell our commands and flags.

The script is cyclopts' own, generated from the commands as they are, so it never lags behind them.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["completion"]


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")],
    /,
) -> None:
    """Print the completion script of a shell."""
    from tmc_syncer.cli.application import application

    sys.stdout.write(application("tmc").generate_completion(prog_name="tmc", shell=shell))
