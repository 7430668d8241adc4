"""Facts are closed sets of values that cannot be changed once they were observed."""

from __future__ import annotations

import dataclasses
from enum import Enum

import pytest

from tmc_syncer.sync import facts
from tmc_syncer.sync.facts import Downstream, Drift, Facts, Hold, Namespace, StatusFacts, Upstream


def test_facts_are_equal_by_value_and_cannot_be_changed() -> None:
    seen = Facts(
        True, Upstream.LIVE, True, Downstream.OURS, False, Namespace.READY, Drift.NONE, Hold.NONE, True
    )
    assert seen == dataclasses.replace(seen)
    assert hash(seen) == hash(dataclasses.replace(seen))
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.fresh = False  # type: ignore[misc]


def test_every_fact_is_a_truth_value_or_of_a_closed_set() -> None:
    """Table 1 is total over them: a string or a number would have no end."""
    for kind in (Facts, StatusFacts):
        for field in dataclasses.fields(kind):
            known = {"bool": bool} | {name: getattr(facts, name) for name in facts.__all__}
            type_ = known[str(field.type)]
            assert type_ is bool or issubclass(type_, Enum)


def test_finalizers_are_required_where_nothing_else_is_said() -> None:
    (field,) = [field for field in dataclasses.fields(Facts) if field.name == "finalizers_required"]
    assert field.default is True
