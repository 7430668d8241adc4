"""Defaults of resource lists (amounts are rounded up to thousandths) and of the specs of persistent volume claims.

Source: ``SetDefaults_ResourceList``, ``SetDefaults_PersistentVolumeClaimSpec``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.quantities import rounded_up_to_milli

__all__ = ["default_amounts", "default_claim_spec", "default_resources"]

Object = dict[str, Any]


def default_amounts(amounts: Object | None) -> None:
    """Round the amounts of a resource list up to thousandths."""
    if amounts:
        for name, amount in amounts.items():
            amounts[name] = rounded_up_to_milli(amount)


def default_resources(resources: Object) -> None:
    """The amounts of limits and requests."""
    default_amounts(resources.get("limits"))
    default_amounts(resources.get("requests"))


def default_claim_spec(spec: Object) -> None:
    """Fill in the spec of a persistent volume claim."""
    spec.setdefault("volumeMode", "Filesystem")
    default_resources(spec["resources"])
    if "dataSource" in spec:
        spec["dataSource"].setdefault("apiGroup", None)
