from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest

from tests.unit.controlplane.merge.parcels import API_VERSION, LATER, NOW, PARCEL, parcel
from tests.unit.controlplane.merge.test_ownership import edited, owned, stored, times, track
from tmc_syncer.controlplane.merge.applying import apply
from tmc_syncer.controlplane.merge.conflicts import ApplyConflict, ApplyError
from tmc_syncer.controlplane.merge.lastapplied import ANNOTATION
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.node import SCHEMALESS


def applied(live, config, manager="m", force=False, schema=PARCEL, now=NOW, **more):
    before = copy.deepcopy((live, config))
    made = apply(live, config, manager=manager, force=force, schema=schema, api_version=API_VERSION, now=now, **more)
    assert (live, config) == before, "nothing that was given changes"
    return stored(made)


def operations(obj):
    return {(entry["manager"], entry["operation"]) for entry in obj["metadata"].get("managedFields", [])}


def test_a_create_is_the_configuration_with_an_entry():
    obj = applied(None, parcel({"size": 1, "items": [{"name": "a"}]}, labels={"l": "v"}))
    assert obj["spec"] == {"size": 1, "items": [{"name": "a"}]}
    assert obj["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Apply",
            "apiVersion": API_VERSION,
            "time": NOW,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {"f:l": {}}},
                "f:spec": {"f:items": {'k:{"name":"a"}': {".": {}, "f:name": {}}}, "f:size": {}},
            },
        }
    ]


def test_a_change_of_a_field_of_another_is_a_conflict_and_changes_nothing():
    old = applied(None, parcel({"size": 1, "name": "a"}))
    with pytest.raises(ApplyConflict) as caught:
        applied(old, parcel({"size": 2, "name": "b"}), "n")
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "m":\n- .spec.name\n- .spec.size'
    )


def test_force_takes_the_field():
    old = applied(None, parcel({"size": 1, "name": "a"}))
    obj = applied(old, parcel({"size": 2}), "n", force=True, now=LATER)
    assert obj["spec"] == {"size": 2, "name": "a"}
    assert owned(obj) == {("m", ""): {"f:spec": {"f:name": {}}}, ("n", ""): {"f:spec": {"f:size": {}}}}
    assert times(obj) == {"m": NOW, "n": LATER}


def test_a_field_with_the_same_value_is_shared():
    old = applied(None, parcel({"size": 1}))
    obj = applied(old, parcel({"size": 1}), "n")
    assert owned(obj) == {("m", ""): {"f:spec": {"f:size": {}}}, ("n", ""): {"f:spec": {"f:size": {}}}}
    with pytest.raises(ApplyConflict):
        applied(obj, parcel({"size": 2}), "n")


def test_sharing_without_a_change_has_no_time():
    old = applied(None, parcel({"size": 1}))
    obj = applied(old, parcel({"size": 1}), "n", now=LATER)
    (entry,) = (entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == "n")
    assert "time" not in entry


def test_a_shared_field_stays_until_its_last_owner_drops_it():
    both = applied(applied(None, parcel({"size": 1, "name": "a"})), parcel({"size": 1}), "n")
    one = applied(both, parcel({"name": "a"}))
    assert one["spec"] == {"size": 1, "name": "a"}
    none = applied(one, parcel({}), "n", now=LATER)
    assert none["spec"] == {"name": "a"}
    assert owned(none) == {("m", ""): {"f:spec": {"f:name": {}}}, ("n", ""): {"f:spec": {}}}


def test_items_that_are_dropped_go_and_those_of_others_stay():
    old = applied(None, parcel({"items": [{"name": "a", "value": 1}, {"name": "b"}], "tags": ["x", "y"]}))
    old = applied(old, parcel({"items": [{"name": "c"}], "tags": ["z"]}), "n")
    obj = applied(old, parcel({"items": [{"name": "b"}], "tags": ["y"]}))
    assert obj["spec"] == {"items": [{"name": "b"}, {"name": "c"}], "tags": ["y", "z"]}


