from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.labelselectors import parse

LABELS = {"app": "web", "tier": "front", "n": "3", "example.com/x": "", "bad": "x1"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=db", False),
        ("app!=db", True),
        ("none!=db", True),
        ("app!=web", False),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("! app", False),
        ("app in (db,web)", True),
        ("app in (db, cache)", False),
        ("app in ()", False),
        ("app in (web,)", True),
        ("none notin (a)", True),
        ("app notin (web,db)", False),
        ("n>2", True),
        ("n>3", False),
        ("n<4", True),
        ("n<3", False),
        ("bad>1", False),
        ("none<1", False),
        ("example.com/x=", True),
        ("example.com/x", True),
        ("app=,tier=front", False),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app=web,!none,n>1", True),
        ("in=x", False),
    ],
)
def test_a_selector_selects(text: str, selected: bool) -> None:
    match = parse(text)
    assert match is not None
    assert match(LABELS) is selected


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_selects_everything(text: str) -> None:
    assert parse(text) is None


VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b", "unable to parse requirement: found '', expected: ',', or identifier"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',', or identifier"),
        (",", "found ',', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        (
            "a b",
            "unable to parse requirement: found 'b', expected: 'in', 'notin', '=', '==', '!=', 'gt', 'lt'",
        ),
        ("a=-b-", f'unable to parse requirement: values[0][a]: Invalid value: "-b-": {VALUE_WORDS}'),
        (
            "n>x",
            (
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be "
                "an integer"
            ),
        ),
    ],
)
def test_what_is_no_selector_is_refused_in_the_words_of_kube_apiserver(text: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(text)
    assert (refused.value.code, refused.value.message) == (400, message)


def test_a_key_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ApiError, match='unable to parse requirement: key: Invalid value: "-a"'):
        parse("-a=b")


@given(st.text(alphabet="ab=!<>(), \t-in/", max_size=20))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    match = None
    with contextlib.suppress(ApiError):
        match = parse(text)
    assert match is None or match({"a": "b"}) in (True, False)
