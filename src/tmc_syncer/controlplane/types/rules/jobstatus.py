"""The status of a Job, of which a server refuses much: a Job that is finished stays so, and counters only grow.

Source: ``ValidateJobStatusUpdate`` and ``getStatusValidationOptions`` (most rules hold only for what changed). Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.instants import moment
from tmc_syncer.controlplane.types.rules.indexes import WrongIndexes, count_indexes, intervals
from tmc_syncer.controlplane.types.rules.numbers import check_counters

__all__ = ["check_job_status"]

Object = dict[str, Any]

TERMINAL = ("Failed", "Complete", "FailureTarget")


def _true(status: Object) -> set[str]:
    return {
        condition.get("type", "")
        for condition in status.get("conditions") or ()
        if condition.get("status") == "True"
    }


def check_job_status(obj: Object, old: Object) -> list[Cause]:
    """A Job whose status changed."""
    status, before, spec = obj["status"], old["status"], obj["spec"]
    found = check_counters("status", status, ("active", "succeeded", "failed", "ready", "terminating"))
    found += _check_uncounted(status)
    changed = {field for field in status.keys() | before.keys() if status.get(field) != before.get(field)}
    now, was = _true(status), _true(before)
    flipped = now ^ was
    found += _check_conditions(now, was, flipped, spec, "failedIndexes" in changed)
    found += _check_times(status, before, spec, changed, now, flipped)
    found += _check_finished(status, spec, changed, now, flipped)
    found += _check_indexes(status, spec, changed)
    ready = status.get("ready")
    if {"ready", "active"} & changed and ready is not None and ready > status.get("active", 0):
        found.append(causes.invalid("status.ready", ready, "cannot set more ready pods than active"))
    for field in ("failed", "succeeded"):
        is_elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get(
            "parallelism"
        )
        if status.get(field, 0) < before.get(field, 0) and not (field == "succeeded" and is_elastic):
            words = f"cannot decrease the {field} counter"
            found.append(causes.invalid(f"status.{field}", status.get(field, 0), words))
    return found


def _check_uncounted(status: Object) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for field in ("succeeded", "failed"):
        for number, uid in enumerate((status.get("uncountedTerminatedPods") or {}).get(field) or ()):
            where = f"status.uncountedTerminatedPods.{field}[{number}]"
            if not uid:
                found.append(causes.invalid(where, uid, "must not be empty"))
            elif uid in seen:
                found.append(causes.duplicate(where, uid))
            seen.add(uid)
    return found


def _check_conditions(
    now: set[str], was: set[str], flipped: set[str], spec: Object, indexes_changed: bool
) -> list[Cause]:
    words = [
        ("cannot set Complete=True and Failed=true conditions",
         {"Complete", "Failed"} & flipped and {"Complete", "Failed"} <= now),
        ("cannot set Complete=True and FailureTarget=true conditions",
         {"Complete", "FailureTarget"} & flipped and {"Complete", "FailureTarget"} <= now),
        ("cannot set Failed=True condition without the FailureTarget=true condition",
         ("Failed" in flipped or indexes_changed) and "Failed" in now and "FailureTarget" not in now),
        ("cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
         {"Complete", "SuccessCriteriaMet"} & flipped and "Complete" in now and "SuccessCriteriaMet" not in now),
        ("cannot set SuccessCriteriaMet=True and Failed=true conditions", {"SuccessCriteriaMet", "Failed"} <= now),
        ("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
         {"SuccessCriteriaMet", "FailureTarget"} <= now),
        ("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
         "successPolicy" in spec and "Complete" in now and "SuccessCriteriaMet" not in now),
        *((f"cannot disable the terminal {kind}=True condition", kind in was - now) for kind in TERMINAL),
        ("cannot disable the SuccessCriteriaMet=True condition", "SuccessCriteriaMet" in was - now),
        ("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
         "Complete" in was and "SuccessCriteriaMet" in now - was),
    ]  # fmt: skip
    return [causes.invalid("status.conditions", causes.OMITTED, said) for said, holds in words if holds]


def _check_times(
    status: Object, before: Object, spec: Object, changed: set[str], now: set[str], flipped: set[str]
) -> list[Cause]:
    found: list[Cause] = []
    start, end = status.get("startTime"), status.get("completionTime")
    if "Complete" in flipped or "completionTime" in changed:
        if end is not None and "Complete" not in now:
            words = "cannot set completionTime when there is no Complete=True condition"
            found.append(causes.invalid("status.completionTime", end, words))
        if end is None and "Complete" in now:
            words = "completionTime is required for Complete jobs"
            found.append(causes.required("status.completionTime", words))
    if {"startTime", "completionTime"} & changed and start and end and moment(end) < moment(start):
        words = "must be equal to or after `startTime`"
        found.append(causes.invalid("status.completionTime", end, words))
    if end is not None and before.get("completionTime") not in (None, end):
        found.append(causes.invalid("status.completionTime", end, causes.IMMUTABLE))
    if (
        before.get("startTime") not in (None, start)
        and not spec.get("suspend")
        and not _is_resuming(status, before)
    ):
        words = "field is immutable for unsuspended job once set"
        found.append(causes.invalid("status.startTime", start, words))
    return found


def _is_resuming(status: Object, before: Object) -> bool:
    is_false = any(
        condition.get("type") == "Suspended" and condition.get("status") == "False"
        for condition in status.get("conditions") or ()
    )
    return "Suspended" in _true(before) and is_false


def _check_finished(
    status: Object, spec: Object, changed: set[str], now: set[str], flipped: set[str]
) -> list[Cause]:
    if not now & {"Complete", "Failed"}:
        return []
    found: list[Cause] = []
    finished = bool(flipped & {"Complete", "Failed"})
    if status.get("active", 0) > 0 and (finished or "active" in changed):
        words = "active>0 is invalid for finished job"
        found.append(causes.invalid("status.active", status["active"], words))
    never_ran = bool(spec.get("suspend")) and spec.get("completions") == 0
    if "startTime" not in status and (finished or "startTime" in changed) and not never_ran:
        found.append(causes.required("status.startTime", "startTime is required for finished job"))
    uncounted = status.get("uncountedTerminatedPods") or {}
    if (uncounted.get("failed") or uncounted.get("succeeded")) and (
        finished or "uncountedTerminatedPods" in changed
    ):
        shown = {"Succeeded": uncounted.get("succeeded"), "Failed": uncounted.get("failed")}
        found.append(
            causes.invalid("status.uncountedTerminatedPods", shown, "must be empty for finished job")
        )
    if (status.get("terminating") or 0) > 0 and (finished or "terminating" in changed):
        words = "terminating>0 is invalid for finished job"
        found.append(causes.invalid("status.terminating", status["terminating"], words))
    return found


def _check_indexes(status: Object, spec: Object, changed: set[str]) -> list[Cause]:
    found: list[Cause] = []
    completions, done, failed = (
        spec.get("completions"),
        status.get("completedIndexes", ""),
        status.get("failedIndexes"),
    )
    if "completedIndexes" in changed:
        if completions is not None and (words := _unreadable(done, completions)):
            found.append(
                causes.invalid("status.completedIndexes", done, f"error parsing completedIndexes: {words}")
            )
        if done and spec.get("completionMode") != "Indexed":
            words = "cannot set non-empty completedIndexes when non-indexed completion mode"
            found.append(causes.invalid("status.completedIndexes", done, words))
    if "failedIndexes" in changed and failed is not None:
        if "backoffLimitPerIndex" not in spec:
            words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
            found.append(causes.invalid("status.failedIndexes", failed, words))
        elif completions is not None and (words := _unreadable(failed, completions)):
            found.append(
                causes.invalid("status.failedIndexes", failed, f"error parsing failedIndexes: {words}")
            )
    if {"failedIndexes", "completedIndexes"} & changed and completions is not None and failed:
        overlap = _overlap(done, failed, completions)
        if overlap is not None:
            words = f"failedIndexes and completedIndexes overlap at index: {overlap}"
            found.append(causes.invalid("status.failedIndexes", failed, words))
    return found


def _unreadable(text: str, completions: int) -> str:
    try:
        count_indexes(text, completions)
    except WrongIndexes as error:
        return str(error)
    return ""


def _overlap(done: str, failed: str, completions: int) -> int | None:
    try:
        pairs = [(a, b) for a in intervals(done, completions) for b in intervals(failed, completions)]
    except WrongIndexes:
        return None
    return next((max(a[0], b[0]) for a, b in pairs if a[0] <= b[1] and b[0] <= a[1]), None)
