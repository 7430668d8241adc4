from __future__ import annotations

from tmc_syncer.controlplane.merge.conflicts import ApplyConflict, conflict
from tmc_syncer.controlplane.merge.fieldset import from_paths
from tmc_syncer.controlplane.merge.managers import Entry, Owner
from tmc_syncer.controlplane.server.errors import Cause

REPLICAS = from_paths([("f:spec", "f:replicas")])
EDITOR = Owner("edit", "Update", "apps/v1")
APPLIER = Owner("apply", "Apply")
STATUS = Owner("control", "Update", "apps/v1", "status")
MANAGED = {owner: Entry({}, "apps/v1") for owner in (EDITOR, APPLIER, STATUS)}


def test_one_conflict_is_one_sentence():
    refused = conflict({EDITOR: REPLICAS}, MANAGED)
    assert isinstance(refused, ApplyConflict)
    assert (refused.code, refused.reason) == (409, "Conflict")
    assert refused.message == (
        'Apply failed with 1 conflict: conflict with "edit" using apps/v1: .spec.replicas'
    )
    assert refused.causes == (
        Cause("FieldManagerConflict", 'conflict with "edit" using apps/v1', ".spec.replicas"),
    )


def test_several_conflicts_are_listed_by_manager():
    image = ("f:spec", "f:containers", 'k:{"name":"web"}', "f:image")
    refused = conflict(
        {EDITOR: REPLICAS, APPLIER: from_paths([image, ("f:data",)]), STATUS: from_paths([("f:status",)])}, MANAGED
    )
    assert refused.message == (
        "Apply failed with 4 conflicts: "
        'conflicts with "apply":\n- .data\n- .spec.containers[name="web"].image\n'
        'conflicts with "control" with subresource "status" using apps/v1:\n- .status\n'
        'conflicts with "edit" using apps/v1:\n- .spec.replicas'
    )
    assert refused.to_object()["details"] == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "apply"', "field": ".data"},
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "apply"',
                "field": '.spec.containers[name="web"].image',
            },
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "control" with subresource "status" using apps/v1',
                "field": ".status",
            },
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "edit" using apps/v1',
                "field": ".spec.replicas",
            },
        ]
    }
