"""The status of a pod, from those of its containers: phase and conditions, by the kubelet's rules.

`phase_of` is ``getPhase`` of ``pkg/kubelet/kubelet_pods.go``, `conditions_of` is ``pkg/kubelet/status/generate.go``: Initialized, Ready,
ContainersReady, PodReadyToStartContainers and PodScheduled with their reasons and messages. Conditions of others (readiness
gates, disruption targets) stay. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tmc_syncer.controlplane.cluster.kubelet.containers import exit_code, state_of
from tmc_syncer.controlplane.cluster.objects import conditions

__all__ = ["conditions_of", "is_sidecar", "phase_of", "restarts"]

Object = dict[str, Any]
Statuses = Mapping[str, Object]


def is_sidecar(container: Object) -> bool:
    """Whether an init container stays."""
    return bool(container.get("restartPolicy") == "Always")


def restarts(spec: Object, container: Object, code: int) -> bool:
    """Whether a container that ended with this code is started again."""
    policy = container.get("restartPolicy") or spec.get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def phase_of(spec: Object, statuses: Statuses, *, ending: bool) -> str:
    """The phase. `ending`: the pod is being deleted, nothing is restarted any more."""
    inits = spec.get("initContainers") or ()
    regular = [container for container in inits if not is_sidecar(container)]
    for container in regular:
        code = exit_code(statuses.get(container["name"]) or {})
        if code > 0 and not restarts(spec, container, code):
            return "Failed"
    pending = any(not _is_done(statuses.get(container["name"])) for container in regular)
    sidecars = [statuses.get(container["name"]) for container in inits if is_sidecar(container)]
    mains = [(container, statuses.get(container["name"])) for container in spec["containers"]]
    unstarted = any(_never_ran(status) for status in sidecars) or any(_never_ran(s) for _, s in mains)
    if pending or unstarted:
        return "Pending"
    if any(state_of(status) == "running" for _, status in mains) or (
        not ending and any(state_of(status) == "running" for status in sidecars)
    ):
        return "Running"
    codes = [exit_code(status or {}) for _, status in mains]
    again = any(restarts(spec, c, code) for (c, _), code in zip(mains, codes, strict=True))
    if again and not ending:
        return "Running"
    return "Succeeded" if all(code == 0 for code in codes) else "Failed"


def _is_done(status: Object | None) -> bool:
    return status is not None and state_of(status) == "terminated"


def _never_ran(status: Object | None) -> bool:
    """Waiting for its first start."""
    return state_of(status) not in ("running", "terminated") and exit_code(status or {}) < 0


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    made: Object = {"type": kind, "status": status}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def _listed(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"


def _containers_ready(spec: Object, statuses: Statuses, phase: str) -> Object:
    if phase in ("Succeeded", "Failed"):
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return _condition("ContainersReady", "False", reason)
    lasting = [container for container in spec.get("initContainers") or () if is_sidecar(container)]
    names = [container["name"] for container in [*lasting, *spec["containers"]]]
    unready = [name for name in names if not (statuses.get(name) or {}).get("ready")]
    if not unready:
        return _condition("ContainersReady", "True")
    message = f"containers with unready status: {_listed(unready)}"
    return _condition("ContainersReady", "False", "ContainersNotReady", message)


def _ready(spec: Object, present: Sequence[Object], containers: Object) -> Object:
    if containers["status"] != "True":
        return {**containers, "type": "Ready"}
    faults = []
    for gate in spec.get("readinessGates") or ():
        kind = gate["conditionType"]
        found = conditions.find(present, kind)
        if found is None:
            faults.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif found["status"] != "True":
            faults.append(f'the status of pod readiness gate "{kind}" is not "True", but {found["status"]}')
    if faults:
        return _condition("Ready", "False", "ReadinessGatesNotReady", ", ".join(faults))
    return _condition("Ready", "True")


def _initialized(spec: Object, statuses: Statuses, phase: str) -> Object:
    if phase == "Succeeded":
        return _condition("Initialized", "True", "PodCompleted")
    if any(not _never_ran(statuses.get(container["name"])) for container in spec["containers"]):
        return _condition("Initialized", "True")
    incomplete = []
    for container in spec.get("initContainers") or ():
        status = statuses.get(container["name"]) or {}
        if not status.get("started" if is_sidecar(container) else "ready"):
            incomplete.append(container["name"])
    if not incomplete:
        return _condition("Initialized", "True")
    message = f"containers with incomplete status: {_listed(incomplete)}"
    return _condition("Initialized", "False", "ContainersNotInitialized", message)


def conditions_of(pod: Object, statuses: Statuses, phase: str, now: str) -> list[Object]:
    """The pod's conditions, those that others wrote included."""
    spec = pod["spec"]
    present: list[Object] = (pod.get("status") or {}).get("conditions") or []
    containers = _containers_ready(spec, statuses, phase)
    has_sandbox = any(not _never_ran(status) for status in statuses.values())
    ended = phase in ("Succeeded", "Failed")
    made = [
        _condition("PodReadyToStartContainers", "True" if has_sandbox and not ended else "False"),
        _initialized(spec, statuses, phase),
        _ready(spec, present, containers),
        containers,
        _condition("PodScheduled", "True"),
    ]
    generation = pod["metadata"].get("generation")
    kinds = {condition["type"] for condition in made}
    found = []
    for condition in made:
        if generation:
            condition["observedGeneration"] = generation
        old = conditions.find(present, condition["type"])
        changed = old is None or old.get("status") != condition["status"]
        since = now if old is None or changed else old.get("lastTransitionTime", now)
        found.append({**condition, "lastProbeTime": None, "lastTransitionTime": since})
    return [*found, *(condition for condition in present if condition["type"] not in kinds)]
