from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, STAMP, kind_of
from tmc_syncer.controlplane.server import metadata
from tmc_syncer.controlplane.server.errors import ApiError, Cause

KIND = kind_of(CONFIGMAPS)


def words(causes: list[Cause]) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in causes]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"labels": {"a": 1}}, "metadata.labels"),
        ("x", "metadata"),
        ({"finalizers": "x"}, "metadata.finalizers"),
    ],
)
def test_metadata_of_wrong_types_are_refused(wrong: object, where: str) -> None:
    with pytest.raises(ApiError, match=f"error decoding YAML: {where}") as refused:
        metadata.well_formed({"metadata": wrong})
    assert refused.value.code == 400


def test_metadata_may_have_fields_that_nobody_knows() -> None:
    metadata.well_formed({"metadata": {"name": "a", "labels": None, "unknown": [1]}})


def test_generated_names_keep_as_much_of_their_prefix_as_fits() -> None:
    assert metadata.generated_name("web-", "abcde") == "web-abcde"
    assert len(metadata.generated_name("x" * 80, "abcde")) == 63


def test_a_new_object_gets_what_only_the_server_gives() -> None:
    sent = {
        "name": "a",
        "namespace": "",
        "uid": "theirs",
        "selfLink": "/x",
        "resourceVersion": "0",
        "creationTimestamp": "1999-01-01T00:00:00Z",
        "deletionTimestamp": "1999-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 3,
        "generation": 7,
        "labels": {},
        "finalizers": None,
        "annotations": {"a": "b"},
    }
    metadata.fill_for_create(sent, namespace="shop", uid="ours", now=STAMP)
    assert sent == {
        "name": "a",
        "namespace": "shop",
        "uid": "ours",
        "creationTimestamp": STAMP,
        "generation": 7,
        "annotations": {"a": "b"},
    }
    metadata.fill_for_create(sent, namespace="", uid="ours", now=STAMP)
    assert "namespace" not in sent


def test_an_update_keeps_what_no_client_changes() -> None:
    old = {
        "name": "a",
        "namespace": "shop",
        "uid": "u",
        "creationTimestamp": STAMP,
        "deletionTimestamp": STAMP,
    }
    new = {"name": "a", "creationTimestamp": "1999", "generation": 3, "selfLink": "/x", "labels": {}}
    metadata.fill_for_update(new, old)
    assert new == old


def test_an_update_may_say_what_is_so() -> None:
    old = {"name": "a", "uid": "u", "generation": 3}
    new = {"name": "a", "uid": "other", "generation": 9, "deletionTimestamp": STAMP}
    metadata.fill_for_update(new, old)
    assert new == {"name": "a", "uid": "other", "generation": 3, "deletionTimestamp": STAMP}


def test_a_new_object_needs_a_name() -> None:
    assert words(metadata.create_causes({}, KIND)) == [
        "metadata.name: Required value: name or generateName is required"
    ]
    assert metadata.create_causes({"name": "a", "generateName": "a-"}, KIND) == []
    assert metadata.create_causes({"name": "a", "generateName": "-"}, KIND) != []


def test_a_bad_prefix_and_the_name_made_of_it_are_both_named() -> None:
    found = words(metadata.create_causes({"name": "Gen_95nc2", "generateName": "Gen_"}, KIND))
    assert [text.partition(":")[0] for text in found] == ["metadata.generateName", "metadata.name"]
    assert found[0].startswith('metadata.generateName: Invalid value: "Gen_": a lowercase RFC 1123 subdomain')


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"generation": -1}, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]),
        ({"labels": {"a b": "c"}}, ['metadata.labels: Invalid value: "a b": name part']),
        ({"labels": {"a": "c d"}}, ['metadata.labels: Invalid value: "c d": a valid label']),
        ({"annotations": {"a b": "c d"}}, ['metadata.annotations: Invalid value: "a b": name part']),
        ({"annotations": {"A.Example/x": "c"}}, []),
        ({"finalizers": ["nope"]}, ['metadata.finalizers[0]: Invalid value: "nope": name is neither']),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and'],
        ),
        (
            {"ownerReferences": [{"kind": "X"}]},
            [
                'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
                'metadata.ownerReferences.name: Invalid value: "": must not be empty',
                'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
            ],
        ),
        (
            {
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "X", "name": name, "uid": "u", "controller": True}
                    for name in ("a", "b")
                ]
            },
            ["metadata.ownerReferences: Invalid value: "],
        ),
        ({"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "a", "uid": "u"}]}, []),
        ({"annotations": {"a": "x" * 200_000}}, []),
        (
            {"annotations": {"a": "ä" * 131_072}},
            ["metadata.annotations: Too long: may not be more than 262144 bytes"],
        ),
    ],
)
def test_what_cannot_be_is_named_for_creates_and_updates(sent: dict[str, Any], expected: list[str]) -> None:
    sent = {"name": "a", **sent}
    found = words(metadata.create_causes(sent, KIND))
    assert [text[: len(start)] for text, start in zip(found, expected, strict=True)] == expected
    assert words(metadata.update_causes(sent, {"name": "a"})) == found * 2


def test_changes_of_what_is_immutable_are_named_twice() -> None:
    found = words(metadata.update_causes({"name": "a", "uid": "x"}, {"name": "a", "uid": "u"}))
    assert found == ['metadata.uid: Invalid value: "x": field is immutable'] * 2
    found = words(metadata.update_causes({"name": "a"}, {"name": "a", "deletionTimestamp": STAMP}))
    assert found == ["metadata.deletionTimestamp: Invalid value: null: field is immutable"] * 2


def test_an_object_that_is_being_deleted_gets_no_new_finalizers() -> None:
    old = {"name": "a", "deletionTimestamp": STAMP, "finalizers": ["x.io/a", "x.io/b"]}
    assert metadata.update_causes({**old, "finalizers": ["x.io/b"]}, old) == []
    assert metadata.update_causes({**old, "finalizers": None}, old) == []
    found = words(metadata.update_causes({**old, "finalizers": ["x.io/a", "x.io/c"]}, old))
    assert found[0] == (
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
        'finalizers []string{"x.io/c"}'
    )
    assert len(found) == 2