def test_fields_of_others_below_a_dropped_item_keep_it_only_if_they_own_the_item():
    old = applied(None, parcel({"items": [{"name": "a", "value": 1}, {"name": "z"}]}))
    new = edited(old, {"items": [{"name": "a", "value": 1, "filled": "x"}, {"name": "z"}]})
    old = track(old, new, "n")
    obj = applied(old, parcel({"items": [{"name": "z"}]}))
    assert obj["spec"] == {"items": [{"name": "z"}]}
    kept = applied(old, parcel({"items": [{"name": "a", "value": 1}]}), "k")
    assert applied(kept, parcel({"items": [{"name": "z"}]}))["spec"]["items"] == [
        {"name": "a", "value": 1, "filled": "x"},
        {"name": "z"},
    ]


def test_what_an_updater_set_is_not_pruned():
    old = applied(None, parcel({"labels": {"a": "x"}}))
    old = track(old, edited(old, {"labels": {"a": "x", "b": "y"}}), "n")
    assert applied(old, parcel({"labels": {"a": "x"}}))["spec"]["labels"] == {"a": "x", "b": "y"}


def test_a_map_goes_with_its_last_key():
    old = applied(None, parcel({"labels": {"a": "x"}, "size": 1}))
    assert applied(old, parcel({"size": 1}))["spec"] == {"size": 1}


def test_a_map_that_another_owns_as_such_is_null_without_its_last_key():
    old = stored(track(None, parcel({"labels": {}}), "n"))
    old = applied(old, parcel({"labels": {"a": "x"}, "size": 1}))
    assert applied(old, parcel({"size": 1}))["spec"] == {"labels": None, "size": 1}


def test_an_owned_empty_struct_is_owned_and_goes_with_what_nobody_owns():
    old = applied(None, parcel({"size": 1, "nested": {}}))
    assert owned(old)["m", ""]["f:spec"]["f:nested"] == {}
    filled = {**old, "spec": {"size": 1, "nested": {"deep": {"x": True}}}}
    assert applied(filled, parcel({"size": 1}))["spec"] == {"size": 1}


def test_atomic_lists_and_maps_are_taken_as_a_whole():
    old = applied(None, parcel({"plain": ["a", "b"], "settings": {"a": "x"}}))
    with pytest.raises(ApplyConflict) as caught:
        applied(old, parcel({"plain": ["c"], "settings": {"b": "y"}}), "n")
    assert [cause.field for cause in caught.value.causes] == [".spec.plain", ".spec.settings"]
    obj = applied(old, parcel({"plain": ["c"], "settings": {"b": "y"}}), "n", force=True)
    assert obj["spec"] == {"plain": ["c"], "settings": {"b": "y"}}
    assert owned(obj) == {("n", ""): {"f:spec": {"f:plain": {}, "f:settings": {}}}}


def test_applying_the_same_again_changes_nothing():
    old = applied(None, parcel({"size": 1, "labels": {"a": "x"}, "items": [{"name": "a"}]}))
    assert applied(old, parcel({"size": 1, "labels": {"a": "x"}, "items": [{"name": "a"}]}), now=LATER) == old


def test_the_applier_of_a_status_has_an_entry_of_its_own():
    old = applied(None, parcel({"size": 1}))
    config = {**parcel({"size": 7}, labels={"l": "v"}), "status": {"phase": "x"}}
    obj = applied(old, config, subresource="status")
    assert owned(obj) == {("m", ""): {"f:spec": {"f:size": {}}}, ("m", "status"): {"f:status": {"f:phase": {}}}}
    assert "f:status" not in owned(applied(old, config, force=True))["m", ""]


def test_a_configuration_that_owns_nothing_has_no_entry():
    obj = applied(applied(None, parcel({"size": 1})), parcel(), "n")
    assert set(owned(obj)) == {("m", "")}


def test_an_applier_without_an_entry_any_more_keeps_none():
    old = applied(None, parcel({"size": 1}))
    assert "managedFields" not in applied(old, parcel())["metadata"]


