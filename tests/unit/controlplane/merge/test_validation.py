from __future__ import annotations

import pytest

from tests.unit.controlplane.merge.parcels import PARCEL, parcel
from tmc_syncer.controlplane.merge.validation import validate
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.structural import schema_of_crd
from tmc_syncer.controlplane.server.errors import Cause


def of(spec, **root):
    return schema_of_crd({"type": "object", "properties": {"spec": spec}, **root})


def found(spec_schema, value, old=None):
    before = None if old is None else {"spec": old}
    return [(cause.field, cause.message) for cause in validate({"spec": value}, of(spec_schema), before)]


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "value", "causes"),
    [
        (OBJECT, {"a": "x", "b": 1}, []),
        (OBJECT, {"a": 1}, [("spec.a", 'Invalid value: "integer": spec.a in body must be of type string: "integer"')]),
        ({**OBJECT, "required": ["a", "c"]}, {"a": "x"}, [("spec.c", "Required value")]),
        (
            {"type": "string", "enum": ["a", "b"]},
            "x",
            [("spec", 'Unsupported value: "x": supported values: "a", "b"')],
        ),
        (
            {"type": "string", "minLength": 2},
            "x",
            [("spec", 'Invalid value: "x": spec in body should be at least 2 chars long')],
        ),
        ({"type": "string", "maxLength": 2}, "xyz", [("spec", "Too long: may not be more than 2 bytes")]),
        ({"type": "integer", "maximum": 2}, 3, [("spec", "Invalid value: 3: spec in body should be less than or equal to 2")]),
        (
            {"type": "string", "format": "ipv4"},
            "x",
            [("spec", 'Invalid value: "x": spec in body must be of type ipv4: "x"')],
        ),
        ({"type": "string"}, None, [("spec", 'Invalid value: "null": spec in body must be of type string: "null"')]),
        ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["a"], [("spec", "Invalid value: 1: spec in body should have at least 2 items")]),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"], [("spec", "Too many: 2: must have at most 1 item")]),
        ({"type": "array", "uniqueItems": True, "items": {"type": "string"}}, ["a", "a"], [("spec", "Invalid value: \"\": spec in body shouldn't contain duplicates")]),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1], [("spec[1]", 'Invalid value: "integer": spec[1] in body must be of type string: "integer"')]),
        ({"type": "object", "minProperties": 1}, {}, [("spec", "Invalid value: 0: spec in body should have at least 1 properties")]),
        ({"type": "object", "maxProperties": 1}, {"a": 1, "b": 2}, [("spec", "Too many: 2: must have at most 1 item")]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": "x"}, [("spec.a", 'Invalid value: "string": spec.a in body must be of type integer: "string"')]),
        ({"type": "object", "additionalProperties": False}, {"a": 1}, [("spec", 'Invalid value: "a": spec.a in body is a forbidden property')]),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"a": 1}, []),
        ({"x-kubernetes-preserve-unknown-fields": True}, [{"a": 1}, "x"], []),
    ],
)
def test_a_value_that_breaks_a_rule_is_told_as_the_server_tells_it(schema, value, causes):
    assert found(schema, value) == causes


def test_what_is_missing_at_the_root_is_told_without_a_dot():
    assert validate({}, of(OBJECT, required=["spec"])) == [Cause("FieldValueRequired", "Required value", "spec")]


NO_FIELD = "<nil>"
BEST = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "integer"}},
}


