"""Which nodes a DaemonSet's pods belong on, and which of them are to be made and deleted.

`placement` says whether a node should run the pod, and may keep it; `manage` plans one pod on each such node; `replace` plans the
next step of a rolling update, within ``maxUnavailable`` or ``maxSurge``. Plans name nodes to make pods for and pods to
delete. A pod's node is the one it runs on or, before the scheduler bound it, the one its affinity names. Source:
``pkg/controller/daemon``. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.amounts import scaled
from tmc_syncer.controlplane.cluster.objects.tolerance import fits_selector, untolerated
from tmc_syncer.controlplane.cluster.workloads.revisions import REVISION_LABEL

__all__ = ["Fleet", "Plan", "by_age", "is_updated", "placement", "pod_spec", "target_node"]

Object = dict[str, Any]

NO_EXECUTE, NO_SCHEDULE = "NoExecute", "NoSchedule"

_TOLERATIONS = (
    ("node.kubernetes.io/not-ready", NO_EXECUTE),
    ("node.kubernetes.io/unreachable", NO_EXECUTE),
    ("node.kubernetes.io/disk-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/memory-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/pid-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/unschedulable", NO_SCHEDULE),
)
_NETWORK = ("node.kubernetes.io/network-unavailable", NO_SCHEDULE)


def pod_spec(spec: Object) -> Object:
    """The spec of a template with the tolerations that every daemon has."""
    wanted = [*_TOLERATIONS, *([_NETWORK] if spec.get("hostNetwork") else [])]
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    own = [one for one in spec.get("tolerations") or () if one not in added]
    return {**spec, "tolerations": [*own, *added]}


def pinned(spec: Object, node: str) -> Object:
    """The spec that the scheduler can put on this node only."""
    terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]
    affinity = dict(spec.get("affinity") or {})
    on_node = dict(affinity.get("nodeAffinity") or {})
    on_node["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": terms}
    return {**spec, "affinity": {**affinity, "nodeAffinity": on_node}}


def target_node(pod: Object) -> str:
    """The node that a daemon's pod is for, empty when that cannot be told."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    on_node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = on_node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for match in term.get("matchFields") or ():
            if match.get("key") == "metadata.name" and match.get("operator") == "In":
                values: list[str] = match.get("values") or []
                return values[0] if len(values) == 1 else ""
    return ""


def placement(owner: Object, node: Object) -> tuple[bool, bool]:
    """Whether the node should run a pod, and whether it may go on running one."""
    spec = pod_spec(owner["spec"]["template"]["spec"])
    if spec.get("nodeName") not in (None, "", node["metadata"]["name"]) or not fits_selector(spec, node):
        return False, False
    taints = (node.get("spec") or {}).get("taints") or ()
    if untolerated(taints, spec["tolerations"], (NO_EXECUTE, NO_SCHEDULE)) is None:
        return True, True
    return False, untolerated(taints, spec["tolerations"], (NO_EXECUTE,)) is None


def is_updated(pod: Object, digest: str, generation: str) -> bool:
    """Whether the pod is of the present template."""
    labels = pod["metadata"].get("labels") or {}
    by_hash = bool(digest) and labels.get(REVISION_LABEL) == digest
    return by_hash or (bool(generation) and labels.get("pod-template-generation") == generation)


def by_age(found: Sequence[Object]) -> list[Object]:
    """Bound pods first, then the oldest."""
    return sorted(
        found,
        key=lambda pod: (not pod["spec"].get("nodeName"), pods.created(pod), pod["metadata"]["name"]),
    )


