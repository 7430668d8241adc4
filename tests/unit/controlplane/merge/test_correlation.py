from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import STRUCTURAL
from tmc_syncer.controlplane.merge.correlation import correlated_field, correlated_item, settled
from tmc_syncer.controlplane.schema.node import ABSENT
from tmc_syncer.controlplane.schema.openapi import node_of

ROOT = node_of(STRUCTURAL)
SPEC = ROOT.mapping.fields["spec"]  # type: ignore[union-attr]
FIELDS = SPEC.mapping.fields  # type: ignore[union-attr]
PORTS = FIELDS["ports"].array
assert PORTS is not None


def test_a_field_was_the_field_of_that_name():
    assert correlated_field({"a": 1}, "a") == 1
    assert correlated_field({"a": 1}, "b") is ABSENT
    assert correlated_field([1], "a") is ABSENT
    assert correlated_field(ABSENT, "a") is ABSENT


def test_an_item_was_the_item_with_the_same_keys():
    old = ["x", {"port": 1}, {"port": 1, "protocol": "UDP", "name": "a"}]
    assert correlated_item(old, {"port": 1, "protocol": "UDP"}, PORTS) == old[2]
    assert correlated_item(old, {"port": 2, "protocol": "UDP"}, PORTS) is ABSENT
    assert correlated_item(old, {"port": 1}, PORTS) is ABSENT
    assert correlated_item(old, {"port": [], "protocol": "UDP"}, PORTS) is ABSENT
    assert correlated_item(old, "x", PORTS) is ABSENT
    assert correlated_item({}, {"port": 1, "protocol": "UDP"}, PORTS) is ABSENT
    assert correlated_item(["a"], "a", FIELDS["tags"].array) is ABSENT


A, B = {"name": "a", "value": 1}, {"name": "b"}


@pytest.mark.parametrize(
    ("field", "old", "new", "same"),
    [
        ("size", 1, 1, True),
        ("size", 1, 2, False),
        ("flag", True, 1, False),
        ("empty", None, None, True),
        ("empty", None, "x", False),
        ("plain", ["a", "b"], ["a", "b"], True),
        ("plain", ["a", "b"], ["b", "a"], False),
        ("items", [A, B], [B, A], True),
        ("items", [A, B], [A], False),
        ("items", [A], [{**A, "value": 2}], False),
        ("items", [A], [B], False),
        ("nested", {"a": "x"}, {"a": "x"}, True),
        ("nested", {"a": "x"}, {"a": "x", "b": 1}, False),
        ("nested", {"other": "x"}, {"other": "x"}, False),
        ("labels", {"a": "x"}, {"a": "x"}, True),
        ("map", {"k": {"a": "x"}}, {"k": {"a": "y"}}, False),
        ("nested", {}, [], False),
        ("size", {"a": 1}, {"a": 1}, False),
        ("size", [1], [1], True),
    ],
)
def test_a_part_is_settled_when_it_is_what_it_was(field, old, new, same):
    assert settled(old, new, FIELDS[field]) is same
