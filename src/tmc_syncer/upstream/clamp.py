"""Clamping: what has to change in a status so that a validating API server accepts it.

A real kube-apiserver validates status of built-in kinds as if one cluster's controllers wrote it: some values
may not go down, some may not change once set, a finished Job or Pod stays finished. A copy that was re-created
downstream breaks these rules quite legally. Each rule below was refused with 422 without it (docs/semantics).

Pure; `status` is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.api.resources import GVR

__all__ = ["clamp", "is_finished"]

Status = dict[str, Any]
_FINISHED_POD = frozenset({"Succeeded", "Failed"})
_FINISHED_JOB = frozenset({"Complete", "Failed"})


def clamp(gvr: GVR, status: Status, present: Status) -> None:
    """Make `status` acceptable after `present`, the status that upstream has now."""
    rule = _RULES.get((gvr.group, gvr.resource))
    if rule is not None:
        rule(status, present)


def is_finished(gvr: GVR, status: Status) -> bool:
    """Whether a Job is Complete or Failed, or a Pod Succeeded or Failed; False for every other kind."""
    match gvr.group, gvr.resource:
        case "", "pods":
            return status.get("phase") in _FINISHED_POD
        case "batch", "jobs":
            return any(
                condition.get("type") in _FINISHED_JOB and condition.get("status") == "True"
                for condition in status.get("conditions") or ()
            )
        case _:
            return False


def _freeze(status: Status, present: Status) -> None:
    status.clear()
    status.update(present)


def _pod(status: Status, present: Status) -> None:
    if present.get("phase") in _FINISHED_POD:
        _freeze(status, present)
        return
    if present.get("qosClass"):
        status["qosClass"] = present["qosClass"]  # immutable once set
    if status.get("podIPs"):
        status["podIPs"] = _one_per_family(status["podIPs"])


def _one_per_family(addresses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[bool, dict[str, Any]] = {}
    for address in addresses:
        found.setdefault(":" in address.get("ip", ""), address)
    return list(found.values())


def _deployment(status: Status, present: Status) -> None:
    _keep_larger(status, present, "collisionCount")
    _bounded_by_replicas(status)


def _stateful_set(status: Status, present: Status) -> None:
    _keep_larger(status, present, "collisionCount")
    _bounded_by_replicas(status)


def _job(status: Status, present: Status) -> None:
    if is_finished(GVR("batch", "v1", "jobs"), present):
        _freeze(status, present)
        return
    for counter in ("succeeded", "failed"):
        _keep_larger(status, present, counter)
    if present.get("startTime"):
        status["startTime"] = present["startTime"]


def _keep_larger(status: Status, present: Status, name: str) -> None:
    if present.get(name, 0) > status.get(name, 0):
        status[name] = present[name]


def _bounded_by_replicas(status: Status) -> None:
    replicas = status.get("replicas", 0)
    for counter in ("readyReplicas", "availableReplicas", "updatedReplicas"):
        if status.get(counter, 0) > replicas:
            status[counter] = replicas


_RULES: dict[tuple[str, str], Callable[[Status, Status], None]] = {
    ("", "pods"): _pod,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): lambda status, _present: _bounded_by_replicas(status),
    ("apps", "statefulsets"): _stateful_set,
    ("batch", "jobs"): _job,
}
