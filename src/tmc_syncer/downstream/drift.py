"""Drift: whether a copy still holds, under our ownership, everything that we want in it.

In sync means two things at once: the digest in the copy's annotation equals the digest of the desired copy
(so nothing changed upstream, nor in the pipeline), and our managedFields entry still contains every desired
path (so nobody changed one of our fields: the API server takes a field out of our entry when another writer
changes its value). Neither needs the copy's values, a schema, or knowledge of defaults and webhooks. The same
rule serves a restart: an unchanged world costs no write.

List items are matched by the keys that the entry itself shows (``k:{"name":"web"}``); a list without such
keys is atomic and counts as one field. Format: structured-merge-diff's FieldsV1. Two things cannot be read from
one entry alone: an empty list owned as a whole from an empty list with keys (which leaves no trace in an entry),
and a map owned as a whole from a map that lost all its parts. `still_holds` tells them apart by comparing with
an entry that is known to be good. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from tmc_syncer.api.fieldpath import FieldPath, covers
from tmc_syncer.api.objects import encode_json

__all__ = ["desired_digest", "missing_paths", "still_holds"]

_DIGEST_BYTES = 16
_MISSING_LIMIT = 10  # enough for a message; the answer "not in sync" is known after one

# Set by the applier, not owned content: identity of the object, and fields an apply cannot own.
_UNOWNED = frozenset({"apiVersion", "kind"})
_UNOWNED_METADATA = frozenset({"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})

_decode = msgspec.json.decode


def desired_digest(content: Mapping[str, Any], pipeline_version: str) -> str:
    """BLAKE2b-128 (hex) over the desired copy without its bookkeeping annotations, and the pipeline's version."""
    body = encode_json([pipeline_version, content])
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()


def missing_paths(
    desired: Mapping[str, Any], owned: Mapping[str, Any], ceded: Collection[FieldPath] = ()
) -> list[FieldPath]:
    """Desired paths that our managedFields entry no longer contains, at most ten.

    Args:
        desired: the copy as we would apply it.
        owned: the decoded ``fieldsV1`` of our entry.
        ceded: fields that a rule gave away (and all below them); they are never missing.
    """
    walk = _Walk(ceded)
    for name, value in desired.items():
        if name in _UNOWNED:
            continue
        if name == "metadata":
            value = {k: v for k, v in value.items() if k not in _UNOWNED_METADATA}  # noqa: PLW2901
        walk.visit(value, owned.get(f"f:{name}"), (f"f:{name}",))
    return walk.missing


def still_holds(
    entry: Mapping[str, Any],
    before: Mapping[str, Any],
    ceded: Collection[FieldPath] = (),
    path: FieldPath = (),
) -> bool:
    """Whether the field set `entry` contains every field of the field set `before` that is not ceded, below `path`."""
    for step, child in before.items():
        at = (*path, step)
        if ceded and any(covers(rule, at) for rule in ceded):
            continue
        now = entry.get(step)
        if child:  # a parent may have gone with its ceded parts
            if not still_holds(now or {}, child, ceded, at):
                return False
        elif now is None or (now and "." not in now):  # lost, or we own only parts of it now
            return False
    return True


class _Walk:
    """One walk over a desired object and an entry side by side."""

    def __init__(self, ceded: Collection[FieldPath]) -> None:
        self.missing: list[FieldPath] = []
        self._ceded = ceded

    def visit(self, value: Any, owned: Any, path: FieldPath) -> None:
        if len(self.missing) >= _MISSING_LIMIT or (
            self._ceded and any(covers(rule, path) for rule in self._ceded)
        ):
            return
        if owned is None:
            if not _leaves_no_trace(value, path):
                self.missing.append(path)
        elif not owned:  # a leaf of the entry: a scalar, or an atomic map or list, owned whole
            return
        elif isinstance(value, dict):
            for name, child in value.items():
                step = f"f:{name}"
                below = owned.get(step)
                if below is None or below:  # most fields are leaves: not descending into them halves the time
                    self.visit(child, below, (*path, step))
        elif isinstance(value, list):
            self._visit_items(value, owned, path)

    def _visit_items(self, items: list[Any], owned: dict[str, Any], path: FieldPath) -> None:
        keys = next((tuple(_decode(step[2:])) for step in owned if step.startswith("k:")), ())
        unclaimed = dict(owned)
        inexact: list[Any] = []
        for item in items:
            step = _step_of(item, keys)
            if step in unclaimed:
                self.visit(item, unclaimed.pop(step), (*path, step))
            else:
                inexact.append(item)
        for item in inexact:  # each step serves one item: two ports may differ in a key that one leaves out
            step = next((step for step in unclaimed if _may_be(item, step)), "")
            self.visit(item, unclaimed.pop(step, None), (*path, step or _step_of(item, keys)))


def _leaves_no_trace(value: Any, path: FieldPath) -> bool:
    """Whether a field set has nothing to show for this value: an empty list that has keys, or a map of such.

    An empty list that is owned as a whole would show; which of the two it is, only a schema tells. An empty part of
    the metadata (no labels, no owner references) counts as no field either.
    """
    if value == {}:
        return path[0] == "f:metadata"
    if isinstance(value, dict):
        return all(_leaves_no_trace(child, path) for child in value.values())
    return bool(value == [])


def _step_of(item: Any, keys: tuple[str, ...]) -> str:
    """The step of a list item as a server writes it, when the item has all its keys."""
    if keys and isinstance(item, dict):
        if (
            len(keys) == 1 and keys[0] in item
        ):  # most lists have one key; a dictionary for each item costs as much again
            return f'k:{{"{keys[0]}":{encode_json(item[keys[0]]).decode()}}}'
        return f"k:{encode_json({key: item[key] for key in keys if key in item}).decode()}"
    return f"v:{encode_json(item).decode()}"


def _may_be(item: Any, step: str) -> bool:
    """Whether the step may stand for the item: a key that the item leaves out was defaulted, a text escaped."""
    if step.startswith("v:"):
        return bool(_decode(step[2:]) == item)
    if not step.startswith("k:") or not isinstance(item, dict):
        return False
    wanted: dict[str, Any] = _decode(step[2:])
    present = [name for name in wanted if name in item]
    return bool(present) and all(item[name] == wanted[name] for name in present)
