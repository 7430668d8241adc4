"""The CronJob controller: a Job at each scheduled time, and not too many old ones.

A missed time is made up for by one Job, the latest, unless it is too late for its starting deadline. What runs already decides by the
concurrency policy. The name of a Job is the CronJob's and the minute that it was scheduled for, so that none is made
twice. Source: ``pkg/controller/cronjob``.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime
from typing import Any

from tmc_syncer.controlplane.clock import timestamp
from tmc_syncer.controlplane.cluster.objects import conditions
from tmc_syncer.controlplane.cluster.objects.references import (
    controller_of,
    controller_reference,
    is_controlled_by,
)
from tmc_syncer.controlplane.cluster.runtime.client import Key
from tmc_syncer.controlplane.cluster.runtime.controller import Source, itself, namespace_is_terminating
from tmc_syncer.controlplane.cluster.runtime.recorder import NORMAL, WARNING, Recorder
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.workloads.cron import CronError, Schedule, parse
from tmc_syncer.controlplane.cluster.workloads.jobdecision import is_finished
from tmc_syncer.controlplane.cluster.workloads.names import CRON_JOBS, JOBS, MANAGER
from tmc_syncer.controlplane.cluster.workloads.podset import controlled_by_kind
from tmc_syncer.controlplane.cluster.workloads.times import Due, due, seconds_until_next
from tmc_syncer.controlplane.server.errors import ApiError

__all__ = ["CronJobController"]

Object = dict[str, Any]

SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController:
    """See the module."""

    name = "cronjob-controller"
    needs: tuple[str, ...] = ()

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._world = world
        self._recorder = recorder
        self.sources = (Source(CRON_JOBS, itself), Source(JOBS, self._of_job))

    @staticmethod
    def _of_job(job: Object) -> Iterable[Key]:
        return controlled_by_kind(job, "CronJob")

    def reconcile(self, key: Key) -> float | None:
        """One look at one CronJob."""
        cron = self._world.view(CRON_JOBS).get(key)
        if cron is None:
            return None
        jobs = self._world.view(JOBS).owned_by(cron["metadata"]["uid"])
        jobs = [job for job in jobs if is_controlled_by(job, cron)]
        status = dict(cron.get("status") or {})
        self._clean_up(cron, status, jobs)
        self._look_at_jobs(cron, status, jobs)
        try:
            return self._schedule(cron, status)
        finally:
            if not status.get("active"):
                status.pop("active", None)
            if status != (cron.get("status") or {}):
                self._world.set_status(CRON_JOBS, cron, status, MANAGER)

    def _tell(self, cron: Object, level: str, reason: str, message: str) -> None:
        self._recorder.tell(self.name, cron, level, reason, message)

    # What is there

    def _clean_up(self, cron: Object, status: Object, jobs: list[Object]) -> None:
        for kind, field in (
            ("Complete", "successfulJobsHistoryLimit"),
            ("Failed", "failedJobsHistoryLimit"),
        ):
            limit = cron["spec"].get(field)
            if limit is None:
                continue
            ended = [job for job in jobs if _has_condition(job, kind)]
            ended.sort(key=lambda job: (_start(job) or "~", job["metadata"]["name"]))
            for job in ended[: max(0, len(ended) - limit)]:
                self._delete(cron, status, job)

    def _delete(self, cron: Object, status: Object, job: Object) -> None:
        name = job["metadata"]["name"]
        try:
            self._world.delete(JOBS, job)
        except ApiError as error:
            self._tell(cron, WARNING, "FailedDelete", f"Deleted job: {error.message}")
            return
        _deactivate(status, job["metadata"]["uid"])
        self._tell(cron, NORMAL, "SuccessfulDelete", f"Deleted job {name}")

    def _look_at_jobs(self, cron: Object, status: Object, jobs: list[Object]) -> None:
        for job in jobs:
            uid, name = job["metadata"]["uid"], job["metadata"]["name"]
            listed = any(entry.get("uid") == uid for entry in status.get("active") or ())
            if not is_finished(job):
                if not listed:
                    message = f"Saw a job that the controller did not create or forgot: {name}"
                    self._tell(cron, WARNING, "UnexpectedJob", message)
                continue
            if listed:
                kind = "Complete" if _has_condition(job, "Complete") else "Failed"
                _deactivate(status, uid)
                message = f"Saw completed job: {name}, condition: {kind}"
                self._tell(cron, NORMAL, "SawCompletedJob", message)
            completed = (job.get("status") or {}).get("completionTime")
            if _has_condition(job, "Complete") and completed:
                status["lastSuccessfulTime"] = max(status.get("lastSuccessfulTime", ""), completed)
        uids = {job["metadata"]["uid"] for job in jobs}
        for entry in list(status.get("active") or ()):
            standing = self._world.view(JOBS).get((entry["namespace"], entry["name"]))
            if entry["uid"] not in uids and standing is None:
                self._tell(cron, NORMAL, "MissingJob", f"Active job went missing: {entry['name']}")
                _deactivate(status, entry["uid"])

    # What is due

    def _schedule(self, cron: Object, status: Object) -> float | None:
        spec = cron["spec"]
        if "deletionTimestamp" in cron["metadata"]:
            return None
        zone = self._zone(cron)
        if zone is None or spec.get("suspend"):
            return None
        schedule = self._read(cron)
        if schedule is None:
            return None
        now = self._world.now()
        seen = {**cron, "status": status}
        found = due(seen, schedule, zone, now)
        if found.too_many:
            message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
            self._tell(cron, WARNING, "TooManyMissedTimes", message)
        if found.time is not None and self._may_start(cron, status, found, now):
            self._start(cron, status, found.time, zone)
            seen = {**cron, "status": status}
        return seconds_until_next(seen, schedule, zone, now)

    def _zone(self, cron: Object) -> tzinfo | None:
        name = cron["spec"].get("timeZone")
        if name is None:
            return UTC
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            message = f'invalid timeZone: "{name}": unknown time zone {name}'
            self._tell(cron, WARNING, "UnknownTimeZone", message)
            return None

    def _read(self, cron: Object) -> Schedule | None:
        text = cron["spec"]["schedule"]
        try:
            return parse(text)
        except CronError as error:
            message = f'unparseable schedule: "{text}" : {error}'
            self._tell(cron, WARNING, "UnparseableSchedule", message)
            return None

    def _may_start(self, cron: Object, status: Object, found: Due, now: datetime) -> bool:
        spec, time = cron["spec"], found.time
        assert time is not None
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and time + timedelta(seconds=deadline) < now:
            said = format_datetime(time.astimezone(UTC), usegmt=True).replace("GMT", "UTC")
            self._tell(cron, WARNING, "MissSchedule", f"Missed scheduled time to start a job: {said}")
            return False
        name = _job_name(cron, time)
        active = status.get("active") or ()
        if any(entry["name"] == name for entry in active) or status.get("lastScheduleTime") == timestamp(
            time
        ):
            return False
        if spec.get("concurrencyPolicy") == "Forbid" and active:
            message = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._tell(cron, NORMAL, "JobAlreadyActive", message)
            return False
        return True

    def _start(self, cron: Object, status: Object, time: datetime, zone: tzinfo) -> None:
        if cron["spec"].get("concurrencyPolicy") == "Replace":
            for entry in list(status.get("active") or ()):
                job = self._world.view(JOBS).get((entry["namespace"], entry["name"]))
                if job is not None:
                    self._delete(cron, status, job)
        wanted = _job(cron, time, zone)
        try:
            made = self._world.create(JOBS, wanted, MANAGER)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                if not namespace_is_terminating(error):
                    self._tell(cron, WARNING, "FailedCreate", f"Error creating job: {error.message}")
                raise
            metadata = wanted["metadata"]
            standing = self._world.fresh(JOBS, (metadata["namespace"], metadata["name"]))
            reference = None if standing is None else controller_of(standing)
            if standing is None or reference is None or reference["uid"] != cron["metadata"]["uid"]:
                return
            made = standing
        else:
            self._tell(cron, NORMAL, "SuccessfulCreate", f"Created job {made['metadata']['name']}")
        status["active"] = [*(status.get("active") or ()), _reference(made)]
        status["lastScheduleTime"] = timestamp(time)


def _has_condition(job: Object, kind: str) -> bool:
    return conditions.is_true((job.get("status") or {}).get("conditions"), kind)


def _start(job: Object) -> str:
    return str((job.get("status") or {}).get("startTime") or "")


def _deactivate(status: Object, uid: str) -> None:
    status["active"] = [entry for entry in status.get("active") or () if entry.get("uid") != uid]


def _job_name(cron: Object, time: datetime) -> str:
    return f"{cron['metadata']['name']}-{int(time.timestamp()) // 60}"


def _job(cron: Object, time: datetime, zone: tzinfo) -> Object:
    template = cron["spec"]["jobTemplate"]
    source = template.get("metadata") or {}
    said = time.astimezone(zone).isoformat().replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": _job_name(cron, time),
            "namespace": cron["metadata"]["namespace"],
            **({"labels": dict(source["labels"])} if source.get("labels") else {}),
            "annotations": {**(source.get("annotations") or {}), SCHEDULED: said},
            "ownerReferences": [controller_reference(cron)],
        },
        "spec": template["spec"],
    }


def _reference(job: Object) -> Object:
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
