from __future__ import annotations

from tmc_syncer.controlplane.schema.documents import OBJECT_META
from tmc_syncer.controlplane.schema.node import DEDUCED
from tmc_syncer.controlplane.schema.structural import schema_of_crd

EMBEDDED = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "x-kubernetes-preserve-unknown-fields": True,
}


def test_type_and_metadata_are_implied_at_the_root():
    node = schema_of_crd({"type": "object", "properties": {"spec": {"type": "object"}}})
    assert node.mapping is not None
    assert set(node.mapping.fields) == {"apiVersion", "kind", "metadata", "spec"}
    assert node.mapping.fields["metadata"].facts.component == OBJECT_META
    assert node.mapping.fields["kind"].scalar == "string"


def test_what_the_crd_says_itself_is_kept_beside():
    node = schema_of_crd({"type": "object", "properties": {"spec": {"type": "object"}}})
    assert node.structural is not None
    assert node.structural.mapping is not None
    assert set(node.structural.mapping.fields) == {"spec"}


def test_type_and_metadata_are_implied_in_embedded_resources_wherever_they_are():
    node = schema_of_crd(
        {
            "type": "object",
            "properties": {
                "one": EMBEDDED,
                "many": {"type": "array", "items": EMBEDDED},
                "named": {"type": "object", "additionalProperties": EMBEDDED},
                "any": {"x-kubernetes-preserve-unknown-fields": True},
            },
        }
    )
    assert node.mapping is not None
    fields = node.mapping.fields
    places = [
        fields["one"],
        fields["many"].array.items,  # type: ignore[union-attr]
        fields["named"].mapping.extra,  # type: ignore[union-attr]
        fields["named"].mapping.additional,  # type: ignore[union-attr]
    ]
    for place in places:
        assert place.mapping.fields["metadata"].facts.component == OBJECT_META  # type: ignore[union-attr]
    assert fields["any"].mapping.extra is DEDUCED  # type: ignore[union-attr]


def test_the_root_says_what_it_is():
    node = schema_of_crd({"type": "object"}, group="g", version="v1", kind="K", status=True)
    assert node.facts.kinds == (("g", "v1", "K"),)
    assert node.custom
    assert node.status
    assert node.loose


def test_typed_schemas_are_not_loose():
    assert not schema_of_crd({"type": "object", "properties": {"a": {"type": "boolean"}}}).loose


def test_without_a_schema_everything_goes():
    node = schema_of_crd(None, group="g", version="v1", kind="K")
    assert node.mapping is not None
    assert node.mapping.child("metadata") is DEDUCED
    assert node.structural is None
    assert node.custom
    assert node.facts.kinds == (("g", "v1", "K"),)
    assert schema_of_crd({}).facts.kinds == ()
