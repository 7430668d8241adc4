"""Selectors mean what kubectl and the API server mean by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.selectors import EVERYTHING, Requirement, Selector, from_match, parse_selector

SHOP = {"team": "shop", "tier": "", "example.com/stage": "prod"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("  ", True),
        ("team=shop", True),
        ("team==shop", True),
        ("team = shop", True),
        ("team=pay", False),
        ("team!=pay", True),
        ("team!=shop", False),
        ("other!=x", True),
        ("tier=", True),
        ("tier!=", False),
        ("team", True),
        ("!team", False),
        ("! other", True),
        ("other", False),
        ("team in (shop, pay)", True),
        ("team in (pay)", False),
        ("tier in ()", True),
        ("team notin (pay,ship)", True),
        ("team notin (shop)", False),
        ("other notin (x)", True),
        ("example.com/stage=prod,team", True),
        ("team in (a,shop),!other,tier", True),
        ("team in (a,shop),other", False),
        ("in in (a)", False),
    ],
)
def test_a_selector_as_it_is_typed(text: str, matches: bool) -> None:
    assert parse_selector(text).matches(SHOP) == matches


@pytest.mark.parametrize(
    "text",
    [
        ",",
        "a,,b",
        "a,",
        "=b",
        "a=b=c",
        "a in b",
        "a in (b",
        "a in (b,-)",
        "a > 1",
        "a=b c",
        "-a",
        "a/b/c",
        "a//b",
        "Example.com/a",
        "a" * 64,
        "a=" + "b" * 64,
        "p" * 254 + "/a",
        "a in (((",
        "!",
    ],
)
def test_what_a_server_would_refuse_is_refused_here(text: str) -> None:
    with pytest.raises(UsageError, match="not a label selector") as caught:
        parse_selector(text)
    assert "team in (a,b)" in caught.value.hint


keys = st.from_regex(r"([a-z]{1,4}\.io/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?", fullmatch=True)
values = st.from_regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?", fullmatch=True)
requirements = st.one_of(
    st.builds(
        Requirement,
        keys,
        st.sampled_from(["in", "notin"]),
        st.lists(values, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(Requirement, keys, st.sampled_from(["exists", "!"])),
)
selectors = st.builds(Selector, st.lists(requirements, max_size=4).map(tuple))


@given(selectors)
def test_what_is_sent_to_a_server_means_the_same(selector: Selector) -> None:
    assert parse_selector(str(selector)) == selector


@given(selectors, st.dictionaries(keys, values, max_size=4))
def test_a_selector_matches_when_each_of_its_terms_does(selector: Selector, labels: dict[str, str]) -> None:
    assert selector.matches(labels) == all(
        Selector((term,)).matches(labels) for term in selector.requirements
    )


@given(requirements, st.dictionaries(keys, values, max_size=4))
def test_a_term_and_its_opposite_never_agree(term: Requirement, labels: dict[str, str]) -> None:
    opposite = {"in": "notin", "notin": "in", "exists": "!", "!": "exists"}
    assert term.matches(labels) != Requirement(term.key, opposite[term.operator], term.values).matches(labels)


def test_nothing_selects_everything() -> None:
    assert EVERYTHING.matches(None)
    assert EVERYTHING.matches({"a": "b"})
    assert not EVERYTHING
    assert parse_selector("a")
    assert not parse_selector("a").matches(None)
    assert parse_selector("!a").matches(None)


def test_the_structured_form() -> None:
    selector = from_match(
        {"b": "2", "a": "1"},
        [
            {"key": "c", "operator": "In", "values": ["x", "y"]},
            {"key": "d", "operator": "NotIn", "values": ("z",)},
            {"key": "e", "operator": "Exists"},
            {"key": "f", "operator": "DoesNotExist", "values": []},
        ],
    )
    assert str(selector) == "a in (1),b in (2),c in (x,y),d notin (z),e,!f"
    assert from_match({}, []) == EVERYTHING


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"key": "a", "operator": "Gt", "values": ["1"]}, "'Gt' of 'a'"),
        ({"key": "a"}, "None of 'a'"),
        ({"operator": "Exists"}, "'Exists' of None"),
        ({"key": "a", "operator": "In"}, "'a' has no values"),
        ({"key": "a", "operator": "NotIn", "values": []}, "'a' has no values"),
        ({"key": "a", "operator": "In", "values": "text"}, "'a' has no values"),
        ({"key": "a", "operator": "Exists", "values": ["b"]}, "'a' has values"),
        ({"key": "a", "operator": "DoesNotExist", "values": ["b"]}, "'a' has values"),
    ],
)
def test_an_expression_that_a_server_would_refuse_is_refused(expression: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_match({}, [expression])
