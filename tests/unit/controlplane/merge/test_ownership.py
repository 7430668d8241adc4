from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tests.unit.controlplane.merge.parcels import API_VERSION, LATER, NOW, PARCEL, parcel
from tmc_syncer.controlplane.merge.ownership import empty_object, keep_times, track_update
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.node import SCHEMALESS
from tmc_syncer.controlplane.schema.structural import schema_of_crd


def track(old, new, manager="m", schema=PARCEL, now=NOW, api_version=API_VERSION, **more):
    before = copy.deepcopy((old, new))
    made = track_update(old, new, manager=manager, schema=schema, api_version=api_version, now=now, **more)
    assert (old, new) == before, "nothing that was given changes"
    return made


def stored(obj):
    return {**obj, "metadata": {**obj["metadata"], "uid": "u"}}


def created(spec, manager="m", **more):
    return stored(track(None, parcel(spec), manager, **more))


def owned(obj):
    return {
        (entry["manager"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", [])
    }


def times(obj):
    return {entry["manager"]: entry["time"] for entry in obj["metadata"]["managedFields"]}


def edited(obj, spec, **metadata):
    return {**obj, "metadata": {**obj["metadata"], **metadata}, "spec": spec}


def test_the_creator_owns_everything_but_what_the_server_keeps_for_itself():
    obj = track(None, parcel({"size": 1, "labels": {"a": "x"}}, namespace="n", uid="u", labels={"l": "v"}))
    assert obj["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": API_VERSION,
            "time": NOW,
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
                "f:spec": {".": {}, "f:labels": {".": {}, "f:a": {}}, "f:size": {}},
            },
        }
    ]


def test_what_go_always_writes_was_there_before_the_creator():
    deployment = schema_of("apps", "v1", "Deployment")
    assert deployment is not None
    new = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "c", "resources": {}}]}},
            "strategy": {"type": "Recreate"},
        },
        "status": {},
    }
    fields = owned(track(None, new, schema=deployment, api_version="apps/v1"))["m", ""]
    assert fields == {
        "f:spec": {
            "f:selector": {},
            "f:strategy": {"f:type": {}},
            "f:template": {
                "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:resources": {}}}}
            },
        }
    }
    assert empty_object(new, deployment)["spec"]["strategy"] == {}
    assert empty_object(parcel(), PARCEL) == {"apiVersion": API_VERSION, "kind": "Parcel"}


def test_a_changed_field_goes_from_its_owner_to_the_writer():
    old = created({"size": 1, "name": "a"})
    obj = track(old, edited(old, {"size": 2, "name": "a"}), "n", now=LATER)
    assert owned(obj) == {
        ("m", ""): {"f:spec": {".": {}, "f:name": {}}},
        ("n", ""): {"f:spec": {"f:size": {}}},
    }
    assert times(obj) == {"m": NOW, "n": LATER}


def test_a_removed_field_leaves_every_owner():
    old = created({"size": 1, "name": "a"})
    obj = track(old, edited(old, {"name": "a"}), "n", now=LATER)
    assert owned(obj) == {("m", ""): {"f:spec": {".": {}, "f:name": {}}}}
    assert times(obj) == {"m": NOW}


def test_an_owner_that_loses_everything_has_no_entry():
    old = created({"size": 1})
    obj = track(old, {name: value for name, value in old.items() if name != "spec"}, "n")
    assert "managedFields" not in obj["metadata"]


def test_a_part_that_becomes_null_is_emptied_not_removed():
    old = created({"size": 1})
    assert owned(track(old, {**old, "spec": None}, "n")) == {("m", ""): {"f:spec": {}}}


def test_a_write_without_change_changes_no_entry():
    old = created({"size": 1})
    assert track(old, copy.deepcopy(old), "n", now=LATER) == old


def test_a_writer_keeps_what_it_had():
    old = created({"size": 1, "name": "a"})
    obj = track(old, edited(old, {"size": 2, "name": "a"}), "m", now=LATER)
    assert owned(obj) == {("m", ""): {"f:spec": {".": {}, "f:name": {}, "f:size": {}}}}
    assert times(obj) == {"m": LATER}


def test_a_writer_without_a_name_is_unknown():
    assert set(owned(created({"size": 1}, manager=""))) == {("unknown", "")}


def test_the_status_has_its_own_entry_and_the_object_ignores_it():
    old = created({"size": 1})
    ignored = track(old, {**old, "status": {"phase": "x"}}, "n")
    assert owned(ignored) == owned(old)
    obj = track(old, edited({**old, "status": {"phase": "x"}}, {"size": 2}, labels={"a": "b"}), "n", subresource="status")
    assert owned(obj)["n", "status"] == {"f:status": {".": {}, "f:phase": {}}}
    assert owned(obj)["m", ""] == owned(old)["m", ""]


@pytest.mark.parametrize("sent", [[], [{}]])
def test_clients_may_have_all_owners_forgotten(sent):
    old = created({"size": 1})
    obj = track(old, edited(old, {"size": 2}, managedFields=sent), "n")
    assert "managedFields" not in obj["metadata"]


