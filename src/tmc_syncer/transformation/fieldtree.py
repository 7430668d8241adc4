"""Finding places in the tree of fields of one object.

A path is written with dots, ``spec.template.spec``; a ``*`` stands for each item of a list or each value of a
map. What is not there, or has another shape than the path expects, is simply not found: upstream objects may
be of any shape (kcp validates little), and no rule may fail on one.

`drop_nulls` removes what server-side apply would take as a field of ours although it says nothing: an
API server stores no nulls for built-in types, but its JSON shows some (``creationTimestamp: null`` in pod
templates, ``rules: null`` in roles). Functions work in place on a tree that the caller owns. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["drop_embedded_timestamps", "drop_nulls", "find", "owners_of"]


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


def drop_nulls(root: dict[str, Any]) -> None:
    """Remove each member whose value is null, at any depth. Items of lists stay: their place has a meaning."""
    for value in _maps(root):
        if None in value.values():
            for name in [name for name, child in value.items() if child is None]:
                del value[name]


def drop_embedded_timestamps(root: dict[str, Any]) -> None:
    """Remove ``creationTimestamp: null`` of each embedded ``metadata``, at any depth."""
    for value in _maps(root):
        metadata = value.get("metadata")
        if isinstance(metadata, dict) and metadata.get("creationTimestamp", "") is None:
            del metadata["creationTimestamp"]


def _maps(root: dict[str, Any]) -> list[dict[str, Any]]:
    """Every map of the tree; without recursion, because depth is the author's choice."""
    maps = [root]
    lists: list[list[Any]] = []
    for value in maps:  # grows while it is walked
        for child in value.values():
            if type(child) is dict:
                maps.append(child)
            elif type(child) is list:
                lists.append(child)
        while lists:
            for child in lists.pop():
                if type(child) is dict:
                    maps.append(child)
                elif type(child) is list:
                    lists.append(child)
    return maps
