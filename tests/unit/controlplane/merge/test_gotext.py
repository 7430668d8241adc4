from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge.gotext import (
    go_json,
    go_map,
    go_number,
    go_sorted_json,
    go_syntax,
    go_value,
    quoted,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1.5, "1.5"), (None, "null"), ("<a>&\u2028", '"\\u003ca\\u003e\\u0026\\u2028"'), ([1, True], "[1,true]")],
)
def test_json_is_written_as_encoding_json_does(value, text):
    assert go_json(value) == text


def test_maps_are_written_with_their_keys_in_order():
    assert go_sorted_json({"b": 1, "a": "<"}) == '{"a":"\\u003c","b":1}'


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (3.0, "3"), (0.25, "0.25"), (1e30, "1e+30"), (-2.0, "-2")]
)
def test_numbers_are_plain(value, text):
    assert go_number(value) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('a"b\\', '"a\\"b\\\\"'),
        ("\n\t\a\b\f\r\v", '"\\n\\t\\a\\b\\f\\r\\v"'),
        ("\x01é\u200b\U000e0001", '"\\x01é\\u200b\\U000e0001"'),
    ],
)
def test_texts_are_quoted_as_go_quotes(text, shown):
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("a", '"a"'),
        ([1, "b"], '[1,"b"]'),
        ({"a": 1, "b": "c"}, 'a=1b="c"'),
        (2.5, "2.5"),
    ],
)
def test_values_in_paths(value, text):
    assert go_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<nil>"),
        (True, "true"),
        (False, "false"),
        ("a b", "a b"),
        ({"b": [1, "x"], "a": {}}, "map[a:map[] b:[1 x]]"),
        (2, "2"),
    ],
)
def test_values_as_percent_v_prints_them(value, text):
    assert go_map(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "interface {}(nil)"),
        ("a", '"a"'),
        ([1], "[]interface {}{1}"),
        ({"b": True, "a": "x"}, 'map[string]interface {}{"a":"x", "b":true}'),
        (1, "1"),
    ],
)
def test_values_as_percent_sharp_v_prints_them(value, text):
    assert go_syntax(value) == text
