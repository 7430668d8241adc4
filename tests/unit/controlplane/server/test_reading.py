from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, DEPLOYMENTS, WIDGETS
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.reading import check_type, refuse_patched, report_fields, unreadable


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b"", "<empty>"), (b"{", "{"), (b"---", "---"), (b"[]", "5b5d"), (b"{" + b"x" * 5000, "{" + "x" * 1023)],
)
def test_an_unreadable_body_is_shown(data: bytes, shown: str) -> None:
    error = unreadable(CONFIGMAPS, data, "why")
    assert (error.code, error.message) == (
        400,
        (
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: "
            f"why ({shown})"
        ),
    )


def test_what_a_body_does_not_say_is_filled_in() -> None:
    obj: dict[str, Any] = {}
    check_type(DEPLOYMENTS, obj)
    check_type(DEPLOYMENTS, obj)
    assert obj == {"kind": "Deployment", "apiVersion": "apps/v1"}


def test_another_type_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        check_type(CONFIGMAPS, {"kind": "Deployment", "apiVersion": "apps/v1"})
    assert refused.value.message == (
        'Deployment in version "v1" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): '
        "unknown conversion"
    )
    with pytest.raises(ApiError) as refused:
        check_type(CONFIGMAPS, {"kind": "Foo", "apiVersion": "v1"})
    assert refused.value.message == (
        'Foo in version "v1" cannot be handled as a ConfigMap: no kind "Foo" is registered for version "v1" in scheme '
        '"pkg/runtime/scheme.go:111"'
    )
    with pytest.raises(ApiError) as refused:
        check_type(WIDGETS, {"kind": "Widget", "apiVersion": "example.com/v2"})
    assert refused.value.message == (
        "the object provided is unrecognized (must be of type Widget): the API version in the data (example.com/v2, "
        "Kind=Widget) does not match the expected API version (example.com/v1, Kind=Widget)"
    )


def test_unknown_and_doubled_fields_are_refused_told_or_ignored() -> None:
    warnings: list[str] = []
    report_fields(CONFIGMAPS, [], [], "Strict", warnings)
    assert warnings == []
    report_fields(CONFIGMAPS, ["bogus"], ["data.a"], "Warn", warnings)
    assert warnings == ['duplicate field "data.a"', 'unknown field "bogus"']
    with pytest.raises(ApiError) as refused:
        report_fields(CONFIGMAPS, ["metadata.foo", "bogus"], [], "Strict", warnings)
    assert refused.value.message == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field '
        '"metadata.foo", unknown field "bogus"'
    )


def test_a_patch_that_makes_no_object_is_invalid() -> None:
    error = refuse_patched('"map[bogus:1]"', 'strict decoding error: unknown field "bogus"')
    assert (error.code, error.message) == (
        422,
        ' "" is invalid: patch: Invalid value: "map[bogus:1]": strict decoding error: unknown field "bogus"',
    )
    assert error.details is not None
    assert set(error.details) == {"causes"}
