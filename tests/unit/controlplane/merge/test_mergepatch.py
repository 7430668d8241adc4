from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.merge.mergepatch import merge_patch

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@pytest.mark.parametrize(
    ("live", "patch", "made"),
    [
        ({"a": 1, "b": 2}, {"a": None, "c": 3}, {"b": 2, "c": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1]}, {"a": [{"x": None, "y": [None]}]}, {"a": [{"y": [None]}]}),
        ({"a": {"b": 1}}, {"a": [{"x": None}]}, {"a": [{"x": None}]}),
        ({"a": 1}, {"a": {"x": None, "y": 1}}, {"a": {"y": 1}}),
        ({"a": None}, {"a": {"x": None}}, {"a": {}}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ],
)
def test_a_patch_is_merged_as_the_servers_library_does(live, patch, made):
    before = copy.deepcopy((live, patch))
    assert merge_patch(live, patch) == made
    assert (live, patch) == before


def rfc(target, patch):
    """RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = rfc(found.get(name), value)
    return found


def has_null_inside_a_list(value, inside=False):
    if isinstance(value, list):
        return any(has_null_inside_a_list(item, True) for item in value)
    if isinstance(value, dict):
        return any((inside and item is None) or has_null_inside_a_list(item, inside) for item in value.values())
    return False


@given(OBJECTS, OBJECTS.filter(lambda patch: not has_null_inside_a_list(patch)))
def test_without_nulls_inside_lists_it_is_what_the_rfc_says(live, patch):
    assert merge_patch(live, patch) == rfc(live, patch)
