"""Drift: whether a copy still holds, under our ownership, everything that we want in it.

In sync means two things at once: the digest in the copy's annotation equals the digest of the desired copy
(so nothing changed upstream, nor in the pipeline), and our managedFields entry still contains every desired
path (so nobody changed one of our fields: the API server takes a field out of our entry when another writer
changes its value). Neither needs the copy's values, a schema, or knowledge of defaults and webhooks. The same
rule serves a restart: an unchanged world costs no write.

List items are matched by the keys that the entry itself shows (``k:{"name":"web"}``); a list without such
keys is atomic and counts as one field. Format: structured-merge-diff's FieldsV1. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from tmc_syncer.api.objects import encode_json

__all__ = ["desired_digest", "missing_paths"]

_DIGEST_BYTES = 16
_MISSING_LIMIT = 10  # enough for a message; the answer "not in sync" is known after one

# Set by the applier, not owned content: identity of the object, and fields an apply cannot own.
_UNOWNED = frozenset({"apiVersion", "kind"})
_UNOWNED_METADATA = frozenset({"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})


def desired_digest(content: Mapping[str, Any], pipeline_version: str) -> str:
    """BLAKE2b-128 (hex) over the desired copy without its bookkeeping annotations, and the pipeline's version."""
    body = encode_json([pipeline_version, content])
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).hexdigest()


def missing_paths(
    desired: Mapping[str, Any], owned: Mapping[str, Any], ceded: frozenset[str] = frozenset()
) -> list[str]:
    """Desired paths that our managedFields entry no longer contains, at most ten.

    Args:
        desired: the copy as we would apply it.
        owned: the decoded ``fieldsV1`` of our entry.
        ceded: paths (``.spec.replicas``) that a field rule gave away; they are never missing.
    """
    missing: list[str] = []
    for name, value in desired.items():
        if name in _UNOWNED:
            continue
        if name == "metadata":
            value = {k: v for k, v in value.items() if k not in _UNOWNED_METADATA}  # noqa: PLW2901
        _walk(value, owned.get(f"f:{name}"), f".{name}", ceded, missing)
    return missing


def _walk(value: Any, owned: Any, path: str, ceded: frozenset[str], missing: list[str]) -> None:
    if path in ceded or len(missing) >= _MISSING_LIMIT:
        return
    if owned is None:
        if not _covered_by_children(value, path):
            missing.append(path)
        return
    if not owned:  # a leaf of the entry: a scalar, or an atomic map or list, owned whole
        return
    if isinstance(value, dict):
        for name, child in value.items():
            _walk(child, owned.get(f"f:{name}"), f"{path}.{name}", ceded, missing)
    elif isinstance(value, list):
        _walk_list(value, owned, path, ceded, missing)


def _covered_by_children(value: Any, path: str) -> bool:
    """An empty ``metadata`` part (no labels, no owner references) is not a field of its own."""
    return value in ({}, []) and path.startswith(".metadata")


def _walk_list(
    value: list[Any], owned: dict[str, Any], path: str, ceded: frozenset[str], missing: list[str]
) -> None:
    keyed = [(msgspec.json.decode(name[2:]), child) for name, child in owned.items() if name.startswith("k:")]
    for item in value:
        if isinstance(item, dict) and keyed:
            child = next((child for keys, child in keyed if _matches(item, keys)), None)
            label = f"{path}[{_describe(item, keyed)}]"
            if child is None:
                missing.append(label)
            else:
                _walk(item, child, label, ceded, missing)
        elif not isinstance(item, dict) and not _has_value(item, owned):
            missing.append(f"{path}[{item}]")


def _matches(item: dict[str, Any], keys: dict[str, Any]) -> bool:
    """Whether a desired item is the one with these keys; a key that the item leaves out was defaulted."""
    return all(item[name] == value for name, value in keys.items() if name in item) and any(
        name in item for name in keys
    )


def _describe(item: dict[str, Any], keyed: list[tuple[dict[str, Any], Any]]) -> str:
    return ",".join(f"{name}={item[name]}" for name in keyed[0][0] if name in item)


def _has_value(item: Any, owned: dict[str, Any]) -> bool:
    return any(name.startswith("v:") and msgspec.json.decode(name[2:]) == item for name in owned)
