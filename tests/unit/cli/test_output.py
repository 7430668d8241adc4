"""Tables are whole in a pipe and coloured on a terminal; JSON, YAML and names are for programs."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

import pytest
import yaml

from tmc_syncer.cli.output import Cell, Table, age, print_data, print_table, say

TABLE = Table(
    ("NAME", "MESSAGE"), [["eu-1", Cell("x" * 300, "bad")], ["us", "[bold]no markup[/]"]], "Targets"
)


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def test_into_a_pipe_nothing_is_cut_padded_or_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Targets", "NAME   MESSAGE", "eu-1   " + "x" * 300, "us     [bold]no markup[/]"]


def test_on_a_terminal_long_messages_are_folded_and_bad_news_red(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_table(TABLE)
    assert "\x1b[31m" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) > 5


def test_a_server_cannot_steer_the_terminal_through_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table(("A",), [["x\x1b[2J\ny"]]))
    say("one\ntwo")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines() == ["A", "x [2J y", "one two"]


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_the_data(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = {"b": [1, "ü"], "a": {"x": None}}
    print_data(data, output, "unused")  # type: ignore[arg-type]
    text = capsys.readouterr().out
    assert (json.loads(text) if output == "json" else yaml.safe_load(text)) == data
    assert "ü" in text


def test_names_are_one_a_line_and_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_data({}, "name", "unused", ["a/b", "c/d"])
    assert capsys.readouterr().out == "a/b\nc/d\n"
    print_data({}, "table", "A sentence.")
    assert capsys.readouterr().out == "A sentence.\n"
    print_data({}, "table", [Table(("A",), [["1"]]), Table(("B",), [["2"]])])
    assert capsys.readouterr().out == "A\n1\n\nB\n2\n"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, "-"),
        ("", "-"),
        ("nonsense", "?"),
        ("2026-01-10T00:00:01Z", "0s"),
        ("2026-01-09T23:59:15Z", "45s"),
        ("2026-01-09T23:30:00Z", "30m"),
        ("2026-01-09T12:00:00Z", "12h"),
        ("2026-01-01T00:00:00Z", "9d"),
    ],
)
def test_an_age_is_short(moment: str | None, text: str) -> None:
    assert age(moment, datetime(2026, 1, 10, tzinfo=UTC)) == text
