"""The Job controller: pods until enough of them have succeeded, or too many have failed.

What is decided about one Job is in `jobdecision` and `jobsync`. This claims the pods, carries the decision out, and keeps the count of failures that
delays new pods. A finished Job is never looked at again; `JobPods` takes the finalizer off pods whose Job is finished or
gone, `JobTtl` deletes Jobs that have been finished for long enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.objects.references import controller_of
from tmc_syncer.controlplane.cluster.objects.selection import matches
from tmc_syncer.controlplane.cluster.runtime.claims import claim
from tmc_syncer.controlplane.cluster.runtime.client import Key, key_of
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.jobdecision import is_finished
from tmc_syncer.controlplane.cluster.workloads.jobpods import TRACKING, is_tracked, untracked
from tmc_syncer.controlplane.cluster.workloads.jobrules import Failures
from tmc_syncer.controlplane.cluster.workloads.jobsync import JobSync
from tmc_syncer.controlplane.cluster.workloads.names import JOBS, MANAGER, PODS
from tmc_syncer.controlplane.cluster.workloads.podset import PodSet, controlled_by_kind
from tmc_syncer.controlplane.server.errors import ApiError
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["JobController", "JobPods", "JobTtl"]

Object = dict[str, Any]

OURS = "kubernetes.io/job-controller"
REMEMBERED = 10_000
"""Jobs whose failures are counted; beyond it all counts start anew, which only shortens waits."""


class JobController:
    """See the module."""

    name = "job-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._pods = PodSet(world, recorder, self.name)
        self._failures: dict[str, Failures] = {}
        self.sources = (Source(JOBS, itself), Source(PODS, self._of_pod))

    def _of_pod(self, pod: Object) -> Iterable[Key]:
        if controller_of(pod) is not None:
            return controlled_by_kind(pod, "Job")
        labels = pod["metadata"].get("labels")
        jobs = self._world.view(JOBS).all(pod["metadata"]["namespace"])
        return [key_of(job) for job in jobs if matches(job["spec"].get("selector"), labels)]

    def reconcile(self, key: Key) -> float | None:
        """One look at one Job."""
        job = self._world.view(JOBS).get(key)
        if job is None:
            return None
        uid = job["metadata"]["uid"]
        if job["spec"].get("managedBy", OURS) != OURS:
            return None
        if is_finished(job):
            self._failures.pop(uid, None)
            return None
        view = self._world.view(PODS)
        found = claim(
            self._world,
            PODS,
            job,
            [*view.owned_by(uid), *view.orphans(key[0])],
            lambda pod: matches(job["spec"].get("selector"), pod["metadata"].get("labels")),
            MANAGER,
            finalizer=TRACKING,
        )
        sync = JobSync(job, found, self._failures.get(uid, Failures()), self._world.now())
        sync.judge()
        failure = self._act(sync)
        self._conclude(sync)
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()
        self._failures[uid] = sync.failures
        if failure is not None:
            raise failure
        return sync.again

    # Pods

    def _act(self, sync: JobSync) -> ApiError | None:
        try:
            for pod in sync.plan_deletions():
                if not sync.is_ending:
                    self._untrack(pod)
                self._pods.delete(sync.job, pod)
                sync.deleted(pod)
        except ApiError as error:
            sync.incomplete()
            return error
        wanted = sync.plan_creations()
        made, failure = self._pods.create_many(sync.job, wanted)
        sync.made(made)
        return failure

    def _untrack(self, pod: Object) -> None:
        if is_tracked(pod):
            self._world.change(PODS, pod, untracked, MANAGER)

    # Status

    def _conclude(self, sync: JobSync) -> None:
        sync.settle()
        counted = sync.uncount()
        if sync.is_news():
            self._write(sync)
        for pod in counted:
            self._untrack(pod)
        sync.count(counted)
        finished = sync.finish()
        if sync.is_news():
            self._write(sync)
        for level, reason, message in sync.events():
            self._pods.tell(sync.job, WARNING if level else NORMAL, reason, message)
        if finished is not None:
            self._tell_finish(sync.job, finished)

    def _write(self, sync: JobSync) -> None:
        made = self._world.set_status(JOBS, sync.job, sync.status, MANAGER)
        sync.written(made)

    def _tell_finish(self, job: Object, condition: Object) -> None:
        if condition["type"] == "Complete":
            self._pods.tell(job, NORMAL, "Completed", "Job completed")
        else:
            self._pods.tell(job, WARNING, condition["reason"], condition["message"])


class JobPods:
    """Takes the finalizer off pods whose Job will not count them any more."""

    name = "job-pods"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(PODS, self._tracked), Source(JOBS, self._of_job))

    @staticmethod
    def _tracked(pod: Object) -> Iterable[Key]:
        return (key_of(pod),) if is_tracked(pod) else ()

    def _of_job(self, job: Object) -> Iterable[Key]:
        if not is_finished(job) and self._world.view(JOBS).by_uid(job["metadata"]["uid"]) is not None:
            return ()
        owned = self._world.view(PODS).owned_by(job["metadata"]["uid"])
        return [key_of(pod) for pod in owned if is_tracked(pod)]

    def reconcile(self, key: Key) -> float | None:
        """One look at one pod."""
        pod = self._world.view(PODS).get(key)
        if pod is None or not is_tracked(pod):
            return None
        reference = controller_of(pod)
        job = None
        if reference is not None and reference.get("kind") == "Job":
            job = self._world.view(JOBS).by_uid(reference["uid"])
        if job is None or is_finished(job):
            self._world.change(PODS, pod, untracked, MANAGER)
        return None


class JobTtl:
    """Deletes Jobs whose ``ttlSecondsAfterFinished`` is over."""

    name = "ttl-after-finished"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.sources = (Source(JOBS, itself),)

    def reconcile(self, key: Key) -> float | None:
        """One look at one Job."""
        job = self._world.view(JOBS).get(key)
        if job is None or "deletionTimestamp" in job["metadata"]:
            return None
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        status = job.get("status") or {}
        for kind in ("Complete", "Failed"):
            condition = conditions.find(status.get("conditions"), kind)
            if seconds is None or condition is None or condition.get("status") != "True":
                continue
            end = moment(condition["lastTransitionTime"]) + timedelta(seconds=seconds)
            left = (end - self._world.now()).total_seconds()
            if left > 0:
                return left
            self._world.delete(JOBS, job, propagation="Foreground")
        return None
