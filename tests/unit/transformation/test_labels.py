"""A copy carries the user's labels and our four marks, whatever the user wrote."""

from __future__ import annotations

import pytest

from tests.unit.transformation.samples import TARGET, TYPES, check_golden, context, golden_cases
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Meta
from tmc_syncer.transformation.labels import Labels

LABELS = Labels()
INFO = TYPES["ConfigMap"]
MARKS = {
    "internal.workload.kcp.io/cluster": TARGET.key,
    "kcp.io/sync-target": "eu-1",
    "kcp.io/workspace": "1a2b3c",
    "kcp.io/managed": "true",
}


@pytest.mark.parametrize("case", golden_cases("labels"))
def test_golden(case: str) -> None:
    check_golden(case)


def test_an_object_without_labels_gets_the_marks() -> None:
    assert LABELS.down({"metadata": {"name": "a"}}, context(INFO))["metadata"]["labels"] == MARKS


def test_no_label_of_a_users_can_stand_for_a_mark() -> None:
    spoofed = dict.fromkeys(MARKS, "spoofed")
    assert LABELS.down({"metadata": {"labels": spoofed}}, context(INFO))["metadata"]["labels"] == MARKS


def test_names_that_are_no_label_values_are_made_fit() -> None:
    ctx = context(INFO, target="t" * 70, locator=Locator(TARGET, "root:org:ws", "shop"))
    labels = LABELS.down({"metadata": {}}, ctx)["metadata"]["labels"]
    assert labels["kcp.io/workspace"] == "root.org.ws"
    assert labels["kcp.io/sync-target"].startswith("t" * 52 + "-")
    assert len(labels["kcp.io/sync-target"]) == 63


def test_the_way_up_gives_the_users_labels_back() -> None:
    ctx = context(INFO)
    up = LABELS.up(LABELS.down({"metadata": {"labels": {"app": "web"}}}, ctx), ctx)
    assert up == {"metadata": {"labels": {"app": "web"}}}
    assert LABELS.up(LABELS.down({"metadata": {}}, ctx), ctx) == {"metadata": {}}
    assert LABELS.up({"metadata": {}}, ctx) == {"metadata": {}}


def test_the_default_service_account_gets_no_marks() -> None:
    gvr = TYPES["ServiceAccount"].gvr
    assert not LABELS.applies(gvr, Meta(name="default"))
    assert LABELS.applies(gvr, Meta(name="robot"))
