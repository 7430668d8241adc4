r"""JSONPath as far as printer columns and scale paths of custom types use it: fields, indexes, wildcards, simple filters.

``.spec.size``, ``.status.conditions[0].type``, ``.metadata.labels.a\.b``, ``.status.conditions[?(@.type=="Ready")].status``,
``.spec.items[*].name``. A path that names something missing finds nothing. What kubectl's language has beyond that (ranges,
recursive descent, unions) makes `compile_path` raise `PathError`; the column is then empty. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

__all__ = ["PathError", "compile_path", "find", "simple_path"]

CACHED = 1024
"""Paths that are remembered: those of the columns of some hundred types."""

LONGEST = 1024
"""Characters of a path."""

_FIELD = re.compile(r"\.((?:[^.\[\]\\]|\\.)+)")
_INDEX = re.compile(r"\[(-?\d{1,9})\]")
_QUOTED = re.compile(r"""\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]""")
_WILDCARD = re.compile(r"\[\*\]|\.\*")
_FILTER = re.compile(
    r"""\[\?\(\s*@((?:\.[^.\[\]=!<>\s]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([^\s)]+))\s*\)\]"""
)
_SIMPLE = re.compile(r"\.(?:[^.\[\]]+)(?:\.[^.\[\]]+)*")


class PathError(ValueError):
    """A path that is not understood."""


Step = Callable[[Any], Iterable[Any]]


def _field(name: str) -> Step:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _index(number: int) -> Step:
    def step(value: Any) -> Iterable[Any]:
        return (value[number],) if isinstance(value, list) and -len(value) <= number < len(value) else ()

    return step


def _all(value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    return value.values() if isinstance(value, dict) else ()


def _filter(path: tuple[str, ...], operator: str, wanted: str) -> Step:
    def holds(item: Any) -> bool:
        for name in path:
            if not isinstance(item, dict) or name not in item:
                return False
            item = item[name]
        shown = str(item).lower() if isinstance(item, bool) else str(item)
        return (shown == wanted) is (operator == "==")

    return lambda value: [item for item in value if holds(item)] if isinstance(value, list) else ()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


@lru_cache(CACHED)
def compile_path(text: str) -> tuple[Step, ...]:
    """The steps of a path. Raises `PathError`."""
    path = text.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if len(path) > LONGEST:
        raise PathError(f"a path of {len(path)} characters")
    steps: list[Step] = []
    position = 0
    while position < len(path):
        for pattern, make in _STEPS:
            match = pattern.match(path, position)
            if match is not None:
                steps.append(make(match))
                position = match.end()
                break
        else:
            if path[position:] == ".":
                break
            raise PathError(f"unrecognized path {text!r} at {position}")
    return tuple(steps)


_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Step]], ...] = (
    (_WILDCARD, lambda _: _all),
    (_FIELD, lambda match: _field(_unescaped(match[1]))),
    (_INDEX, lambda match: _index(int(match[1]))),
    (_QUOTED, lambda match: _field(_unescaped(match[1] if match[1] is not None else match[2]))),
    (
        _FILTER,
        lambda match: _filter(
            tuple(match[1][1:].split(".")), match[2], match[3] or match[4] or match[5] or ""
        ),
    ),
)


def find(path: str, obj: Any) -> list[Any]:
    """The values at a path; nothing for a path that is not understood."""
    try:
        steps = compile_path(path)
    except PathError:
        return []
    values: list[Any] = [obj]
    for step in steps:
        values = [found for value in values for found in step(value)]
    return values


def simple_path(path: str) -> tuple[str, ...] | None:
    """The fields of a path that has nothing but fields, None for another."""
    return tuple(path[1:].split(".")) if _SIMPLE.fullmatch(path) else None
