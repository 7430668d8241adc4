"""Strategic merge patches: merge patches that know which lists are merged item by item, and have directives.

The schema says how: the patch strategy and the merge key of each list. Directives: ``$patch: replace|delete|merge``, ``$retainKeys``,
``$setElementOrder/<list>``, ``$deleteFromPrimitiveList/<list>``. A null deletes a field; an item with ``$patch: delete`` deletes the item with
its key. Lists are the matter of `strategic_lists`.

Raises `PatchError`. Source: k8s.io/apimachinery/pkg/util/strategicpatch, patch.go, with the options of kube-apiserver (parallel lists
are merged, nulls that match nothing are dropped). Pure. Nothing that is given is changed.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.merge.gotext import go_map
from tmc_syncer.controlplane.merge.patcherrors import go_type, malformed, unforeseen
from tmc_syncer.controlplane.merge.strategic_lists import ListPatch, merged_list, ordered_list
from tmc_syncer.controlplane.schema.node import Schema

__all__ = ["strategic_merge"]

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder"
_DELETE_ITEMS = "$deleteFromPrimitiveList"
_DROPPED = object()


def strategic_merge(live: dict[str, Any], patch: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The live object with the patch merged into it; custom resources and types without a schema cannot be patched so."""
    if schema is None or schema.custom:
        raise malformed("strategic merge patch format is not supported")
    return _merge(live, patch, schema)


def _merge(original: dict[str, Any], patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    if _DIRECTIVE in patch:
        return _directed(patch)
    found = _retained(original, patch)
    rest = {name: value for name, value in patch.items() if name != _RETAIN}
    for name in [name for name in rest if name.startswith(_ORDER)]:
        wanted_order = rest.pop(name)
        field = _target(name, _ORDER)
        _set_order(found, rest, field, wanted_order, schema)
    for name, value in rest.items():
        deletes = name.startswith(_DELETE_ITEMS)
        field = _target(name, _DELETE_ITEMS) if deletes else name
        _set_field(found, field, value, schema, deletes=deletes)
    return found


def _directed(patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch[_DIRECTIVE]
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    raise unforeseen(f"unknown patch type: {go_map(directive)} in map: {go_map(patch)}")


def _retained(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A copy of the original, of which ``$retainKeys`` may leave only some keys."""
    if _RETAIN not in patch:
        return dict(original)
    kept = patch[_RETAIN]
    if not isinstance(kept, list):
        raise malformed("invalid patch format of retainKeys")
    for name, value in patch.items():
        about_lists = name.startswith((_DELETE_ITEMS, _ORDER))
        if name != _RETAIN and value is not None and not about_lists and name not in kept:
            raise malformed("invalid patch format of retainKeys")
    return {name: value for name, value in original.items() if name in kept}


def _target(name: str, prefix: str) -> str:
    """The list that a directive is about: ``$setElementOrder/containers``."""
    before, slash, field = name.partition("/")
    if before == prefix and slash:
        return field
    raise malformed(
        "invalid patch format of primitive list"
        if prefix == _DELETE_ITEMS
        else "invalid patch format of setElementOrder list"
    )


def _set_order(
    found: dict[str, Any], rest: dict[str, Any], field: str, wanted_order: Any, schema: Schema
) -> None:
    """Merge one list and bring it into the wanted order; it is taken out of the rest of the patch."""
    for value in (wanted_order, *(source[field] for source in (found, rest) if field in source)):
        if not isinstance(value, list):
            raise unforeseen(f"expected a []interface {{}}, but received a {go_type(value)}")
    listed = _list_patch(field, schema)
    live, changes = found.get(field), rest.get(field)
    made = ordered_list(live, changes, wanted_order, listed, merge=_merge, clean=_clean)
    if made is not None:
        found[field] = made
        rest.pop(field, None)


def _set_field(found: dict[str, Any], field: str, value: Any, schema: Schema, *, deletes: bool) -> None:
    if value is None:
        found.pop(field, None)
        return
    current: Any = found.get(field)
    if field not in found or go_type(current) != go_type(value):
        if not deletes:
            _put(found, field, _clean(_without_nulls(value)))
        return
    if isinstance(value, dict):
        child = _child(field, schema)
        replaces = "replace" in child.facts.strategies
        found[field] = value if replaces else _merge(current, value, child)
    elif isinstance(value, list):
        listed = _list_patch(field, schema)
        if deletes or listed.merges:
            found[field] = merged_list(current, value, listed, merge=_merge, deletes=deletes)
        else:
            found[field] = value
    else:
        found[field] = value


def _put(found: dict[str, Any], field: str, value: Any) -> None:
    if value is _DROPPED:
        found.pop(field, None)
    else:
        found[field] = value


def _child(field: str, schema: Schema) -> Schema:
    """The schema of a field of a struct. Go has to find it; where there is no struct it gives up."""
    mapping = schema.mapping
    if mapping is None or not mapping.fields:
        raise unforeseen("merging an object in json but data type is not struct, instead is: map")
    if field not in mapping.fields:
        name = schema.facts.component.rpartition(".")[2]
        raise unforeseen(f'unable to find api field in struct {name} for the json field "{field}"')
    return mapping.fields[field]


def _list_patch(field: str, schema: Schema) -> ListPatch:
    child = _child(field, schema)
    if child.array is None:
        raise unforeseen("expected slice or array type, but got: struct")
    return ListPatch(child.array.items, "merge" in child.facts.strategies, child.facts.merge_key)


def _without_nulls(value: Any) -> Any:
    """The value without null fields, in lists too; null items of lists stay."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _clean(value: Any) -> Any:
    """A value of the patch that there is nothing to merge with: without its directives, dropped if it is one itself."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return _DROPPED
        kept = {name: _clean(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not _DROPPED}
    if isinstance(value, list):
        return [item for item in map(_clean, value) if item is not _DROPPED]
    return value
