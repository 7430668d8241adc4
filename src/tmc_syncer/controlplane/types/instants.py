"""Times and durations as the Go types of Kubernetes read and write them, and ages as kubectl shows them.

`time` is RFC 3339 in UTC with whole seconds, `micro_time` with exactly six digits (the times of Leases and Events), and
`duration` is Go's (``1h`` is written ``1h0m0s``). What cannot be read raises `ValueError` with Go's message. `age` is
``k8s.io/apimachinery/pkg/util/duration.HumanDuration``: two or three significant figures, ``<invalid>`` for the future.
Pure: the present is an argument.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

__all__ = ["age", "duration", "duration_nanos", "duration_text", "human", "micro_time", "moment", "time"]

CACHED = 1024
"""Times that are remembered: a list of objects has few distinct ones."""

UNKNOWN = "<unknown>"

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
GREATEST_DURATION = 2**63 - 1


def _read(text: str, layout: str) -> datetime:
    match = _STAMP.fullmatch(text)
    if match is not None:
        try:
            found = datetime.fromisoformat(match[1] + (match[3] if match[3] != "Z" else "+00:00"))
        except ValueError:
            raise ValueError(f'parsing time "{text}": day out of range') from None
        micros = int(((match[2] or ".0")[1:] + "000000")[:6])
        return found.astimezone(UTC) + timedelta(microseconds=micros)
    raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"')


@lru_cache(maxsize=CACHED)
def time(text: str) -> str:
    """A time as a server writes it. Raises `ValueError`."""
    return _read(text, _LAYOUT).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=CACHED)
def micro_time(text: str) -> str:
    """A time with microseconds as a server writes it. Raises `ValueError`: Go demands six digits."""
    found = _read(text, _MICRO_LAYOUT)
    match = _STAMP.fullmatch(text)
    assert match is not None
    if len(match[2] or "") != len(".000000"):
        rest = (match[2] or "") + match[3]
        raise ValueError(f'parsing time "{text}" as "{_MICRO_LAYOUT}": cannot parse "{rest}" as ".000000"')
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@lru_cache(maxsize=CACHED)
def moment(text: str) -> datetime:
    """A time as Python has it. Raises `ValueError`."""
    return _read(text, _LAYOUT)


@lru_cache(maxsize=CACHED)
def duration_nanos(text: str) -> int:
    """A duration of Go in nanoseconds. Raises `ValueError`."""
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    total, position = 0, 0
    while position < len(rest):
        match = _DURATION.match(rest, position)
        if match is None or not (match[1] or match[2]):
            break
        unit, fraction = _UNITS[match[3]], match[2] or ""
        total += int(match[1] or "0") * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        position = match.end()
    if (rest != "0" and (not rest or position < len(rest))) or total > GREATEST_DURATION:
        raise ValueError(f'time: invalid duration "{text}"')
    return -total if sign == "-" else total


@lru_cache(maxsize=CACHED)
def duration(text: str) -> str:
    """A duration as Go writes it: ``1h`` becomes ``1h0m0s``. Raises `ValueError`."""
    return duration_text(duration_nanos(text))


def duration_text(amount: int) -> str:
    """Nanoseconds as Go writes them."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    if not amount:
        return "0s"
    if amount < 10**9:
        unit, size = next(pair for pair in (("ms", 10**6), ("µs", 10**3), ("ns", 1)) if amount >= pair[1])
        return f"{sign}{_decimal(amount, size)}{unit}"
    minutes, seconds = divmod(amount, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    shown = f"{_decimal(seconds, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{shown}"
    return f"{sign}{minutes}m{shown}" if minutes else f"{sign}{shown}"


def _decimal(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    digits = len(str(size)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0") if rest else str(whole)


def human(seconds: float) -> str:
    """A duration for humans."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes, hours = whole // 60, whole // 3600
    days = hours // 24
    for limit, text in (
        (minutes < 10, _two(minutes, "m", whole % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _two(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (hours < 24 * 8, _two(days, "d", hours % 24, "h")),
        (days < 365 * 2, f"{days}d"),
        (days < 365 * 8, _two(days // 365, "y", days % 365, "d")),
    ):
        if limit:
            return text
    return f"{days // 365}y"


def _two(great: int, great_unit: str, small: int, small_unit: str) -> str:
    return f"{great}{great_unit}{small}{small_unit}" if small else f"{great}{great_unit}"


def age(stamp: Any, now: datetime) -> str:
    """How long ago a time was; ``<unknown>`` when it is missing."""
    if not stamp:
        return UNKNOWN
    try:
        return human((now - moment(stamp)).total_seconds())
    except (TypeError, ValueError):
        return UNKNOWN
