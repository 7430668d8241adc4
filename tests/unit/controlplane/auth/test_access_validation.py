"""What is wrong with an access review. That the words are the real server's is shown in tests/real/test_auth_parity.py."""

from __future__ import annotations

from typing import Any

import pytest

from tmc_syncer.controlplane.auth.access_validation import review_causes, selector_errors

PODS = {"verb": "get", "resource": "pods"}


def faults(
    spec: dict[str, Any], kind: str = "SubjectAccessReview", metadata: dict[str, Any] | None = None
) -> list[str]:
    return [
        f"{cause.reason} {cause.field}: {cause.message}"
        for cause in review_causes(kind, spec, metadata or {})
    ]


def test_a_good_review_has_no_faults() -> None:
    assert faults({"user": "ann", "resourceAttributes": PODS}) == []
    assert faults({"groups": ["a"], "nonResourceAttributes": {}}) == []
    assert faults({"resourceAttributes": PODS}, "SelfSubjectAccessReview") == []
    local = {"user": "ann", "resourceAttributes": {**PODS, "namespace": "ns"}}
    assert faults(local, "LocalSubjectAccessReview", {"namespace": "ns", "managedFields": [{}]}) == []


def test_exactly_one_kind_of_attributes_is_needed() -> None:
    both = {"user": "ann", "resourceAttributes": PODS, "nonResourceAttributes": {"path": "/x"}}
    assert faults(both) == [
        (
            'FieldValueInvalid spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":""}: '
            "cannot be specified in combination with resourceAttributes"
        )
    ]
    assert faults({"user": "ann"}) == [
        (
            "FieldValueInvalid spec.resourceAttributes: Invalid value: null: "
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
    ]


def test_somebody_must_be_asked_about_but_not_in_a_self_review() -> None:
    said = 'FieldValueInvalid spec.user: Invalid value: "": at least one of user or group must be specified'
    assert faults({"resourceAttributes": PODS}) == [said]
    assert faults({"resourceAttributes": PODS, "user": "", "groups": []}) == [said]


def test_metadata_must_be_empty() -> None:
    (fault,) = faults(
        {"user": "ann", "resourceAttributes": PODS}, metadata={"labels": {"a": "b"}, "name": "x", "uid": ""}
    )
    assert (
        fault == 'FieldValueInvalid metadata: Invalid value: {"name":"x","labels":{"a":"b"}}: must be empty'
    )
    assert (
        faults({"user": "ann", "resourceAttributes": PODS}, metadata={"managedFields": [{}], "name": ""})
        == []
    )


def test_a_local_review_stays_in_its_namespace() -> None:
    there = {"user": "ann", "resourceAttributes": {**PODS, "namespace": "other"}}
    assert faults(there, "LocalSubjectAccessReview", {"namespace": "ns", "name": "x"}) == [
        'FieldValueInvalid metadata: Invalid value: {"name":"x","namespace":"ns"}: must be empty except for namespace',
        'FieldValueInvalid spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace',
    ]
    path = {"user": "ann", "nonResourceAttributes": {"path": "/", "verb": "get"}}
    assert faults(path, "LocalSubjectAccessReview", {"namespace": "ns"}) == [
        (
            'FieldValueInvalid spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: '
            "disallowed on this kind of request"
        )
    ]


def selecting(**selectors: Any) -> list[str]:
    found = faults({"user": "ann", "resourceAttributes": {**PODS, **selectors}})
    return [fault.replace("spec.resourceAttributes.", "") for fault in found]


def test_a_selector_is_raw_or_has_requirements() -> None:
    for name in ("fieldSelector", "labelSelector"):
        assert selecting(**{name: {"rawSelector": "a=b"}}) == []
        assert selecting(
            **{name: {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "Exists"}]}}
        ) == [
            (
                f'FieldValueInvalid {name}.rawSelector: Invalid value: "a=b": '
                "may not specified at the same time as requirements"
            )
        ]
        assert selecting(**{name: {}}) == [
            (
                f"FieldValueRequired {name}.requirements: Required value: when {name} is specified, "
                "requirements or rawSelector is required"
            )
        ]


def test_requirements_have_a_key_and_values_where_their_operator_needs_them() -> None:
    requirements = [
        {"operator": "Exists"},
        {"key": "a", "operator": "In"},
        {"key": "a", "operator": "DoesNotExist", "values": ["b"]},
        {"key": "a", "operator": "Newer", "values": ["b"]},
    ]
    assert selecting(fieldSelector={"requirements": requirements}) == [
        "FieldValueRequired fieldSelector.requirements[0].key: Required value: must be specified",
        (
            "FieldValueRequired fieldSelector.requirements[1].values: Required value: "
            "must be specified when `operator` is 'In' or 'NotIn'"
        ),
        (
            "FieldValueForbidden fieldSelector.requirements[2].values: Forbidden: "
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        ),
    ]
    found = selecting(
        labelSelector={
            "requirements": [*requirements[1:], {"key": "-", "operator": "In", "values": ["ok", "_"]}]
        }
    )
    assert [fault.partition(": ")[0] for fault in found] == [
        "FieldValueRequired labelSelector.requirements[0].values",
        "FieldValueForbidden labelSelector.requirements[1].values",
        "FieldValueInvalid labelSelector.requirements[3].key",
        "FieldValueInvalid labelSelector.requirements[3].values[1]",
    ]


@pytest.mark.parametrize(
    ("selectors", "errors"),
    [
        ({}, []),
        (
            {
                "fieldSelector": {"rawSelector": "a=b,c!=d,e==f"},
                "labelSelector": {"rawSelector": "a in (b),!c"},
            },
            [],
        ),
        ({"fieldSelector": {"rawSelector": "a"}}, ["fieldSelector ignored"]),
        ({"fieldSelector": {"rawSelector": "a=b=c"}}, ["fieldSelector ignored"]),
        ({"fieldSelector": {"rawSelector": "a=b\\=c\\,d,,"}}, []),
        ({"fieldSelector": {"rawSelector": "a=b\\x"}}, ["fieldSelector ignored"]),
        ({"fieldSelector": {"rawSelector": "a=b\\"}}, ["fieldSelector ignored"]),
        ({"labelSelector": {"rawSelector": "a in"}}, ["labelSelector ignored"]),
        (
            {
                "fieldSelector": {"requirements": [{"key": "a", "operator": "Exists"}]},
                "labelSelector": {
                    "requirements": [{"key": "a", "operator": "Newer"}, {"key": "b", "operator": "Exists"}]
                },
            },
            ["fieldSelector ignored", "labelSelector partially ignored"],
        ),
        (
            {
                "fieldSelector": {
                    "requirements": [
                        {"operator": "In", "values": ["a"]},
                        {"operator": "In", "values": ["a", "b"]},
                    ]
                }
            },
            ["fieldSelector partially ignored"],
        ),
    ],
    ids=range(10),
)
def test_what_cannot_be_read_is_ignored_and_told(selectors: dict[str, Any], errors: list[str]) -> None:
    assert selector_errors(selectors) == [
        f"spec.resourceAttributes.{error} due to parse error" for error in errors
    ]
