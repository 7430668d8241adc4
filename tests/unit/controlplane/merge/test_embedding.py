from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.embedding import embedded_causes
from tmc_syncer.controlplane.schema.openapi import node_of

RESOURCE = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
ROOT = node_of(
    {
        "type": "object",
        "properties": {
            "one": RESOURCE,
            "many": {"type": "array", "items": RESOURCE},
            "named": {"type": "object", "additionalProperties": RESOURCE},
            "plain": {"type": "string"},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
        },
    }
)
GOOD = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}


@pytest.mark.parametrize(
    ("change", "fields", "words"),
    [
        ({}, [], ""),
        ({"apiVersion": ""}, ["one.apiVersion"], "must not be empty"),
        ({"apiVersion": 1}, ["one.apiVersion"], "must be a string"),
        ({"apiVersion": "a/b/c"}, ["one.apiVersion"], "unexpected GroupVersion string: a/b/c"),
        ({"kind": ""}, ["one.kind"], "must not be empty"),
        ({"kind": "9"}, ["one.kind"], "may have mixed case"),
        ({"kind": "a" * 64}, ["one.kind"], "may have mixed case"),
        ({"kind": None, "apiVersion": []}, ["one.apiVersion", "one.kind"], "must be a string"),
    ],
)
def test_an_embedded_resource_says_what_it_is(change, fields, words):
    found = embedded_causes({"one": {**GOOD, **change}}, ROOT)
    assert [cause.field for cause in found] == fields
    assert all(words in cause.message for cause in found)


def test_embedded_resources_are_found_wherever_they_are():
    obj = {"many": [GOOD, {}], "named": {"k": {}}, "plain": "x", "any": [{}], "other": {}}
    assert [(cause.field, cause.reason) for cause in embedded_causes(obj, ROOT)] == [
        ("many[1].apiVersion", "FieldValueRequired"),
        ("many[1].kind", "FieldValueRequired"),
        ("named[k].apiVersion", "FieldValueRequired"),
        ("named[k].kind", "FieldValueRequired"),
    ]
    assert embedded_causes({"one": "wrong", "many": "wrong"}, ROOT) == []
