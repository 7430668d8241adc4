from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.kube.errors import PathError
from tmc_syncer.kube.wire import encode_query, segment


@pytest.mark.parametrize("text", ["web", "a.b-c_d~e", "A0", "x" * 512, "...a", "...", "a..b"])
def test_ordinary_names_are_sent_as_they_are(text: str) -> None:
    assert segment(text) == text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("system:controller:x", "system:controller:x"),
        ("root:org:team-a", "root:org:team-a"),
        ("ü", "%C3%BC"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ('"', "%22"),
    ],
)
def test_signs_of_a_path_are_encoded(text: str, sent: str) -> None:
    assert segment(text) == sent


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a/b", "/", "..%2f", "%2e%2e", "a\\b", "a\nb", "a\x00", "\x7f", "x" * 513, "ü" * 513],
)
def test_a_name_that_would_leave_its_place_in_the_path_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        segment(text)


@given(st.text())
def test_an_accepted_name_is_one_segment_that_reads_back_as_itself(text: str) -> None:
    try:
        sent = segment(text)
    except PathError:
        return
    assert sent.isascii()
    assert not set(sent) & set("/?# ")
    assert unquote(sent, errors="surrogatepass") == text
    assert sent not in {"", ".", ".."}


def test_a_query_that_is_encoded_already_is_taken_as_it_is() -> None:
    assert encode_query("a=b%20c") == "a=b%20c"
    assert encode_query(()) == ""


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1))))
def test_a_query_reads_back_as_itself(pairs: list[tuple[str, str]]) -> None:
    assert parse_qsl(encode_query(pairs), errors="surrogatepass", keep_blank_values=True) == pairs
