from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel, spec_schema
from tmc_syncer.controlplane.merge.fieldset import from_paths
from tmc_syncer.controlplane.merge.removal import abandoned, is_reopened, with_named_parents, without
from tmc_syncer.controlplane.schema.node import ListOf, MapOf, Schema

A, B = 'k:{"name":"a"}', 'k:{"name":"b"}'


def remove(spec, *paths):
    fields = from_paths([("f:spec", *path) for path in paths])
    return without(parcel(spec), fields, PARCEL)["spec"]


@pytest.mark.parametrize(
    ("spec", "paths", "left"),
    [
        ({"size": 1, "name": "x"}, [("f:size",)], {"name": "x"}),
        ({"size": 1}, [("f:size",)], None),
        ({"labels": {"a": "x", "b": "y"}}, [("f:labels", "f:a")], {"labels": {"b": "y"}}),
        ({"labels": {"a": "x"}}, [("f:labels", "f:a")], {"labels": None}),
        ({"labels": {}}, [("f:labels", "f:a")], {"labels": None}),
        ({"settings": {"a": "x"}}, [("f:settings", "f:a")], {"settings": None}),
        ({"tags": ["a", "b"]}, [("f:tags", 'v:"a"')], {"tags": ["b"]}),
        ({"tags": ["a"]}, [("f:tags", 'v:"a"')], {"tags": None}),
        ({"tags": []}, [("f:tags", 'v:"a"')], {"tags": None}),
        ({"plain": ["a"]}, [("f:plain", "i:0")], {"plain": None}),
        ({"items": [{"name": "a"}, {"name": "b"}]}, [("f:items", A)], {"items": [{"name": "b"}]}),
        (
            {"items": [{"name": "a", "value": 1}, {"value": 2}]},
            [("f:items", A, "f:value")],
            {"items": [{"name": "a"}, {"value": 2}]},
        ),
        ({"size": 1}, [("f:size", "f:x")], {"size": 1}),
        ({"size": {}, "bogus": {"a": 1}}, [("f:size", "f:x"), ("f:bogus", "f:a")], {"size": None, "bogus": {"a": 1}}),
        ({"size": None, "name": "x"}, [("f:size", "f:x")], {"size": None, "name": "x"}),
    ],
)
def test_members_go_with_all_below_and_what_is_left_empty_is_null(spec, paths, left):
    assert remove(spec, *paths) == left


def test_what_is_not_removed_is_the_same_object():
    spec = {"labels": {"a": "x"}, "tags": ["a"], "items": [{"name": "a"}]}
    assert remove(spec, ("f:size",), ("f:labels", "f:z"), ("f:tags", 'v:"z"'), ("f:items", A, "f:z")) is spec
    assert without(spec, {}, PARCEL) is spec


def test_a_null_where_only_a_list_or_map_may_stand_stays_null():
    assert without(None, {"f:a": {}}, Schema(mapping=MapOf({}))) is None
    assert without("x", {"f:a": {}}, Schema(array=ListOf(Schema()))) is None


def test_fields_of_structs_with_members_below_become_members():
    fields = from_paths([("f:spec", "f:nested", "f:deep", "f:x"), ("f:spec", "f:items", A, "f:value")])
    named = with_named_parents(fields, PARCEL)
    assert named == from_paths(
        [
            ("f:spec",),
            ("f:spec", "f:nested"),
            ("f:spec", "f:nested", "f:deep"),
            ("f:spec", "f:nested", "f:deep", "f:x"),
            ("f:spec", "f:items"),
            ("f:spec", "f:items", A, "f:value"),
        ]
    )


def test_keys_of_maps_and_unknown_fields_do_not():
    fields = from_paths([("f:spec", "f:map", "f:k", "f:a"), ("f:bogus", "f:x", "f:y")])
    named = with_named_parents(fields, PARCEL)
    assert named["f:spec"]["f:map"] == {".": {}, "f:k": {"f:a": {}}}
    assert named["f:bogus"] == {"f:x": {"f:y": {}}}
    assert with_named_parents({"f:a": {".": {}, "f:b": {}}}, PARCEL) == {"f:a": {".": {}, "f:b": {}}}


def spec_set(*paths):
    return from_paths([("f:spec", *path) for path in paths])


@pytest.mark.parametrize(
    ("spec", "last", "held", "left"),
    [
        ({"size": 1, "name": "x"}, [("f:size",)], [("f:name",)], {"name": "x"}),
        ({"size": 1, "name": "x"}, [("f:size",)], [("f:size",)], {"size": 1, "name": "x"}),
        (
            {"items": [{"name": "a", "value": 1}, {"name": "b"}]},
            [("f:items", A), ("f:items", A, "f:name"), ("f:items", A, "f:value")],
            [("f:items", B), ("f:items", B, "f:name")],
            {"items": [{"name": "b"}]},
        ),
        (
            {"items": [{"name": "a", "value": 1, "filled": "x"}]},
            [("f:items", A), ("f:items", A, "f:name"), ("f:items", A, "f:value")],
            [("f:items", A), ("f:items", A, "f:name"), ("f:items", A, "f:filled")],
            {"items": [{"name": "a", "filled": "x"}]},
        ),
        ({"nested": {"a": "x", "b": 1}}, [("f:nested", "f:a")], [("f:nested", "f:b")], {"nested": {"b": 1}}),
        ({"nested": {"a": "x", "b": 1}, "size": 1}, [("f:nested", "f:a")], [("f:size",)], {"size": 1}),
    ],
)
def test_what_only_the_last_configuration_had_is_pruned(spec, last, held, left):
    made = abandoned(parcel(spec), spec_set(*last), spec_set(*held), PARCEL)
    assert made["spec"] == left


def test_an_owned_empty_struct_that_others_filled_is_found():
    assert is_reopened(parcel({"nested": {"a": "x"}}), spec_set(("f:nested",)), PARCEL)
    assert is_reopened(parcel({"tags": ["a"]}), spec_set(("f:tags",)), PARCEL)
    assert is_reopened(
        parcel({"items": [{"name": "b"}, {"name": "a", "options": {"x": "y"}}]}),
        spec_set(("f:items", A), ("f:items", A, "f:options")),
        PARCEL,
    )


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({"nested": {}}, [("f:nested",)]),
        ({"settings": {"a": "x"}}, [("f:settings",)]),
        ({"plain": ["a"]}, [("f:plain",)]),
        ({"tags": []}, [("f:tags",)]),
        ({"size": 1}, [("f:size",)]),
        ({"items": [{"name": "a"}]}, [("f:items", A), ("f:items", A, "f:name")]),
        ({"items": [{"name": "a"}]}, [("f:items", A)]),
        ({"bogus": {"a": 1}}, [("f:bogus",)]),
        ({}, [("f:nested",)]),
    ],
)
def test_other_leaves_are_not_reopened(spec, paths):
    assert not is_reopened(parcel(spec), spec_set(*paths), PARCEL)


def test_steps_that_are_no_fields_do_not_reopen_a_map():
    assert not is_reopened({"x": {"a": 1}}, {"v:1": {}}, spec_schema("free"))
