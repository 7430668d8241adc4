"""Claiming: which of the objects around belong to a controller, adopting orphans and letting go of strangers.

The rules of ``controller_ref_manager.go``: what another controls is left alone; what is ours and matches is kept; what is ours and
does not match any more is released; an orphan that matches is adopted, unless it or its new owner is being deleted. An object
that vanishes meanwhile is nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tmc_syncer.controlplane.cluster.objects.references import (
    controller_of,
    controller_reference,
    owners_of,
    without_owner,
)
from tmc_syncer.controlplane.cluster.runtime.client import Object
from tmc_syncer.controlplane.cluster.runtime.world import World

__all__ = ["claim"]


def claim(
    world: World,
    resource: str,
    owner: Object,
    candidates: Iterable[Object],
    is_match: Callable[[Object], bool],
    manager: str,
    *,
    finalizer: str = "",
) -> list[Object]:
    """The candidates that `owner` controls from now on. `finalizer` is put on what is adopted. Raises `ApiError`."""
    uid = owner["metadata"]["uid"]
    ending = "deletionTimestamp" in owner["metadata"]
    claimed: list[Object] = []
    for obj in candidates:
        controller = controller_of(obj)
        if controller is not None:
            if controller.get("uid") != uid:
                continue
            if is_match(obj):
                claimed.append(obj)
            elif not ending:
                world.change(resource, obj, lambda present: _released(present, uid, finalizer), manager)
        elif not ending and is_match(obj) and "deletionTimestamp" not in obj["metadata"]:
            adopted = world.change(
                resource, obj, lambda present: _adopted(present, owner, finalizer), manager
            )
            if adopted is not None:
                claimed.append(adopted)
    return claimed


def _adopted(obj: Object, owner: Object, finalizer: str) -> Object:
    if controller_of(obj) is not None:
        return obj
    metadata = {**obj["metadata"], "ownerReferences": [*owners_of(obj), controller_reference(owner)]}
    if finalizer and finalizer not in (metadata.get("finalizers") or ()):
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), finalizer]
    return {**obj, "metadata": metadata}


def _released(obj: Object, uid: str, finalizer: str) -> Object:
    freed = without_owner(obj, uid)
    if finalizer:
        metadata = dict(freed["metadata"])
        metadata["finalizers"] = [name for name in metadata.get("finalizers") or () if name != finalizer]
        freed = {**freed, "metadata": metadata}
    return freed
