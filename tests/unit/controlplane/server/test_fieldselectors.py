from __future__ import annotations

import pytest

from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.server.fieldselectors import Terms, parse

FIELDS = {"metadata.name": "web", "spec.nodeName": "n1", "reason": "a,b=c\\d"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web", True),
        ("metadata.name!=web", False),
        ("metadata.name=web,spec.nodeName!=n2", True),
        ("metadata.name=web,,spec.nodeName=n2", False),
        (r"reason=a\,b\=c\\d", True),
        ("unset=", True),
    ],
)
def test_a_selector_selects(text: str, selected: bool) -> None:
    assert parse(text).matches(FIELDS) is selected


def test_what_is_no_selector_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        parse("foo")
    assert refused.value.message == "invalid selector: 'foo'; can't understand 'foo'"


def test_a_path_that_the_type_does_not_have_is_refused() -> None:
    parse("metadata.name=x").check({"metadata.name"})
    with pytest.raises(ApiError) as refused:
        parse("spec.foo=x").check({"metadata.namespace", "metadata.name"})
    assert refused.value.message == (
        '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"'
    )


def test_the_one_value_of_a_path_is_found_and_can_be_taken_out() -> None:
    terms = parse("metadata.name!=a,metadata.name=b,x=y")
    assert terms.exact("metadata.name") == "b"
    assert terms.exact("metadata.namespace") is None
    assert terms.without("metadata.name") == parse("metadata.name!=a,x=y")
    assert terms.without("metadata.namespace") == terms
    assert Terms(()).exact("x") is None
