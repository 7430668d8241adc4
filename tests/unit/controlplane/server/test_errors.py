from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, DEPLOYMENTS
from tmc_syncer.controlplane.server import errors
from tmc_syncer.controlplane.server.errors import ApiError, Cause

CASES: list[tuple[ApiError, int, str, str, dict[str, Any] | None]] = [
    (errors.bad_request("odd"), 400, "BadRequest", "odd", None),
    (errors.unauthorized(), 401, "Unauthorized", "Unauthorized", None),
    (
        errors.forbidden(CONFIGMAPS, "a", "because"),
        403,
        "Forbidden",
        'configmaps "a" is forbidden: because',
        {"name": "a", "kind": "configmaps"},
    ),
    (
        errors.forbidden(DEPLOYMENTS, "", "because", [Cause("R", "m", "f")]),
        403,
        "Forbidden",
        "deployments.apps is forbidden: because",
        {"group": "apps", "kind": "deployments", "causes": [{"reason": "R", "message": "m", "field": "f"}]},
    ),
    (
        errors.not_found(DEPLOYMENTS, "web"),
        404,
        "NotFound",
        'deployments.apps "web" not found',
        {"name": "web", "group": "apps", "kind": "deployments"},
    ),
    (errors.no_such_path(), 404, "NotFound", "the server could not find the requested resource", {}),
    (
        errors.method_not_allowed(),
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    ),
    (
        errors.not_acceptable(["a/b", "c/d"]),
        406,
        "NotAcceptable",
        "only the following media types are accepted: a/b, c/d",
        None,
    ),
    (
        errors.already_exists(CONFIGMAPS, "a"),
        409,
        "AlreadyExists",
        'configmaps "a" already exists',
        {"name": "a", "kind": "configmaps"},
    ),
    (
        errors.conflict(CONFIGMAPS, "a"),
        409,
        "Conflict",
        (
            'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to '
            "the latest version and try again"
        ),
        {"name": "a", "kind": "configmaps"},
    ),
    (
        errors.conflict(CONFIGMAPS, "a", "why", [Cause("R", "m")]),
        409,
        "Conflict",
        'Operation cannot be fulfilled on configmaps "a": why',
        {"name": "a", "kind": "configmaps", "causes": [{"reason": "R", "message": "m"}]},
    ),
    (errors.expired("old"), 410, "Expired", "old", None),
    (errors.too_large("big"), 413, "RequestEntityTooLarge", "big", None),
    (
        errors.unsupported_media_type(["a/b"]),
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: a/b",
        None,
    ),
    (
        errors.invalid("Deployment", "web", [Cause("R", "m", "f")], "apps"),
        422,
        "Invalid",
        'Deployment.apps "web" is invalid: f: m',
        {
            "name": "web",
            "group": "apps",
            "kind": "Deployment",
            "causes": [{"reason": "R", "message": "m", "field": "f"}],
        },
    ),
    (
        errors.too_many_requests("slow", 7),
        429,
        "TooManyRequests",
        "slow",
        {"retryAfterSeconds": 7},
    ),
    (
        errors.internal("oops"),
        500,
        "InternalError",
        "Internal error occurred: oops",
        {"causes": [{"message": "oops"}]},
    ),
    (errors.unavailable("later"), 503, "ServiceUnavailable", "later", None),
    (
        errors.too_large_version(9, 3),
        504,
        "Timeout",
        "Timeout: Too large resource version: 9, current: 3",
        {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    ),
]


@pytest.mark.parametrize(("error", "code", "reason", "message", "details"), CASES)
def test_an_error_is_the_status_of_a_kube_apiserver(
    error: ApiError, code: int, reason: str, message: str, details: dict[str, Any] | None
) -> None:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
    if details is None:
        del status["details"]
    assert error.to_object() == status
    assert str(error) == message


def test_a_message_says_each_cause_once() -> None:
    twice = [Cause("R", "m", "f"), Cause("R", "m", "f"), Cause("R", "other")]
    error = errors.invalid("ConfigMap", "a", twice)
    assert error.message == 'ConfigMap "a" is invalid: [f: m, other]'
    assert len(error.details["causes"]) == 3 if error.details else False
    one = errors.invalid("ConfigMap", "a", twice[:2])
    assert one.message == 'ConfigMap "a" is invalid: f: m'


def test_an_error_without_a_reason_has_none() -> None:
    assert "reason" not in ApiError(500, "", "odd").to_object()


def test_retries_are_in_the_headers_too() -> None:
    assert errors.too_many_requests("slow", 7).headers == {"Retry-After": "7"}
    assert errors.too_large_version(9, 3).headers == {"Retry-After": "1"}


def test_an_expired_page_may_offer_a_way_to_go_on() -> None:
    assert errors.expired("old", "token").to_object()["metadata"] == {"continue": "token"}
