from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import DEPLOYMENTS, STAMP, type_of
from tmc_syncer.controlplane.server.scalepaths import ScalePaths, selector_text
from tmc_syncer.controlplane.types.customtypes import Scale

CUSTOM = type_of(
    "widgets",
    "Widget",
    "example.com",
    custom=True,
    scale=Scale(("spec", "size", "count"), ("status", "size"), ("status", "selector")),
)
DEPLOYMENT: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "creationTimestamp": STAMP,
        "labels": {"a": "b"},
    },
    "spec": {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}},
    "status": {"replicas": 2},
}


def test_a_scale_is_a_view_of_an_object() -> None:
    assert ScalePaths.of(DEPLOYMENTS).scale(DEPLOYMENT, []) == {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "uid": "u",
            "resourceVersion": "7",
            "creationTimestamp": STAMP,
        },
        "spec": {"replicas": 3},
        "status": {"replicas": 2, "selector": "a=b"},
    }


def test_what_is_not_there_is_nothing() -> None:
    found = ScalePaths.of(DEPLOYMENTS).scale({"metadata": {}, "spec": 7}, [{"manager": "m"}])
    assert (found["spec"], found["status"]) == ({}, {"replicas": 0})
    assert found["metadata"] == {"managedFields": [{"manager": "m"}]}


def test_a_custom_type_says_where_things_are() -> None:
    paths = ScalePaths.of(CUSTOM)
    assert paths.fields == ("f:spec", "f:size", "f:count")
    obj = {
        "metadata": {},
        "spec": {"size": {"count": 4, "kind": "x"}},
        "status": {"size": 1, "selector": "a in (b)"},
    }
    found = paths.scale(obj, [])
    assert (found["spec"], found["status"]) == ({"replicas": 4}, {"replicas": 1, "selector": "a in (b)"})
    assert paths.with_replicas(obj, 9)["spec"] == {"size": {"count": 9, "kind": "x"}}
    assert obj["spec"]["size"]["count"] == 4  # type: ignore[index]
    assert paths.with_replicas({"metadata": {}}, 9) == {"metadata": {}, "spec": {"size": {"count": 9}}}


def test_a_custom_type_may_have_no_selector() -> None:
    paths = ScalePaths.of(type_of("widgets", "Widget", scale=Scale(("spec", "n"), ("status", "n"))))
    assert paths.scale({"metadata": {}, "status": {"selector": "a=b"}}, [])["status"] == {"replicas": 0}


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (None, ""),
        ("a=b", "a=b"),
        ({"b": "2", "a": "1"}, "a=1,b=2"),
        ({"matchLabels": {"b": "2", "a": "1"}}, "a=1,b=2"),
        (
            {
                "matchLabels": {"c": "3"},
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["y", "x"]},
                    {"key": "b", "operator": "NotIn", "values": ["z"]},
                    {"key": "d", "operator": "Exists"},
                    {"key": "e", "operator": "DoesNotExist"},
                ],
            },
            "a in (x,y),b notin (z),c=3,d,!e",
        ),
    ],
)
def test_selectors_are_shown_as_text(selector: Any, text: str) -> None:
    assert selector_text(selector) == text
