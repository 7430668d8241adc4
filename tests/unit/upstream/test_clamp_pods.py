"""Statuses of Pods are changed exactly where ValidatePodStatusUpdate of Kubernetes 1.36 would refuse them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.upstream.clamp_pods import clamp_pod, is_finished_pod

Object = dict[str, Any]

RUNNING: Object = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def ended(code: int = 0) -> Object:
    return {"terminated": {"exitCode": code}}


def container(name: str, state: Object, **more: Any) -> Object:
    return {"name": name, "state": state, **more}


def clamped(status: Object, present: Object, spec: Object | None = None) -> Object:
    result = copy.deepcopy(status)
    clamp_pod(result, present, spec or {})
    return result


# ---- phases, addresses, names ------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("later", ["Pending", "Running", "Unknown", "Succeeded", "Failed", None])
def test_a_finished_pod_stays_finished_the_way_it_did(phase: str, later: str | None) -> None:
    status = {} if later is None else {"phase": later}
    result = clamped(status, {"phase": phase, "message": "done"})
    assert is_finished_pod(result)
    assert result["phase"] == phase
    assert ("message" in result) is (later != phase)


def test_a_finished_pod_may_still_tell_more_about_its_end() -> None:
    present = {"phase": "Failed", "containerStatuses": [container("a", RUNNING)]}
    status = {"phase": "Failed", "containerStatuses": [container("a", ended(137))]}
    assert clamped(status, present) == status


def test_the_qos_class_is_the_one_that_upstream_computed() -> None:
    assert clamped({"qosClass": "Burstable"}, {"qosClass": "BestEffort"}) == {"qosClass": "BestEffort"}
    assert clamped({"qosClass": "Burstable"}, {}) == {"qosClass": "Burstable"}


@pytest.mark.parametrize("field", ["podIPs", "hostIPs"])
def test_addresses_are_one_per_family_the_first_of_each(field: str) -> None:
    many = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}, {"ip": "fd00::1"}, {"ip": "fd00::2"}]
    assert clamped({field: many}, {}) == {field: [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]}


@pytest.mark.parametrize(
    ("spec", "present", "expected"),
    [
        ({}, {}, {"nominatedNodeName": "n2"}),
        ({"nodeName": "n1"}, {}, {}),
        ({"nodeName": "n1"}, {"nominatedNodeName": "n3"}, {"nominatedNodeName": "n3"}),
        ({"nodeName": "n1"}, {"nominatedNodeName": "n2"}, {"nominatedNodeName": "n2"}),
    ],
)
def test_a_bound_pod_is_not_nominated_anew(spec: Object, present: Object, expected: Object) -> None:
    assert clamped({"nominatedNodeName": "n2"}, present, spec) == expected


# ---- containers --------------------------------------------------------------------------------------------

RESTARTED = container("a", RUNNING, restartCount=1)


@pytest.mark.parametrize(
    ("policy", "code", "restarts"),
    [
        ("Always", 0, True), ("Always", 1, True), (None, 0, True), ("OnFailure", 0, False), ("OnFailure", 1, True),
        ("Never", 0, False), ("Never", 1, False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    ("field", "containers"),
    [("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")],
)
def test_a_container_that_ended_runs_again_only_where_a_policy_lets_it(
    policy: str | None, code: int, restarts: bool, own: bool, field: str, containers: str
) -> None:
    present = {field: [container("a", ended(code))]}
    spec: Object = {"restartPolicy": policy, containers: [{"name": "a"}]}
    if own and policy:  # the container's own policy goes before the Pod's
        spec = {
            "restartPolicy": "Never" if restarts else "Always",
            containers: [{"name": "a", "restartPolicy": policy}],
        }
    expected = RESTARTED if restarts else present[field][0]
    assert clamped({field: [RESTARTED]}, present, spec) == {field: [expected]}


@pytest.mark.parametrize(
    ("rule", "restarts"),
    [
        ({"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}, True),
        ({"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}, False),
        ({"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [1]}}, True),
        ({"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [42]}}, False),
        ({"action": "Restart"}, False),
        ({"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [1]}}, True),
    ],
)
def test_a_rule_for_its_exit_code_lets_a_container_run_again(rule: Object, restarts: bool) -> None:
    spec = {"containers": [{"name": "a", "restartPolicy": "Never", "restartPolicyRules": [rule]}]}
    present = {"containerStatuses": [container("a", ended(42))]}
    expected = RESTARTED if restarts else present["containerStatuses"][0]
    assert clamped({"containerStatuses": [RESTARTED]}, present, spec) == {"containerStatuses": [expected]}


def test_a_container_that_upstream_does_not_know_is_left_out_once_and_then_shown_again() -> None:
    spec = {"restartPolicy": "Always", "containers": [{"name": "a"}]}
    status = {"containerStatuses": [container("a", RUNNING), container("injected", RUNNING)]}
    present = {"containerStatuses": [container("a", RUNNING), container("injected", ended())]}
    without = clamped(status, present, spec)
    assert without == {"containerStatuses": [container("a", RUNNING)]}
    assert clamped(status, without, spec) == status


def test_when_the_only_status_is_left_out_the_list_goes_too() -> None:
    present = {"ephemeralContainerStatuses": [container("debug", ended())]}
    assert clamped({"ephemeralContainerStatuses": [container("debug", RUNNING)]}, present) == {}


def test_a_container_without_a_state_or_that_runs_upstream_goes_up_as_it_is() -> None:
    status = {"containerStatuses": [{"name": "a"}, container("b", RUNNING)]}
    assert clamped(status, {"containerStatuses": [container("b", RUNNING), {"name": "a"}]}) == status


def test_resources_are_named_only_where_the_upstream_container_has_them() -> None:
    spec = {
        "containers": [
            {
                "name": "a",
                "resources": {
                    "requests": {"example.com/gpu": "1"},
                    "claims": [{"name": "c", "request": "r"}, {"name": "d"}],
                },
            }
        ]
    }
    named = ["example.com/gpu", "claim:c/r", "claim:d", "claim:c", "example.com/other"]
    status = {
        "containerStatuses": [container("a", RUNNING, allocatedResourcesStatus=[{"name": n} for n in named])],
        "ephemeralContainerStatuses": [container("e", RUNNING, allocatedResourcesStatus=[{"name": "x"}])],
    }
    assert clamped(status, {}, spec) == {
        "containerStatuses": [
            container("a", RUNNING, allocatedResourcesStatus=[{"name": n} for n in named[:3]])
        ],
        "ephemeralContainerStatuses": [container("e", RUNNING)],
    }


# ---- claims ------------------------------------------------------------------------------------------------


def test_claims_that_upstream_does_not_know_are_left_out() -> None:
    spec = {
        "resourceClaims": [
            {"name": "made", "resourceClaimName": None},
            {"name": "own", "resourceClaimName": "o"},
        ]
    }
    status = {
        "resourceClaimStatuses": [{"name": "made", "resourceClaimName": "m"}, {"name": "injected"}],
        "nodeAllocatableResourceClaimStatuses": [
            {"resourceClaimName": name} for name in ("o", "m", "foreign")
        ],
    }
    assert clamped(status, {}, spec) == {
        "resourceClaimStatuses": [{"name": "made", "resourceClaimName": "m"}],
        "nodeAllocatableResourceClaimStatuses": [{"resourceClaimName": "o"}, {"resourceClaimName": "m"}],
    }
    assert clamped(status, {}) == {}


def test_requests_for_extended_resources_are_those_of_upstream_containers() -> None:
    requests = {"resources": {"requests": {"gpu": "1"}}}
    spec = {
        "containers": [{"name": "a", **requests}],
        "initContainers": [{"name": "i", **requests}, {"name": "n"}],
    }
    mappings = [{"containerName": name, "resourceName": "gpu", "requestName": "r"} for name in "aix"]
    status = {"extendedResourceClaimStatus": {"resourceClaimName": "c", "requestMappings": mappings}}
    assert clamped(status, {}, spec) == {
        "extendedResourceClaimStatus": {"resourceClaimName": "c", "requestMappings": mappings[:2]}
    }
    assert clamped(status, {}) == {}


# ---- properties --------------------------------------------------------------------------------------------

STATES = st.sampled_from([RUNNING, ended(), ended(1), {"waiting": {"reason": "CrashLoopBackOff"}}])
STATUSES = st.fixed_dictionaries(
    {"phase": st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"])},
    optional={
        "qosClass": st.sampled_from(["BestEffort", "Burstable"]),
        "containerStatuses": st.dictionaries(st.sampled_from("abc"), STATES, min_size=1).map(
            lambda states: [container(name, state) for name, state in states.items()]
        ),
        "podIPs": st.lists(
            st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]).map(lambda ip: {"ip": ip}), max_size=3
        ),
        "nominatedNodeName": st.sampled_from(["n1", "n2"]),
    },
)
SPECS = st.fixed_dictionaries(
    {"containers": st.just([{"name": "a"}, {"name": "b", "restartPolicy": "OnFailure"}])},
    optional={
        "restartPolicy": st.sampled_from(["Always", "OnFailure", "Never"]),
        "nodeName": st.just("n1"),
    },
)


@given(status=STATUSES, present=STATUSES, spec=SPECS)
def test_clamping_twice_is_clamping_once(status: Object, present: Object, spec: Object) -> None:
    before = clamped(present, {}, spec)  # upstream has only what it once accepted
    once = clamped(status, before, spec)
    assert clamped(once, before, spec) == once


@given(status=STATUSES, present=STATUSES, spec=SPECS)
def test_what_upstream_has_is_acceptable_to_itself(status: Object, present: Object, spec: Object) -> None:
    shown = clamped(status, clamped(present, {}, spec), spec)
    assert clamped(shown, shown, spec) == shown


@given(status=STATUSES, present=STATUSES, spec=SPECS)
def test_the_upstream_status_is_never_changed_by_clamping(
    status: Object, present: Object, spec: Object
) -> None:
    before = copy.deepcopy(present)
    clamped(status, present, spec)
    assert present == before
