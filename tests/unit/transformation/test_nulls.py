"""Nulls go where they say nothing."""

from __future__ import annotations

import pytest

from tests.unit.transformation.samples import TYPES
from tmc_syncer.transformation.nulls import NULL_TIMESTAMPS, clear_nulls

DEPLOYMENT = TYPES["Deployment"].gvr
WIDGET = TYPES["Widget"].gvr


def test_nulls_of_a_built_in_type_go_at_any_depth_but_not_out_of_lists() -> None:
    obj = {"a": None, "b": {"c": None, "d": [None, {"e": None, "f": 1}, [[{"g": None}]]]}, "h": "null"}
    clear_nulls(obj, TYPES["ConfigMap"].gvr, 5)
    assert obj == {"b": {"d": [None, {"f": 1}, [[{}]]]}, "h": "null"}


def test_an_object_whose_nulls_all_stand_in_known_places_is_not_searched_further() -> None:
    """The null under `other` shows it: it stays because the caller said that there is one only."""
    obj = {"spec": {"template": {"metadata": {"creationTimestamp": None}}, "other": None}}
    clear_nulls(obj, DEPLOYMENT, 1)
    assert obj == {"spec": {"template": {"metadata": {}}, "other": None}}
    clear_nulls(obj, DEPLOYMENT, 2)
    assert obj == {"spec": {"template": {"metadata": {}}}}


def test_a_null_beside_those_in_known_places_is_searched_for() -> None:
    obj = {"spec": {"template": {"metadata": {"creationTimestamp": None}}, "other": None}}
    clear_nulls(obj, DEPLOYMENT, 2)
    assert obj == {"spec": {"template": {"metadata": {}}}}


def test_a_time_in_a_known_place_stays() -> None:
    obj = {"spec": {"template": {"metadata": {"creationTimestamp": "2026-01-02T03:04:05Z"}}}}
    clear_nulls(obj, DEPLOYMENT, 1)
    assert obj == {"spec": {"template": {"metadata": {"creationTimestamp": "2026-01-02T03:04:05Z"}}}}


def test_a_custom_resource_keeps_its_nulls_except_the_timestamps_of_embedded_templates() -> None:
    obj = {
        "spec": {
            "limit": None,
            "template": {"metadata": {"creationTimestamp": None, "other": None}},
            "list": [{"metadata": {"creationTimestamp": "then"}}, {"metadata": "text"}, {"metadata": {}}],
        }
    }
    clear_nulls(obj, WIDGET, 3)
    assert obj == {
        "spec": {
            "limit": None,
            "template": {"metadata": {"other": None}},
            "list": [{"metadata": {"creationTimestamp": "then"}}, {"metadata": "text"}, {"metadata": {}}],
        }
    }


def test_depth_costs_no_stack() -> None:
    obj: dict = {"a": None}
    for _ in range(5000):
        obj = {"b": obj}
    clear_nulls(obj, TYPES["ConfigMap"].gvr, 1)
    while "b" in obj:
        obj = obj["b"]
    assert obj == {}


@pytest.mark.parametrize("kind", sorted(NULL_TIMESTAMPS))
def test_the_table_names_types_that_we_know(kind: tuple[str, str]) -> None:
    assert kind in {(info.gvr.group, info.gvr.resource) for info in TYPES.values()}
