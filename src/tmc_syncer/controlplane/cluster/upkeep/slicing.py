"""How endpoints are shared out over EndpointSlices with as few writes as can be.

`share` is given the wanted endpoints by their ports and the slices that stand, and says which slices to create, to update and to
delete. An endpoint is the same as another when it is of the same pod with the same address. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LARGEST", "Plan", "Shape", "share"]

Object = dict[str, Any]

Shape = tuple[tuple[tuple[str, Any], ...], ...]
"""The ports of a slice, as a key."""

LARGEST = 100
"""Endpoints in a slice."""


@dataclass(slots=True)
class Plan:
    """What to do: ports and endpoints of new slices, slices with their new endpoints, slices that go."""

    create: list[tuple[list[Object], list[Object]]] = field(default_factory=list)
    update: list[tuple[Object, list[Object]]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def _identity(endpoint: Object) -> tuple[Any, ...]:
    target = endpoint.get("targetRef") or {}
    return (tuple(endpoint["addresses"]), target.get("uid"), endpoint.get("hostname"))


def _shape(obj: Object) -> Shape:
    return tuple(tuple(sorted(port.items())) for port in obj.get("ports") or ())


def share(
    wanted: Mapping[Shape, Sequence[Object]], standing: Sequence[Object], labels: Mapping[str, str]
) -> Plan:
    """The plan for the slices of one Service and one address family."""
    plan = Plan()
    by_shape: dict[Shape, list[Object]] = {}
    for obj in standing:
        by_shape.setdefault(_shape(obj), []).append(obj)
    for shape, endpoints in wanted.items():
        _share(plan, shape, endpoints, by_shape.pop(shape, []), labels)
    for slices in by_shape.values():
        plan.delete += slices
    nothing_left = len(plan.delete) == len(standing) and not plan.create
    if nothing_left:
        if len(standing) == 1 and not standing[0].get("endpoints") and not _shape(standing[0]):
            plan.delete.clear()
            if standing[0]["metadata"].get("labels") != labels:
                plan.update.append((standing[0], []))
        else:
            plan.create.append(([], []))
    return plan


def _share(
    plan: Plan, shape: Shape, endpoints: Sequence[Object], standing: list[Object], labels: Mapping[str, str]
) -> None:
    left = {_identity(endpoint): endpoint for endpoint in endpoints}
    changed: list[tuple[Object, list[Object]]] = []
    unchanged: list[Object] = []
    for obj in standing:
        present = obj.get("endpoints") or []
        kept = [left.pop(identity) for one in present if (identity := _identity(one)) in left]
        if not kept and present:
            plan.delete.append(obj)
        elif kept != present or obj["metadata"].get("labels") != labels:
            changed.append((obj, kept))
        else:
            unchanged.append(obj)
    waiting = list(left.values())
    for _, kept in sorted(changed, key=lambda entry: -len(entry[1])):
        while waiting and len(kept) < LARGEST:
            kept.append(waiting.pop(0))
    plan.update += changed
    while waiting:
        room = [obj for obj in unchanged if len(obj.get("endpoints") or ()) + len(waiting) <= LARGEST]
        if room:
            fullest = max(room, key=lambda obj: len(obj.get("endpoints") or ()))
            plan.update.append((fullest, [*(fullest.get("endpoints") or ()), *waiting]))
            return
        plan.create.append(([dict(port) for port in shape], waiting[:LARGEST]))
        waiting = waiting[LARGEST:]
