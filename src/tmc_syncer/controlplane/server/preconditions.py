"""Preconditions of writes: names that must fit the path, versions and uids that must be those of the live object.

The words are kube-apiserver's, also where they are odd: a wrong uid of a PUT speaks of a StorageError, a precondition of a delete
names the kind instead of the resource. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.errors import ApiError, Cause, bad_request, conflict, invalid
from tmc_syncer.controlplane.server.options import DeleteOptions
from tmc_syncer.controlplane.server.served import Object
from tmc_syncer.controlplane.storage.records import Record

__all__ = ["check_delete", "check_name", "check_namespace", "check_put", "version_given"]

_DIGITS = re.compile(r"[0-9]{1,20}")
_LARGEST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class _AsKind:
    """A kind that errors name by its kind instead of its resource."""

    group: str
    resource: str
    kind: str


def version_given(text: str | None) -> int | None:
    """A resourceVersion as a number, None for none. Raises `ApiError` 500 for nonsense, as kube-apiserver."""
    if not text:
        return None
    if not _DIGITS.fullmatch(text) or int(text) > _LARGEST:
        raise ApiError(500, "", f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def check_name(call: Call, obj: Object) -> None:
    """The object must be the one that the path names (400)."""
    metadata = obj["metadata"]
    name = metadata.get("name")
    if not name:
        raise bad_request(
            f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        )
    if name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    check_namespace(call, metadata)


def check_namespace(call: Call, metadata: Mapping[str, Any]) -> None:
    """The object must be in the namespace of the path, if it names one (400)."""
    namespace = metadata.get("namespace")
    if namespace and namespace != call.namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def check_put(call: Call, metadata: Mapping[str, Any], record: Record) -> None:
    """The uid and resourceVersion of a PUT, as far as they are given (409); some types demand the version (422)."""
    kind = call.kind
    uid = metadata.get("uid")
    if uid and uid != record.uid:
        path = "/".join(part for part in (kind.group, kind.resource, call.namespace, call.name) if part)
        raise conflict(
            kind,
            call.name,
            f"StorageError: invalid object, Code: 4, Key: /registry/{path}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {record.uid}",
        )
    given = version_given(metadata.get("resourceVersion"))
    if not given:
        if kind.rules.unconditional:
            return
        cause = Cause(
            "FieldValueInvalid",
            "Invalid value: 0: must be specified for an update",
            "metadata.resourceVersion",
        )
        raise invalid(kind.resource, call.name, [cause], kind.group)
    if given != record.revision:
        raise conflict(kind, call.name)


def check_delete(call: Call, record: Record, options: DeleteOptions) -> None:
    """The uid and resourceVersion of a DELETE (409)."""
    named = _AsKind(call.kind.group, call.kind.kind, call.kind.kind)
    if options.uid and options.uid != record.uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({record.uid}). The object "
            "might have been deleted and then recreated"
        )
        raise conflict(named, call.name, why)
    version = options.resource_version
    if version and version != str(record.revision):
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            f"({record.revision}). The object might have been modified"
        )
        raise conflict(named, call.name, why)
