from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.options import DeleteOptions, ListOptions, WriteOptions, parse_query


def q(**values: Any) -> str:
    return urlencode(values)


def refusal(call: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        call()
    return refused.value


def causes(error: ApiError) -> list[tuple[str, str]]:
    assert error.details is not None
    return [(cause["reason"], cause["message"]) for cause in error.details["causes"]]


def test_of_a_repeated_name_the_first_counts() -> None:
    assert parse_query("a=1&a=2&b=&c") == {"a": "1", "b": "", "c": ""}


def test_options_of_a_list_are_read() -> None:
    text = q(labelSelector="a=b", fieldSelector="metadata.name=x", limit=5, timeoutSeconds=7)
    text += "&resourceVersion=3&resourceVersionMatch=Exact&continue=&allowWatchBookmarks=true"
    assert ListOptions.of(text) == ListOptions(
        label_selector="a=b",
        field_selector="metadata.name=x",
        resource_version="3",
        match="Exact",
        limit=5,
        bookmarks=True,
        timeout_seconds=7,
    )


@pytest.mark.parametrize(
    ("text", "watch"),
    [
        ("", False),
        ("watch", True),
        ("watch=1", True),
        ("watch=x", True),
        ("watch=false", False),
        ("watch=0", False),
    ],
)
def test_a_watch_is_asked_for_as_go_reads_booleans(text: str, watch: bool) -> None:
    assert ListOptions.of(text).watch is watch
    assert ListOptions.of(text, watch=True).watch


def test_a_negative_limit_is_none() -> None:
    assert ListOptions.of("limit=-1").limit == 0


@pytest.mark.parametrize("text", ["limit=x", "timeoutSeconds=x", "limit=1.5"])
def test_what_is_no_number_is_a_bad_request(text: str) -> None:
    error = refusal(lambda: ListOptions.of(text))
    assert (error.code, error.reason) == (400, "BadRequest")
    value = text.partition("=")[2]
    assert error.message == f'strconv.ParseInt: parsing "{value}": invalid syntax'


FORBIDDEN = "FieldValueForbidden"
UNSUPPORTED = "FieldValueNotSupported"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "resourceVersionMatch=Exact",
            [(FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")],
        ),
        (
            "resourceVersionMatch=Foo&resourceVersion=5",
            [(UNSUPPORTED, 'Unsupported value: "Foo": supported values: "Exact", "NotOlderThan", ""')],
        ),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            [(FORBIDDEN, 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')],
        ),
        (
            "resourceVersionMatch=Exact&continue=x",
            [
                (
                    FORBIDDEN,
                    "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
                ),
                (FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden when continue is provided"),
            ],
        ),
        ("sendInitialEvents=true", [(FORBIDDEN, "Forbidden: sendInitialEvents is forbidden for list")]),
        (
            "watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=5",
            [
                (
                    FORBIDDEN,
                    "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                )
            ],
        ),
        (
            "watch=1&resourceVersionMatch=Exact",
            [
                (
                    FORBIDDEN,
                    "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                ),
                (UNSUPPORTED, 'Unsupported value: "Exact": supported values: "NotOlderThan"'),
            ],
        ),
        (
            "watch=1&sendInitialEvents=false",
            [
                (
                    FORBIDDEN,
                    "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                )
            ],
        ),
        (
            "watch=1&continue=x",
            [(FORBIDDEN, "Forbidden: resourceVersionMatch is forbidden when continue is provided")],
        ),
    ],
)
def test_options_of_a_list_that_contradict_each_other_are_invalid(
    text: str, expected: list[tuple[str, str]]
) -> None:
    error = refusal(lambda: ListOptions.of(text))
    assert (error.code, error.reason) == (422, "Invalid")
    assert error.message.startswith('ListOptions.meta.k8s.io "" is invalid: ')
    assert causes(error) == expected


def test_a_watch_list_is_allowed() -> None:
    options = ListOptions.of("watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
    assert (options.watch, options.send_initial_events) == (True, True)


def test_options_of_a_write_are_read() -> None:
    text = "fieldManager=me&dryRun=All&fieldValidation=Strict&force=true"
    assert WriteOptions.of(text, "PatchOptions", apply=True) == WriteOptions("me", True, "Strict", True)
    assert WriteOptions.of("", "CreateOptions") == WriteOptions("", False, "Warn", None)
    assert WriteOptions.of("force=true", "CreateOptions").force is None


@pytest.mark.parametrize(
    ("text", "kind", "apply", "reason", "message"),
    [
        (
            "dryRun=Foo",
            "CreateOptions",
            False,
            UNSUPPORTED,
            'dryRun: Unsupported value: ["Foo"]: supported values: "All"',
        ),
        (
            "fieldValidation=Foo",
            "UpdateOptions",
            False,
            UNSUPPORTED,
            'fieldValidation: Unsupported value: "Foo": supported values: "", "Ignore", "Strict", "Warn"',
        ),
        (
            f"fieldManager={'x' * 129}",
            "CreateOptions",
            False,
            "FieldValueTooLong",
            "fieldManager: Too long: may not be more than 128 bytes",
        ),
        (
            "fieldManager=a%00b",
            "CreateOptions",
            False,
            "FieldValueInvalid",
            'fieldManager: Invalid value: "a\x00b": should only contain printable characters',
        ),
        (
            "",
            "PatchOptions",
            True,
            "FieldValueRequired",
            "fieldManager: Required value: is required for apply patch",
        ),
        (
            "force=true",
            "PatchOptions",
            False,
            FORBIDDEN,
            "force: Forbidden: may not be specified for non-apply patch",
        ),
    ],
)
def test_options_of_a_write_are_checked(text: str, kind: str, apply: bool, reason: str, message: str) -> None:
    error = refusal(lambda: WriteOptions.of(text, kind, apply=apply))
    assert error.code == 422
    assert error.message == f'{kind}.meta.k8s.io "" is invalid: {message}'
    assert causes(error)[0][0] == reason


def test_options_of_a_delete_come_from_the_query_or_the_body() -> None:
    text = "gracePeriodSeconds=5&propagationPolicy=Foreground&dryRun=All"
    assert DeleteOptions.of(text) == DeleteOptions(5, "Foreground", dry_run=True)
    assert DeleteOptions.of(text, {}) == DeleteOptions()
    body = {
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u", "resourceVersion": "7"},
        "dryRun": ["All"],
    }
    assert DeleteOptions.of("", body) == DeleteOptions(0, "Orphan", "u", "7", True)


def test_old_names_of_delete_options_are_understood() -> None:
    assert DeleteOptions.of("orphanDependents=true").policy == "Orphan"
    assert DeleteOptions.of("orphanDependents=false").policy == "Background"
    assert DeleteOptions.of("gracePeriodSeconds=-1").grace_seconds == 1


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"propagationPolicy": "Foreground", "orphanDependents": True},
            422,
            (
                'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Foreground": '
                "orphanDependents and deletionPropagation cannot be both set"
            ),
        ),
        (
            {"propagationPolicy": "Foo"},
            422,
            (
                'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Foo": supported values: '
                '"Foreground", "Background", "Orphan", "nil"'
            ),
        ),
        (
            {"dryRun": ["Some"]},
            422,
            'DeleteOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
        ),
        (
            {"kind": "Foo", "apiVersion": "v1"},
            400,
            'no kind "Foo" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
        ),
        (
            {"gracePeriodSeconds": "5"},
            400,
            "json: cannot unmarshal into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
        (
            {"gracePeriodSeconds": True},
            400,
            "json: cannot unmarshal into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
        (
            {"preconditions": []},
            400,
            "json: cannot unmarshal into Go struct field DeleteOptions.preconditions of type v1.Preconditions",
        ),
    ],
)
def test_options_of_a_delete_are_checked(body: dict[str, Any], code: int, message: str) -> None:
    error = refusal(lambda: DeleteOptions.of("", body))
    assert (error.code, error.message) == (code, message)
