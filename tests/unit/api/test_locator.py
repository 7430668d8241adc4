"""The locator is kcp's own JSON, the only way back, and no text can do harm by posing as one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.locator import (
    Locator,
    TargetReference,
    downstream_namespace,
    hashed_namespace,
    parse_locator,
)

TARGET = TargetReference("root:org:ws", "us-west1", "syncTargetUID")
LOCATOR = Locator(TARGET, "root:org:ws", "test")
JSON = (
    '{"syncTarget":{"cluster":"root:org:ws","name":"us-west1","uid":"syncTargetUID"},'
    '"cluster":"root:org:ws","namespace":"test"}'
)
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
words = st.text(min_size=1, max_size=20)
labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
clusters = st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True) | labels


def test_json_key_tenant_and_name_are_those_of_kcp() -> None:
    """The vectors of kcp's own tests; the order of the fields matters, their hash is the name."""
    assert LOCATOR.encode() == JSON
    assert TARGET.key == "6ohB8yeXhwqTQVuBzJRgqcRJTpRjX7yTZu5g5g"
    assert LOCATOR.tenant == "9Fn3Q4y5UDPmCOrYCujwdgCbD9SwOcKdcefYE7"
    assert hashed_namespace(LOCATOR) == "kcp-33jbiactwhg0"


def test_all_namespaces_of_a_workspace_have_one_tenant_id() -> None:
    assert (
        Locator(TARGET, "root:org:ws", "other").tenant
        == Locator(TARGET, "root:org:ws").tenant
        == LOCATOR.tenant
    )
    assert Locator(TARGET, "other", "test").tenant != LOCATOR.tenant


@given(words, words, words, words, st.text(max_size=20))
def test_what_was_written_is_read_back(
    cluster: str, name: str, uid: str, workspace: str, namespace: str
) -> None:
    locator = Locator(TargetReference(cluster, name, uid), workspace, namespace)
    assert parse_locator(locator.encode()) == locator


def test_a_locator_without_a_namespace_is_read() -> None:
    assert parse_locator('{"syncTarget":{"cluster":"a","name":"b","uid":"c"},"cluster":"d"}') == Locator(
        TargetReference("a", "b", "c"), "d", ""
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        "garbage",
        "{}",
        '{"syncTarget":null,"cluster":"a"}',
        '{"syncTarget":{"cluster":"a","name":"b"},"cluster":"c"}',
        '{"syncTarget":{"cluster":"a","name":"b","uid":7},"cluster":"c","namespace":"d"}',
        '{"syncTarget":{"cluster":"a","name":"b","uid":"c"},"cluster":"d","namespace":null}',
        JSON + "x",
        '{"x":' + "[" * 100_000 + "]" * 100_000 + "," + JSON[1:],
        '{"cluster":"\ud800"}',
    ],
)
def test_anything_else_is_foreign(text: str | None) -> None:
    assert parse_locator(text) is None


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Locator(TargetReference("root:org:ws", "us-west1", "another uid"), "root:org:ws", "test"), True),
        (Locator(TargetReference("elsewhere", "us-west1", "syncTargetUID"), "root:org:ws", "test"), False),
        (Locator(TargetReference("root:org:ws", "us-east1", "syncTargetUID"), "root:org:ws", "test"), False),
        (Locator(TARGET, "root:org:other", "test"), False),
        (Locator(TARGET, "root:org:ws", "other"), False),
    ],
)
def test_the_same_place_whatever_the_uid_of_the_target(other: Locator, same: bool) -> None:
    assert LOCATOR.same_place(other) == same
    assert other.same_place(LOCATOR) == same


@pytest.mark.parametrize(
    ("cluster", "namespace", "name"),
    [
        ("1a2b3c", "shop", "kcp-1a2b3c-shop"),
        ("1a2b3c", "shop-eu", "kcp-1a2b3c-shop-eu"),
        ("a", "b" * 57, "kcp-a-" + "b" * 57),
    ],
)
def test_a_readable_name_where_it_tells_the_truth(cluster: str, namespace: str, name: str) -> None:
    assert downstream_namespace(Locator(TARGET, cluster, namespace)) == name


@pytest.mark.parametrize(
    ("cluster", "namespace"),
    [
        ("a-b", "shop"),
        ("root:org", "shop"),
        ("ABC", "shop"),
        ("ä", "shop"),
        ("", "shop"),
        ("a", ""),
        ("a", "shop-"),
        ("a", "Shop"),
        ("a", "../shop"),
        ("a", "shop\n"),
        ("a", "b" * 58),
    ],
)
def test_a_hashed_name_where_a_readable_one_would_lie_or_be_refused(cluster: str, namespace: str) -> None:
    locator = Locator(TARGET, cluster, namespace)
    assert downstream_namespace(locator) == hashed_namespace(locator)


def test_a_hashed_name_when_it_is_asked_for() -> None:
    locator = Locator(TARGET, "1a2b3c", "shop")
    assert downstream_namespace(locator, readable=False) == hashed_namespace(locator)


@given(clusters | words, labels | words)
def test_every_name_is_valid_and_of_at_most_63_characters(cluster: str, namespace: str) -> None:
    assert NAMESPACE.fullmatch(downstream_namespace(Locator(TARGET, cluster, namespace)))


@given(st.tuples(clusters, labels), st.tuples(clusters, labels), st.booleans(), st.booleans())
def test_two_places_never_get_one_name(
    one: tuple[str, str], other: tuple[str, str], readable_one: bool, readable_other: bool
) -> None:
    name = downstream_namespace(Locator(TARGET, *one), readable=readable_one)
    if one != other:
        assert name != downstream_namespace(Locator(TARGET, *other), readable=readable_other)
