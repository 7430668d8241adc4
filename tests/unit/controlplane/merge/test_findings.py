from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.findings import Finding, Findings, composite, finding


@pytest.mark.parametrize(
    ("error", "under", "reason", "field"),
    [
        (finding("required", ".a", "is required", ""), "", "FieldValueRequired", "a"),
        (finding("not_supported", "a.b", "should", ("x", ("y",))), "", "FieldValueNotSupported", "a.b"),
        (finding("too_long", "a", "should", 3), "status", "FieldValueTooLong", "status.a"),
        (finding("too_many", "a", "should", (4, 3)), "", "FieldValueTooMany", "a"),
        (finding("type_invalid", "", "must", "x"), "", "FieldValueTypeInvalid", "<nil>"),
        (finding("invalid", "", "must", "x"), "status", "FieldValueInvalid", "status"),
        (composite("no"), "", "FieldValueInvalid", "<nil>"),
        (composite("no"), "status", "FieldValueInvalid", "status"),
    ],
)
def test_a_finding_becomes_a_cause(error, under, reason, field):
    cause = error.cause(under)
    assert (cause.reason, cause.field) == (reason, field)


def test_a_message_names_the_path():
    assert finding("invalid", "spec.a", "should be 1", 2).message == "spec.a in body should be 1"


def test_the_same_message_is_kept_once():
    found = Findings()
    found.add(Finding("invalid", "a", "m", 1))
    found.merge(Findings([Finding("invalid", "b", "m", 2), Finding("invalid", "b", "n", 2)], passed=3))
    assert [error.message for error in found.errors] == ["m", "n"]
    assert found.passed == 3
