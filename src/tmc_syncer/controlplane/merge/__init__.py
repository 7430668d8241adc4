"""Merging as kube-apiserver does it: field ownership, server-side apply, patches, and what custom resources need. Pure.

`track_update` and `apply` keep managedFields, `strategic_merge`, `merge_patch` and `json_patch` apply patches, `unknown_fields`,
`prune`, `default` and `validate` read and check custom resources, `to_scale` and `to_parent` carry ownership over to the scale
subresource and back. Schemas come from `schema_of` and `schema_of_crd`. Nothing that is given is ever changed; parts are shared.
"""

from __future__ import annotations

from tmc_syncer.controlplane.merge.applying import apply
from tmc_syncer.controlplane.merge.conflicts import ApplyConflict, ApplyError
from tmc_syncer.controlplane.merge.defaulting import default
from tmc_syncer.controlplane.merge.jsonpatch import json_patch
from tmc_syncer.controlplane.merge.mergepatch import merge_patch
from tmc_syncer.controlplane.merge.ownership import keep_times, track_update
from tmc_syncer.controlplane.merge.patcherrors import PatchError
from tmc_syncer.controlplane.merge.pruning import prune, unknown_fields
from tmc_syncer.controlplane.merge.scale import to_parent, to_scale
from tmc_syncer.controlplane.merge.strategic import strategic_merge
from tmc_syncer.controlplane.merge.validation import validate
from tmc_syncer.controlplane.schema.documents import schema_of
from tmc_syncer.controlplane.schema.structural import schema_of_crd

__all__ = [
    "ApplyConflict",
    "ApplyError",
    "PatchError",
    "apply",
    "default",
    "json_patch",
    "keep_times",
    "merge_patch",
    "prune",
    "schema_of",
    "schema_of_crd",
    "strategic_merge",
    "to_parent",
    "to_scale",
    "track_update",
    "unknown_fields",
    "validate",
]
