"""How a failed command tells what happened: ``error:``, ``hint:``, a code, and the exit code.

`failure_of` knows four kinds: our own errors (also inside an exception group), mistakes in the command line that
cyclopts found, files that the operating system refuses, and bugs. Texts of servers are stripped of control
characters before they reach a terminal. Nothing here prints values of flags, so a token on the command line is
not repeated.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tmc_syncer.api.errors import TmcError

__all__ = ["Failure", "failure_of", "printable", "report"]

_RED, _DIM, _PLAIN = "\x1b[31m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Failure:
    """What is printed, and the exit code."""

    message: str
    hint: str
    code: str
    exit_code: int


def failure_of(error: BaseException) -> Failure:
    """What to say about `error`."""
    while isinstance(error, BaseExceptionGroup):
        # The tasks of a group fail together; an expected error among them is the one that explains.
        known = error.subgroup(TmcError)
        error = (known or error).exceptions[0]
    if isinstance(error, TmcError):
        return Failure(error.message, error.hint, error.code, error.exit_code)
    if (said := _command_line_error(error)) is not None:
        return Failure(said, "See --help.", "TMC-002", 2)
    if isinstance(error, OSError):
        subject = f"{error.filename}: " if error.filename else ""
        return Failure(f"{subject}{error.strerror or error}.", "", "TMC-001", 1)
    kind = type(error).__name__
    return Failure(
        f"Something unexpected happened ({kind}).",
        "This is a bug: run the command again with --debug and report what it prints.",
        "TMC-000",
        1,
    )


def report(error: BaseException) -> int:
    """Print what `error` means to standard error; the exit code."""
    failure = failure_of(error)
    colours = sys.stderr.isatty()
    red, dim, plain = (_RED, _DIM, _PLAIN) if colours else ("", "", "")
    lines = [f"{red}error:{plain} {printable(failure.message)} {dim}[{failure.code}]{plain}"]
    if failure.hint:
        lines.append(f"hint: {printable(failure.hint)}")
    sys.stderr.write("\n".join(lines) + "\n")
    return failure.exit_code


def printable(text: str) -> str:
    """`text` on one line, without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def _command_line_error(error: BaseException) -> str | None:
    """What cyclopts found wrong with the command line; None for any other error."""
    # Only a command line that was parsed can have been wrong: do not import cyclopts for the rest.
    exceptions = sys.modules.get("cyclopts.exceptions")
    if exceptions is None or not isinstance(error, exceptions.CycloptsError):
        return None
    if isinstance(error, exceptions.UnusedCliTokensError) and error.unused_tokens:
        return f"Nothing takes the argument {error.unused_tokens[0]!r}."
    error.verbose = False
    return str(error)
