"""Release: what has to leave a copy so that it stays behind as nobody's object.

Used when a type or a whole target is taken away with ``onRemoval: Orphan``. All our labels and annotations go,
so no later agent takes the object for a copy; its content stays untouched. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.api import names
from tmc_syncer.api.objects import Record

__all__ = ["release_patch"]

_LABELS = frozenset({
    names.DOWNSTREAM_CLUSTER_LABEL, names.SYNC_TARGET_LABEL, names.WORKSPACE_LABEL, names.MANAGED_LABEL,
    names.TENANT_LABEL,
})  # fmt: skip
_ANNOTATIONS = frozenset({
    names.NAMESPACE_LOCATOR, names.SOURCE_UID, names.SOURCE_NAME, names.SYNC_GENERATION, names.SYNCED_AT,
    names.APPLIED_DIGEST,
})  # fmt: skip


def release_patch(copy: Record) -> dict[str, Any]:
    """A JSON merge patch that takes our marks off exactly this object (uid and resourceVersion are tested)."""
    meta = copy.meta
    return {
        "metadata": {
            "uid": meta.uid,
            "resourceVersion": meta.resource_version,
            "labels": {name: None for name in meta.labels or {} if name in _LABELS},
            "annotations": {name: None for name in meta.annotations or {} if name in _ANNOTATIONS},
        }
    }
