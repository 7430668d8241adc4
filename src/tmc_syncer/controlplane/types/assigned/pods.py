"""What a server assigns to pods: QoS class, first status, priority, and tolerations of nodes that are not ready.

Sources: ``pkg/registry/core/pod/strategy.go``, ``qos.ComputePodQOS``, and the admission plugins DefaultTolerationSeconds and
Priority. Service accounts and their token volumes are not simulated here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tmc_syncer.controlplane.server.errors import forbidden
from tmc_syncer.controlplane.types.names import PODS
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.registry import Context, Object

__all__ = ["prepare_pod", "qos_class"]

GRACE_SECONDS = 300
"""How long a pod stays on a node that is not ready or cannot be reached."""

NODE_TROUBLE = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
COMPUTE = ("cpu", "memory")
PREEMPTION = "PreemptLowerPriority"
GATED = "Scheduling is blocked due to non-empty scheduling gates"


def prepare_pod(obj: Object, old: Object | None, context: Context) -> Object:
    """Assign what a new pod, or a changed one, gets."""
    made = {**obj, "spec": dict(obj["spec"])}
    spec = made["spec"]
    _tolerate(spec)
    if old is not None:
        return made
    _prioritize(made, context)
    made["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
    if spec.get("schedulingGates"):
        made["status"]["conditions"] = [
            {
                "type": "PodScheduled",
                "status": "False",
                "lastProbeTime": None,
                "lastTransitionTime": context.now or None,
                "reason": "SchedulingGated",
                "message": GATED,
            }
        ]
    return made


def _tolerate(spec: Object) -> None:
    tolerations = list(spec.get("tolerations") or ())
    for key in NODE_TROUBLE:
        if not any(_covers(toleration, key) for toleration in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": GRACE_SECONDS}
            )
    spec["tolerations"] = tolerations


def _covers(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")


def _prioritize(made: Object, context: Context) -> None:
    spec = made["spec"]
    name = spec.get("priorityClassName")
    priority, preemption = 0, PREEMPTION
    if name:
        found = context.find("priorityclasses.scheduling.k8s.io", name) or _SYSTEM_CLASSES.get(name)
        if found is None:
            raise _forbidden(made, f"no PriorityClass with name {name} was found")
        priority = found.get("value", 0)
        preemption = found.get("preemptionPolicy", PREEMPTION)
    if spec.get("priority") not in (None, priority):
        raise _forbidden(
            made,
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission "
            f"controller computed {priority} from the given PriorityClass name",
        )
    if spec.get("preemptionPolicy") not in (None, preemption):
        raise _forbidden(
            made,
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
            f"priority admission controller computed {preemption} from the given PriorityClass name",
        )
    spec["priority"], spec["preemptionPolicy"] = priority, preemption


_SYSTEM_CLASSES: dict[str, Object] = {
    "system-cluster-critical": {"value": 2000000000},
    "system-node-critical": {"value": 2000001000},
}
"""Priority classes that every server has."""


def _forbidden(made: Object, why: str) -> Exception:
    return forbidden(PODS, made["metadata"].get("name", ""), why)


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by the requests and limits of all containers."""
    if spec.get("resources"):
        return _qos([spec["resources"]])
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return _qos([container.get("resources") or {} for container in containers])


def _qos(resources: list[Object]) -> str:
    requests = _totals(resource.get("requests") for resource in resources)
    limits = _totals(resource.get("limits") for resource in resources)
    if not requests and not limits:
        return "BestEffort"
    is_guaranteed = all(
        all(_amount(resource.get("limits"), name) for name in COMPUTE) for resource in resources
    )
    if is_guaranteed and requests == limits:
        return "Guaranteed"
    return "Burstable"


def _amount(amounts: Object | None, name: str) -> int:
    return nanos((amounts or {}).get(name, "0"))


def _totals(lists: Iterable[Any]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for amounts in lists:
        for name in COMPUTE:
            amount = _amount(amounts, name)
            if amount > 0:
                totals[name] = totals.get(name, 0) + amount
    return totals
