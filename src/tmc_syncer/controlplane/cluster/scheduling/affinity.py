"""Affinity between pods, and their spread over the topology: what must hold for a pod on a node.

A term selects pods of some namespaces; the pods of one topology value (a host, a zone) stand together. An affinity that the pod itself
would satisfy is fulfilled when nobody else does, or no first pod could ever be placed. Only what is required counts, not what
is preferred. Source: ``pkg/scheduler/framework/plugins/{interpodaffinity,podtopologyspread}``. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.selection import is_empty, matches
from tmc_syncer.controlplane.cluster.objects.tolerance import fits_selector

__all__ = ["Topology", "affinity_faults", "is_shy"]

Object = dict[str, Any]

SPREAD = "node(s) didn't match pod topology spread constraints"
SPREAD_LABEL = f"{SPREAD} (missing required label)"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
THEIR_ANTI_AFFINITY = "node(s) didn't satisfy existing pods anti-affinity rules"

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class Inhabited(Protocol):
    """A node with its pods; `shy` are those that want to be away from others."""

    @property
    def node(self) -> Object: ...
    @property
    def pods(self) -> Mapping[str, Object]: ...
    @property
    def shy(self) -> Mapping[str, Object]: ...


@dataclass(frozen=True, slots=True)
class Topology:
    """All nodes with the pods on them. `namespace_labels` tells the labels of a namespace."""

    places: Sequence[Inhabited]
    namespace_labels: Callable[[str], dict[str, str]]


def is_shy(pod: Object) -> bool:
    """Whether a pod has rules about who may not be near it."""
    return bool(_terms(pod, "podAntiAffinity"))


def _labels(obj: Object) -> dict[str, str]:
    found: dict[str, str] = obj["metadata"].get("labels") or {}
    return found


def _terms(pod: Object, kind: str) -> Sequence[Object]:
    found: Sequence[Object] = ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(REQUIRED) or ()
    return found


def _selects(term: Object, owner: Object, other: Object, topology: Topology) -> bool:
    namespace = other["metadata"]["namespace"]
    named = term.get("namespaces") or ()
    by_labels = term.get("namespaceSelector")
    if by_labels is not None and (
        is_empty(by_labels) or matches(by_labels, topology.namespace_labels(namespace))
    ):
        inside = True
    elif named or by_labels is not None:
        inside = namespace in named
    else:
        inside = namespace == owner["metadata"]["namespace"]
    return inside and matches(term.get("labelSelector"), _labels(other))


def affinity_faults(pod: Object, node: Object, topology: Topology) -> list[str]:
    """The first rule between pods that does not hold on the node."""
    if fault := _spread_fault(pod, node, topology):
        return [fault]
    if not all(_has_company(pod, term, node, topology) for term in _terms(pod, "podAffinity")):
        return [AFFINITY]
    if any(_near(pod, term, node, topology) for term in _terms(pod, "podAntiAffinity")):
        return [ANTI_AFFINITY]
    if _is_unwelcome(pod, node, topology):
        return [THEIR_ANTI_AFFINITY]
    return []


def _same_place(node: Object, other: Object, key: str) -> bool:
    value = _labels(node).get(key)
    return value is not None and _labels(other).get(key) == value


def _near(pod: Object, term: Object, node: Object, topology: Topology) -> bool:
    key = term.get("topologyKey", "")
    return any(
        _selects(term, pod, other, topology)
        for place in topology.places
        if _same_place(node, place.node, key)
        for other in place.pods.values()
    )


def _has_company(pod: Object, term: Object, node: Object, topology: Topology) -> bool:
    if term.get("topologyKey", "") not in _labels(node):
        return False
    if _near(pod, term, node, topology):
        return True
    everybody = (other for place in topology.places for other in place.pods.values())
    alone = not any(_selects(term, pod, other, topology) for other in everybody)
    return alone and _selects(term, pod, pod, topology)


def _is_unwelcome(pod: Object, node: Object, topology: Topology) -> bool:
    for place in topology.places:
        for other in place.shy.values():
            for term in _terms(other, "podAntiAffinity"):
                near = _same_place(node, place.node, term.get("topologyKey", ""))
                if near and _selects(term, other, pod, topology):
                    return True
    return False


def _spread_fault(pod: Object, node: Object, topology: Topology) -> str:
    for constraint in pod["spec"].get("topologySpreadConstraints") or ():
        if constraint.get("whenUnsatisfiable") != "DoNotSchedule":
            continue
        key = constraint["topologyKey"]
        here = _labels(node).get(key)
        if here is None:
            return SPREAD_LABEL
        counts = _counted(pod, constraint, topology)
        least = min(counts.values(), default=0)
        if len(counts) < constraint.get("minDomains", 1):
            least = 0
        own = matches(constraint.get("labelSelector"), _labels(pod))
        if counts.get(here, 0) + own - least > constraint.get("maxSkew", 1):
            return SPREAD
    return ""


def _counted(pod: Object, constraint: Object, topology: Topology) -> dict[str, int]:
    """Pods that count, by the topology values of the nodes that the pod could be on."""
    key = constraint["topologyKey"]
    namespace = pod["metadata"]["namespace"]
    selector = constraint.get("labelSelector")
    counts: Counter[str] = Counter()
    for place in topology.places:
        value = _labels(place.node).get(key)
        if value is None or not fits_selector(pod["spec"], place.node):
            continue
        counts[value] += sum(_counts(other, namespace, selector) for other in place.pods.values())
    return dict(counts)


def _counts(other: Object, namespace: str, selector: Object | None) -> bool:
    return (
        other["metadata"]["namespace"] == namespace
        and pods.active(other)
        and matches(selector, _labels(other))
    )
