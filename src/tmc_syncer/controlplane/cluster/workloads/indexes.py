"""Sets of completion indexes of an Indexed Job, and their text: ``0-2,5``.

`Indexes` holds sorted intervals, so that a Job of a hundred thousand indexes is a few numbers. `parse` drops what is no number or
beyond the completions, as the real one does; `pending` finds the first indexes that are in none of the given sets.
Source: ``pkg/controller/job/indexed_job_utils.go``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Indexes"]

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Indexes:
    """A set of numbers as sorted, disjoint intervals (first and last included)."""

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Indexes:
        """The set of these numbers."""
        return cls(_joined((number, number) for number in sorted(set(numbers))))

    @classmethod
    def parse(cls, text: str, completions: int) -> Indexes:
        """Read the text form."""
        found: list[Interval] = []
        for part in text.split(",") if text else ():
            first, _, last = part.partition("-")
            if not first.isdigit() or (last and not last.isdigit()):
                continue
            if int(first) >= completions:
                break
            found.append((int(first), min(int(last or first), completions - 1)))
        return cls(_joined(sorted(found)))

    def __or__(self, other: Indexes) -> Indexes:
        return Indexes(_joined(sorted((*self.intervals, *other.intervals))))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.intervals)

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.intervals)

    def __str__(self) -> str:
        return ",".join(_text(first, last) for first, last in self.intervals)

    def common(self, other: Indexes) -> int:
        """How many numbers both have."""
        return sum(
            max(0, min(last, end) - max(first, start) + 1)
            for first, last in self.intervals
            for start, end in other.intervals
        )

    def pending(self, count: int, completions: int) -> list[int]:
        """The first `count` numbers below `completions` that are not in the set."""
        found: list[int] = []
        candidate = 0
        for first, last in (*self.intervals, (completions, completions)):
            while candidate < min(first, completions) and len(found) < count:
                found.append(candidate)
                candidate += 1
            candidate = max(candidate, last + 1)
        return found


def _joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for first, last in intervals:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _text(first: int, last: int) -> str:
    if last == first:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