def test_an_object_whose_owners_nobody_recorded_is_not_tracked():
    old = stored(parcel({"size": 1}))
    obj = track(old, edited(old, {"size": 2}), "n")
    assert "managedFields" not in obj["metadata"]
    assert obj["spec"] == {"size": 2}


def test_leaving_the_entries_out_keeps_them():
    old = created({"size": 1})
    new = edited(old, {"size": 1})
    del new["metadata"]["managedFields"]
    assert owned(track(old, new, "n")) == owned(old)
    assert owned(track(old, edited(old, {"size": 1}, managedFields=None), "n")) == owned(old)


def test_clients_may_edit_the_entries():
    old = created({"size": 1, "name": "a"})
    entry = {**old["metadata"]["managedFields"][0], "manager": "z", "fieldsV1": {"f:spec": {"f:size": {".": {}}}}}
    obj = track(old, edited(old, old["spec"], managedFields=[entry]), "n")
    assert owned(obj) == {("z", ""): {"f:spec": {"f:size": {}}}}


def test_entries_that_make_no_sense_are_not_taken():
    old = created({"size": 1})
    for entries in ([{"operation": "Guess"}], [{**old["metadata"]["managedFields"][0], "fieldsV1": {"x": {}}}]):
        assert owned(track(old, edited(old, {"size": 1}, managedFields=entries), "n")) == owned(old)


def test_a_subresource_does_not_take_the_entries_of_the_client():
    old = created({"size": 1})
    new = {**edited(old, old["spec"], managedFields=[{}]), "status": {"phase": "x"}}
    assert ("m", "") in owned(track(old, new, "n", subresource="status"))


def test_only_updates_are_tracked_here():
    with pytest.raises(ValueError, match="Apply"):
        track(None, parcel(), operation="Apply")


def test_without_a_schema_lists_are_owned_as_a_whole():
    obj = track(None, parcel({"list": [{"name": "a"}], "map": {"a": 1}}), schema=None)
    assert owned(obj)["m", ""]["f:spec"] == {".": {}, "f:list": {}, "f:map": {".": {}, "f:a": {}}}


def test_more_than_ten_writers_become_ancient_changes():
    obj = created({"labels": {"w0": "x"}}, manager="w0")
    for number in range(1, 13):
        labels = {**obj["spec"]["labels"], f"w{number}": "x"}
        obj = track(obj, edited(obj, {"labels": labels}), f"w{number:02}", now=f"2024-01-01T00:00:{number:02}Z")
    assert len(owned(obj)) == 10
    assert ("ancient-changes", "") in owned(obj)


def test_an_owner_of_parts_of_what_became_atomic_owns_the_whole():
    granular = schema_of_crd(
        {"type": "object", "properties": {"spec": {"type": "object", "properties": {"settings": {"type": "object", "additionalProperties": {"type": "string"}}}}}}
    )
    old = stored(track(None, parcel({"settings": {"a": "x"}}), schema=granular))
    assert owned(old)["m", ""]["f:spec"]["f:settings"] == {".": {}, "f:a": {}}
    obj = track(old, edited(old, {"settings": {"a": "x"}, "size": 1}), "n")
    assert owned(obj)["m", ""] == {"f:spec": {".": {}, "f:settings": {}}}


def test_entries_of_a_version_that_is_gone_go_and_those_of_another_are_kept_by_its_schema():
    old = created({"size": 1, "name": "a"})
    other = "merge.example.com/v2"
    kept = {**old["metadata"]["managedFields"][0], "apiVersion": other}
    gone = {**kept, "apiVersion": "merge.example.com/v0", "manager": "g"}
    old["metadata"]["managedFields"] = [gone, kept]
    schema = replace(PARCEL, versions={API_VERSION: PARCEL, other: SCHEMALESS})
    obj = track(old, edited(old, {"size": 2, "name": "a"}), "n", schema=schema)
    assert owned(obj) == {
        ("m", ""): {"f:spec": {".": {}, "f:name": {}}},
        ("n", ""): {"f:spec": {"f:size": {}}},
    }


def test_times_are_kept_when_nothing_else_is_new():
    old = created({"size": 1})
    new = track(old, edited(old, {"size": 2}), "m", now=LATER)
    back = {**new, "spec": old["spec"]}
    assert keep_times(old, back) == old
    assert keep_times(old, new) is new
    assert keep_times(old, old) is old


def test_times_are_not_kept_when_owners_changed():
    old = created({"size": 1})
    other = track(old, edited(old, {"size": 1, "name": "a"}), "n")
    assert keep_times(old, other) is other
    fields = copy.deepcopy(old)
    fields["metadata"]["managedFields"][0]["fieldsV1"] = {}
    fields["metadata"]["managedFields"][0]["time"] = LATER
    assert keep_times(old, fields) is fields
    assert keep_times(old, parcel()) == parcel()
