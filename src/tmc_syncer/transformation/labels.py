"""Step 4, labels: the user's labels, and four of ours that mark the copy.

``internal.workload.kcp.io/cluster`` carries the sync-target key: it selects our copies for the informer and is
one of the marks of ownership (sync.ownership). Target, workspace and "managed" are for people and their
selectors. Ours are set last, so that no label of a user's can stand for them. On the way up the user's labels
are what is left. Labels inside the object (pod templates, selectors) are not touched.

ServiceAccount ``default`` is not a copy of ours and gets no marks.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.api.names import (
    DOWNSTREAM_CLUSTER_LABEL,
    MANAGED_LABEL,
    SYNC_TARGET_LABEL,
    WORKSPACE_LABEL,
    label_value,
)
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.cleaning import is_partial
from tmc_syncer.transformation.context import Context
from tmc_syncer.transformation.domains import of_user

__all__ = ["Labels"]


class Labels:
    """Takes the control plane's labels away and adds the marks of a copy."""

    name = "labels"
    priority = 400

    def applies(self, gvr: GVR, meta: Meta) -> bool:
        """Every object that is a copy of ours."""
        return not is_partial(gvr, meta.name)

    def down(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """The object with the user's labels and ours."""
        labels = of_user(obj["metadata"].get("labels"))
        labels[DOWNSTREAM_CLUSTER_LABEL] = ctx.key
        labels[SYNC_TARGET_LABEL] = label_value(ctx.target)
        labels[WORKSPACE_LABEL] = label_value(ctx.locator.cluster)
        labels[MANAGED_LABEL] = "true"
        obj["metadata"]["labels"] = labels
        return obj

    def up(self, obj: dict[str, Any], ctx: Context) -> dict[str, Any]:  # noqa: ARG002
        """The object with the user's labels."""
        metadata = obj["metadata"]
        labels = of_user(metadata.pop("labels", None))
        if labels:
            metadata["labels"] = labels
        return obj
