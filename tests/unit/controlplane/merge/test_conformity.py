from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.conformity import describe, misfits
from tmc_syncer.controlplane.schema.node import ListOf, MapOf, Schema


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"bogus": 1}, ".spec.bogus: field not declared in schema"),
        ({"size": "x"}, ".spec.size: expected numeric (int or float), got string"),
        ({"size": True}, ".spec.size: expected numeric (int or float), got bool"),
        ({"size": []}, ".spec.size: expected numeric (int or float), got []interface {}"),
        ({"size": {}}, ".spec.size: expected numeric (int or float), got map[string]interface {}"),
        ({"name": 1}, ".spec.name: expected string, got &value.valueUnstructured{Value:1}"),
        ({"flag": "x"}, ".spec.flag: expected boolean, got &{x}"),
        ({"labels": "x"}, ".spec.labels: expected map, got &{x}"),
        ({"tags": "x"}, ".spec.tags: expected list, got &{x}"),
        (
            {"tags": [{}]},
            ".spec.tags: element 0: associative list without keys has an element that's a map type",
        ),
        ({"tags": ["a", "a"]}, '.spec.tags: duplicate entries for key [="a"]'),
        ({"items": [{"name": "a", "value": "x"}]}, '.spec.items[name="a"].value: expected numeric (int or float), got string'),
        ({"parts": [{}, {"b": "x"}]}, ".spec.parts[1].b: expected numeric (int or float), got string"),
        ({"whole": {"b": "x"}}, ".spec.whole.b: expected numeric (int or float), got string"),
        (
            {"size": "x", "name": 1},
            "errors:\n  .spec.size: expected numeric (int or float), got string\n"
            "  .spec.name: expected string, got &value.valueUnstructured{Value:1}",
        ),
    ],
)
def test_what_does_not_fit_is_said_as_the_server_says_it(spec, message):
    assert describe(list(misfits(parcel(spec), PARCEL))) == message


@pytest.mark.parametrize("spec", [{"size": 1, "tags": ["a"], "plain": [], "either": 1}, {"labels": None}, {}])
def test_what_fits_has_no_problem(spec):
    assert list(misfits(parcel(spec), PARCEL)) == []


def test_a_place_without_any_type_admits_scalars():
    schema = Schema(mapping=MapOf({"a": Schema(scalar="untyped")}))
    assert list(misfits({"a": []}, schema)) == [(".a", "expected any scalar, got &{[]}")]


def test_a_list_where_a_list_with_keys_is_wanted_but_items_are_no_maps():
    schema = Schema(array=ListOf(Schema(scalar="string"), "map", ("name",)))
    assert describe(list(misfits(["a"], schema))) == (
        "element 0: associative list with keys may not have non-map elements"
    )
