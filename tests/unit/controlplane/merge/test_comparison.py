from __future__ import annotations

import copy

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.comparison import NO_CHANGE, Comparison, compare, same


def change(before, after):
    found = compare(parcel(before), parcel(after), PARCEL)
    return tuple(fields.get("f:spec", {}) for fields in (found.removed, found.modified, found.added))


@pytest.mark.parametrize(
    ("before", "after", "removed", "modified", "added"),
    [
        ({"size": 1}, {"size": 2}, {}, {"f:size": {}}, {}),
        ({"size": 1}, {}, {"f:size": {}}, {}, {}),
        ({}, {"nested": {"deep": {"x": True}}}, {}, {}, {"f:nested": {".": {}, "f:deep": {".": {}, "f:x": {}}}}),
        ({"nested": {"a": "x"}}, {"nested": {"a": "y"}}, {}, {"f:nested": {"f:a": {}}}, {}),
        ({"labels": {"a": "x"}}, {"labels": {"b": "x"}}, {"f:labels": {"f:a": {}}}, {}, {"f:labels": {"f:b": {}}}),
        ({"labels": {"a": "x"}}, {"labels": {}}, {"f:labels": {"f:a": {}}}, {}, {}),
        ({"labels": None}, {"labels": {}}, {}, {"f:labels": {}}, {}),
        ({"labels": None}, {"labels": {"a": "x"}}, {}, {}, {"f:labels": {"f:a": {}}}),
        ({"settings": {"a": "x"}}, {"settings": {"a": "y"}}, {}, {"f:settings": {}}, {}),
        ({"plain": ["a"]}, {"plain": ["b"]}, {}, {"f:plain": {}}, {}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, {"f:tags": {'v:"a"': {}}}, {}, {"f:tags": {'v:"c"': {}}}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, {}, {}, {}),
        ({"tags": None}, {"tags": []}, {}, {"f:tags": {}}, {}),
        (
            {"items": [{"name": "a", "value": 1}, {"name": "b"}]},
            {"items": [{"name": "c"}, {"name": "a", "value": 2}]},
            {"f:items": {'k:{"name":"b"}': {".": {}, "f:name": {}}}},
            {"f:items": {'k:{"name":"a"}': {"f:value": {}}}},
            {"f:items": {'k:{"name":"c"}': {".": {}, "f:name": {}}}},
        ),
        ({"any": 1}, {"any": "x"}, {}, {"f:any": {}}, {}),
        ({"any": {"a": 1}}, {"any": [1]}, {"f:any": {"f:a": {}}}, {"f:any": {}}, {}),
        ({"any": {"a": 1}}, {"any": None}, {"f:any": {"f:a": {}}}, {}, {}),
        ({"any": 1}, {"any": {"a": 1}}, {}, {"f:any": {}}, {"f:any": {"f:a": {}}}),
        ({"free": {"x": True}}, {"free": {"x": 1}}, {}, {"f:free": {"f:x": {}}}, {}),
        ({"flag": True}, {"flag": True}, {}, {}, {}),
    ],
)
def test_fields_are_removed_modified_or_added(before, after, removed, modified, added):
    assert change(before, after) == (removed, modified, added)


@pytest.mark.parametrize(
    ("before", "after", "removed", "modified", "added"),
    [
        (["a", "a"], ["a", "a"], {}, {}, {}),
        (["a", "a", "a"], ["a", "a"], {}, {'v:"a"': {}}, {}),
        (["a", "a"], ["a"], {'v:"a"': {}}, {}, {'v:"a"': {}}),
        (["a", "a"], [], {'v:"a"': {}}, {}, {}),
        (["a"], ["a", "a"], {'v:"a"': {}}, {}, {'v:"a"': {}}),
        ([], ["a", "a"], {}, {}, {'v:"a"': {}}),
        ([{}, "a"], ["b", {}], {'v:"a"': {}}, {}, {'v:"b"': {}}),
    ],
)
def test_an_item_that_occurs_twice_counts_as_one_that_is_owned_as_a_whole(before, after, removed, modified, added):
    found = change({"tags": before}, {"tags": after})
    assert tuple(fields.get("f:tags", {}) for fields in found) == (removed, modified, added)


def test_fields_that_the_schema_does_not_know_do_not_count():
    assert change({"bogus": 1, "size": 1}, {"bogus": 2, "size": 1}) == ({}, {}, {})
    assert change({"bogus": 1}, {"size": 1}) == ({}, {}, {"f:size": {}})


def test_equal_objects_need_no_walk():
    obj = parcel({"size": 1, "tags": ["a"]})
    assert compare(obj, copy.deepcopy(obj), PARCEL) is NO_CHANGE


def test_one_is_not_true_where_both_may_stand():
    assert same({"a": [1, {"b": True}]}, {"a": [1, {"b": True}]}, loose=True)
    assert not same({"a": [1]}, {"a": [True]}, loose=True)
    assert not same({"a": True}, {"a": 1}, loose=True)
    assert same(1, 1.0, loose=True)
    assert same({"a": [1]}, {"a": [True]})
    assert not same(1, 2)


def test_a_comparison_may_leave_fields_out():
    found = Comparison({"f:a": {}}, {"f:b": {"f:c": {}}}, {"f:b": {}, "f:d": {}})
    left = found.without({"f:a": {}, "f:b": {}})
    assert (left.removed, left.modified, left.added) == ({}, {}, {"f:d": {}})
    assert found.without({}) is found
    assert found.set_anew == {"f:b": {".": {}, "f:c": {}}, "f:d": {}}