@pytest.mark.parametrize(
    ("rules", "value", "causes"),
    [
        ({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": "x"}, []),
        (
            {"anyOf": [{"required": ["a"]}, {"properties": {"c": {"minimum": 2}}}]},
            {"c": 1},
            [
                (NO_FIELD, 'Invalid value: "": "spec" must validate at least one schema (anyOf)'),
                ("spec.c", "Invalid value: 1: spec.c in body should be greater than or equal to 2"),
            ],
        ),
        ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": "x"}, []),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": "x", "b": "x"},
            [
                (
                    NO_FIELD,
                    'Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
                )
            ],
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            [
                (NO_FIELD, 'Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid'),
                ("spec.a", "Required value"),
            ],
        ),
        (
            {"allOf": [{"required": ["a"]}, {"maxProperties": 1}]},
            {"b": "x", "c": 1},
            [
                ("spec.a", "Required value"),
                ("spec", "Too many: 2: must have at most 1 item"),
                (NO_FIELD, 'Invalid value: "": "spec" must validate all the schemas (allOf). None validated'),
            ],
        ),
        (
            {"allOf": [{"required": ["a"]}, {"maxProperties": 3}]},
            {"b": "x"},
            [
                ("spec.a", "Required value"),
                (NO_FIELD, 'Invalid value: "": "spec" must validate all the schemas (allOf)'),
            ],
        ),
        ({"allOf": [{"required": ["a"]}]}, {"a": "x"}, []),
        ({"not": {"required": ["a"]}}, {"a": "x"}, [(NO_FIELD, 'Invalid value: "": "spec" must not validate the schema (not)')]),
        ({"not": {"required": ["a"]}}, {}, []),
    ],
)
def test_combinations_have_no_field_and_show_the_best_alternative(rules, value, causes):
    assert found({**BEST, **rules}, value) == causes


def test_keys_of_lists_and_embedded_resources_are_looked_at():
    causes = validate(parcel({"tags": ["a", "a"], "size": 9}), PARCEL)
    assert [(cause.field, cause.reason) for cause in causes] == [
        ("spec.size", "FieldValueInvalid"),
        ("spec.tags[1]", "FieldValueDuplicate"),
    ]
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True}
    assert [cause.field for cause in validate({"spec": {}}, of(embedded))] == ["spec.apiVersion", "spec.kind"]


def test_errors_in_what_did_not_change_are_forgiven():
    schema = {**OBJECT, "required": ["z"]}
    assert found(schema, {"a": 1, "b": "x"}, {"a": 1, "b": 2}) == [
        ("spec.b", 'Invalid value: "string": spec.b in body must be of type integer: "string"'),
        ("spec.z", "Required value"),
    ]
    assert found(schema, {"a": 1}, {"a": 1}) == []
    assert found({"type": "string"}, 1, None) != []


def test_errors_in_items_that_did_not_change_are_forgiven():
    listing = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["n"],
        "items": {"type": "object", "properties": {"n": {"type": "string"}, "v": {"type": "integer"}}},
    }
    old = [{"n": "a", "v": "x"}]
    new = [{"n": "b", "v": "y"}, *old]
    assert [field for field, _ in found(listing, new, old)] == ["spec[0].v"]


def test_the_type_itself_is_never_forgiven():
    schema = schema_of_crd(
        {"type": "object", "properties": {"kind": {"type": "integer"}, "x": {"type": "integer"}}}
    )
    old, new = {"kind": "K", "x": 1}, {"kind": "K", "x": 2}
    assert [cause.field for cause in validate(new, schema, old)] == ["kind"]


def test_repeated_items_are_forgiven_when_they_were_there():
    old, new = parcel({"tags": ["a", "a"]}), parcel({"tags": ["a", "a", "b"]})
    assert validate(new, PARCEL, old) == []
    assert [cause.field for cause in validate(new, PARCEL, parcel({}))] == ["spec.tags[1]"]


def test_only_the_status_counts_when_only_the_status_is_written():
    obj = {**parcel({"size": 9}), "status": {"phase": 1}}
    causes = validate(obj, PARCEL, parcel({}), subresource="status")
    assert [(cause.field, cause.message) for cause in causes] == [
        ("status.phase", 'Invalid value: "integer": phase in body must be of type string: "integer"')
    ]
    assert validate(obj, PARCEL, subresource="status") == causes
    assert validate(obj, PARCEL, obj, subresource="status") == []
    assert validate(parcel({"size": 9}), PARCEL, subresource="status") == []
    assert validate({"status": 1}, of(OBJECT), subresource="status") == []


def test_only_custom_resources_are_validated_by_a_schema():
    assert validate({"spec": 1}, schema_of("apps", "v1", "Deployment")) == []
    assert validate({"spec": 1}, None) == []
