from __future__ import annotations

import pytest

from tmc_syncer.controlplane.schema.documents import OBJECT_META, component, schema_of
from tmc_syncer.controlplane.schema.gotypes import Untypeable, typed, zero
from tmc_syncer.controlplane.schema.node import Schema


def node(group, version, kind) -> Schema:
    found = schema_of(group, version, kind)
    assert found is not None
    return found


DEPLOYMENT = node("apps", "v1", "Deployment")
POD = node("", "v1", "Pod")
SECRET = node("", "v1", "Secret")


def test_the_zero_object_has_what_go_always_writes():
    assert zero(DEPLOYMENT) == {
        "metadata": {},
        "spec": {
            "selector": None,
            "template": {"metadata": {}, "spec": {"containers": None}},
            "strategy": {},
        },
        "status": {},
    }


def test_a_value_without_fields_has_an_empty_zero():
    assert zero(Schema(scalar="string")) == {}


def test_unknown_fields_and_nulls_go():
    made = typed({"metadata": {"bogus": 1, "name": "a"}, "spec": None, "other": {}}, POD)
    assert made["metadata"] == {"name": "a"}
    assert "other" not in made
    assert made["spec"] == {"containers": None}


def test_empty_values_go_where_go_leaves_them_out_and_stay_behind_pointers():
    spec = typed(
        {"spec": {"minReadySeconds": 0, "replicas": 0, "paused": False, "selector": {"matchLabels": {}}}},
        DEPLOYMENT,
    )["spec"]
    assert spec["replicas"] == 0
    assert spec["selector"] == {}
    assert "minReadySeconds" not in spec
    assert "paused" not in spec


def test_what_is_always_written_comes():
    made = typed({"spec": {"containers": [{"name": "a"}]}}, POD)
    assert made["spec"]["containers"] == [{"name": "a", "resources": {}}]
    assert made["status"] == {}


def test_what_does_not_change_is_the_same_object():
    made = typed(typed({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a"}]}}, POD), POD)
    assert typed(made, POD) is made


def test_nulls_inside_lists_and_maps_become_zero_values():
    made = typed({"metadata": {"labels": {"a": None}, "finalizers": [None, "x"]}}, POD)
    assert made["metadata"] == {"labels": {"a": ""}, "finalizers": ["", "x"]}
    pod = typed({"spec": {"containers": [None]}}, POD)
    assert pod["spec"]["containers"] == [{"name": "", "resources": {}}]


def test_times_and_quantities_get_their_form():
    made = typed(
        {
            "metadata": {"deletionTimestamp": "2024-01-01T02:00:00.5+02:00"},
            "spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": 2, "memory": "1Gi"}}}]},
        },
        POD,
    )
    assert made["metadata"]["deletionTimestamp"] == "2024-01-01T00:00:00Z"
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi"}


def test_free_form_parts_are_taken_as_they_are():
    crd = node("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    free = {"x": [None, {"y": None}]}
    made = typed(
        {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"default": free}}}]}}, crd
    )
    assert made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["default"] == free
    entry = {"manager": "m", "fieldsV1": {"f:a": {}}}
    assert typed({"managedFields": [entry]}, component(OBJECT_META)) == {"managedFields": [entry]}
    revision = node("apps", "v1", "ControllerRevision")
    assert typed({"data": {"raw": None}, "revision": 1}, revision)["data"] == {"raw": None}


@pytest.mark.parametrize(
    ("obj", "schema", "message"),
    [
        (
            {"spec": {"replicas": "3"}},
            DEPLOYMENT,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            {"spec": {"template": []}},
            DEPLOYMENT,
            "json: cannot unmarshal array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
        ),
        (
            {"spec": {"containers": {"name": "a"}}},
            POD,
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            {"spec": {"containers": [{"args": [1]}]}},
            POD,
            "json: cannot unmarshal number into Go struct field Container.spec.containers.args of type string",
        ),
        (
            {"metadata": {"labels": {"a": True}}},
            POD,
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            {"spec": {"containers": [{"resources": {"limits": {"cpu": "much"}}}]}},
            POD,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ],
)
def test_a_value_that_go_cannot_take_is_refused_in_gos_words(obj, schema, message):
    with pytest.raises(Untypeable) as caught:
        typed(obj, schema)
    assert str(caught.value) == message


def test_bytes_must_be_base64():
    assert typed({"data": {"a": "YQ=="}}, SECRET)["data"] == {"a": "YQ=="}
    with pytest.raises(Untypeable, match="illegal base64"):
        typed({"data": {"a": "!"}}, SECRET)
