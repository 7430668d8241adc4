"""A released copy stays behind as nobody's object: without a mark, with all of its content."""

from __future__ import annotations

from typing import Any

from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.downstream.namespaces import desired_namespace
from tmc_syncer.downstream.release import release_patch
from tmc_syncer.sync.facts import Downstream
from tmc_syncer.sync.ownership import classify

LOCATOR = Locator(TargetReference("root", "eu", "u"), "c", "")


def merged(entries: dict[str, str] | None, patch: dict[str, str | None]) -> dict[str, str]:
    """The result of a JSON merge patch (RFC 7386) on a flat map."""
    result = dict(entries or {})
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
    return result


def released(meta: Meta) -> tuple[dict[str, Any], Meta]:
    patch = release_patch(Record("v1", "ConfigMap", meta, {}))
    labels = merged(meta.labels, patch["metadata"]["labels"])
    annotations = merged(meta.annotations, patch["metadata"]["annotations"])
    return patch, Meta(name=meta.name, uid=meta.uid, labels=labels, annotations=annotations)


def test_all_our_marks_go_and_the_users_stay() -> None:
    desired = desired_namespace(
        "n",
        LOCATOR,
        Meta(name="n", uid="u1", labels={"app": "web"}, annotations={"note": "x"}),
        pod_security="",
    )
    bookkeeping = {
        "kcp.io/sync-generation": "1",
        "kcp.io/synced-at": "t",
        "workload.kcp.io/applied-digest": "d",
    }
    annotations = desired["metadata"]["annotations"] | bookkeeping
    copy = Meta(name="n", uid="c1", labels=desired["metadata"]["labels"], annotations=annotations)
    assert classify(copy, locator=LOCATOR, in_our_namespace=True, source_uid="u1") is Downstream.OURS
    _, left = released(copy)
    assert left.labels == {"app": "web"}
    assert left.annotations == {"note": "x"}
    assert classify(left, locator=LOCATOR, in_our_namespace=True, source_uid="u1") is Downstream.FOREIGN


def test_exactly_this_object_at_this_version_is_released() -> None:
    patch, _ = released(Meta(name="n", uid="c1", resource_version="7", labels={"kcp.io/managed": "true"}))
    assert patch == {
        "metadata": {
            "uid": "c1",
            "resourceVersion": "7",
            "labels": {"kcp.io/managed": None},
            "annotations": {},
        }
    }


def test_an_object_without_any_marks_is_left_as_it_is() -> None:
    patch, _ = released(Meta(name="n"))
    assert (patch["metadata"]["labels"], patch["metadata"]["annotations"]) == ({}, {})
