"""Bodies of the wrong shape are refused as the real server's decoder does; what is unknown or empty goes."""

from __future__ import annotations

from typing import Any

import pytest

from tmc_syncer.controlplane.auth.shapes import shaped
from tmc_syncer.controlplane.server.errors import ApiError


def spec(kind: str, value: Any) -> dict[str, Any]:
    return shaped(kind, {"spec": value})


def test_known_fields_come_through_and_empty_or_unknown_ones_do_not() -> None:
    given = {
        "user": "ann",
        "groups": [],
        "uid": "",
        "extra": {"a": ["b"], "c": None},
        "unknown": 1,
        "nonResourceAttributes": None,
        "resourceAttributes": {
            "verb": "get",
            "name": "",
            "odd": [],
            "fieldSelector": {},
            "labelSelector": {
                "requirements": [{"key": "a", "operator": "In", "values": ["b", None], "x": 1}, None]
            },
        },
    }
    assert spec("SubjectAccessReview", given) == {
        "user": "ann",
        "extra": {"a": ["b"], "c": None},
        "resourceAttributes": {
            "verb": "get",
            "fieldSelector": {},
            "labelSelector": {"requirements": [{"key": "a", "operator": "In", "values": ["b", ""]}, {}]},
        },
    }


@pytest.mark.parametrize("body", [{}, {"spec": None}, {"spec": {}}])
def test_a_missing_spec_is_an_empty_one(body: dict[str, Any]) -> None:
    assert shaped("TokenReview", body) == {}


def test_numbers_are_kept_even_when_they_are_zero() -> None:
    assert spec("TokenRequest", {"expirationSeconds": 0}) == {"expirationSeconds": 0}
    assert spec("TokenRequest", {"boundObjectRef": {}}) == {"boundObjectRef": {}}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (
            "SubjectAccessReview",
            5,
            "number into Go struct field SubjectAccessReview.spec of type v1.SubjectAccessReviewSpec",
        ),
        (
            "SubjectAccessReview",
            [],
            "array into Go struct field SubjectAccessReview.spec of type v1.SubjectAccessReviewSpec",
        ),
        (
            "SubjectAccessReview",
            {"user": 5},
            "number into Go struct field SubjectAccessReviewSpec.spec.user of type string",
        ),
        (
            "SubjectAccessReview",
            {"user": True},
            "bool into Go struct field SubjectAccessReviewSpec.spec.user of type string",
        ),
        (
            "SubjectAccessReview",
            {"user": {}},
            "object into Go struct field SubjectAccessReviewSpec.spec.user of type string",
        ),
        (
            "SubjectAccessReview",
            {"groups": "x"},
            "string into Go struct field SubjectAccessReviewSpec.spec.groups of type []string",
        ),
        (
            "SubjectAccessReview",
            {"groups": ["a", 1.5]},
            "number into Go struct field SubjectAccessReviewSpec.spec.groups of type string",
        ),
        (
            "SubjectAccessReview",
            {"extra": []},
            "array into Go struct field SubjectAccessReviewSpec.spec.extra of type map[string]v1.ExtraValue",
        ),
        (
            "SubjectAccessReview",
            {"extra": {"a": "b"}},
            "string into Go struct field SubjectAccessReviewSpec.spec.extra of type v1.ExtraValue",
        ),
        (
            "SubjectAccessReview",
            {"resourceAttributes": {"labelSelector": {"requirements": {}}}},
            (
                "object into Go struct field LabelSelectorAttributes.spec.resourceAttributes.labelSelector.requirements"
                " of type []v1.LabelSelectorRequirement"
            ),
        ),
        (
            "SubjectAccessReview",
            {"resourceAttributes": {"fieldSelector": {"requirements": [{"key": []}]}}},
            (
                "array into Go struct field FieldSelectorRequirement.spec.resourceAttributes.fieldSelector.requirements.key"
                " of type string"
            ),
        ),
        (
            "TokenRequest",
            {"expirationSeconds": 1.5},
            "number 1.5 into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64",
        ),
        (
            "TokenRequest",
            {"expirationSeconds": 2**63},
            f"number {2**63} into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64",
        ),
        (
            "TokenRequest",
            {"expirationSeconds": True},
            "bool into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64",
        ),
    ],
    ids=range(14),
)
def test_what_does_not_fit_is_named(kind: str, value: Any, said: str) -> None:
    with pytest.raises(ApiError) as caught:
        spec(kind, value)
    assert caught.value.code == 400
    start = f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal '
    assert caught.value.message == start + said
