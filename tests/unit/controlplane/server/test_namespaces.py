from __future__ import annotations

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, NAMESPACES, NODES, STAMP, Objects
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.namespaces import require_namespace


def test_what_has_no_namespace_needs_none() -> None:
    objects = Objects()
    require_namespace(objects.shelf, objects.call(NODES, "n1"), "n1")


def test_a_namespace_must_be_there() -> None:
    objects = Objects()
    objects.put(NAMESPACES, "shop", cluster="other")
    with pytest.raises(ApiError) as refused:
        require_namespace(objects.shelf, objects.call(CONFIGMAPS, "a"), "a")
    assert (refused.value.code, refused.value.message) == (404, 'namespaces "shop" not found')
    assert refused.value.details == {"name": "shop", "kind": "namespaces"}
    objects.put(NAMESPACES, "shop")
    require_namespace(objects.shelf, objects.call(CONFIGMAPS, "a"), "a")


def test_a_namespace_must_stay() -> None:
    objects = Objects()
    objects.put(NAMESPACES, "shop", metadata={"deletionTimestamp": STAMP})
    with pytest.raises(ApiError) as refused:
        require_namespace(objects.shelf, objects.call(CONFIGMAPS, "a"), "a")
    assert (refused.value.code, refused.value.message) == (
        403,
        'configmaps "a" is forbidden: unable to create new content in namespace shop because it is being terminated',
    )
    assert refused.value.details is not None
    assert refused.value.details["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace shop is being terminated",
            "field": "metadata.namespace",
        }
    ]


def test_an_annotation_that_looks_like_a_deletion_is_none() -> None:
    objects = Objects()
    objects.put(NAMESPACES, "shop", spec={"deletionTimestamp": "x"})
    require_namespace(objects.shelf, objects.call(CONFIGMAPS, "a"), "a")
