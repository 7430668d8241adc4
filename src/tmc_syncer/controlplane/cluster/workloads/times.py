"""Which scheduled time of a CronJob is due, and when the next one comes.

Times are looked for from the last schedule time (or the creation, or the starting deadline) on. Of several missed ones only the
latest counts; more than a hundred are worth a warning. Source: ``pkg/controller/cronjob/utils.go``. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from tmc_syncer.controlplane.cluster.workloads.cron import Schedule
from tmc_syncer.controlplane.types.instants import moment

__all__ = ["Due", "due", "seconds_until_next"]

Object = dict[str, Any]

MANY = 100
"""Missed times from which on something is wrong."""

DELTA_SECONDS = 0.1
"""The next look comes this much after the scheduled time, so that it is not a moment too early."""


@dataclass(frozen=True, slots=True)
class Due:
    """The time that is due, None when none is; whether too many were missed; from where on was looked."""

    time: datetime | None
    too_many: bool
    since: datetime
    missed: bool = False


def due(cron: Object, schedule: Schedule, zone: tzinfo, now: datetime, *, with_deadline: bool = True) -> Due:
    """What is due now."""
    since = _since(cron, now, with_deadline=with_deadline)
    first = schedule.next_after(since, zone)
    second = None if first is None else schedule.next_after(first, zone)
    if first is None or now < first:
        return Due(None, too_many=False, since=since)
    if second is None or now < second:
        return Due(first, too_many=False, since=since, missed=True)
    step = int((second - first).total_seconds())
    missed = int((now - first).total_seconds()) // step + 1
    start = first + timedelta(seconds=(missed - 2) * step)
    latest: datetime | None = None
    time = schedule.next_after(start, zone)
    while time is not None and time <= now:
        latest = time
        time = schedule.next_after(time, zone)
    return Due(latest, too_many=missed > MANY, since=since, missed=True)


def _since(cron: Object, now: datetime, *, with_deadline: bool) -> datetime:
    last = (cron.get("status") or {}).get("lastScheduleTime")
    since = moment(last or cron["metadata"]["creationTimestamp"])
    seconds = cron["spec"].get("startingDeadlineSeconds")
    if with_deadline and seconds is not None:
        since = max(since, now - timedelta(seconds=seconds))
    return since


def seconds_until_next(cron: Object, schedule: Schedule, zone: tzinfo, now: datetime) -> float | None:
    """When to look again; None when nothing will ever be due."""
    found = due(cron, schedule, zone, now, with_deadline=False)
    base = found.time or (now if found.missed else found.since)
    time = schedule.next_after(base, zone)
    return None if time is None else max(0.0, (time - now).total_seconds()) + DELTA_SECONDS
