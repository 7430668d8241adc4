"""Which parts of an object a write may change, by subresource: `blend` takes the rest from the live object.

A write of the object itself leaves the status of a type that has a status subresource; a write of ``status`` leaves everything
but the status and, for most built-in types, the metadata. ``finalize`` of a namespace changes its finalizers, and so on: one
small function for each. A subresource without one here is no object of its type (token, log, …); a scale is another object, of
which `scales` has made a whole one before. Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object

__all__ = ["BLENDED", "blend"]


def blend(kind: Kind, subresource: str, new: Object, old: Object) -> Object:
    """The object that a write through `subresource` makes of `old`. May change `new`; never changes `old`."""
    return BLENDED[subresource](kind, new, old)


def _main(kind: Kind, new: Object, old: Object) -> Object:
    if kind.served.has_status:
        if "status" in old:
            new["status"] = old["status"]
        else:
            new.pop("status", None)
    return new


def _status(kind: Kind, new: Object, old: Object) -> Object:
    made = dict(old)
    if "status" in new:
        made["status"] = new["status"]
    else:
        made.pop("status", None)
    keeps = kind.rules.status_keeps
    if keeps == "metadata":
        made["metadata"] = {**old["metadata"], "managedFields": new["metadata"].get("managedFields") or []}
    else:
        metadata = dict(new["metadata"])
        if keeps == "labels":
            _take(metadata, old["metadata"], "labels")
        if kind.collection == "pods":
            _take(metadata, old["metadata"], "ownerReferences")
        made["metadata"] = metadata
    return made


def _whole(_: Kind, new: Object, old: Object) -> Object:
    del old
    return new


def _finalize(_: Kind, new: Object, old: Object) -> Object:
    finalizers = (new.get("spec") or {}).get("finalizers")
    spec = dict(old.get("spec") or {})
    if finalizers:
        spec["finalizers"] = finalizers
    else:
        spec.pop("finalizers", None)
    return {**old, "metadata": new["metadata"], "spec": spec}


def _approval(_: Kind, new: Object, old: Object) -> Object:
    status = dict(old.get("status") or {})
    _take(status, new.get("status") or {}, "conditions")
    return {**old, "metadata": new["metadata"], "status": status}


def _ephemeral(_: Kind, new: Object, old: Object) -> Object:
    spec = dict(old["spec"])
    _take(spec, new.get("spec") or {}, "ephemeralContainers")
    return {**old, "metadata": new["metadata"], "spec": spec}


def _resize(_: Kind, new: Object, old: Object) -> Object:
    spec = dict(old["spec"])
    for field in ("containers", "initContainers"):
        wanted = {item.get("name"): item for item in (new.get("spec") or {}).get(field) or ()}
        if field in spec:
            spec[field] = [_resized(item, wanted.get(item.get("name"))) for item in spec[field]]
    return {**old, "metadata": new["metadata"], "spec": spec}


def _resized(item: Object, wanted: Object | None) -> Object:
    made = dict(item)
    if wanted is not None:
        _take(made, wanted, "resources")
        _take(made, wanted, "resizePolicy")
    return made


def _take(target: Object, source: Object, field: str) -> None:
    if field in source:
        target[field] = source[field]
    else:
        target.pop(field, None)


BLENDED: dict[str, Callable[[Kind, Object, Object], Object]] = {
    "": _main,
    "status": _status,
    "finalize": _finalize,
    "approval": _approval,
    "ephemeralcontainers": _ephemeral,
    "resize": _resize,
    "scale": _whole,
}
"""Subresources that are written as an object of their own type."""
