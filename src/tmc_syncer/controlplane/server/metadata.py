"""``metadata``: what the server fills in, what it refuses, and what it never lets a client change.

The rules are those of `rest.BeforeCreate`, `rest.BeforeUpdate` and `ValidateObjectMeta` of kube-apiserver, in their order and
words. Functions that begin with `fill` write into the metadata of an object that nobody else holds yet; the others only
look. An update's violations are given twice, because kube-apiserver checks twice and clients count causes. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tmc_syncer.controlplane.server.errors import Cause, bad_request
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.server.wording import (
    finalizer_faults,
    label_key_faults,
    label_value_faults,
)

__all__ = [
    "DELETE_DEPENDENTS",
    "ORPHAN_DEPENDENTS",
    "create_causes",
    "fill_for_create",
    "fill_for_update",
    "generated_name",
    "update_causes",
    "well_formed",
]

ORPHAN_DEPENDENTS = "orphan"
DELETE_DEPENDENTS = "foregroundDeletion"

MAX_ANNOTATION_BYTES = 256 * 1024
"""Keys and values of all annotations together."""

MAX_GENERATED_BASE = 58
"""Longest part of generateName that is kept: 63 less five random characters."""

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Characters of generated names: no vowels and nothing that looks like another."""

_BOTH_FINALIZERS = f"finalizer {ORPHAN_DEPENDENTS} and {DELETE_DEPENDENTS} cannot be both set"
_IMMUTABLE = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


class _Form(msgspec.Struct):
    """The types of the fields; only for checking."""

    name: str | None = None
    generateName: str | None = None  # noqa: N815  # the names of the JSON
    namespace: str | None = None
    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815
    generation: int | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    ownerReferences: list[dict[str, Any]] | None = None  # noqa: N815
    deletionTimestamp: str | None = None  # noqa: N815
    deletionGracePeriodSeconds: int | None = None  # noqa: N815
    managedFields: list[dict[str, Any]] | None = None  # noqa: N815


def well_formed(obj: Object) -> None:
    """Refuse a configuration whose metadata are none (`ApiError` 400)."""
    try:
        msgspec.convert(obj["metadata"], _Form)
    except msgspec.ValidationError as error:
        where = str(error).rpartition("`$")[2].rstrip("`")
        why = str(error).partition(" - ")[0]
        raise bad_request(f"error decoding YAML: metadata{where}: {why}") from None


def generated_name(prefix: str, suffix: str) -> str:
    """A name for ``generateName``; `suffix` are five characters of `NAME_ALPHABET`."""
    return prefix[:MAX_GENERATED_BASE] + suffix


def fill_for_create(metadata: Object, *, namespace: str, uid: str, now: str) -> None:
    """What a new object gets from the server, whatever the client sent."""
    for field in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"):
        metadata.pop(field, None)
    if namespace:
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    _drop_empty(metadata)


def fill_for_update(new: Object, old: Object) -> None:
    """What an update cannot change; a field that the client left out is taken over, so that only a change is refused."""
    new.pop("selfLink", None)
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if not new.get(field) and field in old:
            new[field] = old[field]
    for field in ("creationTimestamp", "generation", "namespace"):
        if field in old:
            new[field] = old[field]
        else:
            new.pop(field, None)
    _drop_empty(new)


def _drop_empty(metadata: Object) -> None:
    for field in ("labels", "annotations", "finalizers", "ownerReferences", "generateName"):
        if field in metadata and not metadata[field]:
            del metadata[field]


def create_causes(metadata: Mapping[str, Any], kind: Kind) -> list[Cause]:
    """What is wrong with the metadata of a new object."""
    causes: list[Cause] = []
    name_faults = kind.rules.name_faults
    prefix = metadata.get("generateName")
    if prefix:
        masked = f"{prefix[:-1]}a" if prefix.endswith("-") and len(prefix) > 1 else prefix
        causes += (_invalid("metadata.generateName", prefix, fault) for fault in name_faults(masked))
    name = metadata.get("name")
    if name:
        causes += (_invalid("metadata.name", name, fault) for fault in name_faults(name))
    else:
        words = "Required value: name or generateName is required"
        causes.append(Cause("FieldValueRequired", words, "metadata.name"))
    return causes + _common_causes(metadata)


