from __future__ import annotations

import pytest

from tmc_syncer.controlplane.schema import documents as module
from tmc_syncer.controlplane.schema.documents import (
    OBJECT_META,
    component,
    documents,
    is_loose,
    recorded_version,
    schema_of,
)
from tmc_syncer.controlplane.schema.openapi import Components, node_of

KINDS = [
    ("", "v1", "Pod"),
    ("apps", "v1", "Deployment"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("autoscaling", "v1", "HorizontalPodAutoscaler"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("autoscaling", "v1", "Scale"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("coordination.k8s.io", "v1", "Lease"),
    ("events.k8s.io", "v1", "Event"),
    ("discovery.k8s.io", "v1", "EndpointSlice"),
    ("storage.k8s.io", "v1", "StorageClass"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
    ("authentication.k8s.io", "v1", "TokenReview"),
    ("authorization.k8s.io", "v1", "SubjectAccessReview"),
    ("scheduling.k8s.io", "v1", "PriorityClass"),
    ("admissionregistration.k8s.io", "v1", "MutatingWebhookConfiguration"),
    ("apiregistration.k8s.io", "v1", "APIService"),
]


@pytest.mark.parametrize(("group", "version", "kind"), KINDS)
def test_a_recorded_kind_has_a_node_with_its_metadata(group, version, kind):
    node = schema_of(group, version, kind)
    assert node is not None
    assert (group, version, kind) in node.facts.kinds
    assert node.mapping is not None
    assert node.mapping.fields["metadata"].facts.component == OBJECT_META


@pytest.mark.parametrize(
    ("group", "version", "kind"), [("", "v1", "Nothing"), ("apps", "v9", "Deployment"), ("x", "v1", "Pod")]
)
def test_a_kind_that_was_not_recorded_has_no_node(group, version, kind):
    assert schema_of(group, version, kind) is None


def test_a_node_is_built_once():
    assert schema_of("apps", "v1", "Deployment") is schema_of("apps", "v1", "Deployment")


def test_a_kind_with_a_status_says_so():
    assert schema_of("apps", "v1", "Deployment").status  # type: ignore[union-attr]
    assert not schema_of("", "v1", "ConfigMap").status  # type: ignore[union-attr]


def test_only_kinds_that_hold_free_form_values_are_loose():
    assert schema_of("apiextensions.k8s.io", "v1", "CustomResourceDefinition").loose  # type: ignore[union-attr]
    assert schema_of("apps", "v1", "ControllerRevision").loose  # type: ignore[union-attr]
    assert not schema_of("apps", "v1", "Deployment").loose  # type: ignore[union-attr]
    assert not schema_of("", "v1", "Service").loose  # type: ignore[union-attr]


def test_looseness_is_found_in_lists_and_in_schemas_that_contain_themselves():
    assert is_loose(node_of({"type": "array", "items": {}}))
    assert not is_loose(node_of({"x-kubernetes-int-or-string": True}))
    ring = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Ring"}}}
    assert not is_loose(Components({"Ring": ring}).node("Ring"))


def test_lists_have_their_keys():
    pod = component("io.k8s.api.core.v1.PodSpec").mapping
    assert pod is not None
    containers = pod.fields["containers"].array
    assert containers is not None
    assert (containers.kind, containers.keys) == ("map", ("name",))


def test_each_document_has_the_components_of_its_kinds():
    found = documents()
    assert len(found) == 20
    assert list(found)[:2] == ["api/v1", "apis/admissionregistration.k8s.io/v1"]
    assert "io.k8s.api.apps.v1.Deployment" in found["apis/apps/v1"]
    assert "io.k8s.api.apps.v1.Deployment" not in found["api/v1"]
    with pytest.raises(KeyError):
        found["apis/none/v1"]


def test_every_reference_of_a_document_leads_to_one_of_its_components():
    for name, components in documents().items():
        missing = {ref for schema in components.values() for ref in references(schema)} - components.keys()
        assert not missing, name


def references(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from references(item)


def test_descriptions_are_put_back_where_they_were():
    plain = documents()["apis/apps/v1"]["io.k8s.api.apps.v1.DeploymentSpec"]
    whole = documents(descriptions=True)["apis/apps/v1"]["io.k8s.api.apps.v1.DeploymentSpec"]
    assert "description" not in plain
    assert whole["description"].startswith("DeploymentSpec is")
    assert whole["properties"]["replicas"]["description"].startswith("Number of desired pods")
    assert whole["properties"]["replicas"]["type"] == "integer"


def test_a_description_may_be_of_the_items_of_a_list():
    schema = {"type": "array", "items": {"type": "string"}}
    described = module._described(schema, ".a", {".a": "a list", ".a/items": "a word"})
    assert described == {
        "description": "a list",
        "type": "array",
        "items": {"description": "a word", "type": "string"},
    }


def test_the_data_say_which_server_they_are_from():
    assert recorded_version().startswith("v1.")


def test_the_data_are_small():
    from importlib import resources

    folder = resources.files("tmc_syncer.controlplane.schema").joinpath("data")
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 300_000
