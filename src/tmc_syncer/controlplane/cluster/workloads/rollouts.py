"""The arithmetic of a Deployment's rollout: how many pods each ReplicaSet should have next.

`new_size` is how far the new ReplicaSet may grow, `shrink_unhealthy` and `shrink_old` how far the old ones must shrink while enough
pods stay available, `proportional` how a change of scale in the middle of a rollout is shared between all of them. Each
returns sizes; nothing is written here. Source: ``pkg/controller/deployment/{rolling,sync}.go`` and ``util``. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tmc_syncer.controlplane.cluster.objects.amounts import scaled

__all__ = [
    "DESIRED",
    "MAX",
    "actual",
    "is_saturated",
    "max_surge",
    "max_unavailable",
    "new_size",
    "proportional",
    "replica_annotations",
    "shrink_old",
    "shrink_unhealthy",
    "size",
    "wanted",
]

Object = dict[str, Any]
Sizes = dict[str, int]
"""Replicas by the name of a ReplicaSet."""

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"


def wanted(deployment: Object) -> int:
    """The replicas that a Deployment asks for."""
    return int(deployment["spec"].get("replicas", 1))


def size(replica_set: Object) -> int:
    """The replicas that a ReplicaSet is told to have."""
    return int(replica_set["spec"].get("replicas", 1))


def actual(replica_set: Object, counter: str = "replicas") -> int:
    """A counter of the status, 0 when it is not there."""
    return int((replica_set.get("status") or {}).get(counter) or 0)


def is_rolling(deployment: Object) -> bool:
    """Whether it replaces its pods step by step."""
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def _fences(deployment: Object) -> tuple[int, int]:
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    total = wanted(deployment)
    surge = scaled(rolling.get("maxSurge"), total, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), total, round_up=False)
    # Both may round to nothing; then one pod may be missing, or the rollout could not move.
    return surge, unavailable if surge or unavailable else 1


def max_surge(deployment: Object) -> int:
    """How many pods more than wanted there may be."""
    return _fences(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many of the wanted pods may be unavailable."""
    if not is_rolling(deployment) or not wanted(deployment):
        return 0
    return min(_fences(deployment)[1], wanted(deployment))


def replica_annotations(deployment: Object) -> dict[str, str]:
    """What a ReplicaSet remembers of the scale that it was sized for."""
    total = wanted(deployment)
    return {DESIRED: str(total), MAX: str(total + max_surge(deployment))}


def new_size(deployment: Object, all_sets: Sequence[Object], current: int) -> int:
    """How many pods the new ReplicaSet, which has `current`, may have now."""
    total = wanted(deployment)
    if not is_rolling(deployment):
        return total
    room = total + max_surge(deployment) - sum(size(replica_set) for replica_set in all_sets)
    return current if room <= 0 else current + min(room, total - current)


def shrink_unhealthy(old: Sequence[Object], at_most: int) -> Sizes:
    """Sizes of old sets (oldest first) without up to `at_most` of their pods that are not available anyway."""
    sizes: Sizes = {}
    for replica_set in old:
        if at_most <= 0:
            break
        unhealthy = min(at_most, size(replica_set) - actual(replica_set, "availableReplicas"))
        if size(replica_set) and unhealthy > 0:
            sizes[replica_set["metadata"]["name"]] = size(replica_set) - unhealthy
            at_most -= unhealthy
    return sizes


def shrink_old(old: Sequence[Object], sizes: Mapping[str, int], at_most: int) -> Sizes:
    """Sizes of old sets (oldest first) without `at_most` of their pods; `sizes` are those that have shrunk already."""
    shrunk: Sizes = {}
    for replica_set in old:
        if at_most <= 0:
            break
        name = replica_set["metadata"]["name"]
        present = sizes.get(name, size(replica_set))
        if present:
            fewer = min(present, at_most)
            shrunk[name] = present - fewer
            at_most -= fewer
    return shrunk


def is_saturated(deployment: Object, replica_set: Object | None) -> bool:
    """Whether the new ReplicaSet has all pods, all available, and knows the present scale."""
    if replica_set is None:
        return False
    total = wanted(deployment)
    known = (replica_set["metadata"].get("annotations") or {}).get(DESIRED)
    return (
        size(replica_set) == total
        and known == str(total)
        and actual(replica_set, "availableReplicas") == total
    )


def proportional(deployment: Object, active: Sequence[Object]) -> Sizes:
    """Sizes of the active sets for a new scale, each by its share; what rounding leaves goes to the first.

    `active` comes sorted: the largest first, of equal ones the newest when growing, the oldest when shrinking.
    """
    total = wanted(deployment)
    allowed = total + max_surge(deployment) if total > 0 else 0
    to_add = allowed - sum(size(replica_set) for replica_set in active)
    added = 0
    sizes: Sizes = {}
    for replica_set in active:
        share = 0
        if to_add and to_add != added and size(replica_set):
            fraction = _fraction(deployment, replica_set)
            rest = to_add - added
            share = min(fraction, rest) if to_add > 0 else max(fraction, rest)
        sizes[replica_set["metadata"]["name"]] = size(replica_set) + share
        added += share
    if active and to_add:
        first = active[0]["metadata"]["name"]
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _fraction(deployment: Object, replica_set: Object) -> int:
    total = wanted(deployment)
    if total == 0:
        return -size(replica_set)
    before = (replica_set["metadata"].get("annotations") or {}).get(MAX, "")
    base = int(before) if before.isdigit() and int(before) else actual(deployment)
    if not base:
        return 0
    exact = size(replica_set) * (total + max_surge(deployment)) / base
    return math.floor(exact + 0.5) - size(replica_set)
