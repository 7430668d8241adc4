"""What is wrong with an apply configuration, in the words of the server.

`misfits` walks a configuration that `fields.fields_of` has refused and lists every place that does not fit the schema: a field that
is not declared, a value of another form, a list item without its keys, two items with the same keys. It is the slow way with the
messages. Source: structured-merge-diff/v6/typed, validate.go. Pure; called by `applying`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tmc_syncer.controlplane.merge.fields import fits_scalar, item_problem, item_step
from tmc_syncer.controlplane.merge.gotext import go_map, go_syntax
from tmc_syncer.controlplane.merge.steps import words
from tmc_syncer.controlplane.schema.node import ListOf, Schema

__all__ = ["describe", "misfits"]

_GO_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64"}


def misfits(value: Any, schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Each place that does not fit, as path in words and problem."""
    if value is None:
        return
    if isinstance(value, dict) and schema.mapping is not None:
        for name, item in value.items():
            child, at = schema.mapping.child(name), (*path, f"f:{name}")
            if child is None:
                yield words(at), "field not declared in schema"
                return  # the server stops here, too
            yield from misfits(item, child, at)
    elif isinstance(value, list) and schema.array is not None:
        yield from _items(value, schema.array, path)
    elif isinstance(value, dict | list) or not fits_scalar(value, schema):
        yield words(path), _wrong_form(value, schema)


def _items(items: list[Any], listing: ListOf, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        step: str | None = f"i:{index}"
        if listing.granular:
            step = item_step(item, listing)
            if step is None:
                yield words(path), f"element {index}: {item_problem(item, listing)}"
                return
            if step in seen:
                yield words(path), f"duplicate entries for key {words((step,))}"
            seen.add(step)
        yield from misfits(item, listing.items, (*path, step or ""))


def _wrong_form(value: Any, schema: Schema) -> str:
    """A place admits a map before a scalar before a list, so that is what was expected."""
    if schema.mapping is not None:
        return f"expected map, got &{{{go_map(value)}}}"
    match schema.scalar:
        case "numeric":
            return f"expected numeric (int or float), got {_go_type(value)}"
        case "string":
            return f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}"
        case "boolean":
            return f"expected boolean, got &{{{go_map(value)}}}"
        case "untyped":
            return f"expected any scalar, got &{{{go_map(value)}}}"
        case _:
            return f"expected list, got &{{{go_map(value)}}}"


def _go_type(value: Any) -> str:
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}" if isinstance(value, list) else _GO_TYPES[type(value)]


def describe(found: list[tuple[str, str]]) -> str:
    """All problems as one message."""
    lines = [f"{path}: {problem}" if path else problem for path, problem in found]
    return lines[0] if len(lines) == 1 else "\n".join(["errors:", *(f"  {line}" for line in lines)])
