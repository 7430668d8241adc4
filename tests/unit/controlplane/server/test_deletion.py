from __future__ import annotations

from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import (
    CONFIGMAPS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NOW,
    PODS,
    STAMP,
    kind_of,
)
from tmc_syncer.controlplane.server.deletion import Marked, Removed, Unchanged, decide, ends_with_update
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.types.registry import Type

LATER = "2026-11-24T18:36:26Z"


def decided(served: Type, obj: dict[str, Any], **options: Any) -> Any:
    before = {**obj, "metadata": dict(obj["metadata"])}
    outcome = decide(kind_of(served), obj, DeleteOptions(**options), NOW)
    assert obj == before
    return outcome


def test_an_object_without_finalizers_goes_at_once() -> None:
    assert decided(CONFIGMAPS, {"metadata": {"name": "a"}}) == Removed()


def test_finalizers_hold_an_object() -> None:
    outcome = decided(DEPLOYMENTS, {"metadata": {"finalizers": ["x.io/a"], "generation": 3}})
    assert outcome == Marked(
        {
            "metadata": {
                "finalizers": ["x.io/a"],
                "deletionTimestamp": STAMP,
                "deletionGracePeriodSeconds": 0,
                "generation": 4,
            }
        }
    )
    assert decided(DEPLOYMENTS, outcome.obj) == Unchanged()


@pytest.mark.parametrize(
    ("present", "policy", "after"),
    [
        ([], "", None),
        ([], "Background", None),
        ([], "Foreground", ["foregroundDeletion"]),
        ([], "Orphan", ["orphan"]),
        (["x.io/a"], "Foreground", ["x.io/a", "foregroundDeletion"]),
        (["orphan", "x.io/a"], "", ["orphan", "x.io/a"]),
        (["orphan", "x.io/a"], "Background", ["x.io/a"]),
        (["orphan", "x.io/a"], "Foreground", ["x.io/a", "foregroundDeletion"]),
        (["foregroundDeletion"], "", ["foregroundDeletion"]),
        (["foregroundDeletion"], "Background", None),
    ],
)
def test_the_propagation_policy_is_a_finalizer(
    present: list[str], policy: str, after: list[str] | None
) -> None:
    outcome = decided(CONFIGMAPS, {"metadata": {"finalizers": present}}, policy=policy)
    if after is None:
        assert outcome == Removed()
    else:
        assert outcome.obj["metadata"]["finalizers"] == after


def test_some_types_orphan_their_dependents_when_nobody_says_otherwise() -> None:
    assert decided(JOBS, {"metadata": {}}).obj["metadata"]["finalizers"] == ["orphan"]
    assert decided(JOBS, {"metadata": {}}, policy="Background") == Removed()


def test_a_change_of_policy_while_deleting_is_written() -> None:
    obj = {
        "metadata": {
            "finalizers": ["x.io/a"],
            "deletionTimestamp": STAMP,
            "deletionGracePeriodSeconds": 0,
            "generation": 2,
        }
    }
    outcome = decided(CONFIGMAPS, obj, policy="Foreground")
    assert outcome.obj["metadata"] == {**obj["metadata"], "finalizers": ["x.io/a", "foregroundDeletion"]}


RUNNING: dict[str, Any] = {"metadata": {"generation": 1}, "spec": {"nodeName": "n1"}}


@pytest.mark.parametrize(
    ("pod", "grace", "timestamp", "seconds"),
    [
        (RUNNING, None, LATER, 30),
        (RUNNING, 5, "2026-11-24T18:36:01Z", 5),
        (
            {**RUNNING, "spec": {"nodeName": "n1", "terminationGracePeriodSeconds": 60}},
            None,
            "2026-11-24T18:36:56Z",
            60,
        ),
    ],
)
def test_a_running_pod_is_given_its_grace(
    pod: dict[str, Any], grace: int | None, timestamp: str, seconds: int
) -> None:
    outcome = decided(PODS, pod, grace_seconds=grace)
    assert isinstance(outcome, Marked)
    assert outcome.obj["metadata"] == {
        "generation": 2,
        "deletionTimestamp": timestamp,
        "deletionGracePeriodSeconds": seconds,
    }


