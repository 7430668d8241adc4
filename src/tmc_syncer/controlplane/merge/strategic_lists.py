"""Lists in strategic merge patches: merging by key, deleting items, keeping an order.

`merged_list` merges the items of a patch into a list that has the strategy merge; `ordered_list` does so under a ``$setElementOrder`` of the
patch. The order of the result: that of the directive, else that of the patch, else that of the live list; items that only the live list
has keep their places relative to those items of the patch that it has, too.

Items are told apart by the merge key, scalars by themselves, in Go's terms: 1 is neither 1.0 nor true. Raises `PatchError`. Source:
k8s.io/apimachinery/pkg/util/strategicpatch, patch.go (mergeSlice and below). Pure. Nothing that is given is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tmc_syncer.controlplane.merge.gotext import go_map
from tmc_syncer.controlplane.merge.patcherrors import go_type, unforeseen, unprocessable
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["ListPatch", "merged_list", "ordered_list"]

_DIRECTIVE = "$patch"

Merge = Callable[[dict[str, Any], dict[str, Any], Schema], dict[str, Any]]


class ListPatch(NamedTuple):
    """What the schema says of a list: its items, whether they are merged, by which key (empty for scalars)."""

    items: Schema
    merges: bool
    key: str


def _identity(value: Any) -> tuple[str, Any]:
    """A scalar as Go compares it. Raises `PatchError` for what is none; there Go panics."""
    if isinstance(value, dict | list):
        raise unforeseen(f"runtime error: hash of unhashable type {go_type(value)}")
    return (go_type(value), value)


def _key_of(item: Any, key: str) -> tuple[str, Any]:
    """What tells an item apart. Raises `PatchError` when it has no key."""
    if not key:
        return _identity(item)
    if not isinstance(item, dict):
        raise unforeseen(f"expected a map[string]interface {{}}, but received a {go_type(item)}")
    if key not in item:
        raise unforeseen(f"map: {go_map(item)} does not contain declared merge key: {key}")
    return _identity(item[key])


def _element_type(*lists: Sequence[Any]) -> str:
    """The type that all items have. Raises `PatchError` when they differ, are lists, or there are none."""
    types = [go_type(item) for items in lists for item in items]
    if not types:
        raise unforeseen("no elements in any of the given slices")
    if types[0] == "[]interface {}":
        raise unprocessable("lists of lists are not supported")
    if any(found != types[0] for found in types):
        raise unforeseen(f"list element types are not identical: {go_map([list(items) for items in lists])}")
    return types[0]


def merged_list(
    live: list[Any], patch: list[Any], listed: ListPatch, *, merge: Merge, deletes: bool = False
) -> list[Any]:
    """The live list with the patch merged into it; `deletes`: the patch lists scalars that go."""
    if not live and not patch:
        return live
    if _element_type(live, patch) != "map[string]interface {}":
        if deletes:
            gone = [_identity(item) for item in patch]
            return [item for item in live if _identity(item) not in gone]
        return _ordered(_deduplicated([*live, *patch]), patch, live, listed.key, maps=False)
    if not listed.key:
        raise unforeseen("cannot merge lists without merge key for struct")
    live, patch = _without_specials(live, patch, listed.key)
    found = list(live)
    for item in patch:
        wanted = _key_of(item, listed.key)
        index = _find(found, listed.key, wanted)
        if index is None:
            found.append(item)
        else:
            found[index] = merge(found[index], item, listed.items)
    return _ordered(found, patch, found[: len(live)], listed.key, maps=True)


def ordered_list(
    live: list[Any] | None,
    patch: list[Any] | None,
    order: list[Any],
    listed: ListPatch,
    *,
    merge: Merge,
    clean: Callable[[Any], Any],
) -> list[Any] | None:
    """The list that a patch with an order makes of the live one; None when there is neither a list nor a patch of it."""
    _check_order(patch or [], order, listed.key)
    if live is None and patch is None:
        return None
    if patch is None:
        found = live or []
    elif live is None:
        found = clean(patch)
    elif listed.merges:
        found = merged_list(live, patch, listed, merge=merge)
    else:
        found = patch
    maps = _element_type(live or [], patch or []) == "map[string]interface {}"
    return _ordered(found, order, live or [], listed.key, maps=maps)


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """Every item of the patch must be in the order, and in that order."""
    if not order or not patch:
        return
    kept = [item for item in patch if not _is_deletion(item)] if key else patch
    done = place = 0
    while done < len(kept) and place < len(order):
        item = kept[done]
        if isinstance(item, dict) and _DIRECTIVE in item:
            done += 1
            continue
        comparable = key or go_type(item) == go_type(order[place])
        if comparable and _key_of(item, key) == _key_of(order[place], key):
            done += 1
        place += 1
    if done < len(kept):
        raise unforeseen(
            f"The order in patch list:\n{go_map(patch)}\n doesn't match $setElementOrder list:\n{go_map(order)}\n"
        )


def _is_deletion(item: Any) -> bool:
    if not isinstance(item, dict):
        raise unforeseen(f"expected a map[string]interface {{}}, but received a {go_type(item)}")
    return bool(item.get(_DIRECTIVE) == "delete")


def _without_specials(
    live: list[Any], patch: list[Any], key: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The live list without the items that the patch deletes, and the patch without directives."""
    plain: list[dict[str, Any]] = []
    replaces = False
    for item in patch:
        directive = item.get(_DIRECTIVE, plain)
        if directive is plain:
            plain.append(item)
        elif directive == "delete":
            gone = _key_of(item, key)
            live = [other for other in live if key not in other or _identity(other[key]) != gone]
        elif directive == "replace":
            replaces = True
        elif directive == "merge":
            raise unforeseen("merging lists cannot yet be specified in the patch")
        else:
            raise unforeseen(f"unknown patch type: {go_map(directive)} in map: {go_map(item)}")
    return (plain, []) if replaces else (live, plain)


