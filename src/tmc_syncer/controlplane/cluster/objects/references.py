"""Owner references: who controls an object, and the reference that a controller writes on what it makes.

The reference of a controller has ``controller`` and ``blockOwnerDeletion`` set, as all built-in controllers set them. Whether an
object is adopted or let go is decided in `runtime.claims`. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["controller_of", "controller_reference", "is_controlled_by", "owners_of", "without_owner"]

Object = dict[str, Any]


def owners_of(obj: Object) -> Sequence[Object]:
    """All owner references."""
    found: Sequence[Object] = obj["metadata"].get("ownerReferences") or ()
    return found


def controller_of(obj: Object) -> Object | None:
    """The reference of the controller, None when nobody controls the object."""
    for reference in owners_of(obj):
        if reference.get("controller"):
            return reference
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Whether `owner`, by its uid, controls the object."""
    found = controller_of(obj)
    return found is not None and bool(found.get("uid") == owner["metadata"]["uid"])


def controller_reference(owner: Object) -> Object:
    """The reference that makes `owner` the controller of something."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def without_owner(obj: Object, uid: str) -> Object:
    """The object without the references to this owner."""
    metadata = dict(obj["metadata"])
    kept = [reference for reference in owners_of(obj) if reference.get("uid") != uid]
    if kept:
        metadata["ownerReferences"] = kept
    else:
        metadata.pop("ownerReferences", None)
    return {**obj, "metadata": metadata}