@pytest.mark.parametrize(
    "pod",
    [
        {"metadata": {}, "spec": {}},
        {"metadata": {}, "spec": {"nodeName": "n1"}, "status": {"phase": "Succeeded"}},
        {"metadata": {}, "spec": {"nodeName": "n1"}, "status": {"phase": "Failed"}},
        {"metadata": {}, "spec": {"nodeName": "n1", "terminationGracePeriodSeconds": 0}},
    ],
)
def test_a_pod_that_runs_nowhere_is_marked_and_goes(pod: dict[str, Any]) -> None:
    outcome = decided(PODS, pod)
    assert isinstance(outcome, Removed)
    assert outcome.obj is not None
    assert outcome.obj["metadata"] == {"deletionTimestamp": STAMP, "deletionGracePeriodSeconds": 0}


def test_a_grace_period_only_becomes_shorter() -> None:
    terminating = decided(PODS, RUNNING).obj
    assert decided(PODS, terminating) == Unchanged()
    assert decided(PODS, terminating, grace_seconds=30) == Unchanged()
    assert decided(PODS, terminating, grace_seconds=50) == Unchanged()
    shorter = decided(PODS, terminating, grace_seconds=5)
    assert isinstance(shorter, Marked)
    assert shorter.obj["metadata"] == {
        "generation": 2,
        "deletionTimestamp": "2026-11-24T18:36:01Z",
        "deletionGracePeriodSeconds": 5,
    }
    forced = decided(PODS, terminating, grace_seconds=0)
    assert isinstance(forced, Removed)
    assert forced.obj is not None
    assert forced.obj["metadata"]["deletionGracePeriodSeconds"] == 0


def test_finalizers_hold_a_pod_beyond_its_grace() -> None:
    pod = {**RUNNING, "metadata": {"finalizers": ["x.io/a"]}}
    terminating = decided(PODS, pod).obj
    forced = decided(PODS, terminating, grace_seconds=0)
    assert isinstance(forced, Marked)
    assert decided(PODS, forced.obj) == Unchanged()


def test_a_policy_may_change_during_the_grace_of_a_pod() -> None:
    terminating = decided(PODS, {**RUNNING, "metadata": {"finalizers": ["x.io/a"]}}).obj
    outcome = decided(PODS, terminating, policy="Foreground")
    assert isinstance(outcome, Marked)
    assert outcome.obj["metadata"]["finalizers"] == ["x.io/a", "foregroundDeletion"]
    assert outcome.obj["metadata"]["deletionGracePeriodSeconds"] == 30


def test_a_namespace_is_marked_until_its_spec_has_no_finalizers() -> None:
    namespace = {
        "metadata": {"name": "shop"},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    outcome = decided(NAMESPACES, namespace)
    assert outcome == Marked(
        {
            **namespace,
            "metadata": {"name": "shop", "deletionTimestamp": STAMP},
            "status": {"phase": "Terminating"},
        }
    )
    assert decided(NAMESPACES, outcome.obj) == Unchanged()
    finalized = {**outcome.obj, "spec": {}}
    assert decided(NAMESPACES, finalized) == Removed()
    held = {**finalized, "metadata": {**finalized["metadata"], "finalizers": ["x.io/a"]}}
    assert decided(NAMESPACES, held) == Unchanged()


@pytest.mark.parametrize(
    ("old", "new", "ends"),
    [
        ({}, {}, False),
        ({"deletionTimestamp": STAMP, "finalizers": ["a"]}, {"deletionTimestamp": STAMP}, True),
        ({"deletionTimestamp": STAMP}, {"finalizers": ["a"]}, False),
        ({"deletionTimestamp": STAMP, "deletionGracePeriodSeconds": 30}, {}, False),
        ({"deletionTimestamp": STAMP}, {"deletionGracePeriodSeconds": 30}, False),
    ],
)
def test_the_last_finalizer_ends_an_object(old: dict[str, Any], new: dict[str, Any], ends: bool) -> None:
    assert ends_with_update(kind_of(CONFIGMAPS), {"metadata": new}, {"metadata": old}) is ends


def test_a_namespace_ends_when_its_spec_has_no_finalizers() -> None:
    old = {"metadata": {"deletionTimestamp": STAMP}, "spec": {"finalizers": ["kubernetes"]}}
    kind = kind_of(NAMESPACES)
    assert not ends_with_update(kind, old, old)
    assert ends_with_update(kind, {**old, "spec": {}}, old)
    assert ends_with_update(kind, {"metadata": {}}, old)
