"""The spec's structs: what they mean, once they are known to be valid."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from tmc_syncer.api.resources import GVR
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.api.synctarget_spec import (
    AllowedWorkspaces,
    LabelSelector,
    SupportedResource,
    SyncTargetSpec,
    label_selector,
)


def test_a_supported_resource_names_its_type() -> None:
    entry = SupportedResource(group="apps", version="v1", resource="deployments")
    assert entry.gvr == GVR("apps", "v1", "deployments")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a=b",
        "a=b,c=d",
        "a!=b",
        "a in (b,c)",
        "a notin (b)",
        "a",
        "!a",
        "a=b,a=c",
        "a in (b)",
        "x=1,!y,z in (p,q)",
    ],
)
def test_a_selector_survives_its_structured_form(text: str) -> None:
    selector = parse_selector(text)
    assert set(label_selector(selector).selector().requirements) == set(selector.requirements)


def test_plain_equality_is_written_as_match_labels() -> None:
    assert json.loads(msgspec.json.encode(label_selector(parse_selector("a=b,c in (d,e)")))) == {
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "c", "operator": "In", "values": ["d", "e"]}],
    }


def test_the_empty_selector_selects_everything() -> None:
    assert LabelSelector().selector().matches({})


def test_nothing_is_evicted_without_a_time() -> None:
    assert not SyncTargetSpec().evicted(datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "evicted"),
    [
        ("2026-01-01T00:00:00Z", True),
        ("2026-01-01t01:00:00+01:00", True),
        ("2026-01-01T00:00:00.000001Z", False),
        ("2026-01-01T00:00:00-01:00", False),
    ],
)
def test_eviction_begins_at_its_time_in_any_zone(text: str, evicted: bool) -> None:
    assert SyncTargetSpec(evict_after=text).evicted(datetime(2026, 1, 1, tzinfo=UTC)) is evicted


def test_workspaces_are_allowed_by_name_or_pattern() -> None:
    spec = SyncTargetSpec(allowed_workspaces=AllowedWorkspaces(names=("2x4b", "team-*")))
    assert spec.allows_workspace("2x4b", by_default=False)
    assert spec.allows_workspace("team-a", by_default=False)
    assert not spec.allows_workspace("other", by_default=True)
    assert not SyncTargetSpec(allowed_workspaces=AllowedWorkspaces()).allows_workspace(
        "2x4b", by_default=True
    )


@pytest.mark.parametrize("default", [True, False])
def test_where_the_spec_does_not_say_the_mode_decides(default: bool) -> None:
    assert SyncTargetSpec().allows_workspace("2x4b", by_default=default) is default
