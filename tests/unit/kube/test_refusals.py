from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.kube.types import CONFIG_MAPS, DEPLOYMENTS, SECRETS
from tmc_syncer.kube.errors import Cause, RetryClass
from tmc_syncer.kube.refusals import MAX_CAUSES, MAX_STATUS_BYTES, Asked, refusal, refusal_of_event

GET = Asked("get", DEPLOYMENTS, "prod", "web")
JSON_PATCH = Asked("patch", DEPLOYMENTS, "prod", "web", tested=True)
MERGE_PATCH = Asked("patch", DEPLOYMENTS, "prod", "web")
SECRET = Asked("create", SECRETS, "prod", "db")


def status(code: int, reason: str = "", message: str = "", **details: Any) -> bytes:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return json.dumps(body | {"reason": reason, "message": message, "details": details}).encode()


def cause(reason: str = "", message: str = "", field: str = "") -> dict[str, str]:
    return {"reason": reason, "message": message, "field": field}


@pytest.mark.parametrize(
    ("asked", "code", "body", "expected"),
    [
        (GET, 409, status(409, "Conflict"), RetryClass.CONFLICT),
        (GET, 409, status(409, "AlreadyExists", name="web"), RetryClass.CONFLICT),
        (GET, 410, status(410, "Expired"), RetryClass.GONE),
        (GET, 404, status(404, "NotFound", kind="deployments", name="web"), RetryClass.CONFLICT),
        (GET, 404, status(404, "NotFound", "the server could not find the requested resource"), RetryClass.TERMINAL),
        (GET, 404, b"404 page not found\n", RetryClass.TRANSIENT),
        (GET, 403, status(403, "Forbidden", causes=[cause("NamespaceTerminating")]), RetryClass.NAMESPACE_TERMINATING),
        (GET, 403, status(403, "Forbidden", "pods x is forbidden: exceeded quota: q"), RetryClass.TRANSIENT),
        (GET, 403, status(403, "Forbidden", 'User "a" cannot list'), RetryClass.TERMINAL),
        (GET, 403, b"<html>forbidden</html>", RetryClass.TRANSIENT),
        (JSON_PATCH, 422, status(422, "Invalid", "the server rejected our request"), RetryClass.CONFLICT),
        (MERGE_PATCH, 422, status(422, "Invalid", "the server rejected our request"), RetryClass.TERMINAL),
        (JSON_PATCH, 422, status(422, "Invalid", causes=[cause("FieldValueInvalid", "x", "status.a")]), RetryClass.TERMINAL),
        (MERGE_PATCH, 422, status(422, "Invalid", causes=[cause("FieldValueInvalid", "x", "metadata.uid")]), RetryClass.CONFLICT),
        (
            JSON_PATCH,
            422,
            status(422, "Invalid", causes=[cause("FieldValueForbidden", "Forbidden: no new finalizers can be added", "metadata.finalizers")]),
            RetryClass.CONFLICT,
        ),
        (MERGE_PATCH, 422, status(422, "Invalid", "no new finalizers can be added"), RetryClass.CONFLICT),
        (GET, 400, status(400, "BadRequest"), RetryClass.TERMINAL),
        (GET, 413, status(413, "RequestEntityTooLarge"), RetryClass.TERMINAL),
        (GET, 413, b"<html>too large</html>", RetryClass.TERMINAL),
        (GET, 405, status(405, "MethodNotAllowed"), RetryClass.TERMINAL),
        (GET, 401, status(401, "Unauthorized"), RetryClass.TRANSIENT),
        (GET, 408, status(408), RetryClass.TRANSIENT),
        (GET, 429, status(429, "TooManyRequests"), RetryClass.TRANSIENT),
        (GET, 429, b"Too many requests, please try again later.", RetryClass.TRANSIENT),
        (GET, 500, status(500, "InternalError"), RetryClass.TRANSIENT),
        (GET, 500, status(500, "", "etcdserver: request is too large"), RetryClass.TERMINAL),
        (GET, 503, b"upstream connect error", RetryClass.TRANSIENT),
        (GET, 504, status(504, "Timeout", causes=[cause("ResourceVersionTooLarge")]), RetryClass.TRANSIENT),
        (GET, 302, b"", RetryClass.TRANSIENT),
    ],
)  # fmt: skip
def test_a_refusal_is_classed_by_verb_body_reason_and_cause(
    asked: Asked, code: int, body: bytes, expected: RetryClass
) -> None:
    error = refusal(asked, code, body, {})
    assert (error.retry_class, error.status) == (expected, code)


def test_everything_that_a_status_says_is_there() -> None:
    body = status(
        409, "Conflict", "Apply failed", group="apps", kind="deployments", name="web", uid="u1",
        causes=[cause("FieldManagerConflict", 'conflict with "helm"', ".spec.replicas")], retryAfterSeconds=3,
    )  # fmt: skip
    error = refusal(GET, 409, body, {})
    assert (error.reason, error.api_message) == ("Conflict", "Apply failed")
    assert (error.details_group, error.details_kind, error.details_name, error.details_uid) == (
        "apps",
        "deployments",
        "web",
        "u1",
    )
    assert error.causes == (Cause("FieldManagerConflict", 'conflict with "helm"', ".spec.replicas"),)
    assert error.retry_after == 3.0
    assert error.has_cause("FieldManagerConflict")
    assert str(error) == "get deployments.apps prod/web: the server answered 409 Conflict: Apply failed."


