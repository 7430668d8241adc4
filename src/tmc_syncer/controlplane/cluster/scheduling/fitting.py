"""Whether a pod fits on a node, and how well: filters and scores of a scheduler, each as a small function in a table.

The filters run in the order of the real one and the first that fails gives the reasons, in its words: unschedulable node, node name,
taints, node selector and affinity, host ports, resources, spread and pod affinity. Scores prefer the emptier node, then the one with
fewer pods of the same kind; equal ones are told apart by the caller. Source: ``pkg/scheduler/framework/plugins``. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.objects.tolerance import fits_selector, tolerates, untolerated
from tmc_syncer.controlplane.cluster.scheduling.affinity import Topology, affinity_faults, is_shy
from tmc_syncer.controlplane.cluster.scheduling.resources import Amounts, amounts, fits, requests_of

__all__ = ["Place", "failure_message", "faults", "score"]

Object = dict[str, Any]

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class Place:
    """A node with what runs on it, by uid. `free` is what is left of its allocatable resources."""

    def __init__(self, node: Object) -> None:
        status = node.get("status") or {}
        self.node = node
        self.whole = amounts(status.get("allocatable") or status.get("capacity"))
        self.free: Amounts = Counter(self.whole)
        self.pods: dict[str, Object] = {}
        self.shy: dict[str, Object] = {}
        self.owners: Counter[str] = Counter()

    def is_of(self, node: Object) -> bool:
        """Whether the node is still what this was made of, as far as scheduling goes."""
        return _essence(self.node) == _essence(node)

    def put(self, pod: Object) -> None:
        """A pod is on it."""
        uid = pod["metadata"]["uid"]
        known = self.pods.get(uid)
        if known is not None and known["metadata"].get("generation") == pod["metadata"].get("generation"):
            self.pods[uid] = pod
            return
        self.drop(uid)
        self.pods[uid] = pod
        self.free.subtract(requests_of(pod))
        self.owners[_owner(pod)] += 1
        if is_shy(pod):
            self.shy[uid] = pod

    def drop(self, uid: str) -> None:
        """A pod is not on it any more."""
        pod = self.pods.pop(uid, None)
        self.shy.pop(uid, None)
        if pod is not None:
            self.free.update(requests_of(pod))
            self.owners[_owner(pod)] -= 1


def _essence(node: Object) -> tuple[Any, ...]:
    status = node.get("status") or {}
    return node["metadata"].get("labels"), node.get("spec"), status.get("allocatable"), status.get("capacity")


def _owner(pod: Object) -> str:
    reference = controller_of(pod)
    return "" if reference is None else str(reference["uid"])


Filter = Callable[[Object, Place, Topology], list[str]]


def _schedulable(pod: Object, place: Place, _: Topology) -> list[str]:
    if not (place.node.get("spec") or {}).get("unschedulable"):
        return []
    tolerations = pod["spec"].get("tolerations") or ()
    if any(tolerates(one, UNSCHEDULABLE) for one in tolerations):
        return []
    return ["node(s) were unschedulable"]


def _tainted(pod: Object, place: Place, _: Topology) -> list[str]:
    taints = (place.node.get("spec") or {}).get("taints") or ()
    tolerations = pod["spec"].get("tolerations") or []
    if untolerated(taints, tolerations, ("NoSchedule", "NoExecute")) is None:
        return []
    return ["node(s) had untolerated taint(s)"]


def _selected(pod: Object, place: Place, _: Topology) -> list[str]:
    if fits_selector(pod["spec"], place.node):
        return []
    return ["node(s) didn't match Pod's node affinity/selector"]


def _host_ports(pod: Object) -> set[tuple[str, int]]:
    return {
        (port.get("protocol", "TCP"), port["hostPort"])
        for container in pod["spec"].get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def _ports(pod: Object, place: Place, _: Topology) -> list[str]:
    wanted = _host_ports(pod)
    if not wanted or not any(wanted & _host_ports(other) for other in place.pods.values()):
        return []
    return ["node(s) didn't have free ports for the requested pod ports"]


def _resources(pod: Object, place: Place, _: Topology) -> list[str]:
    missing = fits(requests_of(pod), place.free)
    return ["Too many pods" if name == "pods" else f"Insufficient {name}" for name in missing]


def _affine(pod: Object, place: Place, topology: Topology) -> list[str]:
    return affinity_faults(pod, place.node, topology)


FILTERS: tuple[Filter, ...] = (_schedulable, _tainted, _selected, _ports, _resources, _affine)


def faults(pod: Object, place: Place, topology: Topology) -> list[str]:
    """Why the pod cannot run there, empty when it can."""
    for test in FILTERS:
        if found := test(pod, place, topology):
            return found
    return []


def failure_message(refusals: Sequence[Sequence[str]]) -> str:
    """The sentence for a pod that fits nowhere, from the reasons of each node."""
    counted = Counter(reason for reasons in refusals for reason in reasons)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    total = len(refusals)
    if not total:
        return "no nodes available to schedule pods"
    # Nobody is ever preempted here, which on most clusters is what the real one says, too.
    return (
        f"0/{total} nodes are available: {listed}. no new claims to deallocate, preemption: 0/{total} nodes are "
        f"available: {total} Preemption is not helpful for scheduling."
    )


def score(pod: Object, place: Place) -> tuple[int, int, int]:
    """How good the place is; greater is better."""
    shares = [place.free[name] / place.whole[name] for name in ("cpu", "memory") if place.whole.get(name)]
    owner = _owner(pod)
    # Kubernetes spreads the pods of one owner before it looks at what is free.
    return -place.owners[owner] if owner else 0, round(1000 * sum(shares)), -len(place.pods)
