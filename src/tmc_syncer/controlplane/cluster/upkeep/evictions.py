"""Evictions: a delete of a pod that its disruption budget has to allow.

`evict` decides and does it, with the answers of kube-apiserver: 429 with the cause DisruptionBudget while the budget allows none, 500 when several
budgets select the pod. A pod that is not running, or not ready while the budget is met, is no disruption. What was granted is
noted in the budget's status, so that two evictions cannot both use the last place. Source: ``registry/core/pod/storage/eviction.go``.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.objects.selection import matches
from tmc_syncer.controlplane.cluster.runtime.client import Object
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.upkeep.disruptions import BUDGETS
from tmc_syncer.controlplane.cluster.workloads.names import PODS
from tmc_syncer.controlplane.server.errors import ApiError, bad_request, forbidden

__all__ = ["evict"]

MANAGER = "kube-apiserver"
LARGEST = 2000
"""Evictions that a budget notes at most."""

REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


class _Budgets:
    group, resource, kind = "policy", "poddisruptionbudget", "PodDisruptionBudget"


def evict(world: World, pod: Object, eviction: Object, *, dry_run: bool = False) -> None:
    """Delete the pod if its budget allows. Raises `ApiError`."""
    name = pod["metadata"]["name"]
    if (eviction.get("metadata") or {}).get("name", name) != name:
        raise bad_request("name in URL does not match name in Eviction object")
    ignores = pods.phase(pod) in ("Succeeded", "Failed", "Pending") or "deletionTimestamp" in pod["metadata"]
    if not ignores:
        _ask_budget(world, pod, dry_run=dry_run)
    if not dry_run:
        _delete(world, pod, eviction.get("deleteOptions") or {})


def _ask_budget(world: World, pod: Object, *, dry_run: bool) -> None:
    labels = pod["metadata"].get("labels")
    found = [
        budget
        for budget in world.client.list(BUDGETS, pod["metadata"]["namespace"])
        if matches(budget["spec"].get("selector"), labels)
    ]
    if len(found) > 1:
        message = (
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
        raise ApiError(500, "", message)
    if not found:
        return
    budget = found[0]
    status = budget.get("status") or {}
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if not pods.ready(pod):
        always = budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or (healthy >= desired > 0):
            return
    _check(budget, status)
    if not dry_run:
        granted = _granted(status, pod["metadata"]["name"], world.stamp())
        world.set_status(BUDGETS, budget, granted, MANAGER)


def _check(budget: Object, status: Object) -> None:
    name = budget["metadata"]["name"]
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", 10)
    if len(status.get("disruptedPods") or ()) > LARGEST:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden(_Budgets, name, why)
    if status.get("disruptionsAllowed", 0) > 0:
        return
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    condition = conditions.find(status.get("conditions"), "DisruptionAllowed") or {}
    if condition.get("reason") == "SyncFailed" and condition.get("message"):
        why = f"does not allow evicting pods currently because it failed sync: {condition['message']}"
    elif healthy <= desired:
        why = f"needs {desired} healthy pods and has {healthy} currently"
    else:
        why = "does not allow evicting pods currently"
    raise _refused(f"The disruption budget {name} {why}", 0)


def _refused(why: str, seconds: int) -> ApiError:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if seconds:
        details["retryAfterSeconds"] = seconds
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return ApiError(429, "TooManyRequests", REFUSED, details=details, headers=headers)


def _granted(status: Object, pod: str, now: str) -> Object:
    left = status["disruptionsAllowed"] - 1
    made = {**status, "disruptionsAllowed": left}
    made["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod: now}
    known = conditions.find(status.get("conditions"), "DisruptionAllowed")
    if left == 0 and known is not None:
        condition = {**known, "status": "False", "reason": "InsufficientPods", "lastTransitionTime": now}
        made["conditions"] = conditions.put(status["conditions"], condition)
    return made


def _delete(world: World, pod: Object, options: Object) -> None:
    status = pod.get("status") or {}
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": world.stamp(),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    if not pods.terminal(pod):
        marked = {**status, "conditions": conditions.merged(status.get("conditions"), condition)}
        world.set_status(PODS, pod, marked, MANAGER)
    world.delete(
        PODS,
        pod,
        propagation=options.get("propagationPolicy") or "Background",
        grace_seconds=options.get("gracePeriodSeconds"),
    )
