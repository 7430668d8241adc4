from __future__ import annotations

import pytest

from tmc_syncer.controlplane.schema.goscalars import Unreadable, json_form, read_scalar


def test_forms_have_encoding_jsons_names():
    assert [json_form(value) for value in ({}, [], True, "a", 1, 1.5)] == [
        "object",
        "array",
        "bool",
        "string",
        "number",
        "number",
    ]


@pytest.mark.parametrize(
    ("value", "kind", "form", "read"),
    [
        ("a", "string", "", "a"),
        ("YQ==", "string", "byte", "YQ=="),
        (7, "integer", "int32", 7),
        (2**40, "integer", "int64", 2**40),
        (True, "boolean", "", True),
        (1.5, "number", "double", 1.5),
        ("1Gi", "quantity", "", "1Gi"),
        (" 0.5 ", "quantity", "", "0.5"),
        (2, "quantity", "", "2"),
        ("1e3", "quantity", "", "1e3"),
        ("50%", "int-or-string", "", "50%"),
        (8080, "int-or-string", "", 8080),
        ("2024-01-01T00:00:00Z", "time", "", "2024-01-01T00:00:00Z"),
        ("2024-01-01T01:00:00.9+01:00", "time", "", "2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00.5Z", "micro-time", "", "2024-01-01T00:00:00.500000Z"),
        ({"any": 1}, "", "", {"any": 1}),
    ],
)
def test_scalars_get_gos_form(value, kind, form, read):
    assert read_scalar(value, kind, form) == read


@pytest.mark.parametrize(
    ("value", "kind", "form", "found"),
    [
        (1, "string", "", "number"),
        ("1", "integer", "int32", "string"),
        (True, "integer", "int32", "bool"),
        (1.5, "integer", "int32", "number 1.5"),
        (2**31, "integer", "int32", f"number {2**31}"),
        (2**63, "integer", "", f"number {2**63}"),
        ("true", "boolean", "", "string"),
        (True, "number", "", "bool"),
        ("1", "number", "", "string"),
        (True, "int-or-string", "", "bool"),
    ],
)
def test_what_go_cannot_read_is_told_by_its_form(value, kind, form, found):
    with pytest.raises(Unreadable) as caught:
        read_scalar(value, kind, form)
    assert caught.value.form == found


@pytest.mark.parametrize(
    ("value", "kind", "form", "message"),
    [
        ("!", "string", "byte", "illegal base64"),
        ("much", "quantity", "", "quantities must match"),
        ("1.2.3", "quantity", "", "quantities must match"),
        ([], "quantity", "", "quantities must match"),
        (True, "quantity", "", "quantities must match"),
        ("yesterday", "time", "", 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00"'),
        ("2024-01-01T00:00:00", "micro-time", "", 'cannot parse "" as "Z07:00"'),
        (7, "time", "", "json: cannot unmarshal number into Go value of type string"),
    ],
)
def test_where_the_type_itself_complains_its_message_says_all(value, kind, form, message):
    with pytest.raises(Unreadable) as caught:
        read_scalar(value, kind, form)
    assert caught.value.form == ""
    assert message in str(caught.value)
