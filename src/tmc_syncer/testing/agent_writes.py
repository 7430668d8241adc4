"""The writes of an agent, told from nothing but the request: what a proxy in front of an API server can see.

`kind_of` knows how each write is sent (docs/semantics, "How each write is sent"): a create is an apply that must find
nothing, a status goes to the subresource or replaces ``/status``, a finalizer is a JSON patch on the list. What an agent
writes for itself (its Lease, its SyncTarget, the CRD) is `OWN`. Reads and watches are None.

It shares no code with the agent, so that a write that is sent in another way than promised shows as `OTHER`.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

__all__ = ["WriteKind", "kind_of"]

_OWN = re.compile(r"/(leases|synctargets|customresourcedefinitions)(/|$)")
_NAMESPACE = re.compile(r"^/api/v1/namespaces(/[^/]+)?$")
_CREATE_ONLY = "1"  # the resourceVersion that no live object has


class WriteKind(StrEnum):
    """What a write does."""

    CREATE = "create"
    APPLY = "apply"
    ADD_FINALIZER = "add-finalizer"
    REMOVE_FINALIZER = "remove-finalizer"
    STATUS = "status"
    DELETE = "delete"
    CREATE_NAMESPACE = "create-namespace"
    APPLY_NAMESPACE = "apply-namespace"
    DELETE_NAMESPACE = "delete-namespace"
    RELEASE = "release"
    OWN = "own"
    OTHER = "other"


def kind_of(method: str, target: str, content_type: str, body: bytes) -> WriteKind | None:
    """What the request writes, None for a request that only reads. ``target`` is its path with query."""
    path = urlsplit(target).path
    if method == "GET":
        return None
    if _OWN.search(path):
        return WriteKind.OWN
    is_namespace = _NAMESPACE.match(path) is not None
    if method == "POST":
        return WriteKind.OWN if is_namespace else WriteKind.OTHER  # the namespace of its Lease
    if method == "DELETE":
        return WriteKind.DELETE_NAMESPACE if is_namespace else WriteKind.DELETE
    if method != "PATCH":
        return WriteKind.OTHER
    return _kind_of_patch(path, content_type, json.loads(body), is_namespace=is_namespace)


def _kind_of_patch(path: str, content_type: str, body: Any, *, is_namespace: bool) -> WriteKind:
    if "apply-patch" in content_type:
        if body["metadata"].get("resourceVersion") == _CREATE_ONLY:
            return WriteKind.CREATE_NAMESPACE if is_namespace else WriteKind.CREATE
        return WriteKind.APPLY_NAMESPACE if is_namespace else WriteKind.APPLY
    if "json-patch" in content_type:
        change = body[-1]
        if path.endswith("/status") or change["path"] == "/status":
            return WriteKind.STATUS
        if change["path"].startswith("/metadata/finalizers"):
            return WriteKind.ADD_FINALIZER if change["op"] == "add" else WriteKind.REMOVE_FINALIZER
    if "merge-patch" in content_type:
        return WriteKind.RELEASE
    return WriteKind.OTHER
