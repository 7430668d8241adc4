from __future__ import annotations

import json

import pytest

from tests.unit.controlplane.merge.parcels import API_VERSION, PARCEL, parcel
from tmc_syncer.controlplane.merge.fieldset import from_paths
from tmc_syncer.controlplane.merge.lastapplied import ANNOTATION, carried_over, with_last_applied
from tmc_syncer.controlplane.merge.managers import Owner

OWNER = Owner("m", "Update", API_VERSION)
SIZE, NAME = ("f:spec", "f:size"), ("f:spec", "f:name")
CONFLICTS = {OWNER: from_paths([SIZE, NAME])}


def live(spec, applied):
    return parcel(spec, annotations={ANNOTATION: applied})


def left(obj):
    return carried_over(CONFLICTS, obj, PARCEL, API_VERSION)


def test_conflicts_over_what_was_applied_and_did_not_change_go():
    assert left(live({"size": 1, "name": "a"}, json.dumps(parcel({"size": 1, "name": "a"})))) == {}


def test_conflicts_over_what_changed_since_or_was_never_applied_stay():
    obj = live({"size": 2, "name": "a"}, json.dumps(parcel({"size": 1})))
    assert left(obj) == CONFLICTS
    obj = live({"size": 2, "name": "a"}, json.dumps(parcel({"size": 1, "name": "a"})))
    assert left(obj) == {OWNER: from_paths([SIZE])}


@pytest.mark.parametrize(
    "obj",
    [
        parcel({"size": 1}),
        parcel({"size": 1}, annotations=None),
        live({"size": 1, "name": "a"}, "{nothing"),
        live({"size": 1, "name": "a"}, "[]"),
        live({"size": 1, "name": "a"}, json.dumps({**parcel({"size": 1}), "apiVersion": "v1"})),
        live({"size": 1, "name": "a"}, json.dumps(parcel({"size": 1, "bogus": 1}))),
    ],
)
def test_an_annotation_that_says_nothing_carries_nothing_over(obj):
    assert left(obj) == CONFLICTS


def test_the_annotation_follows_what_is_applied():
    config = parcel({"name": "<"}, annotations={ANNOTATION: "old", "other": "x"})
    obj = with_last_applied(live({"name": "<"}, "old"), config)
    text = obj["metadata"]["annotations"][ANNOTATION]
    assert text == (
        '{"apiVersion":"merge.example.com/v1","kind":"Parcel","metadata":{"annotations":{"other":"x"},'
        '"name":"p"},"spec":{"name":"\\u003c"}}\n'
    )
    assert json.loads(with_last_applied(obj, parcel({}))["metadata"]["annotations"][ANNOTATION]) == parcel({})


def test_without_the_annotation_there_is_nothing_to_follow():
    obj = parcel({"size": 1})
    assert with_last_applied(obj, parcel({"size": 1})) is obj


def test_an_annotation_that_would_be_too_long_goes():
    obj = with_last_applied(live({}, "old"), parcel({"name": "x" * 300_000}))
    assert obj["metadata"]["annotations"] == {}
