"""`JobSync`: one Job during one reconcile: what `JobDecision` decides, and the status that comes of it.

The caller asks in this order and does what it is told in between: `judge`, `plan_deletions`, `plan_creations`, `settle` (active, ready,
terminating), `uncount` (ended pods go into ``uncountedTerminatedPods``; write the status, then take their finalizers off),
`count` (they go into the counters), `finish` (the last condition, once no pod is left over). So an ended pod is counted exactly
once, even if the process dies in between. Source: ``pkg/controller/job/job_controller.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.cluster.objects import conditions, pods
from tmc_syncer.controlplane.cluster.workloads import jobpods
from tmc_syncer.controlplane.cluster.workloads.indexes import Indexes
from tmc_syncer.controlplane.cluster.workloads.jobdecision import JobDecision
from tmc_syncer.controlplane.cluster.workloads.jobrules import counts, has_failed, index_of

__all__ = ["JobSync"]

Object = dict[str, Any]

_OMITTED = ("active", "succeeded", "failed")
"""Counters that are not shown when they are 0."""


class JobSync(JobDecision):
    """See the module."""

    # Status

    def settle(self) -> None:
        """The counters of the present, and the conditions of suspension and success."""
        if self._outcome is None:
            needed = self._completions
            enough = self._succeeded > 0 if needed is None else self._succeeded >= needed
            if enough and self._active == 0:
                message = "Reached expected number of succeeded pods"
                self._outcome = self._condition("SuccessCriteriaMet", "CompletionsReached", message)
            elif "deletionTimestamp" not in self.job["metadata"]:
                self._suspension()
        self._set("active", self._active)
        self.status["ready"] = self._ready
        self.status["terminating"] = self._terminating

    def _suspension(self) -> None:
        known = conditions.find(self.status.get("conditions"), "Suspended")
        if self._suspended:
            wanted = self._condition("Suspended", "JobSuspended", "Job suspended")
        else:
            wanted = self._condition("Suspended", "JobResumed", "Job resumed", "False")
        if known is None and not self._suspended:
            return
        if known is not None and known["status"] == wanted["status"] and known["reason"] == wanted["reason"]:
            return
        self.status["conditions"] = conditions.merged(self.status.get("conditions"), wanted)
        if self._suspended:
            self.status.pop("startTime", None)
            self._events.append((False, "Suspended", "Job suspended"))
        else:
            self.status["startTime"] = timestamp(self.now)
            self._events.append((False, "Resumed", "Job resumed"))

    def _set(self, name: str, value: int) -> None:
        if value or name not in _OMITTED:
            self.status[name] = value
        else:
            self.status.pop(name, None)

    def uncount(self) -> list[Object]:
        """Note the pods that have ended; returns those whose finalizer may go once that is written."""
        present = {pod["metadata"]["uid"] for pod in self.pods if jobpods.is_tracked(pod)}
        self._absorb(present)
        noted = self.status["uncountedTerminatedPods"]
        found: list[Object] = []
        done: list[int] = []
        succeeding = self._outcome is not None and self._outcome["type"] == "SuccessCriteriaMet"
        for pod in self.pods:
            failed = has_failed(self.job, pod)
            if not jobpods.is_tracked(pod) or not self._may_go(pod, failed=failed):
                continue
            found.append(pod)
            uid, index = pod["metadata"]["uid"], index_of(pod)
            in_range = 0 <= index < (self._completions or 0)
            if pods.phase(pod) == "Succeeded" and uid not in noted.get("failed", ()):
                if self._indexed:
                    done += [index] if in_range else []
                elif uid not in noted.get("succeeded", ()):
                    noted.setdefault("succeeded", []).append(uid)
            elif failed or (self._outcome is not None and not succeeding):
                unknown = uid not in noted.get("failed", ()) and (in_range or not self._indexed)
                if unknown and counts(self.job, pod):
                    noted.setdefault("failed", []).append(uid)
        if self._indexed:
            self._note_indexes(done)
        self._note_outcome()
        return found

    def _may_go(self, pod: Object, *, failed: bool) -> bool:
        ended = pods.phase(pod) == "Succeeded" or self._outcome is not None
        if ended or "deletionTimestamp" in self.job["metadata"]:
            return True
        latest = self._retries.get(index_of(pod))
        # The last failed pod of an index stays until its successor has taken over its count of failures.
        return failed and (latest is None or latest["metadata"]["uid"] != pod["metadata"]["uid"])

    def _note_indexes(self, done: list[int]) -> None:
        self._done |= Indexes.of(done)
        self._set("succeeded", len(self._done))
        if len(self._done):
            self.status["completedIndexes"] = str(self._done)
        if jobpods.per_index(self.job):
            self.status["failedIndexes"] = str(self._lost)

    def _note_outcome(self) -> None:
        outcome = self._outcome
        if outcome is None:
            return
        listed = self.status.get("conditions") or []
        if outcome["type"] in ("FailureTarget", "SuccessCriteriaMet"):
            if conditions.find(listed, outcome["type"]) is None:
                self.status["conditions"] = [*listed, outcome]
            last = "Failed" if outcome["type"] == "FailureTarget" else "Complete"
            self._outcome = self._condition(last, outcome["reason"], outcome["message"])

    def count(self, gone: Sequence[Object]) -> None:
        """The finalizers of these pods are gone: count them."""
        uids = {pod["metadata"]["uid"] for pod in gone}
        tracked = {pod["metadata"]["uid"] for pod in self.pods if jobpods.is_tracked(pod)}
        self._absorb(tracked - uids)

    def _absorb(self, still_tracked: set[str]) -> None:
        noted = self.status["uncountedTerminatedPods"]
        for name in ("succeeded", "failed"):
            left = [uid for uid in noted.get(name, ()) if uid in still_tracked]
            gone = len(noted.get(name, ())) - len(left)
            if gone:
                self._set(name, self._number(name) + gone)
            noted.pop(name, None)
            if left:
                noted[name] = left

    def finish(self) -> Object | None:
        """The last condition, when nothing is left over; None otherwise."""
        outcome = self._outcome
        if outcome is None or self.status["uncountedTerminatedPods"] or self._terminating:
            return None
        self.status["conditions"] = conditions.merged(self.status.get("conditions"), outcome)
        if outcome["type"] == "Complete":
            self.status["completionTime"] = outcome["lastTransitionTime"]
        return outcome

    def events(self) -> list[tuple[bool, str, str]]:
        """What to tell: is it a warning, reason, message."""
        return self._events

    def is_news(self) -> bool:
        """Whether the status differs from the one that was written last."""
        return self.status != self._known

    def written(self, made: Object | None) -> None:
        """The status was written."""
        self._known = _copied(self.status)
        if made is not None:
            self.job = {**made, "spec": self.job["spec"]}


def _copied(status: Object) -> Object:
    noted = status["uncountedTerminatedPods"]
    return {**status, "uncountedTerminatedPods": {name: list(uids) for name, uids in noted.items()}}
