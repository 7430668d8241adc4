from __future__ import annotations

import copy

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.pruning import prune, unknown_fields
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.node import SCHEMALESS
from tmc_syncer.controlplane.schema.structural import schema_of_crd
from tmc_syncer.controlplane.server.errors import ApiError

DEPLOYMENT = schema_of("apps", "v1", "Deployment")
OPEN = {
    "type": "object",
    "properties": {
        "keep": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"deep": {"type": "object", "properties": {"q": {"type": "string"}}}},
        },
        "list": {
            "type": "array",
            "x-kubernetes-preserve-unknown-fields": True,
            "items": {"type": "object", "properties": {"q": {"type": "string"}}},
        },
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "bare": {"type": "object"},
        "named": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "allowed": {"type": "object", "additionalProperties": True},
        "embedded": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}},
        },
        "many": {"type": "array", "items": {"type": "object", "x-kubernetes-embedded-resource": True}},
        "texts": {"type": "array", "items": {"type": "string"}},
        "null": {"type": "string", "nullable": True},
        "filled": {"type": "string", "default": "x"},
        "hollow": {"type": "string", "default": None},
    },
}
SCHEMA = schema_of_crd(OPEN)


def both(obj, schema=SCHEMA):
    before = copy.deepcopy(obj)
    found = prune(obj, schema), unknown_fields(obj, schema)
    assert obj == before, "nothing that was given changes"
    return found


@pytest.mark.parametrize(
    ("obj", "pruned", "unknown"),
    [
        ({"bogus": 1, "bare": {}}, {"bare": {}}, ["bogus"]),
        ({"bare": {"x": {"y": 1}}}, {"bare": {}}, ["bare.x"]),
        ({"keep": {"x": {"y": 1}, "deep": {"q": "a", "z": 1}}}, {"keep": {"x": {"y": 1}, "deep": {"q": "a"}}}, ["keep.deep.z"]),
        ({"list": [{"q": "a", "x": 1}, 2]}, {"list": [{"q": "a", "x": 1}, 2]}, []),
        ({"any": [{"x": 1}]}, {"any": [{"x": 1}]}, []),
        ({"named": {"k": {"a": "x", "b": 1}}}, {"named": {"k": {"a": "x"}}}, ["named.k.b"]),
        ({"allowed": {"k": {"a": 1}, "l": 2}}, {"allowed": {"k": {}, "l": 2}}, ["allowed.k.a"]),
        ({"texts": [{"x": 1}, "a"]}, {"texts": [{}, "a"]}, ["texts[0].x"]),
        ({"texts": {"x": 1}}, {"texts": {}}, ["texts.x"]),
        ({"bare": [[{"x": 1}]]}, {"bare": [[{}]]}, ["bare[0][0].x"]),
        (
            {"embedded": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "e", "no": 1}, "spec": {"a": 1, "b": 2}, "z": 1}},
            {"embedded": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "e"}, "spec": {"a": 1}}},
            ["embedded.spec.b", "embedded.z", "embedded.metadata.no"],
        ),
        (
            {"many": [{"kind": "X", "metadata": {"no": 1}}, {"metadata": "x"}], "named": {"k": {}}},
            None,
            ["many[0].metadata.no"],
        ),
        ({"texts": [None], "bare": None, "null": None, "filled": None, "hollow": None}, {"texts": [None], "null": None, "filled": None}, []),
        ({"metadata": {"name": "p", "no": 1, "labels": {}}}, {"metadata": {"name": "p"}}, ["metadata.no"]),
        ({"metadata": None}, {"metadata": {}}, []),
    ],
)
def test_what_the_schema_does_not_know_goes_and_is_told(obj, pruned, unknown):
    if pruned is None:
        assert unknown_fields(obj, SCHEMA) == unknown
    else:
        assert both(obj) == (pruned, unknown)


def test_the_type_and_metadata_of_an_object_are_known():
    obj = parcel({"size": 1})
    assert both(obj, PARCEL) == (obj, [])


def test_what_does_not_change_is_the_same_object():
    obj = {"keep": {"x": 1}, "texts": ["a"], "named": {"k": {"a": "x"}}}
    made = prune(obj, SCHEMA)
    assert all(made[name] is value for name, value in obj.items())


@pytest.mark.parametrize("metadata", [1, {"labels": {"a": 1}}, {"generation": "x"}])
def test_metadata_that_go_cannot_read_are_a_bad_request(metadata):
    for obj in ({"metadata": metadata}, {"embedded": {"metadata": metadata}}):
        with pytest.raises(ApiError) as caught:
            prune(obj, SCHEMA)
        assert caught.value.code == 400


def test_without_a_schema_everything_is_known():
    obj = {"x": {"y": 1}, "metadata": {"name": "p", "no": 1}}
    assert prune(obj, SCHEMALESS) == {"x": {"y": 1}, "metadata": {"name": "p"}}
    assert unknown_fields(obj, SCHEMALESS) == []
    assert prune(obj, None) is obj
    assert unknown_fields(obj, None) == []


def test_unknown_fields_of_a_built_in_object_are_told_in_its_order():
    obj = {
        "metadata": {"no": 1},
        "spec": {
            "zz": 1,
            "template": {"bogus": 1, "spec": {"containers": [{"name": "a"}, {"name": "b", "x": {"y": 1}}]}},
            "selector": {"matchLabels": {"any": "x"}},
        },
        "aa": 1,
    }
    assert unknown_fields(obj, DEPLOYMENT) == [
        "metadata.no",
        "spec.zz",
        "spec.template.bogus",
        "spec.template.spec.containers[1].x",
        "aa",
    ]
    assert prune(obj, DEPLOYMENT) is obj


def test_free_form_parts_of_a_built_in_object_have_no_unknown_fields():
    crd = schema_of("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    schema = {"default": {"any": 1}, "properties": {"a": {"bogus": 1}}}
    obj = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}
    assert unknown_fields(obj, crd) == ["spec.versions[0].schema.openAPIV3Schema.properties.a.bogus"]
