"""The row of a pod: how many containers are ready, one word for its state, restarts.

The word is found as kube-apiserver finds it: an init container that is not done, then the last container that waits or ended,
``Completed`` unless something still runs, ``Terminating`` while it is being deleted. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.instants import age, moment
from tmc_syncer.controlplane.types.tables.wording import NONE, none

__all__ = ["pod_cells", "pod_conditions"]

Object = dict[str, Any]

UNREACHABLE = "NodeLost"
GATED = "SchedulingGated"
ENDED = ("Succeeded", "Failed")


@dataclass
class _Count:
    """What is counted over containers."""

    ready: int = 0
    restarts: int = 0
    last: str = ""

    def add(self, status: Object) -> None:
        """The restarts of one container, and when the last one was."""
        self.restarts += status.get("restartCount", 0)
        finished = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if finished and (not self.last or moment(self.last) < moment(finished)):
            self.last = finished


def pod_cells(obj: Object, now: datetime) -> list[Any]:
    """Name, ready, status, restarts, age; address, node, nominated node, readiness gates."""
    spec, status, metadata = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]
    sidecars = {
        container.get("name")
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }
    total = len(spec.get("containers") or ()) + len(sidecars)
    count = _Count()
    word, is_initializing, kept = _initial(spec, status, sidecars, count)
    if not is_initializing or _is_true(status, "Initialized"):
        kept.ready = count.ready
        count = kept
        word = _running(status, word, count)
    if "deletionTimestamp" in metadata:
        if status.get("reason") == UNREACHABLE:
            word = "Unknown"
        elif status.get("phase") not in ENDED:
            word = "Terminating"
    restarts = str(count.restarts)
    if count.restarts and count.last:
        restarts = f"{count.restarts} ({age(count.last, now)} ago)"
    created = age(metadata.get("creationTimestamp"), now)
    addresses = status.get("podIPs") or [{}]
    return [
        metadata.get("name", ""),
        f"{count.ready}/{total}",
        word,
        restarts,
        created,
        none(addresses[0].get("ip")),
        none(spec.get("nodeName")),
        none(status.get("nominatedNodeName")),
        _gates(spec, status),
    ]


def _initial(spec: Object, status: Object, sidecars: set[Any], count: _Count) -> tuple[str, bool, _Count]:
    """The word as far as init containers tell, whether they are under way, and the restarts of sidecars alone."""
    word = status.get("reason") or status.get("phase") or ""
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == GATED:
            word = GATED
    kept = _Count()
    for number, entry in enumerate(status.get("initContainerStatuses") or ()):
        is_sidecar = entry.get("name") in sidecars
        count.add(entry)
        if is_sidecar:
            kept.add(entry)
        state = entry.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if terminated is not None and terminated.get("exitCode", 0) == 0:
            continue
        if is_sidecar and entry.get("started"):
            count.ready += 1 if entry.get("ready") else 0
            continue
        if terminated is not None:
            word = f"Init:{_ended(terminated)}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            word = f"Init:{waiting['reason']}"
        else:
            word = f"Init:{number}/{len(spec.get('initContainers') or ())}"
        return word, True, kept
    return word, False, kept


def _ended(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _running(status: Object, word: str, count: _Count) -> str:
    has_running, failed = False, ""
    for entry in reversed(status.get("containerStatuses") or ()):
        count.add(entry)
        state = entry.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting") or {}
        if waiting.get("reason"):
            word = waiting["reason"]
        elif terminated is not None:
            word = _ended(terminated)
            if terminated.get("exitCode", 0) != 0:
                failed = word
        elif entry.get("ready") and "running" in state:
            has_running = True
            count.ready += 1
    if word == "Completed":
        if has_running and _is_true(status, "Ready"):
            return "Running"
        return failed or ("NotReady" if has_running else word)
    return word


def _is_true(status: Object, kind: str) -> bool:
    for condition in status.get("conditions") or ():
        if condition.get("type") == kind:
            return bool(condition.get("status") == "True")
    return False


def _gates(spec: Object, status: Object) -> str:
    gates = spec.get("readinessGates")
    if not gates:
        return NONE
    return f"{sum(_is_true(status, gate.get('conditionType', '')) for gate in gates)}/{len(gates)}"


def pod_conditions(obj: Object) -> list[Object]:
    """The condition of the row of a pod that is done."""
    phase = (obj.get("status") or {}).get("phase")
    messages = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
    if phase not in messages:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": messages[phase]}]
