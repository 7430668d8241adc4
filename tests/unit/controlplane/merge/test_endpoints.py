from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL
from tmc_syncer.controlplane.merge.endpoints import UNOWNED, endpoint
from tmc_syncer.controlplane.merge.fieldset import from_paths, has, paths
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.node import SCHEMALESS

SPEC, STATUS, LABELS = ("f:spec", "f:a"), ("f:status", "f:b"), ("f:metadata", "f:labels", "f:c")
EVERYTHING = from_paths([SPEC, STATUS, LABELS, ("f:metadata", "f:ownerReferences")])


def written(schema, subresource=""):
    owned = endpoint(schema, subresource).owned(EVERYTHING)
    return {path[0][2:] for path in paths(owned)} | {"labels" for path in paths(owned) if path == LABELS}


@pytest.mark.parametrize(
    ("group", "version", "kind", "subresource", "parts"),
    [
        ("apps", "v1", "StatefulSet", "", {"spec", "metadata", "labels"}),
        ("apps", "v1", "StatefulSet", "status", {"status", "metadata", "labels"}),
        ("apps", "v1", "Deployment", "status", {"status", "metadata"}),
        ("", "v1", "Pod", "status", {"status", "metadata", "labels"}),
        ("", "v1", "ConfigMap", "", {"spec", "status", "metadata", "labels"}),
        ("storage.k8s.io", "v1", "VolumeAttachment", "status", {"status"}),
        ("apps", "v1", "Deployment", "scale", {"spec", "status", "metadata", "labels"}),
        ("", "v1", "Namespace", "finalize", {"spec", "metadata", "labels"}),
    ],
)
def test_an_endpoint_writes_its_part_of_a_built_in_object(group, version, kind, subresource, parts):
    schema = schema_of(group, version, kind)
    assert schema is not None
    assert written(schema, subresource) == parts


def test_the_status_of_a_pod_leaves_owners_alone():
    pod = schema_of("", "v1", "Pod")
    assert pod is not None
    assert not has(endpoint(pod, "status").owned(EVERYTHING), ("f:metadata", "f:ownerReferences"))


def test_the_status_of_a_custom_resource_leaves_metadata_alone():
    assert written(PARCEL) == {"spec", "metadata", "labels"}
    assert written(PARCEL, "status") == {"status"}
    assert written(SCHEMALESS) == {"spec", "status", "metadata", "labels"}


def test_some_endpoints_write_single_fields():
    pod = schema_of("", "v1", "Pod")
    assert pod is not None
    container = ("f:spec", "f:containers", 'k:{"name":"a"}')
    fields = from_paths(
        [
            ("f:spec",),
            container,
            (*container, "f:image"),
            (*container, "f:resources", "f:limits"),
            ("f:spec", "f:ephemeralContainers", 'k:{"name":"e"}', "f:image"),
            ("f:status", "f:a"),
        ]
    )
    assert set(paths(endpoint(pod, "resize").owned(fields))) == {
        ("f:spec",),
        container,
        (*container, "f:resources", "f:limits"),
    }
    assert set(paths(endpoint(pod, "ephemeralcontainers").owned(fields))) == {
        ("f:spec",),
        ("f:spec", "f:ephemeralContainers", 'k:{"name":"e"}', "f:image"),
    }
    bare = from_paths([(*container, "f:image"), (*container,)])
    assert set(paths(endpoint(pod, "resize").owned(bare))) == {container}
    assert endpoint(pod, "resize").owned(from_paths([(*container, "f:image")])) == {}


def test_nobody_owns_what_the_server_keeps_for_itself():
    assert {path[-1] for path in paths(UNOWNED)} >= {"f:uid", "f:resourceVersion", "f:name", "f:kind"}
    assert not has(UNOWNED, ("f:metadata", "f:labels"))
