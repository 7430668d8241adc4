"""A clamped status is one that kube-apiserver accepts: `refusals` below retells what Kubernetes 1.36 validates.

It is a transcription of ValidateDeploymentStatus and its sisters, ValidateLoadBalancerStatus, and
ValidateJobStatusUpdate with getStatusValidationOptions, as far as a status that another cluster's server accepted can
break them. tests/real asks a real server.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.resources import GVR
from tmc_syncer.upstream.clamp import asks_for_spec, clamp, is_finished

DEPLOYMENTS = GVR("apps", "v1", "deployments")
REPLICA_SETS = GVR("apps", "v1", "replicasets")
STATEFUL_SETS = GVR("apps", "v1", "statefulsets")
DAEMON_SETS = GVR("apps", "v1", "daemonsets")
REPLICATION_CONTROLLERS = GVR("", "v1", "replicationcontrollers")
JOBS = GVR("batch", "v1", "jobs")
PODS = GVR("", "v1", "pods")
SERVICES = GVR("", "v1", "services")

Status = dict[str, Any]


def clamped(gvr: GVR, status: Status, present: Status, spec: Status | None = None) -> Status:
    result = copy.deepcopy(status)
    clamp(gvr, result, present, spec)
    return result


# ---- counters ----------------------------------------------------------------------------------------------

BOUNDS: dict[GVR, list[tuple[str, str]]] = {
    DEPLOYMENTS: [
        ("updatedReplicas", "replicas"),
        ("readyReplicas", "replicas"),
        ("availableReplicas", "replicas"),
        ("availableReplicas", "readyReplicas"),
    ],
    REPLICA_SETS: [
        ("fullyLabeledReplicas", "replicas"),
        ("readyReplicas", "replicas"),
        ("availableReplicas", "replicas"),
        ("availableReplicas", "readyReplicas"),
    ],
    STATEFUL_SETS: [
        ("readyReplicas", "replicas"),
        ("currentReplicas", "replicas"),
        ("updatedReplicas", "replicas"),
        ("availableReplicas", "replicas"),
        ("availableReplicas", "readyReplicas"),
    ],
    DAEMON_SETS: [],
}
BOUNDS[REPLICATION_CONTROLLERS] = BOUNDS[REPLICA_SETS]
COUNT_COLLISIONS = {DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS}


def counter_refusals(gvr: GVR, status: Status, present: Status) -> list[str]:
    found = [f"{a} > {b}" for a, b in BOUNDS[gvr] if status.get(a, 0) > status.get(b, 0)]
    if gvr in COUNT_COLLISIONS:
        old, new = present.get("collisionCount"), status.get("collisionCount")
        if (new is None and old is not None) or (new is not None and old is not None and new < old):
            found.append("collisionCount decremented")
    return found


COUNTERS = st.dictionaries(
    st.sampled_from([
        "replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas",
        "fullyLabeledReplicas", "collisionCount", "unavailableReplicas",
    ]),
    st.integers(0, 3),
)  # fmt: skip


@given(gvr=st.sampled_from(list(BOUNDS)), status=COUNTERS, present=COUNTERS)
def test_counters_are_acceptable_once_clamped_and_clamping_again_changes_nothing(
    gvr: GVR, status: Status, present: Status
) -> None:
    once = clamped(gvr, status, present)
    assert counter_refusals(gvr, once, present) == []
    assert clamped(gvr, once, present) == once


@given(gvr=st.sampled_from(list(BOUNDS)), status=COUNTERS)
def test_counters_that_are_acceptable_stay_as_they_are(gvr: GVR, status: Status) -> None:
    if not counter_refusals(gvr, status, {}):
        assert clamped(gvr, status, {}) == status


def test_a_collision_count_of_zero_is_not_left_out_either() -> None:
    """IsDecremented takes a missing counter for a decrement; StatefulSets always carry a 0."""
    assert clamped(STATEFUL_SETS, {"replicas": 1}, {"collisionCount": 0}) == {
        "replicas": 1,
        "collisionCount": 0,
    }


def test_a_collision_count_follows_upwards() -> None:
    assert clamped(DEPLOYMENTS, {"collisionCount": 3}, {"collisionCount": 2}) == {"collisionCount": 3}


def test_a_kind_without_rules_goes_up_as_it_is() -> None:
    assert clamped(GVR("example.com", "v1", "widgets"), {"replicas": -1}, {"x": 1}) == {"replicas": -1}


# ---- Services ----------------------------------------------------------------------------------------------

ADDRESS = {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({"type": "LoadBalancer"}, ADDRESS), ({"type": "ClusterIP"}, {}), ({}, {}), (None, {})],
)
def test_a_service_keeps_addresses_only_while_it_is_a_load_balancer_upstream(
    spec: Status | None, expected: Status
) -> None:
    assert clamped(SERVICES, {"loadBalancer": ADDRESS}, {}, spec) == {"loadBalancer": expected}


def test_a_service_without_addresses_stays_as_it_is() -> None:
    assert clamped(SERVICES, {"loadBalancer": {}}, {}, {"type": "ClusterIP"}) == {"loadBalancer": {}}


# ---- Jobs --------------------------------------------------------------------------------------------------

TERMINAL = ("Failed", "Complete", "FailureTarget")
TIMES = [f"2026-01-01T00:00:0{second}Z" for second in range(4)]


def condition(kind: str, status: str = "True", time: str = TIMES[2]) -> Status:
    return {"type": kind, "status": status, "lastTransitionTime": time, "reason": "R"}


def true(status: Status, kind: str) -> bool:
    return any(each["type"] == kind and each["status"] == "True" for each in status.get("conditions", ()))


def job_refusals(status: Status, present: Status, spec: Status) -> list[str]:
    complete, failed = true(status, "Complete"), true(status, "Failed")
    finished = complete or failed
    started, ended = status.get("startTime"), status.get("completionTime")
    suspended = bool(spec.get("suspend"))
    resumes = true(present, "Suspended") and any(
        each["type"] == "Suspended" and each["status"] == "False" for each in status.get("conditions", ())
    )
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    time_changed = started != present.get("startTime") or ended != present.get("completionTime")
    rules = {
        "failed decreases": status.get("failed", 0) < present.get("failed", 0),
        "succeeded decreases": not elastic and status.get("succeeded", 0) < present.get("succeeded", 0),
        "terminal condition disabled": any(true(present, k) and not true(status, k) for k in TERMINAL),
        "success criteria disabled": true(present, "SuccessCriteriaMet")
        and not true(status, "SuccessCriteriaMet"),
        "success criteria after completion": true(present, "Complete")
        and not true(present, "SuccessCriteriaMet")
        and true(status, "SuccessCriteriaMet"),
        "completionTime mutates": ended is not None
        and present.get("completionTime") is not None
        and ended != present["completionTime"],
        "startTime mutates": present.get("startTime") is not None
        and started != present["startTime"]
        and not suspended
        and not resumes,
        "completed before started": time_changed
        and started is not None
        and ended is not None
        and ended < started,
        "completionTime without Complete": ended is not None and not complete,
        "Complete without completionTime": complete and ended is None,
        "Failed without FailureTarget": failed and not true(status, "FailureTarget"),
        "Complete without SuccessCriteriaMet": complete and not true(status, "SuccessCriteriaMet"),
        "finished with active pods": finished and status.get("active", 0) > 0,
        "finished with terminating pods": finished and status.get("terminating", 0) > 0,
        "finished without startTime": finished
        and started is None
        and not (suspended and spec.get("completions") == 0),
        "finished with uncounted pods": finished and bool(status.get("uncountedTerminatedPods")),
        "more ready than active": status.get("ready", 0) > status.get("active", 0),
        "succeeded and failed": true(status, "SuccessCriteriaMet")
        and (failed or true(status, "FailureTarget")),
    }
    return [rule for rule, broken in rules.items() if broken]


@st.composite
def job_statuses(draw: st.DrawFn) -> Status:
    """Statuses of all ages of the job controller, before 1.31 without the conditions that come before the end."""
    status: Status = {}
    for counter in ("active", "ready", "succeeded", "failed", "terminating"):
        if draw(st.booleans()):
            status[counter] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        status["startTime"] = draw(st.sampled_from(TIMES[:3]))
    if draw(st.booleans()):
        status["uncountedTerminatedPods"] = {"succeeded": ["u1"]}
    outcome = draw(
        st.sampled_from([
            (), ("FailureTarget",), ("FailureTarget", "Failed"), ("Failed",),
            ("SuccessCriteriaMet",), ("SuccessCriteriaMet", "Complete"), ("Complete",),
        ])
    )  # fmt: skip
    suspension = draw(st.sampled_from([(), ("True",), ("False",)]))
    conditions = [condition("Suspended", value) for value in suspension] + [condition(k) for k in outcome]
    if conditions:
        status["conditions"] = conditions
    if "Complete" in outcome and draw(st.booleans()):
        status["completionTime"] = draw(st.sampled_from(TIMES))
    return status


JOB_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "suspend": st.booleans(),
        "completionMode": st.sampled_from(["Indexed", "NonIndexed"]),
        "completions": st.integers(0, 2),
        "parallelism": st.integers(0, 2),
    },
)


@given(status=job_statuses(), present=job_statuses(), spec=JOB_SPECS)
def test_a_job_status_is_acceptable_after_any_that_was(status: Status, present: Status, spec: Status) -> None:
    before = clamped(JOBS, present, {}, spec)
    assert job_refusals(before, {}, spec) == []
    once = clamped(JOBS, status, before, spec)
    # What is written only when something changed is judged only then: the frozen status is not written.
    assert once == before or job_refusals(once, before, spec) == []
    assert clamped(JOBS, once, before, spec) == once


@given(status=job_statuses(), present=job_statuses(), spec=JOB_SPECS)
def test_a_finished_job_never_changes_again(status: Status, present: Status, spec: Status) -> None:
    if is_finished(JOBS, present):
        assert clamped(JOBS, status, present, spec) == present


def test_a_job_that_is_about_to_fail_waits_for_the_copy_to_say_so_too() -> None:
    present = {"failed": 3, "conditions": [condition("FailureTarget")]}
    assert clamped(JOBS, {"active": 1, "startTime": TIMES[0]}, present) == present
    agreed = {"failed": 4, "conditions": [condition("FailureTarget")]}
    assert clamped(JOBS, agreed, present) == agreed


def test_the_first_start_time_stays_unless_the_job_is_or_was_suspended() -> None:
    later = {"startTime": TIMES[1]}
    present = {"startTime": TIMES[0]}
    assert clamped(JOBS, later, present) == present
    assert clamped(JOBS, later, present, {"suspend": True}) == later
    resumed = {**later, "conditions": [condition("Suspended", "False")]}
    assert clamped(JOBS, resumed, {**present, "conditions": [condition("Suspended")]}) == resumed


def test_counters_of_a_job_only_rise_but_an_elastic_one_may_shrink() -> None:
    present = {"succeeded": 3, "failed": 2}
    assert clamped(JOBS, {"succeeded": 1, "failed": 1}, present) == present
    elastic = {"completionMode": "Indexed", "completions": 1, "parallelism": 1}
    assert clamped(JOBS, {"succeeded": 1, "failed": 1}, present, elastic) == {"succeeded": 1, "failed": 2}


def test_what_an_older_cluster_leaves_out_of_a_finished_job_is_filled_in() -> None:
    old = {"succeeded": 1, "ready": 1, "active": 1, "conditions": [condition("Complete")]}
    assert clamped(JOBS, old, {}) == {
        "succeeded": 1,
        "ready": 0,
        "active": 0,
        "startTime": TIMES[2],
        "completionTime": TIMES[2],
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    }


def test_a_status_that_a_current_cluster_wrote_goes_up_unchanged() -> None:
    done = {
        "startTime": TIMES[0],
        "completionTime": TIMES[2],
        "succeeded": 1,
        "terminating": 0,
        "ready": 0,
        "uncountedTerminatedPods": {},
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    }
    assert clamped(JOBS, done, {"active": 1, "ready": 1, "startTime": TIMES[0]}) == done


def test_a_suspended_job_of_nothing_finishes_without_ever_starting() -> None:
    done = {
        "completionTime": TIMES[1],
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    }
    assert clamped(JOBS, done, {}, {"suspend": True, "completions": 0}) == done


def test_a_condition_without_a_time_gives_none() -> None:
    bare = {"conditions": [{"type": "Complete", "status": "True"}, {"status": "True"}]}
    assert "startTime" not in clamped(JOBS, bare, {})


# ---- what is finished, what looks at the spec --------------------------------------------------------------


@pytest.mark.parametrize(
    ("gvr", "status", "finished"),
    [
        (PODS, {"phase": "Succeeded"}, True),
        (PODS, {"phase": "Failed"}, True),
        (PODS, {"phase": "Running"}, False),
        (PODS, {}, False),
        (JOBS, {"conditions": [condition("Complete")]}, True),
        (JOBS, {"conditions": [condition("Failed")]}, True),
        (JOBS, {"conditions": [condition("Failed", "False"), condition("FailureTarget")]}, False),
        (JOBS, {"conditions": None}, False),
        (DEPLOYMENTS, {"phase": "Failed", "conditions": [condition("Complete")]}, False),
    ],
)
def test_only_jobs_and_pods_finish(gvr: GVR, status: Status, finished: bool) -> None:
    assert is_finished(gvr, status) is finished


def test_a_finished_pod_never_changes_back() -> None:
    present = {"phase": "Succeeded", "podIP": "192.0.2.1"}
    assert clamped(PODS, {"phase": "Running"}, present) == present


def test_only_kinds_whose_rules_look_at_the_spec_ask_for_it() -> None:
    assert [g.resource for g in (PODS, JOBS, SERVICES, DEPLOYMENTS) if asks_for_spec(g)] == [
        "pods",
        "jobs",
        "services",
    ]
