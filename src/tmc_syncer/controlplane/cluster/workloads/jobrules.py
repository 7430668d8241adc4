"""The rules of Jobs that look at one pod, or at numbers: failure policy, success policy, back-off, when a pod ended.

`failure_action` finds the rule of a ``podFailurePolicy`` that a failed pod matches; `success_message` the rule of a
``successPolicy`` that the succeeded indexes satisfy; `Failures` are counted since the last success and make new pods wait 10 s,
20 s, … 10 min. Source: ``pkg/controller/job/{pod_failure_policy,success_policy,backoff_utils}.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.workloads.indexes import Indexes
from tmc_syncer.controlplane.types.instants import moment

__all__ = [
    "Failures",
    "Verdict",
    "counts",
    "ended_at",
    "failure_action",
    "failure_message",
    "has_failed",
    "index_of",
    "replaces_failed_only",
    "success_message",
    "wait_seconds",
]

Object = dict[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"

FIRST_BACKOFF_SECONDS = 10.0
LONGEST_BACKOFF_SECONDS = 600.0
"""`DefaultJobPodFailureBackOff` and `MaxJobPodFailureBackOff`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the failure policy says of a failed pod: the rule's action (empty: none matched) and, for FailJob, why."""

    action: str = ""
    message: str = ""


def replaces_failed_only(job: Object) -> bool:
    """Whether a terminating pod still holds its place until it has failed."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or "podFailurePolicy" in spec


def has_failed(job: Object, pod: Object) -> bool:
    """Whether the pod counts as failed."""
    if pods.phase(pod) == "Failed":
        return True
    if replaces_failed_only(job):
        return False
    return "deletionTimestamp" in pod["metadata"] and pods.phase(pod) != "Succeeded"


def index_of(pod: Object) -> int:
    """The completion index of a pod, -1 when it has none."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdigit() else -1


def failure_action(job: Object, pod: Object) -> Verdict:
    """The first rule that matches."""
    policy = job["spec"].get("podFailurePolicy") or {}
    metadata, status = pod["metadata"], pod.get("status") or {}
    for number, rule in enumerate(policy.get("rules") or ()):
        action = rule.get("action", "")
        if rule.get("onExitCodes"):
            container = _matching_container(status, rule["onExitCodes"])
            if container is not None:
                code = container["state"]["terminated"]["exitCode"]
                message = (
                    f"Container {container['name']} for pod {metadata['namespace']}/{metadata['name']} failed "
                    f"with exit code {code} matching {action} rule at index {number}"
                )
                return Verdict(action, message)
            continue
        for pattern in rule.get("onPodConditions") or ():
            found = conditions.find(status.get("conditions"), pattern.get("type", ""))
            if found is not None and found.get("status") == pattern.get("status", "True"):
                message = (
                    f"Pod {metadata['namespace']}/{metadata['name']} has condition {found['type']} "
                    f"matching {action} rule at index {number}"
                )
                return Verdict(action, message)
    return Verdict()


def _matching_container(status: Object, wanted: Object) -> Object | None:
    values = wanted.get("values") or ()
    inside = wanted.get("operator") == "In"
    for container in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        ended = (container.get("state") or {}).get("terminated")
        if ended is None or wanted.get("containerName") not in (None, container["name"]):
            continue
        if ended.get("exitCode", 0) and (ended["exitCode"] in values) == inside:
            found: Object = container
            return found
    return None


def counts(job: Object, pod: Object) -> bool:
    """Whether a failed pod counts against the back-off limit."""
    return failure_action(job, pod).action != "Ignore"


def failure_message(job: Object, found: Iterable[Object]) -> str:
    """Why one of the pods fails the whole Job, empty when none does."""
    if "podFailurePolicy" not in job["spec"]:
        return ""
    for pod in found:
        if has_failed(job, pod):
            verdict = failure_action(job, pod)
            if verdict.action == "FailJob":
                return verdict.message
    return ""


def success_message(job: Object, succeeded: Indexes) -> str:
    """Which rule of the success policy is satisfied, empty when none is."""
    policy = job["spec"].get("successPolicy") or {}
    if not len(succeeded):
        return ""
    for number, rule in enumerate(policy.get("rules") or ()):
        needed = rule.get("succeededCount")
        if "succeededIndexes" in rule:
            wanted = Indexes.parse(rule["succeededIndexes"], job["spec"].get("completions", 0))
            both = wanted.common(succeeded)
            met = bool(len(wanted)) and (both == len(wanted) or (needed is not None and both >= needed))
        else:
            met = needed is not None and len(succeeded) >= needed
        if met:
            return f"Matched rules at index {number}"
    return ""


def ended_at(pod: Object) -> datetime:
    """When a pod ended, as well as can be told."""
    status, metadata = pod.get("status") or {}, pod["metadata"]
    times = []
    for container in status.get("containerStatuses") or ():
        stamp = ((container.get("state") or {}).get("terminated") or {}).get("finishedAt")
        times.append(None if stamp is None else moment(stamp))
    known = [time for time in times if time is not None]
    if known and len(known) == len(times):
        return max(known)
    ready = conditions.find(status.get("conditions"), "Ready")
    if ready is not None and ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return moment(ready["lastTransitionTime"])
    if "deletionTimestamp" in metadata:
        grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
        return moment(metadata["deletionTimestamp"]) - grace
    return pods.created(pod)


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures since the last success."""

    count: int = 0
    last: datetime | None = None

    def after(self, succeeded: Sequence[Object], failed: Sequence[Object]) -> Failures:
        """With the pods that ended since."""
        times = sorted(map(ended_at, failed))
        if succeeded:
            success = max(map(ended_at, succeeded))
            times = [time for time in times if time > success]
            return Failures(len(times), times[-1] if times else None)
        return Failures(self.count + len(times), times[-1]) if times else self

    def wait_seconds(self, now: datetime) -> float:
        """How long to wait before the next pod."""
        return 0.0 if self.last is None else wait_seconds(self.count, self.last, now)


def wait_seconds(failures: int, last: datetime, now: datetime) -> float:
    """How long to wait after so many failures in a row."""
    if not failures:
        return 0.0
    pause = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 16), LONGEST_BACKOFF_SECONDS)
    return max(0.0, pause - (now - last).total_seconds())
