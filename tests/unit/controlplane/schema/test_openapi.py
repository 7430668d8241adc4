from __future__ import annotations

import pytest

from tmc_syncer.controlplane.schema.node import ABSENT, ANY_ATOMIC, DEDUCED
from tmc_syncer.controlplane.schema.openapi import Components, node_of

REF = "#/components/schemas/"


def test_primitive_types_are_scalars():
    scalars = {kind: node_of({"type": kind}).scalar for kind in ("integer", "number", "boolean", "string")}
    assert scalars == {
        "integer": "numeric",
        "number": "numeric",
        "boolean": "boolean",
        "string": "string",
    }


def test_a_string_with_a_format_may_be_any_scalar_but_bytes_are_strings():
    assert node_of({"type": "string", "format": "date-time"}).scalar == "untyped"
    assert node_of({"type": "string", "format": "byte"}).scalar == "string"


def test_an_unknown_type_may_be_any_scalar():
    assert node_of({"type": "file"}).scalar == "untyped"


def test_without_a_type_a_place_admits_everything():
    node = node_of({})
    assert node.scalar == "untyped"
    assert node.array is not None
    assert node.array.items is ANY_ATOMIC
    assert not node.array.declared
    assert node.mapping is not None
    assert node.mapping.extra is DEDUCED


def test_an_object_without_properties_is_free_form():
    node = node_of({"type": "object"})
    assert node.mapping is not None
    assert node.mapping.extra is DEDUCED
    assert node.mapping.additional is None


def test_an_object_with_properties_has_no_other_fields():
    node = node_of({"type": "object", "properties": {"a": {"type": "string"}}})
    assert node.mapping is not None
    assert node.mapping.child("a") is not None
    assert node.mapping.child("b") is None


@pytest.mark.parametrize(
    ("additional", "extra"), [(True, DEDUCED), (False, None)], ids=["allowed", "forbidden"]
)
def test_other_keys_are_allowed_or_forbidden(additional, extra):
    node = node_of({"type": "object", "additionalProperties": additional})
    assert node.mapping is not None
    assert node.mapping.extra is extra
    assert node.mapping.additional is additional


def test_other_keys_may_have_a_schema():
    node = node_of({"type": "object", "additionalProperties": {"type": "integer"}})
    assert node.mapping is not None
    assert node.mapping.extra is node.mapping.additional
    assert node.mapping.child("x").scalar == "numeric"  # type: ignore[union-attr]


def test_preserving_unknown_fields_goes_for_all_objects_below():
    inner = {"type": "object", "properties": {"x": {"type": "string"}}}
    node = node_of(
        {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"a": inner, "l": {"type": "array", "items": inner}},
        }
    )
    assert node.mapping is not None
    assert node.mapping.extra is DEDUCED
    below = node.mapping.fields["a"]
    assert below.mapping is not None
    assert below.mapping.extra is DEDUCED
    assert not below.facts.preserve
    assert node.facts.preserve


@pytest.mark.parametrize(
    ("extensions", "kind", "keys"),
    [
        ({}, "atomic", ()),
        ({"x-kubernetes-list-type": "atomic"}, "atomic", ()),
        ({"x-kubernetes-list-type": "set"}, "set", ()),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"]}, "map", ("a", "b")),
        ({"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "n"}, "map", ("n",)),
        ({"x-kubernetes-patch-strategy": "merge,retainKeys"}, "set", ()),
        ({"x-kubernetes-patch-strategy": "retainKeys"}, "atomic", ()),
    ],
)
def test_a_list_has_its_list_type_or_that_of_its_patch_strategy(extensions, kind, keys):
    array = node_of({"type": "array", "items": {"type": "object"}, **extensions}).array
    assert array is not None
    assert (array.kind, array.keys, array.declared) == (kind, keys, True)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "x-kubernetes-list-type": "bag"},
        {"type": "object", "x-kubernetes-map-type": "loose"},
    ],
)
def test_a_list_or_map_type_that_does_not_exist_is_an_error(schema):
    with pytest.raises(ValueError, match="unknown"):
        node_of(schema)


@pytest.mark.parametrize(("relation", "atomic"), [("atomic", True), ("granular", False)])
def test_a_map_is_owned_as_a_whole_when_it_says_so(relation, atomic):
    node = node_of({"type": "object", "x-kubernetes-map-type": relation})
    assert node.mapping is not None
    assert node.mapping.atomic is atomic