def _find(items: list[Any], key: str, wanted: tuple[str, Any]) -> int | None:
    for index, item in enumerate(items):
        if key in item and _identity(item[key]) == wanted:
            return index
    return None


def _deduplicated(items: list[Any]) -> list[Any]:
    """Each scalar once. Where one occurs again, the last item takes its place: so does kube-apiserver."""
    found = list(items)
    index = 0
    while index < len(found):
        other = index + 1
        while other < len(found):
            if _identity(found[index]) == _identity(found[other]):
                found[other] = found[-1]
                found.pop()
            else:
                other += 1
        index += 1
    return found


def _ordered(items: list[Any], order: list[Any], live: list[Any], key: str, *, maps: bool) -> list[Any]:
    """The items with those in `order` in that order, and the others where they are in the live list, relative to these."""
    by = key if maps else ""
    wanted, places = _places(order, by), _places(live, by)
    ours = _sorted([item for item in items if _key_of(item, key) in wanted], wanted, by)
    others = _sorted([item for item in items if _key_of(item, key) not in wanted], places, by)
    found: list[Any] = []
    for item in others:
        place = places.get(_key_of(item, by))
        while ours and not _comes_before(place, places.get(_key_of(ours[0], by))):
            found.append(ours.pop(0))
        found.append(item)
    return found + ours


def _places(items: list[Any], key: str) -> dict[tuple[str, Any], int]:
    """The first place of each item."""
    found: dict[tuple[str, Any], int] = {}
    for place, item in enumerate(items):
        found.setdefault(_key_of(item, key), place)
    return found


def _sorted(items: list[Any], places: dict[tuple[str, Any], int], key: str) -> list[Any]:
    """The items by their places. One without a place comes before what was there before it, as Go's sort makes of it."""
    found: list[Any] = []
    for item in items:
        place = places.get(_key_of(item, key))
        at = len(found)
        while at > 0:
            before = places.get(_key_of(found[at - 1], key))
            if place is not None and before is not None and place >= before:
                break
            at -= 1
        found.insert(at, item)
    return found


def _comes_before(left: int | None, right: int | None) -> bool:
    """Whether both are live items and the left one comes first there."""
    return left is not None and right is not None and left < right