def update_causes(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    """What is wrong with the metadata of an update."""
    found = _common_causes(new)
    found += [
        _invalid(f"metadata.{field}", new.get(field), "field is immutable")
        for field in _IMMUTABLE
        if new.get(field) != old.get(field)
    ]
    if old.get("deletionTimestamp"):
        before = old.get("finalizers") or ()
        added = [finalizer for finalizer in new.get("finalizers") or () if finalizer not in before]
        if added:
            listed = ", ".join(f'"{finalizer}"' for finalizer in added)
            words = (
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{listed}}}"
            )
            found.append(Cause("FieldValueForbidden", words, "metadata.finalizers"))
    return found + found


def _common_causes(metadata: Mapping[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    generation = metadata.get("generation")
    if generation is not None and generation < 0:
        words = "must be greater than or equal to 0"
        causes.append(_invalid("metadata.generation", generation, words))
    labels = metadata.get("labels")
    if labels:
        for key, value in labels.items():
            causes += (_invalid("metadata.labels", key, fault) for fault in label_key_faults(key))
            causes += (_invalid("metadata.labels", value, fault) for fault in label_value_faults(value))
    annotations = metadata.get("annotations")
    if annotations:
        causes += _annotation_causes(annotations)
    owners = metadata.get("ownerReferences")
    if owners:
        causes += _owner_causes(owners)
    finalizers = metadata.get("finalizers")
    if finalizers:
        causes += _finalizer_causes(finalizers)
    return causes


def _annotation_causes(annotations: Mapping[str, str]) -> list[Cause]:
    causes: list[Cause] = []
    total = 0
    for key, value in annotations.items():
        causes += (_invalid("metadata.annotations", key, fault) for fault in label_key_faults(key.lower()))
        total += len(key) + len(value)
    if (
        total * 4 > MAX_ANNOTATION_BYTES
    ):  # characters may take up to four bytes; count exactly only when it may matter
        total = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
        if total > MAX_ANNOTATION_BYTES:
            words = f"Too long: may not be more than {MAX_ANNOTATION_BYTES} bytes"
            causes.append(Cause("FieldValueTooLong", words, "metadata.annotations"))
    return causes


def _owner_causes(owners: Sequence[Mapping[str, Any]]) -> list[Cause]:
    causes: list[Cause] = []
    where = "metadata.ownerReferences"
    controllers: list[str] = []
    for owner in owners:
        version = owner.get("apiVersion") or ""
        if not version.rpartition("/")[2]:
            causes.append(_invalid(f"{where}.apiVersion", version, "version must not be empty"))
        causes += (
            _invalid(f"{where}.{field}", "", "must not be empty")
            for field in ("kind", "name", "uid")
            if not owner.get(field)
        )
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind')}/{owner.get('name')}")
    if len(controllers) > 1:
        words = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{controllers[0]} and {controllers[1]}"
        )
        causes.append(_invalid(where, [dict(owner) for owner in owners], words))
    return causes


def _finalizer_causes(finalizers: Sequence[str]) -> list[Cause]:
    causes: list[Cause] = []
    for number, finalizer in enumerate(finalizers):
        where = f"metadata.finalizers[{number}]"
        causes += (_invalid(where, finalizer, fault) for fault in finalizer_faults(finalizer))
    if ORPHAN_DEPENDENTS in finalizers and DELETE_DEPENDENTS in finalizers:
        causes.append(_invalid("metadata.finalizers", list(finalizers), _BOTH_FINALIZERS))
    return causes


def _invalid(field: str, value: object, why: str) -> Cause:
    shown = "null" if value is None else msgspec.json.encode(value).decode()
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", field)
