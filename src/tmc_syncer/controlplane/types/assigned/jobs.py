"""What a server assigns to workloads: the selector and labels of a Job, the template generation of a DaemonSet.

A Job's selector is made from its uid, so that no other Job's pods match, unless the user says that he manages it. Sources:
``pkg/registry/batch/job/strategy.go`` and ``pkg/registry/apps/daemonset/strategy.go``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.registry import Context, Object

__all__ = ["prepare_daemon_set", "prepare_job"]

UID_LABEL = "batch.kubernetes.io/controller-uid"
NAME_LABEL = "batch.kubernetes.io/job-name"
OLD_UID_LABEL = "controller-uid"
OLD_NAME_LABEL = "job-name"

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def prepare_job(obj: Object, old: Object | None, context: Context) -> Object:
    """Assign the selector of a new Job."""
    del context
    spec, metadata = obj["spec"], obj["metadata"]
    if old is not None or spec.get("manualSelector"):
        return obj
    labels = {
        OLD_NAME_LABEL: metadata.get("name", ""),
        NAME_LABEL: metadata.get("name", ""),
        OLD_UID_LABEL: metadata.get("uid", ""),
        UID_LABEL: metadata.get("uid", ""),
    }
    template = dict(spec["template"])
    given = template["metadata"].get("labels") or {}
    # What the user gave stays, so that validation refuses a value that is not this Job's.
    template["metadata"] = {**template["metadata"], "labels": {**labels, **given}}
    selector = spec.get("selector") or {}
    matching = {UID_LABEL: metadata.get("uid", ""), **(selector.get("matchLabels") or {})}
    made = {**spec, "template": template, "selector": {**selector, "matchLabels": matching}}
    own = metadata.get("labels") or {}
    if not own or own == given:
        # Defaults gave the Job the labels of its template; in Go the two are one map, so it gets these labels too.
        metadata = {**metadata, "labels": template["metadata"]["labels"]}
    return {**obj, "metadata": metadata, "spec": made}


def prepare_daemon_set(obj: Object, old: Object | None, context: Context) -> Object:
    """Count the changes of the template in an annotation that old clients read."""
    del context
    before: Any = None if old is None else (old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION)
    annotations = dict(obj["metadata"].get("annotations") or {})
    if old is None:
        generation = _number(annotations.get(TEMPLATE_GENERATION)) or 1
    else:
        changed = obj["spec"]["template"] != old["spec"]["template"]
        generation = _number(before) + (1 if changed else 0)
    annotations[TEMPLATE_GENERATION] = str(generation)
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 19 else 0
