from __future__ import annotations

import pytest

from tmc_syncer.controlplane.merge import causes
from tmc_syncer.controlplane.server.errors import Cause


@pytest.mark.parametrize(
    ("value", "shown"),
    [("a", '"a"'), (1, "1"), (2.0, "2"), (True, "true"), (None, "null"), ({"b": 1, "a": ["x"]}, '{"a":["x"],"b":1}')],
)
def test_values_are_shown_as_the_server_shows_them(value, shown):
    assert causes.invalid("f", value, "no").message == f"Invalid value: {shown}: no"


def test_each_kind_of_error_has_its_reason_and_words():
    assert [
        causes.required("f"),
        causes.type_invalid("f", "string", "must be"),
        causes.not_supported("f", "x", ("a", 1, None)),
        causes.too_long("f", 1),
        causes.too_long("f", 3),
        causes.too_many("f", 2, 1),
        causes.too_many("f", 5, 3),
        causes.duplicate("f", {"n": 1}),
    ] == [
        Cause("FieldValueRequired", "Required value", "f"),
        Cause("FieldValueTypeInvalid", 'Invalid value: "string": must be', "f"),
        Cause("FieldValueNotSupported", 'Unsupported value: "x": supported values: "a", "1", "null"', "f"),
        Cause("FieldValueTooLong", "Too long: may not be more than 1 byte", "f"),
        Cause("FieldValueTooLong", "Too long: may not be more than 3 bytes", "f"),
        Cause("FieldValueTooMany", "Too many: 2: must have at most 1 item", "f"),
        Cause("FieldValueTooMany", "Too many: 5: must have at most 3 items", "f"),
        Cause("FieldValueDuplicate", 'Duplicate value: {"n":1}', "f"),
    ]
