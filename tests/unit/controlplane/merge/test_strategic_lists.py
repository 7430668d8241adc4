from __future__ import annotations

import copy
import re

import pytest

from tmc_syncer.controlplane.merge.patcherrors import PatchError
from tmc_syncer.controlplane.merge.strategic_lists import ListPatch, merged_list, ordered_list
from tmc_syncer.controlplane.schema.node import Schema

ITEMS = Schema()
KEYED = ListPatch(ITEMS, merges=True, key="n")
SCALARS = ListPatch(ITEMS, merges=True, key="")
REPLACED = ListPatch(ITEMS, merges=False, key="n")


def joined(original, patch, schema):
    assert schema is ITEMS
    return {**original, **patch}


def merge(live, patch, listed=KEYED, **more):
    before = copy.deepcopy((live, patch))
    made = merged_list(live, patch, listed, merge=joined, **more)
    assert (live, patch) == before, "nothing that was given changes"
    return made


def order(live, patch, wanted, listed=KEYED):
    return ordered_list(live, patch, wanted, listed, merge=joined, clean=lambda value: value)


def names(items):
    return "".join(item["n"] for item in items)


def of(text):
    return [{"n": name} for name in text]


@pytest.mark.parametrize(
    ("live", "patch", "made"),
    [("abc", "b", "abc"), ("abc", "d", "dabc"), ("abc", "ca", "bca"), ("abc", "", "abc"), ("", "ab", "ab")],
)
def test_items_of_the_patch_come_in_its_order_and_others_where_they_were(live, patch, made):
    assert names(merge(of(live), of(patch))) == made


def test_an_item_with_the_same_key_is_merged():
    assert merge([{"n": "a", "x": 1}], [{"n": "a", "y": 2}]) == [{"n": "a", "x": 1, "y": 2}]


def test_keys_are_told_apart_by_type():
    assert merge([{"n": 1}], [{"n": True}, {"n": 1.0}]) == [{"n": True}, {"n": 1.0}, {"n": 1}]


def test_two_empty_lists_stay_empty():
    assert merge([], []) == []


def test_an_item_can_be_deleted_however_often_it_is_there():
    assert names(merge(of("aba"), [{"n": "a", "$patch": "delete"}, {"n": "z", "$patch": "delete"}])) == "b"


def test_a_patch_can_replace_the_whole_list():
    assert names(merge(of("ab"), [{"$patch": "replace"}, {"n": "c"}])) == "c"


@pytest.mark.parametrize(
    ("live", "patch", "made"),
    [
        (["a", "b"], ["c"], ["c", "a", "b"]),
        (["a", "b"], ["b", "a"], ["b", "a"]),
        (["a"], ["a", "a", "b"], ["a", "b"]),
        (["a", "b", "c"], ["b"], ["a", "b", "c"]),
    ],
)
def test_scalars_are_joined_without_repetition(live, patch, made):
    assert merge(live, patch, SCALARS) == made


def test_scalars_can_be_deleted():
    assert merge(["a", "b", "a"], ["a"], SCALARS, deletes=True) == ["b"]


@pytest.mark.parametrize(
    ("live", "patch", "listed", "message"),
    [
        (of("a"), ["x"], KEYED, "list element types are not identical"),
        ([["x"]], [["y"]], SCALARS, "lists of lists are not supported"),
        (of("a"), of("b"), SCALARS, "cannot merge lists without merge key for struct"),
        (of("a"), [{"x": 1}], KEYED, r"map: map\[x:1\] does not contain declared merge key: n"),
        (of("a"), [{"$patch": "delete"}], KEYED, "does not contain declared merge key: n"),
        (of("a"), [{"n": "a", "$patch": "merge"}], KEYED, "merging lists cannot yet be specified in the patch"),
        (of("a"), [{"n": "a", "$patch": "bogus"}], KEYED, "unknown patch type: bogus in map"),
        ([{"x": 1}], of("a"), KEYED, "does not contain declared merge key: n"),
        (of("a"), [{"n": {}}], KEYED, "unhashable"),
        (["a"], ["b"], KEYED, r"expected a map\[string\]interface {}, but received a string"),
    ],
)
def test_a_list_that_cannot_be_merged_is_an_error(live, patch, listed, message):
    with pytest.raises(PatchError) as caught:
        merge(live, patch, listed)
    assert re.search(message, caught.value.problem)


@pytest.mark.parametrize(
    ("live", "patch", "wanted", "made"),
    [
        ("abc", None, "cb", "acb"),
        ("abc", "d", "db", "dabc"),
        (None, "ab", "ba", None),
        (None, "ab", "ab", "ab"),
        ("ab", "", "ba", "ba"),
        ("abcd", "xb", "xdb", "xacdb"),
        ("ab", "cd", "", "abdc"),
    ],
)
def test_an_order_can_be_set(live, patch, wanted, made):
    lists = [None if text is None else of(text) for text in (live, patch)]
    if made is None:
        with pytest.raises(PatchError, match="The order in patch list"):
            order(*lists, of(wanted))
    else:
        assert names(order(*lists, of(wanted))) == made


def test_without_a_list_there_is_nothing_to_order():
    assert order(None, None, of("a")) is None


def test_a_list_that_is_not_merged_is_replaced_in_order():
    assert names(order(of("ab"), of("dc"), of("dc"), REPLACED)) == "dc"


def test_scalars_can_be_ordered():
    assert order(["a", "b"], ["c"], ["c", "b"], SCALARS) == ["c", "a", "b"]


def test_directives_do_not_count_in_the_order():
    patch = [{"n": "b", "$patch": "delete"}, {"$patch": "replace"}, {"n": "c"}]
    assert names(order(of("ab"), patch, of("c"))) == "c"


@pytest.mark.parametrize(
    ("patch", "wanted", "listed", "message"),
    [
        (of("b"), of("a"), KEYED, "The order in patch list"),
        (of("ab"), of("ba"), KEYED, "The order in patch list"),
        ([*of("a"), {"$patch": "replace"}], of("a"), KEYED, "The order in patch list"),
        (["x"], of("a"), KEYED, "but received a string"),
        ([{"x": 1}], of("a"), KEYED, "does not contain declared merge key"),
        ([{"x": 1}], ["a"], SCALARS, "The order in patch list"),
        ([{"x": 1}], [{"x": 1}], SCALARS, "unhashable"),
    ],
)
def test_the_patch_must_keep_to_the_order(patch, wanted, listed, message):
    with pytest.raises(PatchError) as caught:
        order(of("z"), patch, wanted, listed)
    assert message in caught.value.problem


def test_an_order_of_nothing_is_an_error():
    with pytest.raises(PatchError, match="no elements in any of the given slices"):
        order([], None, of("a"))
