"""What a terminating namespace says about itself: its five conditions, from what is left in it.

The order of the types is deletion's: pods first, and nothing else before they are gone. Reasons and messages are those of
``pkg/controller/namespace/deletion``. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions

__all__ = ["Remaining", "conditions_for"]

Object = dict[str, Any]

DISCOVERY = "NamespaceDeletionDiscoveryFailure"
PARSING = "NamespaceDeletionGroupVersionParsingFailure"
CONTENT = "NamespaceDeletionContentFailure"
LEFT = "NamespaceContentRemaining"
FINALIZERS = "NamespaceFinalizersRemaining"

_FINE: dict[str, tuple[str, str]] = {
    DISCOVERY: ("ResourcesDiscovered", "All resources successfully discovered"),
    PARSING: ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
    CONTENT: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    LEFT: ("ContentRemoved", "All content successfully removed"),
    FINALIZERS: ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


@dataclass(slots=True)
class Remaining:
    """What is left: objects by type (``pods.``, ``deployments.apps``), finalizers, and what could not be deleted."""

    by_type: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, resource: str, objects: Sequence[Object]) -> None:
        """These objects are left."""
        if objects:
            self.by_type[resource if "." in resource else f"{resource}."] += len(objects)
        for obj in objects:
            self.finalizers.update(obj["metadata"].get("finalizers") or ())

    def __bool__(self) -> bool:
        return bool(self.by_type or self.failures)


def conditions_for(present: Sequence[Object] | None, left: Remaining, now: str) -> list[Object]:
    """The conditions of a namespace with this content."""
    said: dict[str, tuple[str, str]] = {}
    if left.failures:
        words = ", ".join(sorted(left.failures))
        said[CONTENT] = (
            "ContentDeletionFailed",
            f"Failed to delete all resource types, {len(left.failures)} remaining: {words}",
        )
    if left.by_type:
        listed = sorted(f"{name} has {count} resource instances" for name, count in left.by_type.items())
        said[LEFT] = ("SomeResourcesRemain", f"Some resources are remaining: {', '.join(listed)}")
    if left.finalizers:
        listed = sorted(f"{name} in {count} resource instances" for name, count in left.finalizers.items())
        message = f"Some content in the namespace has finalizers remaining: {', '.join(listed)}"
        said[FINALIZERS] = ("SomeFinalizersRemain", message)
    made = list(present or ())
    for kind, fine in _FINE.items():
        reason, message = said.get(kind, fine)
        condition = {
            "type": kind,
            "status": "True" if kind in said else "False",
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }
        made = conditions.merged(made, condition)
    return made
