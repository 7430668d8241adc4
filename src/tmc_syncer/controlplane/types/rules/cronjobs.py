"""CronJobs: the schedule, and the Job that is made from the template.

Source: ``pkg/apis/batch/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.rules.jobs import check_job_spec
from tmc_syncer.controlplane.types.rules.numbers import check_counters
from tmc_syncer.controlplane.types.rules.schedules import check_schedule

__all__ = ["validate_cron_job"]

Object = dict[str, Any]

CONCURRENCY = ("Allow", "Forbid", "Replace")
MAX_CRON_NAME = 52


def validate_cron_job(obj: Object, old: Object | None) -> list[Cause]:
    """A CronJob."""
    if old is not None and obj["spec"] == old["spec"]:
        return []
    spec = obj["spec"]
    found = check_schedule("spec", spec, None if old is None else old["spec"])
    found += check_counters(
        "spec", spec, ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    )
    policy = spec.get("concurrencyPolicy", "")
    if policy not in CONCURRENCY:
        found.append(causes.not_supported("spec.concurrencyPolicy", policy, CONCURRENCY))
    job, path = spec["jobTemplate"]["spec"], "spec.jobTemplate.spec"
    found += check_job_spec(path, job)
    if "selector" in job:
        found.append(causes.invalid(f"{path}.selector", job["selector"], "`selector` will be auto-generated"))
    if job.get("manualSelector"):
        found.append(causes.not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    name = obj["metadata"].get("name", "")
    if old is None and len(name) > MAX_CRON_NAME:
        found.append(
            causes.invalid("metadata.name", name, f"must be no more than {MAX_CRON_NAME} characters")
        )
    return found
