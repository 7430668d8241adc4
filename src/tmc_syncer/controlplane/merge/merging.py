"""An apply configuration merged into the live object.

`merged` keeps everything that the configuration does not mention, takes each leaf that it does, and merges lists with keys and
sets item by item: items that both have come in the configuration's order, the others stay where they were relative to these.
Nothing is removed here; `removal` does that. What does not change is the live object itself, the same in memory, down to
the smallest part, so that ``merged(...) is live`` says that nothing changes.

Source: structured-merge-diff/v6/typed, merge.go. Pure. Assumes a configuration that fits the schema (`fields.fields_of`).
"""

from __future__ import annotations

import operator
from collections.abc import Container, Iterator, Sequence
from typing import Any

from tmc_syncer.controlplane.merge.comparison import same
from tmc_syncer.controlplane.merge.fields import item_step
from tmc_syncer.controlplane.schema.node import ABSENT, ListOf, MapOf, Schema

__all__ = ["merged"]


def merged(live: dict[str, Any], configuration: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The live object with the configuration in it; the live object itself when that changes nothing."""
    result: dict[str, Any] = _value(live, configuration, schema, loose=schema.loose)
    return result


def _value(live: Any, wanted: Any, schema: Schema, *, loose: bool) -> Any:
    if isinstance(wanted, dict) and schema.mapping is not None:
        if not schema.mapping.atomic and (wanted or (live and isinstance(live, dict))):
            return _map(live, wanted, schema.mapping, loose=loose)
    elif isinstance(wanted, list) and schema.array is not None:
        if schema.array.granular and (wanted or (live and isinstance(live, list))):
            return _list(live, wanted, schema.array, loose=loose)
    elif wanted is None and _outlives_null(live, schema):
        return live
    return live if same(live, wanted, loose=loose) else wanted


def _outlives_null(live: Any, schema: Schema) -> bool:
    """Whether null counts as an empty map or list there, which takes nothing away from what is live."""
    if schema.mapping is not None:
        return bool(live) and isinstance(live, dict) and not schema.mapping.atomic
    if schema.scalar or schema.array is None:
        return False
    return bool(live) and isinstance(live, list) and schema.array.granular


def _map(live: Any, wanted: dict[str, Any], mapping: MapOf, *, loose: bool) -> dict[str, Any]:
    left: dict[str, Any] = live if isinstance(live, dict) else {}
    found = left
    for name, item in wanted.items():
        before = left.get(name, ABSENT)
        child = mapping.child(name)
        assert child is not None
        after = _value(before, item, child, loose=loose)
        if after is not before:
            if found is left:
                found = dict(left)
            found[name] = after
    return found


def _list(live: Any, wanted: list[Any], listing: ListOf, *, loose: bool) -> list[Any]:
    left: list[Any] = live if isinstance(live, list) else []
    steps = [item_step(item, listing) for item in left]
    before: dict[str | None, Any] = {}
    for step, item in zip(steps, left, strict=True):
        before[step] = None if step in before else item  # an item that occurs twice is not merged with
    configured = {item_step(item, listing): item for item in wanted}
    found = []
    for step, index in _order(steps, list(configured), before):
        if index is None:
            found.append(_value(before.get(step, ABSENT), configured[step], listing.items, loose=loose))
        else:
            found.append(left[index])
    unchanged = len(found) == len(left) and all(map(operator.is_, found, left))
    return left if unchanged else found


def _order(
    live: Sequence[str | None], wanted: Sequence[str | None], known: Container[str | None]
) -> Iterator[tuple[str | None, int | None]]:
    """The merged list: the step of a configured item with None, or of an item that is only live with its index.

    The configuration's order holds for its items. An item that is only live comes as soon as it is its turn, unless items that
    both have are waiting before it.
    """
    configured, done = set(wanted), set()
    shared = iter([step for step in wanted if step in known])
    awaited = next(shared, ABSENT)
    mine, theirs = 0, 0
    while mine < len(live) or theirs < len(wanted):
        if mine < len(live):
            step = live[mine]
            if step not in configured:
                yield step, mine
                mine += 1
                continue
            if theirs < len(wanted) and step != wanted[theirs] and awaited not in (ABSENT, step):
                mine += 1
                continue
            if theirs == len(wanted) or step == wanted[theirs] or step in done:
                mine += 1
        if theirs < len(wanted):
            step = wanted[theirs]
            done.add(step)
            yield step, None
            theirs += 1
            if step == awaited:
                awaited = next(shared, ABSENT)
