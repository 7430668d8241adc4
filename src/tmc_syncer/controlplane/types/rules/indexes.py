"""Indexes of an indexed Job as text: ``0-2,5``.

Source: ``validateIndexesFormat`` in ``pkg/apis/batch/validation``. Pure.
"""

from __future__ import annotations

__all__ = ["WrongIndexes", "count_indexes", "intervals"]


class WrongIndexes(ValueError):
    """Indexes that cannot be read; the message is Go's."""


def count_indexes(text: str, completions: int) -> int:
    """How many indexes there are. Raises `WrongIndexes`."""
    return sum(last - first + 1 for first, last in intervals(text, completions))


def intervals(text: str, completions: int) -> list[tuple[int, int]]:
    """The intervals, in order. Raises `WrongIndexes`."""
    found: list[tuple[int, int]] = []
    for part in text.split(",") if text else ():
        first, last = _interval(part, completions)
        if found and found[-1][1] >= first:
            raise WrongIndexes(f"non-increasing order, previous: {found[-1][1]}, current: {first}")
        found.append((first, last))
    return found


def _interval(part: str, completions: int) -> tuple[int, int]:
    limits = part.split("-")
    if len(limits) > 2:
        raise WrongIndexes(
            f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    numbers = [_number(limit, completions) for limit in limits]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise WrongIndexes(f"non-increasing order, previous: {numbers[0]}, current: {numbers[1]}")
    return numbers[0], numbers[-1]


def _number(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise WrongIndexes(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise WrongIndexes(f'too large index: "{text}"')
    return int(text)
