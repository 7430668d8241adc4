"""Schedules of CronJobs: the five fields of cron, descriptors (``@hourly``, ``@every 1h``) and time zones.

The words are those of ``github.com/robfig/cron/v3``, which kube-apiserver parses schedules with. Pure but for the time
zones, which are those that Python finds.
"""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.instants import duration_nanos

__all__ = ["ScheduleError", "check_schedule", "parse_schedule"]

Object = dict[str, Any]

CACHED = 1024
"""Schedules that are remembered."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
"""Least and greatest value and the names of minute, hour, day of the month, month and day of the week."""

DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_ZONE_PART = re.compile(r"[A-Za-z._0-9+-]{1,14}")


class ScheduleError(ValueError):
    """No schedule; the message is that of the cron library."""


@lru_cache(CACHED)
def parse_schedule(text: str) -> tuple[frozenset[int], ...]:
    """The minutes, hours, days, months and weekdays of a schedule; nothing for a descriptor. Raises `ScheduleError`."""
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, space, rest = text.partition(" ")
        if not space:
            raise ScheduleError("invalid schedule format: runtime error: slice bounds out of range [:-1]")
        if not _is_zone(zone.partition("=")[2]):
            name = zone.partition("=")[2]
            raise ScheduleError(f"provided bad location {name}: unknown time zone {name}")
        text = rest.strip()
    if text.startswith("@"):
        return _descriptor(text)
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    return tuple(_field(field, *bounds) for field, bounds in zip(fields, FIELDS, strict=True))


def _descriptor(text: str) -> tuple[frozenset[int], ...]:
    if text in DESCRIPTORS:
        return ()
    if text.startswith("@every "):
        try:
            duration_nanos(text.removeprefix("@every "))
        except ValueError as error:
            raise ScheduleError(f"failed to parse duration {text}: {error}") from None
        return ()
    raise ScheduleError(f"unrecognized descriptor: {text}")


def _field(text: str, least: int, most: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        if part:
            found.update(_range(part, least, most, names))
    return frozenset(found)


def _range(text: str, least: int, most: int, names: dict[str, int]) -> range:
    whole, *steps = text.split("/")
    low, *high = whole.split("-")
    if low in ("*", "?"):
        start, end = least, most
    else:
        start = _number(low, names)
        if len(high) > 1:
            raise ScheduleError(f"too many hyphens: {text}")
        end = _number(high[0], names) if high else start
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    step = _number(steps[0], {}) if steps else 1
    if steps and not high:
        end = most
    if start < least:
        raise ScheduleError(f"beginning of range ({start}) below minimum ({least}): {text}")
    if end > most:
        raise ScheduleError(f"end of range ({end}) above maximum ({most}): {text}")
    if start > end:
        raise ScheduleError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return range(start, end + 1, step)


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ScheduleError(
            f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
        )
    if int(text) < 0:
        raise ScheduleError(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)


@lru_cache(CACHED)
def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def check_schedule(path: str, spec: Object, old: Object | None) -> list[Cause]:
    """The schedule and the time zone of a CronJob."""
    schedule, zone = spec.get("schedule", ""), spec.get("timeZone")
    where = f"{path}.schedule"
    if not schedule:
        return [causes.required(where), *_check_zone(f"{path}.timeZone", zone)]
    found: list[Cause] = []
    try:
        parse_schedule(schedule)
    except ScheduleError as error:
        found.append(causes.invalid(where, schedule, str(error)))
    if "TZ" in schedule:
        if old is None or "TZ" not in old.get("schedule", ""):
            words = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            found.append(causes.invalid(where, schedule, words))
        elif zone is not None:
            words = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            found.append(causes.invalid(where, schedule, words))
    if old is None or old.get("timeZone") != zone:
        found += _check_zone(f"{path}.timeZone", zone)
    return found


def _check_zone(path: str, zone: str | None) -> list[Cause]:
    if zone is None:
        return []
    if not zone:
        return [causes.invalid(path, zone, "timeZone must be nil or non-empty string")]
    unknown = [causes.invalid(path, zone, f"unknown time zone {zone}")]
    for part in zone.split("/"):
        if part in (".", "..") or part.startswith("-") or not _ZONE_PART.fullmatch(part):
            return unknown
    if zone.lower() == "local":
        words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [causes.invalid(path, zone, words)]
    return [] if _is_zone(zone) else unknown