def test_facts_are_kept():
    facts = node_of(
        {
            "type": "string",
            "format": "byte",
            "default": "",
            "enum": ["a", "b"],
            "nullable": True,
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-patch-merge-key": "name",
            "x-kubernetes-patch-strategy": "merge,retainKeys",
            "x-kubernetes-group-version-kind": [{"group": "g", "version": "v", "kind": "K"}],
        }
    ).facts
    assert (facts.type, facts.format, facts.default, facts.enum) == ("string", "byte", "", ("a", "b"))
    assert facts.nullable
    assert facts.int_or_string
    assert facts.embedded
    assert (facts.merge_key, facts.strategies) == ("name", ("merge", "retainKeys"))
    assert facts.kinds == (("g", "v", "K"),)
    assert facts.rules is None
    assert node_of({"type": "string"}).facts.default is ABSENT


def test_value_rules_and_combinations_are_kept():
    rules = node_of(
        {
            "minimum": 1,
            "maxLength": 3,
            "pattern": "a",
            "uniqueItems": True,
            "anyOf": [{"required": ["a"]}],
            "oneOf": [{"type": "string"}, {"type": "integer"}],
            "allOf": [{"minimum": 2}],
            "not": {"enum": [7]},
        }
    ).facts.rules
    assert rules is not None
    assert (rules.minimum, rules.max_length, rules.pattern, rules.unique_items) == (1, 3, "a", True)
    assert rules.any_of[0].facts.required == ("a",)
    assert [alternative.scalar for alternative in rules.one_of] == ["string", "numeric"]
    assert len(rules.all_of) == 1
    assert rules.none_of is not None
    assert rules.none_of.facts.enum == (7,)


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": ""},
        "parent": {"allOf": [{"$ref": f"{REF}Person"}], "default": {}},
        "children": {"type": "array", "items": {"$ref": f"{REF}Person"}},
    },
}


def test_a_component_may_contain_itself():
    node = Components({"Person": PERSON}).node("Person")
    assert node.mapping is not None
    parent = node.mapping.fields["parent"]
    assert parent.mapping is not None
    assert parent.mapping.fields is node.mapping.fields
    assert parent.facts.default == {}
    assert parent.facts.component == "Person"
    children = node.mapping.fields["children"].array
    assert children is not None
    assert children.items.mapping is not None
    assert children.items.mapping.fields is node.mapping.fields


def test_a_component_is_built_once():
    components = Components({"Person": PERSON})
    assert components.node("Person") is components.node("Person")


def test_an_unknown_component_is_a_key_error():
    with pytest.raises(KeyError):
        Components({}).node("Person")


def test_a_reference_may_change_who_owns_the_map():
    schemas = {
        "Part": {"type": "object", "properties": {"x": {"type": "string"}}},
        "Whole": {
            "type": "object",
            "properties": {
                "part": {"$ref": f"{REF}Part"},
                "atom": {"$ref": f"{REF}Part", "x-kubernetes-map-type": "atomic"},
            },
        },
    }
    node = Components(schemas).node("Whole")
    assert node.mapping is not None
    assert node.mapping.fields["part"].mapping.atomic is False  # type: ignore[union-attr]
    assert node.mapping.fields["atom"].mapping.atomic is True  # type: ignore[union-attr]


def test_a_reference_to_a_scalar_stays_a_scalar():
    schemas = {
        "Time": {"type": "string", "format": "date-time"},
        "Event": {"type": "object", "properties": {"at": {"$ref": f"{REF}Time", "x-kubernetes-map-type": "atomic"}}},
    }
    node = Components(schemas).node("Event")
    assert node.mapping is not None
    assert node.mapping.fields["at"].scalar == "untyped"
    assert node.mapping.fields["at"].mapping is None


def test_quantities_are_scalars_and_raw_extensions_are_owned_as_a_whole():
    quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    raw = "io.k8s.apimachinery.pkg.runtime.RawExtension"
    components = Components({quantity: {"oneOf": [{"type": "string"}]}, raw: {"type": "object"}})
    assert components.node(quantity).scalar == "untyped"
    assert components.node(quantity).mapping is None
    assert components.node(raw).mapping is ANY_ATOMIC.mapping
    assert components.node(raw).facts.component == raw


def test_what_go_does_to_a_field_is_kept_with_the_field():
    schemas = {"Part": {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}}}
    go = {"Part": {"always": {"x": ""}, "kept": ["y"], "types": {"x": "string", "y": "string"}}}
    node = Components(schemas, go).node("Part")
    assert node.mapping is not None
    x, y = (node.mapping.fields[name].facts.go for name in "xy")
    assert (x.type, x.always, x.kept) == ("string", "", False)
    assert (y.always, y.kept) == (ABSENT, True)
