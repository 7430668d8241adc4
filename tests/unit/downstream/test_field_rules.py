"""Field rules: which fields the cluster may decide, and what an apply then carries."""

from __future__ import annotations

import pytest

from tmc_syncer.api.fieldpath import FieldPath, parse_field_path
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.synctarget_spec import FieldRule, Rule
from tmc_syncer.downstream.field_rules import (
    REPLICAS,
    TypeRules,
    owns,
    rules_of_type,
    upstream_wins,
    with_live,
    without,
)
from tmc_syncer.kube.errors import FieldConflict

DEPLOYMENTS = GVR("apps", "v1", "deployments")
WEB: FieldPath = parse_field_path('.spec.containers[name="web"].image')
OBJECT = {
    "metadata": {"name": "x", "finalizers": ["a", "b"]},
    "spec": {
        "replicas": 2,
        "containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}],
    },
}


def conflict(path: str) -> FieldConflict:
    return FieldConflict(manager="other", operation="Update", field_path=path)


def test_rules_are_taken_from_the_spec_by_type() -> None:
    rules = (
        FieldRule(group="apps", resource="deployments", path=".spec.replicas", rule=Rule.YIELD),
        FieldRule(group="apps", resource="deployments", path=".spec.paused", rule=Rule.SHARE),
        FieldRule(group="apps", resource="deployments", path=".spec.strategy", rule=Rule.TAKE),
        FieldRule(group="", resource="services", path=".spec.ports", rule=Rule.YIELD),
    )
    found = rules_of_type(rules, DEPLOYMENTS)
    assert found == TypeRules(yields=(REPLICAS,), shares=(("f:spec", "f:paused"),))
    assert found.ceded == (REPLICAS, ("f:spec", "f:paused"))


def test_an_autoscaled_object_yields_its_replicas_once() -> None:
    assert TypeRules().autoscaled().yields == (REPLICAS,)
    assert TypeRules(yields=(REPLICAS,)).autoscaled().yields == (REPLICAS,)


def test_upstream_wins_by_force_where_no_rule_says_otherwise() -> None:
    resolution = upstream_wins([conflict(".spec.paused")], TypeRules())
    assert resolution.force
    assert resolution.ceded == ()
    assert not resolution.holds


def test_a_shared_field_is_left_to_the_other_manager_without_force() -> None:
    rules = TypeRules(shares=(("f:spec",),))
    resolution = upstream_wins([conflict(".spec.paused")], rules)
    assert not resolution.force
    assert resolution.ceded == (("f:spec", "f:paused"),)
    mixed = upstream_wins([conflict(".spec.paused"), conflict(".metadata.labels.a")], rules)
    assert mixed.force
    assert mixed.ceded == (("f:spec", "f:paused"),)


def test_no_conflict_at_all_holds() -> None:
    assert upstream_wins([], TypeRules()).holds


@pytest.mark.parametrize(
    ("fields", "path", "expected"),
    [
        ({"f:spec": {"f:replicas": {}}}, REPLICAS, True),
        ({"f:spec": {"f:paused": {}}}, REPLICAS, False),
        ({}, REPLICAS, False),
        ({"f:spec": {}}, REPLICAS, True),
        ({"f:spec": 1}, REPLICAS, False),
        ({"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}, WEB, True),
        ({"f:spec": {"f:containers": {'k:{"name":"log"}': {"f:image": {}}}}}, WEB, False),
        (
            {"f:spec": {"f:containers": {'k:{"name":"log"}': {".": {}, "f:image": {}}}}},
            parse_field_path(".spec.containers[*].image"),
            True,
        ),
        ({"f:spec": {"f:containers": {".": {}}}}, parse_field_path(".spec.containers[*]"), False),
        ({"f:spec": {"f:containers": {'v:"a"': {}}}}, parse_field_path(".spec.containers[*]"), True),
    ],
)
def test_an_entry_owns_what_it_shows_or_holds_whole(
    fields: dict[str, object], path: FieldPath, *, expected: bool
) -> None:
    assert owns(fields, path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".spec.replicas", {"containers": OBJECT["spec"]["containers"]}),  # type: ignore[index]
        ('.spec.containers[name="web"]', {"replicas": 2, "containers": [{"name": "log", "image": "log:1"}]}),
        (
            '.spec.containers[name="web"].image',
            {"replicas": 2, "containers": [{"name": "web"}, {"name": "log", "image": "log:1"}]},
        ),
        (".spec.containers[*].image", {"replicas": 2, "containers": [{"name": "web"}, {"name": "log"}]}),
        (".spec.containers[*]", {"replicas": 2, "containers": []}),
        (".spec.absent", OBJECT["spec"]),
        (".spec.absent.below", OBJECT["spec"]),
        (".spec.replicas.below", OBJECT["spec"]),
    ],
)
def test_a_field_is_taken_out_and_the_original_stays(path: str, expected: object) -> None:
    assert without(OBJECT, [parse_field_path(path)])["spec"] == expected
    assert OBJECT["spec"]["replicas"] == 2  # type: ignore[index]


def test_a_value_of_a_set_is_taken_out() -> None:
    found = without(OBJECT, [parse_field_path('.metadata.finalizers[="a"]')])
    assert found["metadata"]["finalizers"] == ["b"]


def test_live_values_take_the_place_of_ours() -> None:
    live = {"spec": {"replicas": 7, "containers": [{"name": "web", "image": "web:live"}]}}
    found = with_live(OBJECT, live, [REPLICAS, WEB])
    assert found["spec"]["replicas"] == 7
    assert found["spec"]["containers"][0]["image"] == "web:live"
    assert found["spec"]["containers"][1]["image"] == "log:1"


@pytest.mark.parametrize("live", [{}, {"spec": {}}, {"spec": {"containers": [{"name": "other"}, "text"]}}])
def test_what_is_not_there_live_is_left_out(live: dict[str, object]) -> None:
    found = with_live(OBJECT, live, [REPLICAS, WEB])
    assert "replicas" not in found["spec"]
    assert "image" not in found["spec"]["containers"][0]
