from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel, spec_schema
from tmc_syncer.controlplane.merge.fields import (
    Misfit,
    fields_of,
    fields_present,
    fits_scalar,
    item_problem,
    item_step,
    whole,
)
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.node import ListOf, MapOf, Schema


def spec_fields(spec, of=fields_of):
    return of(parcel(spec), PARCEL).get("f:spec")


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"size": 1, "name": None}, {"f:size": {}, "f:name": {}}),
        ({"labels": {"a": "x"}}, {"f:labels": {"f:a": {}}}),
        ({"labels": {}}, {"f:labels": {}}),
        ({"labels": None}, {"f:labels": {}}),
        ({"settings": {"a": "x"}}, {"f:settings": {}}),
        ({"settings": None}, {"f:settings": {}}),
        ({"nested": {"deep": {"x": True}}}, {"f:nested": {"f:deep": {"f:x": {}}}}),
        ({"nested": {"deep": {}}}, {"f:nested": {"f:deep": {}}}),
        ({"whole": {"a": "x", "deep": {"x": True}}}, {"f:whole": {}}),
        ({"tags": ["a", "b"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
        ({"plain": ["a"], "parts": [{"a": "x"}]}, {"f:plain": {}, "f:parts": {}}),
        ({"plain": []}, {"f:plain": {}}),
        ({"map": {"k": {"a": "x"}, "l": {}}}, {"f:map": {"f:k": {".": {}, "f:a": {}}, "f:l": {}}}),
        ({"free": {"p": {"q": 1}, "l": [1]}}, {"f:free": {"f:p": {".": {}, "f:q": {}}, "f:l": {}}}),
        ({"either": "50%", "any": [1]}, {"f:either": {}, "f:any": {}}),
        (
            {"ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}]},
            {
                "f:ports": {
                    'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}},
                    'k:{"port":80,"protocol":"UDP"}': {".": {}, "f:port": {}, "f:protocol": {}},
                }
            },
        ),
        (
            {"items": [{"name": "a", "sub": [{"id": 1}]}]},
            {
                "f:items": {
                    'k:{"name":"a"}': {
                        ".": {},
                        "f:name": {},
                        "f:sub": {'k:{"id":1}': {".": {}, "f:id": {}}},
                    }
                }
            },
        ),
    ],
)
def test_a_configuration_owns_its_leaves_items_and_keys(spec, fields):
    assert spec_fields(spec) == fields
    assert spec_fields(spec, fields_present) == fields


@pytest.mark.parametrize("spec", [{"tags": []}, {"tags": None}, {"items": []}, {}])
def test_an_empty_list_with_keys_leaves_no_trace(spec):
    kept = spec_fields(spec)
    assert kept in ({"f:tags": {}}, {}, None) if spec.get("tags", 0) is None else kept in ({}, None)


@pytest.mark.parametrize(
    "spec",
    [
        {"bogus": 1},
        {"size": "x"},
        {"name": 1},
        {"flag": "yes"},
        {"labels": []},
        {"labels": "x"},
        {"tags": {}},
        {"tags": [{}]},
        {"tags": ["a", "a"]},
        {"items": [{"value": 1}]},
        {"items": [None]},
        {"items": ["a"]},
        {"items": [{"name": "a"}, {"name": "a"}]},
        {"whole": {"bogus": 1}},
        {"whole": {"b": "x"}},
        {"parts": [{"bogus": 1}]},
        {"nested": {"deep": {"bogus": 1}}},
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(spec):
    with pytest.raises(Misfit):
        spec_fields(spec)


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"tags": ["a", "a", "a", "b"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
        (
            {"items": [{"name": "a", "value": 1}, {"name": "a"}, {"value": 1}]},
            {"f:items": {'k:{"name":"a"}': {}}},
        ),
        ({"nested": {"bogus": 1}}, {"f:nested": {"f:bogus": {}}}),
        ({"labels": [1], "size": {}, "settings": []}, {"f:size": {}, "f:settings": {}}),
    ],
)
def test_what_is_stored_is_read_even_if_it_does_not_fit(spec, fields):
    assert spec_fields(spec, fields_present) == fields


def test_a_scalar_fits_by_its_type():
    numeric, text, truth, any_, none = (
        Schema(scalar=kind) for kind in ("numeric", "string", "boolean", "untyped", "")
    )
    assert [fits_scalar(1.5, schema) for schema in (numeric, text, truth, any_, none)] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert not fits_scalar(True, numeric)
    assert fits_scalar(True, truth)
    assert fits_scalar("x", text)


def test_an_item_without_a_step_has_a_problem():
    listing, of_scalars = spec_schema("items").array, spec_schema("tags").array
    assert item_step({"name": "a"}, listing) == 'k:{"name":"a"}'
    assert item_step({"value": 1}, listing) is None
    assert item_step(None, listing) is None
    assert item_step({}, of_scalars) is None
    assert "null element" in item_problem(None, listing)
    assert "non-map elements" in item_problem("a", listing)
    assert 'omits all key fields ["name"]' in item_problem({}, listing)
    assert "map type" in item_problem({}, of_scalars)
    assert "lists as elements" in item_problem([], of_scalars)
    assert "explicit null" in item_problem(None, of_scalars)


def test_a_missing_key_may_have_a_default_or_no_say():
    ports = spec_schema("ports").array
    assert item_step({"protocol": "UDP"}, ports) == 'k:{"protocol":"UDP"}'
    assert item_step({}, ports) == 'k:{"protocol":"TCP"}'
    bare = ListOf(Schema(scalar="untyped"), "map", ("a", "b"))
    assert item_step({"a": 1}, bare) == 'k:{"a":1}'


def test_keys_of_built_in_lists_have_defaults_too():
    service = schema_of("", "v1", "Service")
    assert service is not None
    fields = fields_of({"spec": {"ports": [{"port": 80}]}}, service)
    assert fields == {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}


@pytest.mark.parametrize(
    ("field", "value", "node"),
    [
        ("size", 1, {}),
        ("labels", {}, {}),
        ("labels", {"a": "x"}, {".": {}, "f:a": {}}),
        ("settings", {"a": "x"}, {}),
        ("tags", [], {}),
        ("tags", ["a", "b"], {".": {}, 'v:"a"': {}, 'v:"b"': {}}),
        ("tags", [{}], {}),
        ("plain", ["a"], {}),
        ("nested", {"a": "x", "deep": {"x": True}}, {".": {}, "f:a": {}, "f:deep": {".": {}, "f:x": {}}}),
        ("nested", {"bogus": 1}, {".": {}, "f:bogus": {}}),
        (
            "items",
            [{"name": "a", "value": 1}],
            {".": {}, 'k:{"name":"a"}': {".": {}, "f:name": {}, "f:value": {}}},
        ),
        ("items", [{"name": "a", "value": 1}, {"name": "a"}], {".": {}, 'k:{"name":"a"}': {}}),
        ("labels", None, {}),
    ],
)
def test_a_value_that_appears_at_once_is_a_member_with_all_that_is_in_it(field, value, node):
    assert whole(value, spec_schema(field)) == node


def test_a_place_that_only_admits_lists_reads_null_as_an_empty_list():
    listing = Schema(array=ListOf(Schema(scalar="string"), "set"))
    atomic = Schema(array=ListOf(Schema(scalar="string")))
    schema = Schema(mapping=MapOf({}, extra=listing))
    assert fields_of({"a": None}, schema) == {"f:a": {}}
    assert fields_of({"a": None}, Schema(mapping=MapOf({"a": listing}))) == {"f:a": {}}
    assert fields_of({"a": None}, Schema(mapping=MapOf({"a": atomic}))) == {"f:a": {}}
