"""Server-side apply: a configuration merged into the live object, with conflicts, pruning and managedFields.

`apply` gives the object that would be stored, before defaults; on a create there is no live object. The server's steps, in its order:
the kind must fit, managedFields are not applied, an object whose owners nobody recorded gets one ("before-first-apply"), the
configuration is merged, what the applier does not apply any more and nobody else owns is pruned, what others own may not
change unless by force. Leaving a map or list empty leaves null there; `typed` or `prune` takes that away.

Raises `ApplyConflict` (409) and `ApplyError` (400 and 500), both `ApiError`. Source: structured-merge-diff/v6/merge and
k8s.io/apimachinery/pkg/util/managedfields/internal. Pure.
"""

from __future__ import annotations

import functools

from tmc_syncer.controlplane.merge.conflicts import ApplyError, conflict
from tmc_syncer.controlplane.merge.conformity import describe, misfits
from tmc_syncer.controlplane.merge.endpoints import endpoint
from tmc_syncer.controlplane.merge.fields import Misfit, fields_of
from tmc_syncer.controlplane.merge.fieldset import FieldSet, difference, union
from tmc_syncer.controlplane.merge.lastapplied import carried_over, with_last_applied
from tmc_syncer.controlplane.merge.managers import Entry, Managed, Owner, read
from tmc_syncer.controlplane.merge.merging import merged
from tmc_syncer.controlplane.merge.ownership import (
    Conflicting,
    Object,
    Write,
    empty_object,
    known,
    stripped,
    transferred,
    updated,
    with_managed,
)
from tmc_syncer.controlplane.merge.removal import abandoned, is_reopened
from tmc_syncer.controlplane.schema.node import SCHEMALESS, Schema

__all__ = ["apply"]

_BEFORE = "before-first-apply"
_KUBECTL = "kubectl"


def apply(
    live: Object | None,
    patch: Object,
    *,
    manager: str,
    force: bool = False,
    schema: Schema | None,
    api_version: str,
    subresource: str = "",
    now: str,
) -> Object:
    """The live object with the configuration applied, managedFields included.

    Args:
        live: what is stored, None when nothing is.
        patch: the configuration as the client sent it.
        manager: the field manager of the request.
        force: take fields from other managers.
        schema: the node of the type, None when it has none.
        api_version: the version of the request, as ``apps/v1``.
        subresource: the subresource of the request, as ``status``; for ``scale`` see `scale`.
        now: the time of the write, as ``2024-01-01T00:00:00Z``.
    """
    schema = schema or SCHEMALESS
    write = Write(schema, api_version, subresource, now)
    fields = _fields(patch, schema, api_version)
    current = empty_object(patch, schema) if live is None else live
    managed = read(current.get("metadata", {}).get("managedFields"))
    if not managed:
        managed = updated(empty_object(current, schema), current, managed, _BEFORE, write)
    managed = known(managed, write)
    owner = Owner.of(manager, "Apply", api_version, subresource)
    try:
        return _applied(current, patch, fields, managed, owner, write, force=force)
    except Conflicting as contested:
        conflicts = contested.conflicts
        if manager == _KUBECTL:
            conflicts = carried_over(conflicts, current, schema, api_version)
            if not conflicts:
                return _applied(current, patch, fields, managed, owner, write, force=True)
        raise conflict(conflicts, managed) from None


def _fields(patch: Object, schema: Schema, api_version: str) -> FieldSet:
    """The set of the configuration. Raises `ApplyError` for what cannot be applied."""
    kind = str(patch.get("kind", ""))
    version = str(patch.get("apiVersion", ""))
    expected = {known_kind for _, _, known_kind in schema.facts.kinds}
    if version != api_version or (expected and kind not in expected):
        raise ApplyError(400, "BadRequest", f"invalid object type: {_kind(version, kind)}")
    metadata = patch.get("metadata") or {}
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise ApplyError(400, "BadRequest", "metadata.managedFields must be nil")
    try:
        return fields_of(patch, schema)
    except Misfit:
        problems = describe(list(misfits(patch, schema)))
        where = metadata if isinstance(metadata, dict) else {}
        name = f"{where.get('namespace', '')}/{where.get('name', '')}; {_kind(version, kind)}"
        raise ApplyError(500, "", f"failed to create typed patch object ({name}): {problems}") from None


def _kind(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    return f"{group}/{version}, Kind={kind}"


def _applied(
    live: Object,
    patch: Object,
    fields: FieldSet,
    managed: Managed,
    owner: Owner,
    write: Write,
    *,
    force: bool,
) -> Object:
    """Merge, prune, and take ownership. Raises `Conflicting` unless `force`."""
    last = managed.get(owner)
    wanted = endpoint(write.schema, write.subresource).owned(fields)
    claimed = {**managed, owner: Entry(wanted, write.api_version)}
    new = merged(live, patch, write.schema)
    if last is not None:
        schema = write.schema.in_version(last.api_version) or write.schema
        if difference(last.fields, wanted) or is_reopened(new, last.fields, schema):
            held = functools.reduce(union, (entry.fields for entry in claimed.values()))
            new = abandoned(new, last.fields, held, schema)
    after, _ = transferred(live, new, claimed, owner, write, force=force)
    own = stripped(wanted)
    if own:
        after[owner] = _entry(own, last, write, changed=new is not live and new != live)
    else:
        after.pop(owner, None)
    result = with_managed(new, after)
    return with_last_applied(result, patch) if owner.manager == _KUBECTL else result


def _entry(fields: FieldSet, last: Entry | None, write: Write, *, changed: bool) -> Entry:
    """The applier's new entry; when the object stays as it is, its time does, too."""
    time = write.now if changed else (last.time if last else "")
    if last is not None and (last.fields, last.api_version, last.time) == (fields, write.api_version, time):
        return last
    return Entry(fields, write.api_version, time)