def test_absent_and_null_fields_of_a_status_are_nothing() -> None:
    error = refusal(
        GET, 404, b'{"kind":"Status","reason":null,"message":null,"details":null,"code":null}', {}
    )
    assert (error.reason, error.api_message, error.causes, error.details_name) == ("", "", (), "")
    error = refusal(GET, 404, b'{"kind":"Status","details":{"causes":[{"reason":null}],"name":null}}', {})
    assert error.causes == (Cause("", "", ""),)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"kind":"Other"}', b'{"kind":"Status","code":"x"}', b"\xff\xfe"]
)
def test_a_body_that_is_no_status_proves_nothing(body: bytes) -> None:
    error = refusal(GET, 404, body, {})
    assert error.reason == ""
    assert error.retry_class is RetryClass.TRANSIENT


def test_a_page_of_a_proxy_is_shortened() -> None:
    error = refusal(GET, 502, b"<html>" + b"x" * 10_000, {})
    assert len(error.api_message) == 300
    assert len(str(error)) < 400


def test_a_huge_body_is_not_read_as_a_status() -> None:
    body = status(404, "NotFound", "x" * MAX_STATUS_BYTES)
    assert refusal(GET, 404, body, {}).reason == ""


def test_the_number_of_causes_is_bounded() -> None:
    error = refusal(GET, 409, status(409, causes=[cause("FieldManagerConflict")] * 500), {})
    assert len(error.causes) == MAX_CAUSES


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "9" * 30}, None),
        (
            {"Retry-After": "Sun, 22 Nov 2026 11:12:26 GMT", "Date": "Sun, 22 Nov 2026 11:12:16 GMT"},
            10.0,
        ),
        ({"Retry-After": "Sun, 22 Nov 2026 11:12:26 GMT", "Date": "Sun, 22 Nov 2026 11:13:16 GMT"}, 0.0),
        ({"Retry-After": "Sun, 22 Nov 2026 11:12:26 GMT"}, None),
        ({"Retry-After": "Sun, 22 Nov 2026 11:12:26 -0000", "Date": "Sun, 22 Nov 2026 11:12:26 GMT"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert refusal(GET, 429, b"", headers).retry_after == seconds


def test_the_header_wins_over_the_body() -> None:
    assert refusal(GET, 429, status(429, retryAfterSeconds=9), {"Retry-After": "1"}).retry_after == 1.0


@pytest.mark.parametrize(
    ("code", "message", "causes"),
    [
        (422, 'Secret "db" is invalid: data[x]: Invalid value: "hunter2"', [cause("FieldValueInvalid", "hunter2", "data[x]")]),
        (400, 'illegal base64 data "hunter2"', []),
        (403, 'admission webhook "w" denied the request: hunter2 is weak', []),
        (403, "ValidatingAdmissionPolicy 'p' denied request: hunter2", []),
        (409, 'admission webhook "w" denied the request: hunter2', []),
        (500, "failed calling webhook: hunter2", []),
        (500, 'error decoding "hunter2"', [cause("UnexpectedServerResponse", "hunter2")]),
    ],
)  # fmt: skip
def test_the_value_of_a_secret_never_reaches_a_message(code: int, message: str, causes: list) -> None:
    error = refusal(SECRET, code, status(code, "X", message, causes=causes), {})
    shown = f"{error!r} {error} {error.api_message} {error.causes} {vars(error)}"
    assert "hunter2" not in shown


def test_text_of_a_proxy_about_a_secret_is_not_shown() -> None:
    assert "hunter2" not in str(refusal(SECRET, 502, b"could not forward hunter2", {}))


def test_about_a_secret_the_fields_and_the_servers_own_sentences_stay() -> None:
    invalid = refusal(SECRET, 422, status(422, "Invalid", "x", causes=[cause("R", "x", "data[a]")] * 2), {})
    assert invalid.api_message == "(text left out: it may quote the Secret) data[a]"
    assert invalid.causes[0] == Cause("R", "", "data[a]")
    gone = refusal(SECRET, 404, status(404, "NotFound", 'secrets "db" not found'), {})
    assert gone.api_message == 'secrets "db" not found'
    denial = 'secrets is forbidden: User "tmc" cannot list resource "secrets" in API group ""'
    assert refusal(SECRET, 403, status(403, "Forbidden", denial), {}).api_message == denial
    taken = status(
        409, "Conflict", "1 conflict", causes=[cause("FieldManagerConflict", 'conflict with "x"', ".data.a")]
    )
    assert refusal(SECRET, 409, taken, {}).field_conflicts[0].manager == "x"


def test_a_class_that_needs_the_text_is_right_for_secrets_too() -> None:
    body = status(403, "Forbidden", "secrets x is forbidden: exceeded quota: q")
    assert refusal(SECRET, 403, body, {}).retry_class is RetryClass.TRANSIENT


def test_an_error_event_is_a_refusal_with_the_code_in_its_status() -> None:
    watch = Asked("watch", CONFIG_MAPS)
    error = refusal_of_event(watch, status(410, "Expired", "too old resource version"))
    assert (error.status, error.retry_class) == (410, RetryClass.GONE)
    assert str(error) == "watch configmaps: the server answered 410 Expired: too old resource version."
    assert refusal_of_event(watch, b'{"kind":"Status"}').status == 500
    garbage = refusal_of_event(watch, b'{"kind":"ConfigMap"}')
    assert (garbage.status, garbage.retry_class) == (500, RetryClass.TRANSIENT)
