"""SyncTarget: its spec comes in checked, its status goes out canonical."""

from __future__ import annotations

import json

import pytest

from tmc_syncer.api.conditions import ConditionType
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.objects import Record, decode_record
from tmc_syncer.api.synctarget import (
    SyncedResource,
    SyncedState,
    SyncTargetSpec,
    SyncTargetStatus,
    WorstObject,
    encode_status,
    find_condition,
    parse_spec,
    parse_status,
    set_condition,
    set_spec_valid,
    synctarget_object,
)
from tmc_syncer.api.synctarget_spec import Assignment, SupportedResource
from tmc_syncer.api.synctarget_validation import SpecProblem

NOW = "2026-01-01T00:00:00Z"


def record(**fields: object) -> Record:
    return decode_record(json.dumps({"metadata": {"name": "eu-1"}, **fields}).encode())


def test_a_good_spec_is_parsed() -> None:
    spec = parse_spec(b'{"supportedAPIResources":[{"resource":"pods"}],"assignment":"Labelled"}')
    assert spec.supported_api_resources == (SupportedResource(resource="pods"),)
    assert spec.assignment is Assignment.LABELLED


def test_a_bad_spec_is_a_usage_error_that_names_the_field() -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(b'{"assignment":"Some"}')
    assert caught.value.message == "spec.assignment: 'Some' is no such value."
    assert caught.value.hint == "Use All, Namespaced or Labelled."


def test_an_empty_status_shows_zeros_and_no_times() -> None:
    assert json.loads(encode_status(SyncTargetStatus())) == {
        "connected": False,
        "synced": 0,
        "pending": 0,
        "failed": 0,
    }


def test_a_status_survives_the_way_through_a_server() -> None:
    status = SyncTargetStatus(
        connected=True,
        synced=3,
        failed=1,
        conditions=set_condition((), ConditionType.READY, "True", "Ready", "Fine.", NOW),
        synced_resources=(
            SyncedResource(
                group="",
                version="v1",
                resource="pods",
                state=SyncedState.SYNCING,
                synced=3,
                pending=0,
                failed=1,
            ),
        ),
        last_sync_time=NOW,
        worst_objects=(
            WorstObject(
                group="", version="v1", resource="pods", name="web", state="failed", attempts=3, next_try=NOW
            ),
        ),
        syncer_version="0.1",
    )
    there_and_back = parse_status(record(status=json.loads(encode_status(status))))
    assert there_and_back == status
    assert encode_status(there_and_back) == encode_status(status)
    assert json.loads(encode_status(status))["syncedResources"][0]["state"] == "Syncing"


def test_a_status_that_cannot_be_read_counts_as_empty_and_unknown_fields_are_ignored() -> None:
    assert parse_status(record()) == SyncTargetStatus()
    assert parse_status(record(status={"connected": "yes"})) == SyncTargetStatus()
    assert parse_status(record(status={"connected": True, "future": 1})) == SyncTargetStatus(connected=True)
    newer = {
        "syncedResources": [{"resource": "pods", "state": "Dreaming"}],
        "worstObjects": [{"resource": "pods", "name": "a", "state": "?"}],
    }
    assert parse_status(record(status=newer)).synced_resources[0].state == "Dreaming"
    assert parse_status(record(status=newer)).worst_objects[0].name == "a"


def test_a_valid_spec_is_said_to_be_in_force() -> None:
    condition = find_condition(set_spec_valid((), (), NOW), ConditionType.SPEC_VALID)
    assert condition is not None
    assert (condition.status, condition.reason) == ("True", "SpecValid")


def test_warnings_are_told_but_the_spec_is_valid() -> None:
    warning = SpecProblem("spec.fieldRules[0]", "it has no effect.", fatal=False)
    condition = find_condition(set_spec_valid((), (warning,), NOW), ConditionType.SPEC_VALID)
    assert condition is not None
    assert (condition.status, condition.reason) == ("True", "SpecHasWarnings")
    assert condition.message == "spec.fieldRules[0]: it has no effect."


def test_an_invalid_spec_names_the_field_and_what_is_in_force() -> None:
    problem = SpecProblem("spec.evictAfter", "it is not a time.", "Write RFC 3339.")
    condition = find_condition(set_spec_valid((), (problem,), NOW), ConditionType.SPEC_VALID)
    assert condition is not None
    assert (condition.status, condition.reason) == ("False", "SpecInvalid")
    assert condition.message == (
        "spec.evictAfter: it is not a time. Write RFC 3339. The last valid spec stays in force."
    )


def test_the_body_that_creates_a_target_holds_only_what_is_not_a_default() -> None:
    spec = SyncTargetSpec(supported_api_resources=(SupportedResource(group="apps", resource="deployments"),))
    assert synctarget_object("eu-1", spec) == {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": "eu-1"},
        "spec": {"supportedAPIResources": [{"group": "apps", "resource": "deployments"}]},
    }
