"""managedFields: who owns which fields, from the wire and back.

An `Owner` is what tells entries apart: manager, operation, apiVersion (of updates only, an applier has one entry whatever version it
applies in), subresource. An `Entry` is what it owns. `read` and `write` are the server's decoding and encoding, with its order of
entries; `capped` keeps at most ten owners of the operation Update, the oldest of which become "ancient-changes".

Entries of a live object are ours and taken as they are; those that a client sends go through `read(..., trusted=False)`.
Source: k8s.io/apimachinery/pkg/util/managedfields/internal, managedfields.go and capmanagers.go. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from tmc_syncer.controlplane.merge.fieldset import FieldSet, decode, encode, union

__all__ = [
    "MAX_UPDATE_OWNERS",
    "BadEntries",
    "Entry",
    "Managed",
    "Owner",
    "capped",
    "is_reset",
    "place",
    "read",
    "write",
    "written",
]

MAX_UPDATE_OWNERS = 10  # kube-apiserver's DefaultMaxUpdateManagers: bounds the size of an object's metadata
_ANCIENT = "ancient-changes"
_OPERATIONS = ("Apply", "Update")


class BadEntries(ValueError):
    """managedFields that cannot be understood."""


class Owner(NamedTuple):
    """Who owns; in this order the server sorts owners."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    @classmethod
    def of(cls, manager: str, operation: str, api_version: str, subresource: str) -> Owner:
        """The owner that a write makes: an applier is the same in every version."""
        version = "" if operation == "Apply" else api_version
        return cls(manager or "unknown", operation, version, subresource)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an owner owns, in the words of `api_version`. An empty `time` is none."""

    fields: FieldSet
    api_version: str
    time: str = ""
    written: dict[str, Any] | None = None  # the entry as it was read, while nothing in it changed

    def with_fields(self, fields: FieldSet) -> Entry:
        """The entry with other fields."""
        return self if fields is self.fields else replace(self, fields=fields, written=None)


Managed = dict[Owner, Entry]


def read(entries: Sequence[dict[str, Any]] | None, *, trusted: bool = True) -> Managed:
    """The entries by owner. Raises `BadEntries` for what is not `trusted` and makes no sense."""
    found: Managed = {}
    for index, entry in enumerate(entries or ()):
        operation = entry.get("operation", "")
        if not trusted:
            _check(entry, index)
        fields = entry.get("fieldsV1") or {}
        if not trusted:
            try:
                fields = decode(fields)
            except ValueError as error:
                raise BadEntries(f"error decoding set: {error}") from error
        version = entry["apiVersion"]
        owner = Owner(
            entry.get("manager", ""),
            operation,
            "" if operation == "Apply" else version,
            entry.get("subresource", ""),
        )
        found[owner] = Entry(fields, version, entry.get("time") or "", entry if trusted else None)
    return found


def _check(entry: Mapping[str, Any], index: int) -> None:
    if entry.get("operation") not in _OPERATIONS:
        raise BadEntries("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise BadEntries("apiVersion must not be empty")
    kind = entry.get("fieldsType", "")
    if not kind:
        raise BadEntries(f"missing fieldsType in managed fields entry {index}")
    if kind != "FieldsV1":
        raise BadEntries(f'invalid fieldsType "{kind}" in managed fields entry {index}')


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget all owners: an empty list, or a list of one empty entry."""
    return isinstance(entries, list) and (not entries or (len(entries) == 1 and not entries[0]))


def write(managed: Managed) -> list[dict[str, Any]]:
    """The entries as the server writes them."""
    ordered = sorted(managed.items(), key=place)
    return [written(owner, entry) for owner, entry in ordered]


def place(item: tuple[Owner, Entry]) -> tuple[str, ...]:
    """What entries are sorted by."""
    owner, entry = item
    return (owner.operation, entry.time, owner.manager, entry.api_version, owner.subresource)


def written(owner: Owner, entry: Entry) -> dict[str, Any]:
    """One entry as the server writes it."""
    if entry.written is not None:
        return entry.written
    found = {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": entry.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode(entry.fields),
        "subresource": owner.subresource,
    }
    return {name: value for name, value in found.items() if value or name == "fieldsV1"}


def capped(managed: Managed) -> Managed:
    """The entries with the oldest updates in one "ancient-changes" per version, so that there are at most ten updates."""
    updates = [owner for owner in managed if owner.operation == "Update"]
    if len(updates) <= MAX_UPDATE_OWNERS:
        return managed
    found = dict(managed)
    first_of: dict[str, Owner] = {}
    left = len(updates)
    for owner in _oldest_first(updates, managed):
        if left <= MAX_UPDATE_OWNERS:
            break
        entry = managed[owner]
        version = entry.api_version
        bucket = Owner(_ANCIENT, "Update", version)
        if version not in first_of:
            first_of[version] = owner
            continue
        if bucket not in found:
            found[bucket] = found.pop(first_of[version])
        fields = union(entry.fields, found[bucket].fields)
        found[bucket] = Entry(fields, version, entry.time)
        del found[owner]  # even when it is the bucket itself: kube-apiserver forgets it then
        left -= 1
    return found


def _oldest_first(owners: Iterable[Owner], managed: Managed) -> list[Owner]:
    return sorted(owners, key=lambda owner: (managed[owner].time, owner))
