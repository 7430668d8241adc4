from __future__ import annotations

import pytest

from tests.unit.kube.types import CONFIG_MAPS, DEPLOYMENTS
from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.kube.errors import (
    MAX_TEXT,
    ApiError,
    Cause,
    CredentialsError,
    FieldConflict,
    KubeconfigError,
    KubeError,
    PathError,
    RetryClass,
    TransportError,
    TransportFault,
    shorten,
)


def not_found(
    group: str = "apps", kind: str = "deployments", name: str = "web", **changes: object
) -> ApiError:
    arguments: dict = {"status": 404, "reason": "NotFound", "details": (group, kind, name, "")} | changes
    return ApiError("gone", **arguments)


def test_a_not_found_that_names_type_and_object_is_proof() -> None:
    assert not_found().is_not_found_of(DEPLOYMENTS, "web")
    assert not_found(group="").is_not_found_of(DEPLOYMENTS, "web")  # a server may leave the group out


@pytest.mark.parametrize(
    "error",
    [
        not_found(name="other"),
        not_found(kind="namespaces", group="", name="web"),
        not_found(group="extensions"),
        not_found(reason=""),
        not_found(status=403),
        not_found(status=410, reason="Gone"),
    ],
)
def test_no_other_refusal_is_proof_of_absence(error: ApiError) -> None:
    assert not error.is_not_found_of(DEPLOYMENTS, "web")


def test_nothing_proves_that_an_object_without_a_name_is_absent() -> None:
    assert not not_found(name="").is_not_found_of(DEPLOYMENTS, "")


def test_an_object_of_the_core_group_is_not_confused_with_one_of_a_named_group() -> None:
    assert not not_found(group="example.com", kind="configmaps", name="a").is_not_found_of(CONFIG_MAPS, "a")


def conflict(*causes: Cause) -> ApiError:
    return ApiError("conflict", status=409, reason="Conflict", causes=causes)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('conflict with "helm"', FieldConflict("helm", "Apply", ".spec.a")),
        (
            'conflict with "kubectl-edit" using apps/v1',
            FieldConflict("kubectl-edit", "Update", ".spec.a", "", "apps/v1"),
        ),
        (
            'conflict with "hpa" with subresource "scale" using autoscaling/v1 at 2026-11-22T10:00:00Z',
            FieldConflict("hpa", "Update", ".spec.a", "scale", "autoscaling/v1"),
        ),
        (
            'conflict with "k" with subresource "status"',
            FieldConflict("k", "Apply", ".spec.a", "status"),
        ),
        (
            'conflict with "odd \\"m\\\\gr" using v1',
            FieldConflict('odd "m\\gr', "Update", ".spec.a", "", "v1"),
        ),
        ("somebody else has it", FieldConflict("", "", ".spec.a")),
    ],
)
def test_a_field_conflict_names_manager_operation_and_field(message: str, expected: FieldConflict) -> None:
    error = conflict(Cause("FieldManagerConflict", message, ".spec.a"))
    assert error.field_conflicts == (expected,)


def test_other_causes_are_no_field_conflicts() -> None:
    assert conflict(Cause("FieldValueInvalid", 'conflict with "x"', ".a")).field_conflicts == ()


def test_the_root_is_tried_again_and_a_usage_error_of_the_kubeconfig_exits_with_2() -> None:
    assert KubeError("x").retry_class is RetryClass.TRANSIENT
    assert CredentialsError("x").retry_class is RetryClass.TRANSIENT
    assert TransportError("x", fault=TransportFault.BROKEN).retry_class is RetryClass.TRANSIENT
    assert PathError("x").retry_class is RetryClass.TERMINAL
    kubeconfig = KubeconfigError("x", hint="y")
    assert kubeconfig.retry_class is RetryClass.TERMINAL
    assert isinstance(kubeconfig, UsageError)
    assert isinstance(kubeconfig, KubeError)
    assert kubeconfig.exit_code == 2
    assert str(kubeconfig) == "x y"


def test_each_error_has_a_code_of_its_own() -> None:
    kinds: list[type[TmcError]] = [
        KubeError,
        ApiError,
        TransportError,
        CredentialsError,
        KubeconfigError,
        PathError,
    ]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, TmcError) for kind in kinds)


def test_a_hint_is_given_only_where_the_user_can_do_something() -> None:
    terminal = ApiError("m.", status=403, retry_class=RetryClass.TERMINAL)
    assert "permission" in terminal.hint
    assert ApiError("m.", status=403, retry_class=RetryClass.NAMESPACE_TERMINATING).hint == ""
    assert ApiError("m.", status=422, retry_class=RetryClass.CONFLICT).hint == ""
    assert "Log in again" in ApiError("m.", status=401, retry_class=RetryClass.TRANSIENT).hint
    assert ApiError("m.", status=418, retry_class=RetryClass.TERMINAL).hint == ""


def test_a_version_from_the_future_is_told_by_its_cause() -> None:
    assert ApiError(
        "m", status=504, causes=(Cause("ResourceVersionTooLarge", "", ""),)
    ).resource_version_too_large
    assert not ApiError("m", status=504).resource_version_too_large


def test_texts_are_cut_to_one_short_printable_line() -> None:
    assert shorten("a\n b\t\x00c\x1b[31m") == "a b c[31m"
    long = shorten("x" * 5_000)
    assert len(long) == MAX_TEXT
    assert long.endswith("…")
