"""Clamping: what has to change in a status so that a validating API server accepts it.

A real kube-apiserver validates status of built-in kinds as if one cluster's controllers wrote it: some values
may not go down, some may not change once set, a finished Job or Pod stays finished. A copy that was re-created
downstream, an older cluster, or a spec that upstream is already ahead of breaks these rules quite legally. Each
rule follows the validation of Kubernetes 1.36 (the function is named at the rule) and would be a 422 without it;
kinds that are not listed are validated for nothing that another cluster's server has not checked as well.

`clamp` is idempotent and never writes values that neither side had, but for counters cut to their bound and for
what an older cluster's finished Job leaves out. Pods are in `upstream.clamp_pods`. Pure; `status` is changed in
place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

from tmc_syncer.api.resources import GVR
from tmc_syncer.upstream.clamp_pods import clamp_pod, is_finished_pod

__all__ = ["asks_for_spec", "clamp", "is_finished"]

Object = dict[str, Any]
Rule = Callable[[Object, Object, Object], None]

_FINISHED = frozenset({"Complete", "Failed"})
_DECIDED = frozenset({"Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"})
_PRECEDED_BY = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}


def clamp(gvr: GVR, status: Object, present: Object, spec: Object | None = None) -> None:
    """Make `status` acceptable after `present`, the status that upstream has now.

    Args:
        gvr: the type.
        status: the status to be written; changed in place.
        present: upstream's status now, empty when it has none.
        spec: upstream's spec, which some rules look at (`asks_for_spec`).
    """
    rule = _RULES.get((gvr.group, gvr.resource))
    if rule is not None:
        rule(status, present, spec or {})


def asks_for_spec(gvr: GVR) -> bool:
    """Whether `clamp` looks at the spec of this type."""
    return (gvr.group, gvr.resource) in _ASK_FOR_SPEC


def is_finished(gvr: GVR, status: Object) -> bool:
    """Whether a Job is Complete or Failed, or a Pod Succeeded or Failed; False for every other kind."""
    match gvr.group, gvr.resource:
        case "", "pods":
            return is_finished_pod(status)
        case "batch", "jobs":
            return not _FINISHED.isdisjoint(_true_conditions(status))
        case _:
            return False


# -- counters ------------------------------------------------------------------------------------------------


def _counters(
    chains: tuple[tuple[str, ...], ...], collisions: bool, status: Object, present: Object, _spec: Object
) -> None:
    """Each counter of a chain is at most the one before it (ValidateDeploymentStatus and its sisters)."""
    for chain in chains:
        for bound, counter in pairwise(chain):
            if status.get(counter, 0) > status.get(bound, 0):
                status[counter] = status.get(bound, 0)
    if collisions and "collisionCount" in present:  # IsDecremented: to leave it out is a decrement, even of 0
        status["collisionCount"] = max(present["collisionCount"], status.get("collisionCount", 0))


# -- Services ------------------------------------------------------------------------------------------------


def _service(status: Object, _present: Object, spec: Object) -> None:
    """ValidateLoadBalancerStatus: addresses only on a Service that is (still) of type LoadBalancer upstream."""
    if spec.get("type") != "LoadBalancer" and status.get("loadBalancer"):
        status["loadBalancer"] = {}


# -- Jobs (ValidateJobStatusUpdate, getStatusValidationOptions) ----------------------------------------------


def _job(status: Object, present: Object, spec: Object) -> None:
    before, now = _true_conditions(present), _true_conditions(status)
    if not _FINISHED.isdisjoint(before) or not before & _DECIDED <= now:
        status.clear()  # frozen: what is decided stays, whatever a re-created copy does
        status.update(present)
        return
    _keep_larger(status, present, "failed")
    if not _is_elastic(spec):
        _keep_larger(status, present, "succeeded")
    if present.get("startTime") and not (spec.get("suspend") or _resumes(status, present)):
        status["startTime"] = present["startTime"]
    if now & _FINISHED:
        _finish(status, now, never_starts=bool(spec.get("suspend")) and spec.get("completions") == 0)
    else:
        status.pop("completionTime", None)
    if status.get("ready", 0) > status.get("active", 0):
        status["ready"] = status.get("active", 0)


def _finish(status: Object, now: set[str], *, never_starts: bool) -> None:
    """What clusters before 1.31 leave out or leave behind in a finished Job."""
    conditions = status["conditions"]
    for outcome in sorted(now & _FINISHED):
        last = next(each for each in conditions if each.get("type") == outcome and each["status"] == "True")
        if _PRECEDED_BY[outcome] not in now:
            conditions.insert(conditions.index(last), {**last, "type": _PRECEDED_BY[outcome]})
        ended = status.get("completionTime") or last.get("lastTransitionTime")
        if ended and not status.get("startTime") and not never_starts:
            status["startTime"] = ended
        if outcome == "Complete" and ended:
            status["completionTime"] = max(ended, status.get("startTime") or ended)
        if outcome == "Failed":
            status.pop("completionTime", None)
    for counter in ("active", "terminating"):
        if status.get(counter):
            status[counter] = 0
    if status.get("uncountedTerminatedPods"):
        status["uncountedTerminatedPods"] = {}


def _is_elastic(spec: Object) -> bool:
    """An indexed Job with equal completions and parallelism may be scaled down, and its counter with it."""
    return spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")


def _resumes(status: Object, present: Object) -> bool:
    return "Suspended" in _true_conditions(present) and any(
        each.get("type") == "Suspended" and each.get("status") == "False" for each in _conditions(status)
    )


def _conditions(status: Object) -> list[Object]:
    return status.get("conditions") or []


def _true_conditions(status: Object) -> set[str]:
    return {each["type"] for each in _conditions(status) if each.get("status") == "True" and "type" in each}


def _keep_larger(status: Object, present: Object, name: str) -> None:
    if present.get(name, 0) > status.get(name, 0):
        status[name] = present[name]


_AVAILABLE = ("replicas", "readyReplicas", "availableReplicas")
_REPLICA_SET = partial(_counters, (_AVAILABLE, ("replicas", "fullyLabeledReplicas")), False)
_DEPLOYMENT = partial(_counters, (_AVAILABLE, ("replicas", "updatedReplicas")), True)
_STATEFUL_SET = partial(
    _counters, (_AVAILABLE, ("replicas", "currentReplicas"), ("replicas", "updatedReplicas")), True
)
_RULES: dict[tuple[str, str], Rule] = {
    ("", "pods"): clamp_pod,
    ("", "replicationcontrollers"): _REPLICA_SET,
    ("", "services"): _service,
    ("apps", "daemonsets"): partial(_counters, (), True),
    ("apps", "deployments"): _DEPLOYMENT,
    ("apps", "replicasets"): _REPLICA_SET,
    ("apps", "statefulsets"): _STATEFUL_SET,
    ("batch", "jobs"): _job,
}
_ASK_FOR_SPEC = frozenset({("", "pods"), ("", "services"), ("batch", "jobs")})
