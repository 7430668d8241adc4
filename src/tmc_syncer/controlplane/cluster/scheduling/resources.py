"""What a pod asks of a node, and what a node has: CPU, memory, and everything else that is counted.

A pod's requests are those of its containers together, or of its largest init container where that is more; sidecars count with both;
the overhead is added. Amounts are integers in 10⁻⁹ of a unit, as `types.quantities` has them. A request that cannot be read counts
as nothing: the API server has refused it before. Source: ``k8s.io/component-helpers/resource``. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tmc_syncer.controlplane.types.quantities import QuantityError, nanos

__all__ = ["Amounts", "amounts", "fits", "requests_of"]

Object = dict[str, Any]
Amounts = Counter[str]

UNIT = 10**9
"""One pod, in the units of amounts."""


def amounts(listed: Mapping[str, Any] | None) -> Amounts:
    """A resource list as numbers."""
    found: Amounts = Counter()
    for name, text in (listed or {}).items():
        try:
            found[name] = nanos(str(text))
        except QuantityError:
            continue
    return found


def _requests(container: Object) -> Amounts:
    return amounts((container.get("resources") or {}).get("requests"))


def requests_of(pod: Object) -> Amounts:
    """What the pod asks for, with one of ``pods``."""
    spec = pod["spec"]
    total: Amounts = Counter()
    for container in spec.get("containers") or ():
        total.update(_requests(container))
    sidecars: Amounts = Counter()
    largest: Amounts = Counter()
    for container in spec.get("initContainers") or ():
        asked = _requests(container)
        if container.get("restartPolicy") == "Always":
            total.update(asked)
            sidecars.update(asked)
            largest |= sidecars
        else:
            largest |= asked + sidecars
    total |= largest
    total.update(amounts(spec.get("overhead")))
    total["pods"] = UNIT
    return total


def fits(asked: Amounts, free: Amounts) -> list[str]:
    """The resources that there is not enough of."""
    return sorted(name for name, amount in asked.items() if amount > 0 and amount > free.get(name, 0))
