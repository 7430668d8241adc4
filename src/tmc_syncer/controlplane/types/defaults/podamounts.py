"""What a pod asks for as a whole, filled in from its containers: only where the pod names amounts of its own.

Limits of huge pages are those of the containers together; requests are those of the containers together, or else the limit.
Containers run side by side, init containers one after the other (those that restart go on beside the rest), so that a pod
needs the larger of the two. Source: ``defaultHugePagePodLimits``, ``defaultPodRequests``, ``AggregateContainerRequests``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.quantities import nanos, written

__all__ = ["default_pod_amounts", "together"]

Object = dict[str, Any]

OVERCOMMITTED = ("cpu", "memory")
HUGE_PAGES = "hugepages-"


def default_pod_amounts(spec: Object) -> None:
    """Fill in the limits and requests of a whole pod."""
    resources = spec.get("resources")
    if not resources or not (resources.get("limits") or resources.get("requests")):
        return
    limits, requests = dict(resources.get("limits") or {}), dict(resources.get("requests") or {})
    for name, amount in together(spec, "limits").items():
        if name.startswith(HUGE_PAGES) and name not in requests:
            limits.setdefault(name, amount)
    if limits:
        resources["limits"] = limits
        for name, amount in together(spec, "requests").items():
            if name in OVERCOMMITTED:
                requests.setdefault(name, amount)
        for name, amount in limits.items():
            if name in OVERCOMMITTED or name.startswith(HUGE_PAGES):
                requests.setdefault(name, amount)
    if requests:
        resources["requests"] = requests


def together(spec: Object, field: str) -> dict[str, str]:
    """The limits or the requests of all containers of a pod together."""
    total: dict[str, str] = {}
    for container in spec.get("containers") or ():
        total = _sum(total, container["resources"].get(field))
    lasting: dict[str, str] = {}
    peak: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        wanted = container["resources"].get(field)
        if container.get("restartPolicy") == "Always":
            total, lasting = _sum(total, wanted), _sum(lasting, wanted)
            peak = _larger(peak, lasting)
        else:
            peak = _larger(peak, _sum(lasting, wanted))
    return _larger(total, peak)


def _sum(one: dict[str, str], other: dict[str, str] | None) -> dict[str, str]:
    made = dict(one)
    for name, amount in (other or {}).items():
        known = made.get(name)
        made[name] = amount if known is None else written(nanos(known) + nanos(amount), known)
    return made


def _larger(one: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    made = dict(one)
    for name, amount in other.items():
        if name not in made or nanos(amount) > nanos(made[name]):
            made[name] = amount
    return made