def test_fields_of_before_the_first_apply_have_an_owner():
    old = stored(parcel({"size": 1, "name": "a"}))
    obj = applied(old, parcel({"size": 1}))
    assert operations(obj) == {("before-first-apply", "Update"), ("m", "Apply")}
    with pytest.raises(ApplyConflict, match="before-first-apply"):
        applied(old, parcel({"size": 2}))
    assert applied(old, parcel({"size": 2}), force=True)["spec"] == {"size": 2, "name": "a"}


def test_an_apply_after_an_update_of_the_same_manager_conflicts_with_it():
    old = track(None, parcel({"size": 1}), "m")
    with pytest.raises(ApplyConflict, match='"m" using'):
        applied(stored(old), parcel({"size": 2}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"apiVersion": "v1"}, "invalid object type: /v1, Kind=Parcel"),
        ({"kind": "Parcels"}, "invalid object type: merge.example.com/v1, Kind=Parcels"),
        ({"kind": None, "apiVersion": None}, "invalid object type: /None, Kind=None"),
        ({"metadata": {"name": "p", "managedFields": []}}, "metadata.managedFields must be nil"),
    ],
)
def test_what_cannot_be_applied_is_a_bad_request(change, message):
    with pytest.raises(ApplyError) as caught:
        applied(None, {**parcel(), **change})
    assert (caught.value.code, caught.value.message) == (400, message)


def test_a_configuration_that_does_not_fit_is_refused_with_its_problems():
    with pytest.raises(ApplyError) as caught:
        applied(None, parcel({"bogus": 1}, namespace="n"))
    assert caught.value.code == 500
    assert caught.value.message == (
        "failed to create typed patch object (n/p; merge.example.com/v1, Kind=Parcel): "
        ".spec.bogus: field not declared in schema"
    )
    with pytest.raises(ApplyError, match=r"\(/; merge"):
        applied(None, {**parcel(), "metadata": "x"})


def test_without_a_schema_everything_can_be_applied():
    config = {"apiVersion": API_VERSION, "kind": "Any", "metadata": {"name": "p"}, "x": [1]}
    obj = applied(None, config, schema=None)
    assert owned(obj) == {("m", ""): {"f:x": {}}}


def test_a_built_in_create_starts_from_what_go_always_writes():
    deployment = schema_of("apps", "v1", "Deployment")
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 1}}
    obj = apply(None, config, manager="m", schema=deployment, api_version="apps/v1", now=NOW)
    assert obj["spec"] == {
        "replicas": 1,
        "selector": None,
        "strategy": {},
        "template": {"metadata": {}, "spec": {"containers": None}},
    }
    assert owned(obj) == {("m", ""): {"f:spec": {"f:replicas": {}}}}


def test_the_last_entry_may_be_of_another_version():
    other = "merge.example.com/v2"
    schema = replace(PARCEL, versions={API_VERSION: PARCEL, other: SCHEMALESS})
    old = applied(None, parcel({"size": 1, "name": "a"}))
    old["metadata"]["managedFields"][0]["apiVersion"] = other
    obj = applied(old, parcel({"size": 1}), schema=schema)
    assert obj["spec"] == {"size": 1}
    assert obj["metadata"]["managedFields"][0]["apiVersion"] == API_VERSION


def client_side(spec):
    text = json.dumps(parcel(spec)) + "\n"
    return stored(track(None, parcel(spec, annotations={ANNOTATION: text}), "kubectl-client-side-apply"))


def test_kubectl_takes_over_what_it_applied_on_the_clients_side():
    old = client_side({"size": 1, "name": "a"})
    with pytest.raises(ApplyConflict):
        applied(old, parcel({"size": 2}), "other")
    obj = applied(old, parcel({"size": 2}), "kubectl")
    assert obj["spec"] == {"size": 2, "name": "a"}
    assert json.loads(obj["metadata"]["annotations"][ANNOTATION]) == parcel({"size": 2})


def test_kubectl_does_not_take_over_what_others_changed_since():
    old = client_side({"size": 1, "name": "a"})
    old = track(old, edited(old, {"size": 3, "name": "a"}), "other")
    with pytest.raises(ApplyConflict) as caught:
        applied(old, parcel({"size": 2, "name": "b"}), "kubectl")
    assert [cause.field for cause in caught.value.causes] == [".spec.size"]
