"""A copy says where it comes from, and is believed only when all of it fits together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transformation.samples import TARGET, TYPES, check_golden, context, golden_cases
from tmc_syncer.api.locator import Locator, parse_locator
from tmc_syncer.api.objects import Meta
from tmc_syncer.transformation.annotations import (
    BOOKKEEPING,
    Annotations,
    Origin,
    content_of,
    source_name,
    upstream_of,
)

ANNOTATIONS = Annotations()
INFO = TYPES["ConfigMap"]
SOURCE = Meta(name="cfg", namespace="shop", uid="0b3c", generation=7)
LOCATOR = Locator(TARGET, "1a2b3c", "shop")


@pytest.mark.parametrize("case", golden_cases("annotations"))
def test_golden(case: str) -> None:
    check_golden(case)


def test_a_copy_says_where_it_comes_from() -> None:
    copy = ANNOTATIONS.down({"metadata": {"annotations": {"note": "mine"}}}, context(INFO, source=SOURCE))
    assert copy["metadata"]["annotations"] == {
        "note": "mine",
        "workload.kcp.io/source-uid": "0b3c",
        "workload.kcp.io/source-name": "shop/cfg",
        "kcp.io/sync-generation": "7",
    }


def test_a_cluster_scoped_copy_carries_the_locator_itself() -> None:
    ctx = context(TYPES["StorageClass"], source=Meta(name="fast", uid="0b3c"))
    annotations = ANNOTATIONS.down({"metadata": {}}, ctx)["metadata"]["annotations"]
    assert annotations["workload.kcp.io/source-name"] == "/fast"
    assert parse_locator(annotations["kcp.io/namespace-locator"]) == Locator(TARGET, "1a2b3c", "")


def test_the_way_up_gives_the_users_annotations_back() -> None:
    ctx = context(INFO, source=SOURCE)
    up = ANNOTATIONS.up(ANNOTATIONS.down({"metadata": {"annotations": {"note": "mine"}}}, ctx), ctx)
    assert up == {"metadata": {"annotations": {"note": "mine"}}}
    assert ANNOTATIONS.up(ANNOTATIONS.down({"metadata": {}}, ctx), ctx) == {"metadata": {}}


def test_the_default_service_account_is_not_annotated() -> None:
    gvr = TYPES["ServiceAccount"].gvr
    assert not ANNOTATIONS.applies(gvr, Meta(name="default"))
    assert ANNOTATIONS.applies(gvr, Meta(name="robot"))


def marked(name: str = "cfg", **annotations: str) -> Meta:
    marks = {"workload.kcp.io/source-uid": "0b3c", "workload.kcp.io/source-name": "shop/cfg"}
    return Meta(name=name, annotations={**marks, **annotations})


def test_the_way_back_is_found_by_the_marks() -> None:
    assert upstream_of(marked(), LOCATOR) == Origin("1a2b3c", "shop", "cfg", "0b3c")


def test_the_way_back_of_a_cluster_scoped_copy() -> None:
    meta = Meta(
        name="fast",
        annotations={
            "workload.kcp.io/source-uid": "0b3c",
            "workload.kcp.io/source-name": source_name("", "fast"),
        },
    )
    assert upstream_of(meta, Locator(TARGET, "1a2b3c")) == Origin("1a2b3c", "", "fast", "0b3c")


@pytest.mark.parametrize(
    ("meta", "locator"),
    [
        (marked(), None),
        (Meta(name="cfg"), LOCATOR),
        (Meta(name="cfg", annotations={"workload.kcp.io/source-name": "shop/cfg"}), LOCATOR),
        (Meta(name="cfg", annotations={"workload.kcp.io/source-uid": "0b3c"}), LOCATOR),
        (marked("a-clone"), LOCATOR),
        (marked(), Locator(TARGET, "1a2b3c", "pay")),
        (marked(**{"workload.kcp.io/source-uid": ""}), LOCATOR),
    ],
)
def test_marks_that_are_missing_or_do_not_fit_lead_nowhere(meta: Meta, locator: Locator | None) -> None:
    assert upstream_of(meta, locator) is None


def test_content_is_the_copy_without_bookkeeping() -> None:
    copy: dict[str, Any] = {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": {"note": "mine", **dict.fromkeys(BOOKKEEPING, "x")}},
    }
    assert content_of(copy) == {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "annotations": {"note": "mine"}},
    }
    assert set(copy["metadata"]["annotations"]) == {"note"} | BOOKKEEPING


@pytest.mark.parametrize(
    "copy",
    [{}, {"metadata": {"name": "a"}}, {"metadata": {"annotations": {"note": "mine"}}, "data": {"a": "b"}}],
)
def test_a_copy_without_bookkeeping_is_all_content(copy: dict) -> None:
    assert content_of(copy) == copy
    assert content_of(copy) is not copy