@dataclass(slots=True)
class Plan:
    """Nodes that need a pod, pods to delete (with an Event's reason for those that ended), failed pods that must wait."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    ended: list[Object] = field(default_factory=list)


@dataclass(slots=True)
class Fleet:
    """One DaemonSet and its pods by node. `digest` and `generation` tell pods of the present template."""

    owner: Object
    nodes: Sequence[Object]
    on_node: Mapping[str, list[Object]]
    digest: str
    generation: str
    now: datetime

    @property
    def _delay(self) -> int:
        return int(self.owner["spec"].get("minReadySeconds", 0))

    def available(self, pod: Object) -> bool:
        """Whether a pod has been ready for long enough."""
        return pods.available(pod, self._delay, self.now)

    def updated(self, pod: Object) -> bool:
        """Whether a pod is of the present template."""
        return is_updated(pod, self.digest, self.generation)

    def _limits(self) -> tuple[int, int]:
        """How many more pods there may be than nodes, and how many nodes may be without."""
        strategy = self.owner["spec"].get("updateStrategy") or {}
        if strategy.get("type", "RollingUpdate") != "RollingUpdate":
            return 0, 0
        rolling = strategy.get("rollingUpdate") or {}
        wanted = sum(placement(self.owner, node)[0] for node in self.nodes)
        surge = scaled(rolling.get("maxSurge"), wanted, round_up=True)
        missing = scaled(rolling.get("maxUnavailable"), wanted, round_up=True)
        return surge, missing if surge or missing or not wanted else 1

    def _surges(self) -> bool:
        strategy = self.owner["spec"].get("updateStrategy") or {}
        rolling = strategy.get("rollingUpdate") or {}
        return scaled(rolling.get("maxSurge"), 1, round_up=True) > 0

    # One pod on each node

    def manage(self) -> Plan:
        """What is missing and what is too much."""
        plan = Plan()
        for node in self.nodes:
            name = node["metadata"]["name"]
            should, may_stay = placement(self.owner, node)
            present = self.on_node.get(name)
            if should and not present:
                plan.create.append(name)
            elif may_stay:
                self._tidy(plan, name, present or [], should=should)
            elif present:
                plan.delete += [pod for pod in present if "deletionTimestamp" not in pod["metadata"]]
        known = {node["metadata"]["name"] for node in self.nodes}
        for name, present in self.on_node.items():
            if name not in known:
                plan.delete += [pod for pod in present if not pod["spec"].get("nodeName")]
        return plan

    def _tidy(self, plan: Plan, node: str, present: list[Object], *, should: bool) -> None:
        standing = [pod for pod in present if "deletionTimestamp" not in pod["metadata"]]
        plan.ended += [pod for pod in standing if pods.terminal(pod)]
        running = by_age([pod for pod in standing if not pods.terminal(pod)])
        if not self._surges():
            plan.delete += running[1:]
        elif not running and should:
            plan.create.append(node)
        elif len(running) > 1:
            new = [pod for pod in running if self._has_digest(pod)]
            old = [pod for pod in running if not self._has_digest(pod)]
            plan.delete += [*new[1:], *old[1:]]
            if new and old and (not pods.ready(old[0]) or self.available(new[0])):
                plan.delete.append(old[0])

    def _has_digest(self, pod: Object) -> bool:
        return bool((pod["metadata"].get("labels") or {}).get(REVISION_LABEL) == self.digest)

    # Rolling update

    def replace(self) -> Plan:
        """The next pods to be replaced by those of the present template."""
        surge, missing = self._limits()
        return self._by_surge(surge) if surge else self._by_gaps(missing)

    def _pairs(self) -> list[tuple[str, list[Object], list[Object]]]:
        wanted = [n["metadata"]["name"] for n in self.nodes if placement(self.owner, n)[0]]
        names = dict.fromkeys([*wanted, *self.on_node])
        found = []
        for name in names:
            standing = [p for p in self.on_node.get(name, ()) if "deletionTimestamp" not in p["metadata"]]
            new = [pod for pod in standing if self.updated(pod)]
            found.append((name, new, [pod for pod in standing if not self.updated(pod)]))
        return found

    def _by_gaps(self, missing: int) -> Plan:
        """Delete old pods as long as not too many nodes are without an available one."""
        plan, candidates, unavailable = Plan(), [], 0
        for _, new, old in self._pairs():
            if len(new) > 1 or len(old) > 1 or bool(new) == bool(old):
                unavailable += 1
            elif new:
                unavailable += not self.available(new[0])
            elif not self.available(old[0]):
                plan.delete.append(old[0])
                unavailable += 1
            elif unavailable < missing:
                candidates.append(old[0])
        plan.delete += candidates[: max(0, missing - unavailable)]
        return plan

    def _by_surge(self, surge: int) -> Plan:
        """Make new pods beside old ones; an old one goes when its new one is available."""
        plan, candidates, surging = Plan(), [], 0
        nodes = {node["metadata"]["name"]: node for node in self.nodes}
        for name, new, old in self._pairs():
            if len(new) > 1 or len(old) > 1:
                surging += 1
            elif old and new:
                if self.available(new[0]):
                    plan.delete.append(old[0])
                else:
                    surging += 1
            elif old:
                node = nodes.get(name)
                if node is None or not placement(self.owner, node)[0]:
                    plan.delete.append(old[0])
                elif not self.available(old[0]):
                    plan.create.append(name)
                elif surging < surge:
                    candidates.append(name)
        plan.create += candidates[: max(0, surge - surging)]
        return plan
