"""Who owns what after a write: ownership goes from owner to owner as values change.

`track_update` follows create, update and patches that are not applies: what the write changed or added becomes the writer's, what it
changed leaves all other owners, what it removed leaves everybody. `transferred` is the part that applies share: it takes what changed
from the others, or lists the conflicts. `keep_times` undoes a new timestamp when nothing else is new.

Values are compared as clients see them: objects of built-in kinds must have gone through `gotypes.typed` and their defaults, custom
resources through pruning and theirs. Times are whole seconds. Source: structured-merge-diff/v6/merge, update.go, and
k8s.io/apimachinery/pkg/util/managedfields/internal (fieldmanager, managedfieldsupdater, skipnonapplied, stripmeta). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.merge.comparison import Comparison, compare
from tmc_syncer.controlplane.merge.endpoints import UNOWNED, endpoint
from tmc_syncer.controlplane.merge.fieldset import FieldSet, difference, intersection, union
from tmc_syncer.controlplane.merge.managers import (
    BadEntries,
    Entry,
    Managed,
    Owner,
    capped,
    is_reset,
    read,
    write,
)
from tmc_syncer.controlplane.merge.reconciling import reconciled
from tmc_syncer.controlplane.schema.gotypes import zero
from tmc_syncer.controlplane.schema.node import SCHEMALESS, Schema

__all__ = [
    "Conflicting",
    "Object",
    "Write",
    "empty_object",
    "keep_times",
    "stripped",
    "track_update",
    "transferred",
    "updated",
    "with_managed",
]

Object = dict[str, Any]


class Conflicting(Exception):
    """An apply without force would change what others own."""

    def __init__(self, conflicts: dict[Owner, FieldSet]) -> None:
        super().__init__()
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class Write:
    """What one request says of itself."""

    schema: Schema
    api_version: str
    subresource: str
    now: str


def track_update(
    old: Object | None,
    new: Object,
    *,
    manager: str,
    operation: str = "Update",
    schema: Schema | None,
    api_version: str,
    subresource: str = "",
    now: str,
) -> Object:
    """The new object with the managedFields that it has after a create, update or patch.

    Args:
        old: what is stored, None for a create.
        new: what will be stored, with defaults; its own managedFields count, as clients may edit or reset them.
        manager: the field manager of the request.
        operation: of the entry; it is always Update, applies go through `applying.apply`.
        schema: the node of the type, None when it has none.
        api_version: the version of the request, as ``apps/v1``.
        subresource: the subresource of the request, as ``status``; for ``scale`` see `scale`.
        now: the time of the write, as ``2024-01-01T00:00:00Z``.
    """
    if operation != "Update":
        raise ValueError(f"no entry of operation {operation} comes of an update")
    write_ = Write(schema or SCHEMALESS, api_version, subresource, now)
    live = empty_object(new, write_.schema) if old is None else old
    managed = _claimed(live, new, by_subresource=bool(subresource))
    if not managed and live.get("metadata", {}).get("uid"):
        return with_managed(new, {})  # ownership of an object that nobody's is recorded starts with an apply
    return with_managed(new, updated(live, new, managed, manager, write_))


def empty_object(like: Object, schema: Schema) -> Object:
    """What is there before the first write: the type alone, and what Go always writes."""
    kind: Object = {name: like[name] for name in ("apiVersion", "kind") if name in like}
    return kind if schema.custom else {**zero(schema), **kind}


def _claimed(live: Object, new: Object, *, by_subresource: bool) -> Managed:
    """The entries before the write: the client's, when it sent any that make sense, else those of the live object."""
    stored = live.get("metadata", {}).get("managedFields")
    sent = new.get("metadata", {}).get("managedFields")
    if by_subresource or sent == stored or sent is None:
        return read(stored)
    if is_reset(sent):
        return {}
    try:
        return read(sent, trusted=False) or read(stored)
    except BadEntries:
        return read(stored)


def updated(live: Object, new: Object, managed: Managed, manager: str, write_: Write) -> Managed:
    """The entries after a write of the operation Update."""
    after, comparison = transferred(live, new, known(managed, write_), None, write_, force=True)
    gained = endpoint(write_.schema, write_.subresource).owned(comparison.set_anew)
    gained = stripped(gained)
    if gained:
        owner = Owner.of(manager, "Update", write_.api_version, write_.subresource)
        before = after.get(owner)
        fields = union(before.fields, gained) if before else gained
        after[owner] = Entry(fields, write_.api_version, write_.now)
    return capped(after)


def known(managed: Managed, write_: Write) -> Managed:
    """The entries as the schema has it now: what became atomic is owned as a whole, versions that are gone have no owners."""
    found: Managed = {}
    for owner, entry in managed.items():
        schema = write_.schema.in_version(entry.api_version)
        if schema is not None:
            found[owner] = entry.with_fields(reconciled(entry.fields, schema)) if schema.custom else entry
    return found


def transferred(
    live: Object, new: Object, managed: Managed, writer: Owner | None, write_: Write, *, force: bool
) -> tuple[Managed, Comparison]:
    """The entries after the change from `live` to `new`, without what it takes from others than `writer`; and the change.

    Raises `Conflicting` unless `force`.
    """
    allowed = endpoint(write_.schema, write_.subresource).owned
    comparisons: dict[str, Comparison] = {}

    def comparison_in(version: str, schema: Schema) -> Comparison:
        if version not in comparisons:
            found = compare(live, new, schema)
            comparisons[version] = Comparison(
                allowed(found.removed), allowed(found.modified), allowed(found.added)
            )
        return comparisons[version]

    own = comparison_in(write_.api_version, write_.schema)
    conflicts: dict[Owner, FieldSet] = {}
    after: Managed = {}
    for owner, entry in managed.items():
        if owner == writer:
            after[owner] = entry
            continue
        schema = write_.schema.in_version(entry.api_version)
        assert schema is not None
        change = comparison_in(entry.api_version, schema)
        contested = intersection(entry.fields, change.set_anew)
        if contested:
            conflicts[owner] = contested
        kept = difference(difference(entry.fields, contested), change.removed)
        if kept:
            after[owner] = entry.with_fields(kept)
    if conflicts and not force:
        raise Conflicting(conflicts)
    return after, own


def stripped(fields: FieldSet) -> FieldSet:
    """The set without what nobody ever owns."""
    return difference(fields, UNOWNED)


def with_managed(new: Object, managed: Managed) -> Object:
    """The object with these entries; without any it has no managedFields."""
    metadata = dict(new.get("metadata", {}))
    metadata.pop("managedFields", None)
    if managed:
        metadata["managedFields"] = write(managed)
    return {**new, "metadata": metadata}


def keep_times(old: Object, new: Object) -> Object:
    """The new object, with the old one's times in managedFields when these are all that differs.

    To be called with what would be stored, before it is compared with what is.
    """
    before, after = (obj.get("metadata", {}).get("managedFields") or [] for obj in (old, new))
    if not after or len(before) != len(after) or before == after:
        return new
    if [_timeless(entry) for entry in before] != [_timeless(entry) for entry in after]:
        return new
    kept = {**new, "metadata": {**new["metadata"], "managedFields": before}}
    return kept if kept == old else new


def _timeless(entry: Object) -> Object:
    return {name: value for name, value in entry.items() if name != "time"}
