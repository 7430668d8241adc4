"""Whether an object is for a target, and which rule says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tmc_syncer.api.names import deletion_annotation, state_label
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.api.resources import GVR, Key, ResourceInfo
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.api.synctarget_spec import Assignment as Mode
from tmc_syncer.engine.filters import FilterChain
from tmc_syncer.sync.assignment import ASSIGNED, Assignment, AssignmentRules

KEY = "abc"
LABEL = state_label(KEY)
CONFIGMAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)
VOLUMES = ResourceInfo(GVR("", "v1", "persistentvolumes"), "PersistentVolume", namespaced=False)


@dataclass(frozen=True)
class Refuses:
    """A filter that wants nothing of one name."""

    name: str = "no-secrets"
    priority: int = 1
    refused: str = "secret"

    def should_sync(self, record: Record, info: ResourceInfo) -> str | None:
        return "it is a secret" if record.meta.name == self.refused else None

    def should_delete(self, key: Key, info: ResourceInfo) -> None:
        return None


def assigned(
    *,
    namespace: dict[str, str] | None = None,
    info: ResourceInfo = CONFIGMAPS,
    meta: Any = None,
    **rules: Any,
) -> Assignment:
    record = Record("v1", info.kind, Meta(**{"name": "a", **(meta or {})}), {})
    upstream = None if namespace is None else Meta(name="shop", labels=namespace)
    return AssignmentRules(KEY, **rules).assign(record, info, upstream)


def test_without_any_rule_everything_is_assigned() -> None:
    assert assigned() is ASSIGNED
    assert assigned(info=VOLUMES) is ASSIGNED


@pytest.mark.parametrize(
    ("case", "rule", "reason"),
    [
        ({"leaving": "TargetEvicted"}, "target", "TargetEvicted"),
        ({"meta": {"annotations": {deletion_annotation(KEY): ""}}}, "placement", "Evicted"),
        ({"meta": {"name": "secret"}, "filters": FilterChain([Refuses()])}, "no-secrets", "Excluded"),
        ({"selector": parse_selector("app=web")}, "selector", "NotSelected"),
        (
            {"namespace_selector": parse_selector("team"), "namespace": {}},
            "namespace-selector",
            "NamespaceNotSelected",
        ),
        ({"mode": Mode.LABELLED}, "assignment", "NotPlaced"),
    ],
)
def test_the_rule_that_refuses_is_named(case: dict[str, Any], rule: str, reason: str) -> None:
    found = assigned(**case)
    assert (found.assigned, found.rule, found.reason) == (False, rule, reason)
    assert found.message


def test_the_first_rule_that_refuses_is_the_one_that_is_named() -> None:
    everything: dict[str, Any] = {
        "leaving": "TargetDeleted",
        "meta": {"name": "secret", "annotations": {deletion_annotation(KEY): "t"}},
        "filters": FilterChain([Refuses()]),
        "selector": parse_selector("app=web"),
        "namespace_selector": parse_selector("team"),
        "mode": Mode.NAMESPACED,
    }
    order = []
    for lifted in ("leaving", "meta", "filters", "selector", "namespace_selector", "mode"):
        order.append(assigned(**everything).rule)
        if lifted == "meta":  # the name that the filter refuses stays
            everything["meta"] = {"name": "secret"}
        else:
            del everything[lifted]
    assert order == ["target", "placement", "no-secrets", "selector", "namespace-selector", "assignment"]
    assert assigned(**everything) is ASSIGNED


def test_a_filter_lets_pass_what_it_has_nothing_against() -> None:
    assert assigned(filters=FilterChain([Refuses()])) is ASSIGNED
    refused = assigned(meta={"name": "secret"}, filters=FilterChain([Refuses()]))
    assert refused.message == "it is a secret"


def test_an_eviction_of_another_target_is_not_ours() -> None:
    assert assigned(meta={"annotations": {deletion_annotation("other"): "t"}}) is ASSIGNED


@pytest.mark.parametrize(
    ("labels", "expected"), [({"app": "web"}, True), ({"app": "x"}, False), (None, False)]
)
def test_the_selector_is_asked_of_the_object(labels: dict[str, str] | None, expected: bool) -> None:
    found = assigned(selector=parse_selector("app=web"), meta={"labels": labels})
    assert found.assigned is expected


@pytest.mark.parametrize(
    ("namespace", "expected"), [({"team": "a"}, True), ({"team": "b"}, False), (None, False)]
)
def test_the_namespace_selector_is_asked_of_the_namespace(
    namespace: dict[str, str] | None, expected: bool
) -> None:
    selector = parse_selector("team=a")
    assert assigned(namespace_selector=selector, namespace=namespace).assigned is expected
    assert assigned(namespace_selector=selector, namespace=namespace, info=VOLUMES) is ASSIGNED


@pytest.mark.parametrize("value", ["Sync", "", "Upsync", "sync", None])
@pytest.mark.parametrize("mode", [Mode.NAMESPACED, Mode.LABELLED])
@pytest.mark.parametrize("info", [CONFIGMAPS, VOLUMES], ids=["namespaced", "cluster-scoped"])
def test_the_label_of_the_namespace_or_of_the_object_decides(
    value: str | None, mode: Mode, info: ResourceInfo
) -> None:
    labels = {} if value is None else {LABEL: value}
    by_namespace = mode is Mode.NAMESPACED and info is CONFIGMAPS
    decided = assigned(
        mode=mode,
        info=info,
        namespace=labels if by_namespace else {LABEL: "Sync"},
        meta={"labels": {LABEL: "Sync"} if by_namespace else labels},
    )
    assert decided.assigned is (value == "Sync")


def test_without_its_namespace_an_object_is_not_placed() -> None:
    assert not assigned(mode=Mode.NAMESPACED, meta={"labels": {LABEL: "Sync"}}).assigned
