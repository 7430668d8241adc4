"""What is *ours*: whether a downstream object may be written or deleted by this agent.

Everything that tmc-syncer must never do hinges on this one predicate: an object is ours only when all marks
agree, because each single mark can be copied. Controllers copy labels and annotations of our objects (Service
labels go to EndpointSlices, Deployment annotations to ReplicaSets), and people clone objects with
``kubectl get -o yaml``. The marks are: its namespace carries our locator (or, cluster-scoped, it carries one
itself), our label, the source uid, a source name that maps to this very name, and no controller owner but one
that we wrote.

A copy that lacks only the label is ours with drift: the label gets restored (F47). Pure.
"""

from __future__ import annotations

import msgspec

from tmc_syncer.api.locator import Locator, parse_locator
from tmc_syncer.api.names import DOWNSTREAM_CLUSTER_LABEL, NAMESPACE_LOCATOR, SOURCE_NAME, SOURCE_UID
from tmc_syncer.api.objects import Meta
from tmc_syncer.sync.facts import Downstream

__all__ = ["classify", "has_foreign_controller", "owned_paths", "source_name"]


def source_name(namespace: str, name: str) -> str:
    """The value of the source-name annotation of the copy of ``namespace/name``."""
    return f"{namespace}/{name}"


def classify(
    copy: Meta | None, *, locator: Locator, in_our_namespace: bool, source_uid: str | None
) -> Downstream:
    """What stands downstream, seen from the upstream object that `locator` and the copy's name stand for.

    Args:
        copy: metadata found under the copy's name, None when nothing is there.
        locator: the locator of the upstream namespace (namespace empty for cluster-scoped objects).
        in_our_namespace: the downstream namespace carries that locator; ignored for cluster-scoped copies.
        source_uid: uid of the upstream object, None when it is gone (then every uid is another one).
    """
    if copy is None:
        return Downstream.ABSENT
    if not _is_ours(copy, locator, in_our_namespace):
        return Downstream.FOREIGN
    if copy.deleting:
        return Downstream.OURS_DELETING
    return Downstream.OURS if copy.annotation(SOURCE_UID) == source_uid else Downstream.OTHER_SOURCE_UID


def owned_paths(copy: Meta) -> dict[str, object]:
    """The field set of our own apply entry (the cache keeps no other); empty when we own nothing."""
    if not copy.managed_fields:
        return {}
    decoded: dict[str, object] = msgspec.json.decode(copy.managed_fields[0].fields_v1)
    return decoded


def _is_ours(copy: Meta, locator: Locator, in_our_namespace: bool) -> bool:
    if locator.namespace:
        placed = in_our_namespace
    else:
        own = parse_locator(copy.annotation(NAMESPACE_LOCATOR))
        placed = own is not None and own.same_place(locator)
    return (
        placed
        and copy.label(DOWNSTREAM_CLUSTER_LABEL) in (None, locator.sync_target.key)
        and bool(copy.annotation(SOURCE_UID))
        and copy.annotation(SOURCE_NAME) == source_name(locator.namespace, copy.name)
        and not has_foreign_controller(copy)
    )


def has_foreign_controller(copy: Meta) -> bool:
    """Whether a controller owns the object by a reference that we did not write."""
    controllers = [owner.uid for owner in copy.owner_references or () if owner.controller]
    if not controllers:
        return False
    metadata = owned_paths(copy).get("f:metadata")
    references = metadata.get("f:ownerReferences") if isinstance(metadata, dict) else None
    if not isinstance(references, dict):
        return True
    ours = {msgspec.json.decode(path[2:]).get("uid") for path in references if path.startswith("k:")}
    return any(uid not in ours for uid in controllers)
