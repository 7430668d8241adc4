"""The entry point of `tmc` and `kubectl-tmc`: runs one command and turns whatever happens into an exit code.

Exit codes: 0 done · 1 it failed · 2 it was asked for wrongly (a flag, a file, a name) · 130 interrupted. An
expected failure (`TmcError`) is printed as ``error:`` and ``hint:`` with its stable code; anything else as one
sentence too. A traceback is shown only with ``--debug``, which may stand anywhere.

This module imports nothing but the standard library until it knows which command runs: `tmc version` and shell
completion are expected to be instant.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tmc_syncer import __version__

__all__ = ["main", "run"]

PLUGIN = "kubectl-tmc"


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv))


def run(argv: list[str]) -> int:
    """Run one command line, program name included; the exit code."""
    program = "kubectl tmc" if Path(argv[0]).stem == PLUGIN else "tmc"
    tokens, debug = _without_debug(argv[1:])
    try:
        if tokens in (["version"], ["--version"]):
            sys.stdout.write(f"tmc-syncer {__version__}\n")
            return 0
        from tmc_syncer.cli.application import application

        result = application(program)(tokens)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has enough. Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            raise
        from tmc_syncer.cli.failures import report

        return report(error)
    return result if isinstance(result, int) else 0


def _without_debug(tokens: list[str]) -> tuple[list[str], bool]:
    end = tokens.index("--") if "--" in tokens else len(tokens)
    kept = [word for word in tokens[:end] if word != "--debug"]
    return kept + tokens[end:], len(kept) < end


if __name__ == "__main__":
    main()
