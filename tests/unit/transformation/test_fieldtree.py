"""Paths find what is there, and nothing where the object has another shape."""

from __future__ import annotations

import pytest

from tmc_syncer.transformation.fieldtree import find, owners_of

TREE = {"a": {"b": [{"c": 1}, {"c": 2}, {"d": 3}, "x"]}, "m": {"x": {"c": 4}, "y": {"c": 5}}, "n": None}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("a.b.*.c", [1, 2]),
        ("m.*.c", [4, 5]),
        ("a.b.*", [{"c": 1}, {"c": 2}, {"d": 3}, "x"]),
        ("n", [None]),
        ("a.b.c", []),
        ("a.missing.c", []),
        ("a.b.*.c.d", []),
        ("n.*", []),
        ("a.b.*.*", [1, 2, 3]),
    ],
)
def test_values_at_a_path(path: str, values: list[object]) -> None:
    assert find(TREE, path) == values


def test_the_empty_path_is_the_root() -> None:
    assert find(TREE, "") == [TREE]
    assert find(None, "") == [None]


def test_a_root_of_any_shape_can_be_asked() -> None:
    assert find([], "a") == []
    assert find("text", "*") == []


def test_owners_are_the_maps_themselves() -> None:
    owners, name = owners_of(TREE, "a.b.*.c")
    assert name == "c"
    assert owners[0] is TREE["a"]["b"][0]  # type: ignore[index]
    assert [owner["c"] for owner in owners] == [1, 2]


def test_a_field_of_the_root_is_owned_by_the_root() -> None:
    assert owners_of(TREE, "n") == ([TREE], "n")
    assert owners_of(TREE, "missing") == ([], "missing")
