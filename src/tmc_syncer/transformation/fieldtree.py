"""Finding places in the tree of fields of one object.

A path is written with dots, ``spec.template.spec``; a ``*`` stands for each item of a list or each value of a
map. What is not there, or has another shape than the path expects, is simply not found: upstream objects may
be of any shape (kcp validates little), and no rule may fail on one. Nothing is changed here; the places that
are found are those of the caller's own tree. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["find", "owners_of"]


def find(root: Any, path: str) -> list[Any]:
    """All values at `path`, in document order; the root itself for the empty path."""
    found: list[Any] = []
    _descend(root, _names(path), 0, found)
    return found


def _descend(value: Any, names: tuple[str, ...], start: int, found: list[Any]) -> None:
    for index in range(start, len(names)):
        name = names[index]
        if name == "*":
            children = value.values() if type(value) is dict else value if type(value) is list else ()
            for child in children:
                _descend(child, names, index + 1, found)
            return
        if type(value) is not dict or name not in value:
            return
        value = value[name]
    found.append(value)


@lru_cache(maxsize=1024)  # the paths of the tables, and some of custom transformers
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


def owners_of(root: Any, path: str) -> tuple[list[dict[str, Any]], str]:
    """The maps that hold the last name of `path`, and that name."""
    parent, _, name = path.rpartition(".")
    return [value for value in find(root, parent) if isinstance(value, dict) and name in value], name
