"""`JobDecision`: what is decided about one Job in one reconcile: is it done, and which pods are to go and to come.

`judge` decides whether the Job has succeeded or failed (and why), `plan_deletions` and `plan_creations` name pods; the caller does it
and tells `deleted`, `made` or `incomplete`. `jobsync.JobSync` adds the status. Source:
``pkg/controller/job/job_controller.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.workloads import jobpods
from tmc_syncer.controlplane.cluster.workloads.indexes import Indexes
from tmc_syncer.controlplane.cluster.workloads.jobrules import (
    Failures,
    counts,
    ended_at,
    failure_message,
    has_failed,
    index_of,
    replaces_failed_only,
    success_message,
    wait_seconds,
)
from tmc_syncer.controlplane.cluster.workloads.podset import BATCH
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["JobDecision", "is_finished"]

Object = dict[str, Any]


def is_finished(job: Object) -> bool:
    """Whether it is Complete or Failed."""
    listed = (job.get("status") or {}).get("conditions")
    return conditions.is_true(listed, "Complete") or conditions.is_true(listed, "Failed")


class JobDecision:
    """See the module. `again`: seconds until another look; `failures`: the count to remember."""

    def __init__(self, job: Object, found: Sequence[Object], failures: Failures, now: datetime) -> None:
        self.job = job
        self.pods = found
        self.now = now
        self.again: float | None = None
        self._known: Object = job.get("status") or {}
        self.status: Object = dict(self._known)
        uncounted = self._known.get("uncountedTerminatedPods") or {}
        self.status["uncountedTerminatedPods"] = {
            name: list(uncounted[name]) for name in ("succeeded", "failed") if uncounted.get(name)
        }
        self._events: list[tuple[bool, str, str]] = []
        self._outcome: Object | None = None
        self._stays = False
        self.active_pods = [pod for pod in found if pods.active(pod)]
        self._active = len(self.active_pods)
        self._ready = sum(map(pods.ready, self.active_pods))
        self._terminating = sum(map(pods.terminating, found))
        self._indexed = jobpods.is_indexed(job)
        self._completions = job["spec"].get("completions")
        new_succeeded = [pod for pod in self._uncounted("succeeded") if pods.phase(pod) == "Succeeded"]
        new_failed = [pod for pod in self._uncounted("failed") if has_failed(job, pod)]
        self._succeeded = self._number("succeeded") + len(new_succeeded) + len(self._listed("succeeded"))
        self._failed = self._number("failed") + len(self._listed("failed"))
        self._failed += sum(counts(job, pod) for pod in new_failed)
        self.failures = failures.after(new_succeeded, new_failed)
        self._before = Indexes.parse(self._known.get("completedIndexes", ""), self._completions or 0)
        self._done, self._lost = self._before, Indexes()
        self._retries: dict[int, Object] = {}

    # Reading

    def _number(self, name: str) -> int:
        return int(self.status.get(name) or 0)

    def _listed(self, name: str) -> list[str]:
        found: list[str] = self.status["uncountedTerminatedPods"].get(name, [])
        return found

    def _uncounted(self, name: str) -> list[Object]:
        """Pods with the finalizer that are not noted as ended in this way yet."""
        noted = set(self._listed(name))
        return [
            pod
            for pod in self.pods
            if jobpods.is_tracked(pod)
            and pod["metadata"]["uid"] not in noted
            and (not self._indexed or 0 <= index_of(pod) < (self._completions or 0))
        ]

    @property
    def _suspended(self) -> bool:
        return bool(self.job["spec"].get("suspend"))

    @property
    def is_ending(self) -> bool:
        """Whether the Job is done, one way or the other, and its pods are being removed."""
        return self._outcome is not None

    # Is it done?

    def judge(self) -> None:
        """Decide whether the Job has succeeded or failed."""
        if "startTime" not in self.status and not self._suspended:
            self.status["startTime"] = timestamp(self.now)
        if self._indexed:
            self._read_indexes()
        listed = self.status.get("conditions")
        met, lost = conditions.find(listed, "SuccessCriteriaMet"), conditions.find(listed, "FailureTarget")
        if met is not None and met["status"] == "True":
            self._outcome = met
        elif lost is not None and lost["status"] == "True":
            self._outcome = self._condition("Failed", lost["reason"], lost["message"])
        elif message := failure_message(self.job, self.pods):
            self._outcome = self._condition("FailureTarget", "PodFailurePolicy", message)
        else:
            self._outcome = self._limits() or self._index_limits()

    def _read_indexes(self) -> None:
        completions = self._completions or 0
        ended = [p for p in self.pods if jobpods.is_tracked(p) and 0 <= index_of(p) < completions]
        self._done = self._before | Indexes.of(
            index_of(pod) for pod in ended if pods.phase(pod) == "Succeeded"
        )
        self._succeeded = len(self._done)
        if jobpods.per_index(self.job):
            before = Indexes.parse(self._known.get("failedIndexes", ""), completions)
            lost = [index_of(pod) for pod in ended if jobpods.failed_index(self.job, pod)]
            self._lost = before | Indexes.of(lost)
            running = {index_of(pod) for pod in self.active_pods}
            settled = {*running, *(i for i in map(index_of, ended) if i in self._done or i in self._lost)}
            self._retries = jobpods.latest_failures(self.job, self.pods, settled)

    def _limits(self) -> Object | None:
        spec = self.job["spec"]
        limit = spec.get("backoffLimit", 6)
        if self._failed > limit or self._restarted_too_often(limit):
            message = "Job has reached the specified backoff limit"
            return self._condition("FailureTarget", "BackoffLimitExceeded", message)
        deadline = spec.get("activeDeadlineSeconds")
        if deadline is not None and not self._suspended:
            end = moment(self.status["startTime"]) + timedelta(seconds=deadline)
            left = (end - self.now).total_seconds()
            if left <= 0:
                message = "Job was active longer than specified deadline"
                return self._condition("FailureTarget", "DeadlineExceeded", message)
            self._look_again(left)
        return None

    def _restarted_too_often(self, limit: int) -> bool:
        if self.job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        restarts = 0
        for pod in self.pods:
            status = pod.get("status") or {}
            if pods.phase(pod) in ("Running", "Pending"):
                listed = [
                    *(status.get("initContainerStatuses") or ()),
                    *(status.get("containerStatuses") or ()),
                ]
                restarts += sum(container.get("restartCount", 0) for container in listed)
        return restarts >= limit if limit else restarts > 0

    def _index_limits(self) -> Object | None:
        if not self._indexed:
            return None
        most = self.job["spec"].get("maxFailedIndexes")
        if jobpods.per_index(self.job) and len(self._lost):
            if most is not None and len(self._lost) > most:
                message = "Job has exceeded the specified maximal number of failed indexes"
                return self._condition("FailureTarget", "MaxFailedIndexesExceeded", message)
            if len(self._lost) + len(self._done) >= (self._completions or 0):
                return self._condition("FailureTarget", "FailedIndexes", "Job has failed indexes")
        if message := success_message(self.job, self._done):
            return self._condition("SuccessCriteriaMet", "SuccessPolicy", message)
        return None

    def _condition(self, kind: str, reason: str, message: str, status: str = "True") -> Object:
        now = timestamp(self.now)
        times = {"lastProbeTime": now, "lastTransitionTime": now}
        return {"type": kind, "status": status, **times, "reason": reason, "message": message}

    def _look_again(self, seconds: float) -> None:
        self.again = seconds if self.again is None else min(self.again, seconds)

    # Pods

    def plan_deletions(self) -> list[Object]:
        """The pods to delete now; none are created then."""
        if self._outcome is not None:
            return self.active_pods
        if "deletionTimestamp" in self.job["metadata"]:
            return []
        if self._suspended:
            found = jobpods.surplus(self.job, self.active_pods, self._active, self.now)
        else:
            too_many = max(0, self._active - self._wanted())
            found = jobpods.surplus(self.job, self.active_pods, too_many, self.now)
        self._stays = bool(found) or self._suspended
        if len(found) > BATCH:
            self._look_again(0.0)
        return found[:BATCH]

    def _wanted(self) -> int:
        parallel = int(self.job["spec"].get("parallelism", 1))
        if self._completions is None:
            return self._active if self._succeeded else parallel
        return max(0, min(parallel, int(self._completions) - self._succeeded))

    def plan_creations(self) -> list[Object]:
        """The pods to create now."""
        if self._outcome is not None or self._stays or "deletionTimestamp" in self.job["metadata"]:
            return []
        ending = self._terminating if replaces_failed_only(self.job) else 0
        missing = self._wanted() - ending - self._active
        if missing <= 0:
            return []
        if not jobpods.per_index(self.job):
            wait = self.failures.wait_seconds(self.now)
            if wait > 0:
                self._look_again(wait)
                return []
        if missing > BATCH:
            self._look_again(0.0)
        if not self._indexed:
            return [jobpods.new_pod(self.job, None)] * min(missing, BATCH)
        return [
            jobpods.new_pod(self.job, index, self._retries.get(index))
            for index in self._indexes(min(missing, BATCH))
        ]

    def _indexes(self, count: int) -> list[int]:
        taken = self._done | self._lost | Indexes.of(i for p in self.active_pods if (i := index_of(p)) >= 0)
        if replaces_failed_only(self.job):
            taken |= Indexes.of(i for p in self.pods if pods.terminating(p) and (i := index_of(p)) >= 0)
        found = taken.pending(count, self._completions or 0)
        if not jobpods.per_index(self.job):
            return found
        waits = {
            index: wait_seconds(jobpods.failures_of(pod) + 1, ended_at(pod), self.now)
            for index in found
            if (pod := self._retries.get(index)) is not None
        }
        now = [index for index in found if not waits.get(index)]
        if not now and waits:
            self._look_again(min(waits.values()))
        return now

    def deleted(self, pod: Object) -> None:
        """A pod was deleted."""
        self._active -= 1
        self._terminating += 1
        self._ready -= pods.ready(pod)

    def made(self, count: int) -> None:
        """So many pods were created."""
        self._active += count

    def incomplete(self) -> None:
        """Not all pods could be deleted: the Job is not done yet."""
        self._outcome = None
