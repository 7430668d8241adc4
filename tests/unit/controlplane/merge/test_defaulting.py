from __future__ import annotations

import copy

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.defaulting import default
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.structural import schema_of_crd

INNER = {"type": "object", "properties": {"b": {"type": "string", "default": "bb"}}}
SCHEMA = schema_of_crd(
    {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "default": 1},
            "n": {"type": "string", "nullable": True, "default": "x"},
            "z": {"type": "string", "default": None},
            "o": {"type": "object", "default": {"c": [1]}, "properties": {**INNER["properties"], "c": {"type": "array", "items": {"type": "integer"}}}},  # type: ignore[dict-item]
            "p": INNER,
            "l": {"type": "array", "items": {**INNER, "default": {}}},
            "m": {"type": "object", "additionalProperties": {**INNER, "default": {"b": "m"}}},
            "k": {"type": "object", "additionalProperties": {"type": "object", "nullable": True}},
        },
    }
)
FILLED = {"a": 1, "n": "x", "o": {"c": [1], "b": "bb"}}


def fill(obj):
    before = copy.deepcopy(obj)
    made = default(obj, SCHEMA)
    assert obj == before, "nothing that was given changes"
    return made


@pytest.mark.parametrize(
    ("obj", "made"),
    [
        ({}, FILLED),
        ({"a": 2, "n": "y", "o": {"b": "c"}}, {"a": 2, "n": "y", "o": {"b": "c"}}),
        ({"a": None, "n": None}, {**FILLED, "n": None}),
        ({"p": {}}, {**FILLED, "p": {"b": "bb"}}),
        ({"l": [{}, None, {"b": "x"}]}, {**FILLED, "l": [{"b": "bb"}, {"b": "bb"}, {"b": "x"}]}),
        ({"m": {"x": None, "y": {}}}, {**FILLED, "m": {"x": {"b": "m"}, "y": {"b": "bb"}}}),
        ({"k": {"x": None}, "other": {"y": 1}}, {**FILLED, "k": {"x": None}, "other": {"y": 1}}),
        ({"p": "wrong", "l": "wrong"}, {**FILLED, "p": "wrong", "l": "wrong"}),
    ],
)
def test_what_is_missing_or_null_is_filled_in(obj, made):
    assert fill(obj) == made


def test_an_object_that_lacks_nothing_is_the_same_object():
    obj = {**FILLED, "l": [{"b": "x"}], "m": {"k": {"b": "y"}}, "p": {"b": "z"}}
    assert fill(obj) is obj


def test_a_default_is_copied():
    one = fill({})
    one["o"]["c"].append(2)
    assert fill({})["o"] == {"c": [1], "b": "bb"}


def test_null_in_a_list_without_a_default_stays():
    schema = schema_of_crd({"type": "object", "properties": {"l": {"type": "array", "items": {"type": "string"}}}})
    assert default({"l": [None]}, schema) == {"l": [None]}


def test_only_custom_resources_have_defaults_of_a_schema():
    obj = {"spec": {}}
    assert default(obj, schema_of("apps", "v1", "Deployment")) is obj
    assert default(obj, None) is obj
    assert default(parcel({}), PARCEL)["spec"] == {"size": 1}
