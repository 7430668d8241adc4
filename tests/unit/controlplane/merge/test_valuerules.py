from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.valuerules import (
    enum_findings,
    format_findings,
    number_findings,
    string_findings,
    type_findings,
)
from tmc_syncer.controlplane.schema.openapi import node_of

EITHER = {"x-kubernetes-int-or-string": True}


def messages(found):
    return [error.message for error in found.errors]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "a"),
        ({"type": "integer"}, 1),
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 1),
        ({"type": "number"}, 1.5),
        ({"type": "boolean"}, True),
        ({"type": "array"}, []),
        ({"type": "object"}, {}),
        ({"type": "string", "nullable": True}, None),
        ({}, None),
        ({"type": "string", "format": "date"}, []),
        ({"type": "integer", "format": "int32"}, 1),
        (EITHER, 1),
        (EITHER, "a"),
    ],
)
def test_a_value_has_its_type(schema, value):
    found = type_findings(value, node_of(schema), "p")
    assert (messages(found), found.passed) == ([], 1)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 1, 'p in body must be of type string: "integer"'),
        ({"type": "string"}, 1.5, 'p in body must be of type string: "number"'),
        ({"type": "string"}, True, 'p in body must be of type string: "boolean"'),
        ({"type": "integer"}, "a", 'p in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.5, 'p in body must be of type integer: "number"'),
        ({"type": "integer"}, 1e30, 'p in body must be of type integer: "number"'),
        ({"type": "number"}, [], 'p in body must be of type number: "array"'),
        ({"type": "boolean"}, {}, 'p in body must be of type boolean: "object"'),
        ({"type": "string"}, None, 'p in body must be of type string: "null"'),
        ({"type": "integer", "format": "int32"}, "a", 'p in body must be of type integer: "string"'),
        ({"type": "integer", "format": "int32"}, True, 'p in body must be of type int32: ""'),
        (EITHER, True, 'p in body must be of type integer,string: "boolean"'),
    ],
)
def test_a_value_of_another_type_is_told(schema, value, message):
    found = type_findings(value, node_of(schema), "p")
    assert (messages(found), found.passed) == ([message], 0)


@pytest.mark.parametrize("form", ["bogus", "date"])
def test_a_format_that_does_not_go_with_the_type_does_not_count(form):
    schema = node_of({"type": "integer", "format": form})
    assert messages(type_findings("a", schema, "p")) == ['p in body must be of type integer: "string"']
    assert format_findings("a", node_of({"type": "array", "format": form}), "p") is None


@pytest.mark.parametrize(
    ("enum", "value", "fits"),
    [
        (["a", "b"], "a", True),
        (["a"], "b", False),
        ([1, 2], 2, True),
        ([1], 1.5, True),  # converted to an integer, as Go does it
        ([1], True, False),
        ([True], True, True),
        ([True], 1, False),
        ([1.5], 1.5, True),
        ([{"a": 1}], {"a": 1}, True),
        ([1], "1", False),
        ([None, "a"], None, False),
        ([], "anything", True),
    ],
)
def test_only_listed_values_are_supported(enum, value, fits):
    assert (messages(enum_findings(value, node_of({"enum": enum}), "p")) == []) is fits


def test_a_text_must_have_its_format():
    schema = node_of({"type": "string", "format": "date-time"})
    assert messages(format_findings("2020-01-01T00:00:00Z", schema, "p")) == []
    assert messages(format_findings("x", schema, "p")) == ['p in body must be of type date-time: "x"']
    assert format_findings("x", node_of({"type": "string", "format": "bogus"}), "p") is None
    assert format_findings("x", node_of({"type": "string"}), "p") is None


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"maxLength": 2}, "abc", "p in body should be at most 2 chars long"),
        ({"maxLength": 3, "minLength": 2}, "abc", None),
        ({"minLength": 2}, "a", "p in body should be at least 2 chars long"),
        ({"pattern": "^a+$"}, "ab", "p in body should match '^a+$'"),
        ({"pattern": "^a+$"}, "aa", None),
        ({"pattern": "^a+$"}, "aa\n", "p in body should match '^a+$'"),
        ({"pattern": r"a\z"}, "ba", None),
        ({"pattern": r"^[[:alpha:]]+[$]\$$"}, "ab$$", None),
        ({"pattern": r"^\d$"}, "٣", "p in body should match '^\\d$'"),
        ({}, "x", None),
        ({"maxLength": 1, "pattern": "z"}, "ab", "p in body should be at most 1 chars long"),
    ],
)
def test_texts_have_lengths_and_patterns(schema, value, message):
    assert messages(string_findings(value, node_of(schema), "p")) == ([message] if message else [])


def test_a_pattern_that_cannot_be_read_fails_every_text():
    (error,) = string_findings("a", node_of({"pattern": "(a"}), "p").errors
    assert error.message.startswith("p in body should match '(a, but pattern is invalid: ")


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"maximum": 3}, 3, None),
        ({"maximum": 3}, 4, "p in body should be less than or equal to 3"),
        ({"maximum": 3, "exclusiveMaximum": True}, 3, "p in body should be less than 3"),
        ({"maximum": 2.5}, 2.75, "p in body should be less than or equal to 2.5"),
        ({"maximum": 2.5}, 3, "p in body should be less than or equal to 2"),
        ({"minimum": 1}, 0, "p in body should be greater than or equal to 1"),
        ({"minimum": 1, "exclusiveMinimum": True}, 1, "p in body should be greater than 1"),
        ({"minimum": 1, "exclusiveMinimum": True}, 2, None),
        ({"multipleOf": 3}, 6, None),
        ({"multipleOf": 3}, 7, "p in body should be a multiple of 3"),
        ({"multipleOf": 0.1}, 0.3, None),
        ({"multipleOf": 0.25}, 0.3, "p in body should be a multiple of 0.25"),
        ({"multipleOf": 2}, 3.0, "p in body should be a multiple of 2"),
        ({"multipleOf": 2}, 1e30, "p in body should be a multiple of 2"),
        ({"multipleOf": 0.5}, 2, "p in body factor MultipleOf"),
        ({"type": "integer", "format": "int32"}, 2**31, "Checked value must be of type integer with format int32 in p"),
        ({"type": "integer"}, 1.5, "Checked value must be of type integer (default format) in p"),
        ({"type": "integer", "format": "int64"}, 2**40, None),
        ({"type": "number", "format": "float"}, 1e39, "Checked value must be of type number with format float in p"),
        ({"type": "number", "format": "double"}, 1e300, None),
        (EITHER, 1.5, None),
    ],
)
def test_numbers_have_limits_and_ranges(schema, value, message):
    found = number_findings(value, node_of(schema), "p")
    expected = [message] if message else []
    if schema == {"multipleOf": 0.5}:
        expected = ["factor MultipleOf declared for p must be positive: 0"]
    assert (messages(found), found.passed) == (expected, 1)
