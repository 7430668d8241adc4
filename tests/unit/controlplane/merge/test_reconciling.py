from __future__ import annotations

from tests.unit.controlplane.merge.parcels import PARCEL, spec_schema
from tmc_syncer.controlplane.merge.fieldset import from_paths
from tmc_syncer.controlplane.merge.reconciling import reconciled
from tmc_syncer.controlplane.schema.node import DEDUCED, ListOf, Schema


def of(*paths):
    return from_paths([("f:spec", *path) for path in paths])


def test_who_owned_parts_of_what_became_atomic_owns_all_of_it():
    before = of(("f:settings", "f:a"), ("f:whole", "f:deep", "f:x"), ("f:parts", "i:0"), ("f:size",))
    assert reconciled(before, PARCEL) == of(("f:settings",), ("f:whole",), ("f:parts",), ("f:size",))


def test_what_became_granular_stays_owned_as_a_whole():
    before = of(("f:labels",), ("f:items",))
    assert reconciled(before, PARCEL) is before


def test_a_set_that_fits_the_schema_is_returned_as_it_is():
    before = of(
        ("f:labels", "f:a"),
        ("f:items", 'k:{"name":"a"}', "f:value"),
        ("f:free", "f:x", "f:y"),
        ("f:bogus", "f:x"),
        ("f:any", "f:x", "f:y"),
    )
    assert reconciled(before, PARCEL) is before


def test_items_of_lists_are_looked_into():
    before = {'k:{"name":"a"}': {".": {}, "f:options": {"f:x": {}}}}
    assert reconciled(before, spec_schema("items")) is before
    atomic = Schema(array=ListOf(spec_schema("settings"), "map", ("name",)))
    assert reconciled({'k:{"name":"a"}': {".": {}, "f:x": {}}, ".": {"f:z": {}}}, atomic) == {
        'k:{"name":"a"}': {},
        ".": {"f:z": {}},
    }


def test_steps_that_cannot_be_there_are_left_alone():
    assert reconciled({"v:1": {"f:x": {}}}, PARCEL) == {"v:1": {"f:x": {}}}
    assert reconciled({"f:x": {"f:y": {}}}, Schema(scalar="string")) == {"f:x": {"f:y": {}}}
    assert reconciled({"f:x": {"f:y": {}}}, DEDUCED) == {"f:x": {"f:y": {}}}
