"""The pods of a Job: what a new one looks like, which superfluous ones go first, how often an index has failed.

Each pod of a Job carries a finalizer until its end is counted. A pod of an Indexed Job has its index in an annotation, a label, its
host name, its name, and an environment variable. Source: ``pkg/controller/job``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.cluster.objects import pods
from tmc_syncer.controlplane.cluster.objects.references import controller_reference
from tmc_syncer.controlplane.cluster.workloads.jobrules import (
    INDEX,
    counts,
    ended_at,
    failure_action,
    has_failed,
    index_of,
)

__all__ = [
    "TRACKING",
    "completions_of",
    "failed_index",
    "failures_of",
    "is_indexed",
    "is_tracked",
    "latest_failures",
    "new_pod",
    "per_index",
    "surplus",
    "untracked",
]

Object = dict[str, Any]

TRACKING = "batch.kubernetes.io/job-tracking"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_VARIABLE = "JOB_COMPLETION_INDEX"

LONGEST_PREFIX = 58
"""Characters of a generateName that the server keeps."""


def is_indexed(job: Object) -> bool:
    """Whether each pod has an index."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def per_index(job: Object) -> bool:
    """Whether failures are limited for each index."""
    return is_indexed(job) and "backoffLimitPerIndex" in job["spec"]


def completions_of(job: Object) -> int:
    """How many successes make an Indexed Job complete."""
    return int(job["spec"].get("completions") or 0)


def is_tracked(pod: Object) -> bool:
    """Whether its end is still to be counted."""
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def untracked(pod: Object) -> Object:
    """The pod without the finalizer."""
    metadata = dict(pod["metadata"])
    kept = [name for name in metadata.get("finalizers") or () if name != TRACKING]
    metadata.pop("finalizers", None)
    if kept:
        metadata["finalizers"] = kept
    return {**pod, "metadata": metadata}


def new_pod(job: Object, index: int | None, replaced: Object | None = None) -> Object:
    """A pod, for an index or without one. `replaced` is the last pod of the index that failed."""
    pod = pods.from_template(job["spec"]["template"], job, controller_reference(job))
    metadata = pod["metadata"]
    metadata["finalizers"] = [*metadata.get("finalizers", ()), TRACKING]
    if index is None:
        return pod
    name, suffix = job["metadata"]["name"], f"-{index}-"
    prefix = f"{name}{suffix}"
    metadata["generateName"] = (
        prefix if len(prefix) <= LONGEST_PREFIX else prefix[: LONGEST_PREFIX - len(suffix)] + suffix
    )
    metadata["annotations"] = {**metadata.get("annotations", {}), INDEX: str(index)}
    metadata["labels"] = {**metadata.get("labels", {}), INDEX: str(index)}
    if per_index(job):
        metadata["annotations"] |= _failure_counts(job, replaced)
    spec = {**pod["spec"], "hostname": f"{name}-{index}"}
    for field in ("initContainers", "containers"):
        if field in spec:
            spec[field] = [_with_index(container) for container in spec[field]]
    return {**pod, "spec": spec}


def _with_index(container: Object) -> Object:
    present = container.get("env") or []
    if any(variable["name"] == INDEX_VARIABLE for variable in present):
        return container
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    return {**container, "env": [*present, {"name": INDEX_VARIABLE, "valueFrom": source}]}


def _number(pod: Object, annotation: str) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(annotation, "")
    return int(text) if text.isdigit() else 0


def failures_of(pod: Object) -> int:
    """How often the index had failed before this pod, ignored failures too."""
    return _number(pod, FAILURES) + _number(pod, IGNORED)


def _failure_counts(job: Object, replaced: Object | None) -> dict[str, str]:
    failed = ignored = 0
    if replaced is not None:
        failed, ignored = _number(replaced, FAILURES), _number(replaced, IGNORED)
        if counts(job, replaced):
            failed += 1
        else:
            ignored += 1
    return {FAILURES: str(failed), **({IGNORED: str(ignored)} if ignored else {})}


def failed_index(job: Object, pod: Object) -> bool:
    """Whether this pod's failure is one too many for its index."""
    if not has_failed(job, pod):
        return False
    verdict = failure_action(job, pod)
    if verdict.action == "FailIndex":
        return True
    return verdict.action != "Ignore" and _number(pod, FAILURES) >= job["spec"]["backoffLimitPerIndex"]


def latest_failures(job: Object, found: Iterable[Object], settled: Iterable[int]) -> dict[int, Object]:
    """The last failed pod of each index that is to be tried again; `settled` indexes are not."""
    done = set(settled)
    latest: dict[int, Object] = {}
    for pod in found:
        index = index_of(pod)
        if not is_tracked(pod) or not has_failed(job, pod) or index < 0 or index in done:
            continue
        known = latest.get(index)
        newer = known is None or (failures_of(known), ended_at(known)) <= (failures_of(pod), ended_at(pod))
        if index < completions_of(job) and newer:
            latest[index] = pod
    return latest


def surplus(job: Object, active: Sequence[Object], at_least: int, now: datetime) -> list[Object]:
    """The pods to delete: doubles and strangers of an Indexed Job, then as many as are too much."""
    remove: list[Object] = []
    left = list(active)
    if is_indexed(job):
        by_index: dict[int, list[Object]] = {}
        for pod in active:
            by_index.setdefault(index_of(pod), []).append(pod)
        left = []
        for index in sorted(by_index):
            same = pods.deletion_order(by_index[index], now)
            if 0 <= index < completions_of(job):
                remove += same[:-1]
                left.append(same[-1])
            else:
                remove += same
    missing = at_least - len(remove)
    if missing > 0:
        remove += pods.deletion_order(left, now)[:missing]
    return remove
