"""Taints and tolerations, node selectors and affinities: may this pod be on that node, as far as labels and taints say.

`untolerated` finds the first taint that a pod does not tolerate; `fits_selector` reads ``nodeSelector`` and the required node
affinity, with ``metadata.name`` as the only field. Used by the scheduler and by the DaemonSet controller. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tmc_syncer.controlplane.cluster.objects.selection import contains, terms_match

__all__ = ["fits_selector", "tolerates", "untolerated"]

Object = dict[str, Any]


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether the toleration is for this taint."""
    effect = toleration.get("effect") or ""
    if effect and effect != taint.get("effect"):
        return False
    key = toleration.get("key") or ""
    if key and key != taint.get("key"):
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    value, wanted = taint.get("value") or "", toleration.get("value") or ""
    if operator == "Equal":
        return bool(key) and bool(value == wanted)
    try:
        present, bound = int(value), int(wanted)
    except ValueError:
        return False
    return present > bound if operator == "Gt" else present < bound if operator == "Lt" else False


def untolerated(
    taints: Iterable[Object], tolerations: Collection[Object], effects: Collection[str]
) -> Object | None:
    """The first taint of these effects that is not tolerated."""
    for taint in taints:
        if taint.get("effect") in effects and not any(tolerates(one, taint) for one in tolerations):
            return taint
    return None


def fits_selector(spec: Object, node: Object) -> bool:
    """Whether a pod's node selector and required node affinity choose the node."""
    labels = node["metadata"].get("labels") or {}
    if not contains(spec.get("nodeSelector") or {}, labels):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    fields = {"metadata.name": node["metadata"]["name"]}
    return terms_match(required.get("nodeSelectorTerms") or (), labels, fields)
