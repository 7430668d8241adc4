"""From client-side apply to server-side apply: what the annotation of kubectl's old apply means for the new one.

Only for the manager "kubectl". `carried_over` drops the conflicts over fields that the annotation shows to be kubectl's own: those whose
value is still the one that it applied. `with_last_applied` keeps the annotation, once an object has it, in step with what is applied, so
that a client-side apply may follow. Source: k8s.io/apimachinery/pkg/util/managedfields/internal, lastappliedmanager.go and
lastappliedupdater.go. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tmc_syncer.controlplane.merge.comparison import compare
from tmc_syncer.controlplane.merge.fields import Misfit, fields_of
from tmc_syncer.controlplane.merge.fieldset import FieldSet, difference
from tmc_syncer.controlplane.merge.gotext import go_sorted_json
from tmc_syncer.controlplane.merge.managers import Owner
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["ANNOTATION", "carried_over", "with_last_applied"]

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST = 256 * 1024  # bytes of all annotations of an object; beyond it the server drops this one


def _annotation(obj: Mapping[str, Any]) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(ANNOTATION, ""))


def carried_over(
    conflicts: Mapping[Owner, FieldSet], live: dict[str, Any], schema: Schema, api_version: str
) -> dict[Owner, FieldSet]:
    """The conflicts that remain."""
    text = _annotation(live)
    try:
        applied = msgspec.json.decode(text, type=dict[str, Any]) if text else {}
        if applied.get("apiVersion") != api_version:
            return dict(conflicts)
        fields = fields_of(applied, schema)
    except (msgspec.DecodeError, Misfit):
        return dict(conflicts)
    change = compare(applied, live, schema)
    for changed in (change.modified, change.added, change.removed):
        fields = difference(fields, changed)
    left = {owner: difference(contested, fields) for owner, contested in conflicts.items()}
    return {owner: contested for owner, contested in left.items() if contested}


def with_last_applied(obj: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """The object with the configuration in its annotation, if it has that annotation."""
    if not _annotation(obj):
        return obj
    metadata = dict(configuration.get("metadata") or {})
    if "annotations" in metadata:
        kept = {name: text for name, text in metadata["annotations"].items() if name != ANNOTATION}
        metadata["annotations"] = kept
    text = go_sorted_json({**configuration, "metadata": metadata}) + "\n"
    annotations = {**obj["metadata"]["annotations"], ANNOTATION: text}
    if sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items()) > _LONGEST:
        del annotations[ANNOTATION]
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}
