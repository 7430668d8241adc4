from __future__ import annotations

import copy

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL
from tmc_syncer.controlplane.merge.patcherrors import PatchError
from tmc_syncer.controlplane.merge.strategic import strategic_merge
from tmc_syncer.controlplane.schema.documents import schema_of

POD = schema_of("", "v1", "Pod")
DEPLOYMENT = schema_of("apps", "v1", "Deployment")


def merge(live, patch, schema=POD):
    before = copy.deepcopy((live, patch))
    made = strategic_merge(live, patch, schema)
    assert (live, patch) == before, "nothing that was given changes"
    return made


def spec(live, patch):
    return merge({"spec": live}, {"spec": patch})["spec"]


def test_a_null_deletes_and_a_null_that_matches_nothing_is_dropped():
    assert spec({"nodeName": "a"}, {"nodeName": None}) == {}
    assert spec({}, {"nodeName": None, "securityContext": {"runAsUser": None, "fsGroup": 1}}) == {
        "securityContext": {"fsGroup": 1}
    }
    assert spec({}, {"tolerations": [{"key": None, "value": "x"}]}) == {"tolerations": [{"value": "x"}]}


def test_maps_are_merged_and_scalars_replaced():
    assert merge({"metadata": {"labels": {"a": "x"}, "name": "n"}}, {"metadata": {"labels": {"b": "y"}}}) == {
        "metadata": {"labels": {"a": "x", "b": "y"}, "name": "n"}
    }
    assert spec({"priority": 1}, {"priority": 2}) == {"priority": 2}


def test_a_value_of_another_type_is_replaced():
    assert spec({"priority": {"x": 1}}, {"priority": 2}) == {"priority": 2}
    assert spec({"nodeName": 1}, {"nodeName": [{"$patch": "delete"}, 1]}) == {"nodeName": [1]}


def test_lists_with_a_merge_key_are_merged_and_others_replaced():
    assert spec(
        {"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}, {"containers": [{"name": "a", "image": "2"}]}
    ) == {"containers": [{"name": "a", "image": "2"}, {"name": "b"}]}
    assert spec({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}) == {
        "tolerations": [{"key": "b"}]
    }


def test_directives_replace_or_delete_a_map():
    live = {"spec": {"selector": {"matchLabels": {"a": "x"}}, "paused": True}}
    replaced = merge(live, {"spec": {"selector": {"$patch": "replace", "matchLabels": {"b": "y"}}}}, DEPLOYMENT)
    assert replaced["spec"]["selector"] == {"matchLabels": {"b": "y"}}
    deleted = merge(live, {"spec": {"selector": {"$patch": "delete"}}}, DEPLOYMENT)
    assert deleted["spec"] == {"selector": {}, "paused": True}
    with pytest.raises(PatchError, match=r"unknown patch type: merge in map: map\[\$patch:merge\]"):
        merge(live, {"spec": {"selector": {"$patch": "merge"}}}, DEPLOYMENT)


def test_directives_where_there_is_nothing_to_merge_with_are_dropped():
    assert spec({}, {"securityContext": {"$patch": "delete"}, "nodeName": "x"}) == {"nodeName": "x"}
    assert spec({}, {"affinity": {"podAffinity": {"$patch": "replace"}, "nodeAffinity": {}}}) == {
        "affinity": {"nodeAffinity": {}}
    }
    assert spec({"securityContext": 1}, {"securityContext": {"$patch": "delete"}}) == {}


def test_retained_keys_are_the_only_ones_left():
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    made = merge(live, {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, DEPLOYMENT)
    assert made == {"spec": {"strategy": {"type": "Recreate"}}}
    gone = {"spec": {"strategy": {"$retainKeys": ["type"], "rollingUpdate": None}}}
    assert merge(live, gone, DEPLOYMENT) == {"spec": {"strategy": {"type": "RollingUpdate"}}}


@pytest.mark.parametrize("kept", ["type", ["type"]])
def test_retained_keys_must_be_a_list_with_all_that_is_set(kept):
    patch = {"spec": {"strategy": {"$retainKeys": kept, "rollingUpdate": {}}}}
    with pytest.raises(PatchError, match="invalid patch format of retainKeys") as caught:
        merge({"spec": {"strategy": {}}}, patch, DEPLOYMENT)
    assert caught.value.code == 400


def test_items_are_deleted_from_a_list_of_scalars():
    live = {"metadata": {"finalizers": ["a", "b", "c"]}}
    assert merge(live, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b", "z"]}}) == {
        "metadata": {"finalizers": ["a", "c"]}
    }
    assert merge({"metadata": {}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"]}}) == {"metadata": {}}
    odd = {"metadata": {"finalizers": 1}}
    assert merge(odd, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"]}}) == odd


def test_the_order_of_a_list_can_be_set():
    live = {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    patch = {
        "containers": [{"name": "d"}, {"name": "a", "image": "x"}],
        "$setElementOrder/containers": [{"name": "d"}, {"name": "c"}, {"name": "a"}],
    }
    assert spec(live, patch) == {
        "containers": [{"name": "d"}, {"name": "b"}, {"name": "c"}, {"name": "a", "image": "x"}]
    }
    assert spec({}, {"$setElementOrder/containers": [{"name": "a"}]}) == {}


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"$setElementOrder": []}, 400, "invalid patch format of setElementOrder list"),
        ({"$setElementOrder/containers": "a"}, 500, r"expected a \[\]interface {}, but received a string"),
        (
            {"$setElementOrder/containers": [], "containers": None},
            500,
            r"expected a \[\]interface {}, but received a %!s\(<nil>\)",
        ),
        ({"$deleteFromPrimitiveList": ["a"]}, 400, "invalid patch format of primitive list"),
        ({"$setElementOrder/odd": ["a"]}, 500, "unable to find api field in struct PodSpec"),
        ({"bogus": {"a": 1}}, 500, 'unable to find api field in struct PodSpec for the json field "bogus"'),
        ({"securityContext": [1]}, 500, "expected slice or array type, but got: struct"),
        ({"nodeSelector": {"a": {"b": "c"}}}, 500, "merging an object in json but data type is not struct"),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(patch, code, message):
    live = {"bogus": {}, "securityContext": [2], "nodeSelector": {"a": {"b": "x"}}}
    with pytest.raises(PatchError, match=message) as caught:
        spec(live, patch)
    assert caught.value.code == code


@pytest.mark.parametrize("schema", [None, PARCEL])
def test_types_that_are_no_structs_cannot_be_patched_so(schema):
    with pytest.raises(PatchError) as caught:
        strategic_merge({}, {}, schema)
    assert (caught.value.code, caught.value.message) == (400, "strategic merge patch format is not supported")
