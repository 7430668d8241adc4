from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import STRUCTURAL
from tmc_syncer.controlplane.merge.listrules import list_causes
from tmc_syncer.controlplane.schema.openapi import node_of

ROOT = node_of(
    {
        "type": "object",
        "properties": {
            **STRUCTURAL["properties"],
            "named": {
                "type": "object",
                "additionalProperties": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            },
            "any": {"x-kubernetes-preserve-unknown-fields": True},
        },
    }
)


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        ({"spec": {"tags": ["a", "b", "a", "a"]}}, [("spec.tags[2]", '"a"')]),
        ({"spec": {"numbers": [1, 2]}}, []),
        ({"spec": {"items": [{"name": "a"}, {"name": "a", "value": 1}]}}, [("spec.items[1]", '{"name":"a"}')]),
        ({"spec": {"items": [{}, None]}}, [("spec.items[1]", "{}")]),
        (
            {"spec": {"ports": [{"port": 1, "protocol": "x"}, {"port": 1}, {"port": 1}]}},
            [("spec.ports[2]", '{"port":1}')],
        ),
        ({"spec": {"items": [{"name": "a", "tags": ["x", "x"]}]}}, [("spec.items[0].tags[1]", '"x"')]),
        ({"named": {"k": ["a", "a"]}}, [("named[k][1]", '"a"')]),
        ({"spec": {"plain": ["a", "a"]}, "other": ["a", "a"], "any": [["a"], ["a"]]}, []),
        ({"spec": "wrong"}, []),
    ],
)
def test_an_item_that_is_there_twice_is_told_once(obj, found):
    assert [(cause.field, cause.message) for cause in list_causes(obj, ROOT)] == [
        (field, f"Duplicate value: {value}") for field, value in found
    ]


def test_an_item_of_a_list_with_keys_must_be_an_object():
    (cause,) = list_causes({"spec": {"items": ["a", {"name": "b"}]}}, ROOT)
    assert (cause.reason, cause.field) == ("FieldValueInvalid", "spec.items[0]")
    assert cause.message.endswith("must be an object for an array of list-type map")
