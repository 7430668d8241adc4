"""Texts as Go prints them; the expected forms were printed by Go."""

from __future__ import annotations

import pytest

from tmc_syncer.controlplane.auth.wording import go_syntax, quote, quote_list, together


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ("", '""'),
        ('say "hi" \\', '"say \\"hi\\" \\\\"'),
        ("a\a\b\f\n\r\t\v", '"a\\a\\b\\f\\n\\r\\t\\v"'),
        ("\x00\x1f\x7f", '"\\x00\\x1f\\x7f"'),
        ("ünï 日本", '"ünï 日本"'),
        ("\u200b\ue000", '"\\u200b\\ue000"'),
        ("\U000e0001", '"\\U000e0001"'),
    ],
)
def test_texts_are_quoted_like_percent_q(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_lists_are_quoted_like_percent_q() -> None:
    assert quote_list(["a", 'b"']) == '["a" "b\\""]'
    assert quote_list([]) == "[]"


def test_lists_are_written_like_percent_sharp_v() -> None:
    assert go_syntax(["a", "b"]) == '[]string{"a", "b"}'
    assert go_syntax([]) == "[]string{}"
    assert go_syntax(None) == "[]string(nil)"


def test_errors_are_told_once_and_in_brackets_when_there_are_several() -> None:
    assert together(["a"]) == "a"
    assert together(["a", "a"]) == "a"
    assert together(["a", "b", "a"]) == "[a, b]"
