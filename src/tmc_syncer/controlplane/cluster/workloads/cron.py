"""Cron schedules as Kubernetes reads them: five fields, names, ranges, steps, ``@hourly`` and its like, ``@every 90s``.

The rules are those of ``github.com/robfig/cron/v3``, which the CronJob controller uses: when both days of month and days of week are
restricted, either may match; ``?`` is ``*``; Sunday is 0 (7 is refused). `Schedule.next_after` gives the first moment after another,
None when there is none within five years. Local times that a clock change skips do not happen. No library is used: those at
hand read other dialects. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from tmc_syncer.controlplane.types.instants import duration_nanos

__all__ = ["CronError", "Schedule", "parse"]

YEARS = 5
"""How far a next moment is looked for; ``0 0 30 2 *`` never comes."""

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGE = re.compile(r"(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]+))?")


class CronError(ValueError):
    """No schedule; the message says why."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due: sets of numbers for each field, or a fixed interval in seconds."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = True
    any_weekday: bool = True
    interval: int = 0

    def next_after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first moment after this one, in UTC."""
        if self.interval:
            return moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=self.interval)
        found = moment.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        last = found.year + YEARS
        while found.year <= last:
            local = found.astimezone(zone)
            if local.month not in self.months:
                first = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=zone)
                found = _later(first, found)
            elif not self._is_day(local):
                # Arithmetic of local times ignores clock changes, which is what the next midnight means.
                midnight = local.replace(hour=0, minute=0, fold=0) + timedelta(days=1)
                found = _later(midnight, found)
            elif local.hour not in self.hours:
                found += timedelta(minutes=60 - local.minute)
            elif local.minute not in self.minutes:
                found += timedelta(minutes=1)
            else:
                return found
        return None

    def _is_day(self, local: datetime) -> bool:
        by_day = local.day in self.days
        by_weekday = local.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def _later(local: datetime, before: datetime) -> datetime:
    """A local time in UTC; a time that a clock change skips must not lead back."""
    found = local.astimezone(UTC)
    return found if found > before else before + timedelta(hours=1)


def parse(text: str) -> Schedule:
    """Read a schedule without a time zone. Raises `CronError`."""
    text = text.strip()
    if not text:
        raise CronError("empty spec string")
    if text.startswith("@"):
        if text.startswith("@every "):
            return Schedule(interval=_interval(text))
        if text not in _NAMED:
            raise CronError(f"unrecognized descriptor: {text}")
        text = _NAMED[text]
    fields = text.lower().split()
    if len(fields) != len(_FIELDS):
        raise CronError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    minutes, hours, days, months, weekdays = (
        _field(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)
    )
    return Schedule(minutes, hours, days, months, weekdays, _is_any(fields[2]), _is_any(fields[4]))


def _interval(text: str) -> int:
    word = text.removeprefix("@every ")
    try:
        nanos = duration_nanos(word)
    except ValueError as error:
        raise CronError(f"failed to parse duration {text}: {error}") from None
    return max(1, nanos // 10**9)


def _is_any(field: str) -> bool:
    return any(part.startswith(("*", "?")) for part in field.split(","))


def _field(field: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise CronError(f"failed to parse int from {part}")
        start, end, step = match[1], match[2], match[3]
        if start in "*?":
            first, last = low, high
        else:
            first = _number(start, names)
            # A step after a single number counts on to the end of the field.
            last = _number(end, names) if end else high if step else first
        if int(step or 1) == 0:
            raise CronError(f"step of range should be a positive number: {part}")
        if first < low:
            raise CronError(f"beginning of range ({first}) below minimum ({low}): {part}")
        if last > high:
            raise CronError(f"end of range ({last}) above maximum ({high}): {part}")
        if first > last:
            raise CronError(f"beginning of range ({first}) beyond end of range ({last}): {part}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _number(word: str, names: dict[str, int]) -> int:
    if word in names:
        return names[word]
    if not word.isdigit():
        raise CronError(f"failed to parse int from {word}")
    return int(word)
