"""Whatever is raised becomes one sentence, safe for a terminal, with a code and an exit code."""

from __future__ import annotations

import io
import sys

import pytest

from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.cli.failures import failure_of, printable, report


def test_an_expected_error_keeps_its_words_and_code() -> None:
    failure = failure_of(UsageError("No target.", hint="Give one."))
    assert (failure.message, failure.hint, failure.code, failure.exit_code) == (
        "No target.", "Give one.", "TMC-002", 2,
    )  # fmt: skip


def test_of_errors_that_came_together_the_expected_one_explains() -> None:
    group = ExceptionGroup(
        "tasks", [ValueError("a bug?"), ExceptionGroup("more", [TmcError("The server is gone.")])]
    )
    assert failure_of(group).message == "The server is gone."
    assert failure_of(ExceptionGroup("tasks", [KeyError("x")])).code == "TMC-000"


def test_a_file_that_the_system_refuses_is_named() -> None:
    failure = failure_of(PermissionError(13, "Permission denied", "/etc/shadow"))
    assert (failure.message, failure.exit_code) == ("/etc/shadow: Permission denied.", 1)
    assert failure_of(OSError("odd")).message == "odd."


def test_a_text_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\r\x07") == "a [2Jb c"


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def test_colours_appear_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, coloured in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        assert report(TmcError("No.")) == 1
        assert ("\x1b[31m" in stream.getvalue()) is coloured
        assert "hint" not in stream.getvalue()
