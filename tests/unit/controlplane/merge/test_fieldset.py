"""Sets of fields against sets of paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.controlplane.merge.fieldset import (
    decode,
    difference,
    encode,
    from_paths,
    has,
    intersection,
    is_empty,
    is_member,
    paths,
    recursive_difference,
    union,
)
from tmc_syncer.controlplane.merge.steps import order

STEPS = ["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'k:{"port":80}', 'v:"x"', "v:1", "i:0"]
PATHS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=4).map(tuple)
MEMBERS = st.frozensets(PATHS, max_size=12)


def of(fields):
    return set(paths(fields))


def is_canonical(node, at_root=True):
    if not at_root and not node:
        return True
    inner = {step: child for step, child in node.items() if step != "."}
    if "." in node and (at_root or node["."] != {} or not inner):
        return False
    return all(is_canonical(child, at_root=False) for child in inner.values())


@given(MEMBERS)
def test_a_set_of_paths_has_these_members(members):
    fields = from_paths(members)
    assert of(fields) == members
    assert is_canonical(fields)
    assert is_empty(fields) == (not members)
    assert all(has(fields, path) for path in members)


@given(MEMBERS, PATHS)
def test_membership_is_exact(members, path):
    assert has(from_paths(members), path) == (path in members)


def test_the_whole_object_is_never_a_member():
    assert from_paths([()]) == {}
    assert not has({"f:a": {}}, ())


def test_a_node_is_a_member_when_it_is_a_leaf_or_says_so():
    assert is_member({})
    assert is_member({".": {}, "f:a": {}})
    assert not is_member({"f:a": {}})


@given(MEMBERS, MEMBERS)
def test_union_intersection_and_difference_are_those_of_the_members(left, right):
    one, two = from_paths(left), from_paths(right)
    for made, wanted in (
        (union(one, two), left | right),
        (intersection(one, two), left & right),
        (difference(one, two), left - right),
    ):
        assert of(made) == wanted
        assert is_canonical(made)
    assert of(one) == left, "nothing that was given changes"
    assert of(two) == right


@given(MEMBERS, MEMBERS)
def test_a_recursive_difference_takes_what_is_below_a_member_too(left, right):
    made = recursive_difference(from_paths(left), from_paths(right))
    gone = {path for path in left if any(path[: len(taken)] == taken for taken in right)}
    assert of(made) == left - gone
    assert is_canonical(made)


@given(MEMBERS, MEMBERS, MEMBERS)
def test_the_algebra_keeps_its_laws(first, second, third):
    a, b, c = map(from_paths, (first, second, third))
    assert of(union(a, b)) == of(union(b, a))
    assert of(union(union(a, b), c)) == of(union(a, union(b, c)))
    assert of(intersection(a, union(b, c))) == of(union(intersection(a, b), intersection(a, c)))
    assert of(difference(a, union(b, c))) == of(difference(difference(a, b), c))
    assert of(union(intersection(a, b), difference(a, b))) == of(a)
    assert difference(a, a) == {}
    assert union(a, a) == a
    assert intersection(a, a) == a
    assert recursive_difference(a, {}) == a


@given(MEMBERS)
def test_a_set_survives_the_wire(members):
    fields = from_paths(members)
    assert decode(encode(fields)) == fields


@given(MEMBERS)
def test_a_set_is_written_in_the_servers_order(members):
    def check(node):
        assert list(node) == sorted(node, key=order)
        for child in node.values():
            check(child)

    check(encode(from_paths(members)))


def test_members_come_level_by_level():
    fields = from_paths([("f:c",), ("f:a", "f:b"), ("f:a", "f:z", "f:y"), ("f:a", "f:k")])
    assert list(paths(fields)) == [("f:c",), ("f:a", "f:b"), ("f:a", "f:k"), ("f:a", "f:z", "f:y")]


def test_what_a_client_writes_is_made_canonical():
    written = {
        "f:a": {".": {}},
        'k:{ "name": "x" }': {"f:b": {}},
        'k:{"name":"x"}': {".": {}, "f:c": {}},
        "x:later": {"f:d": {}},
        ".": {},
    }
    assert decode(written) == {"f:a": {}, 'k:{"name":"x"}': {".": {}, "f:b": {}, "f:c": {}}}


@pytest.mark.parametrize("written", [{"a": {}}, {"f:a": 1}, {"f:a": {"k:nothing": {}}}])
def test_a_field_set_that_makes_no_sense_is_an_error(written):
    with pytest.raises(ValueError, match=":"):
        decode(written)


def test_two_leaves_that_are_the_same_object_join():
    leaf: dict[str, object] = {"f:a": {}}
    assert union({"f:x": leaf}, {"f:x": leaf, "f:y": {}}) == {"f:x": leaf, "f:y": {}}
