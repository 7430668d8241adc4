"""Namespaces as the scope of other objects: what is created must be in one that is there and stays.

The namespace lifecycle admission of kube-apiserver: 404 for a namespace that does not exist, 403 with the cause
``NamespaceTerminating`` for one that is being deleted. The look is at the encoded object: one key of it tells.
"""

from __future__ import annotations

from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.encoding import decode_json
from tmc_syncer.controlplane.server.errors import ApiError, Cause, forbidden
from tmc_syncer.controlplane.server.records import Shelf

__all__ = ["NAMESPACES", "require_namespace"]

NAMESPACES = "namespaces"


def require_namespace(shelf: Shelf, call: Call, name: str) -> None:
    """Refuse to create `name` where it has no namespace to live in (`ApiError`)."""
    if not call.kind.served.namespaced:
        return
    namespace = call.namespace
    record = shelf.store.collection(NAMESPACES).live.get(f"{call.cluster}/{namespace}")
    if record is None:
        raise ApiError(
            404,
            "NotFound",
            f'namespaces "{namespace}" not found',
            details={"name": namespace, "kind": NAMESPACES},
        )
    if b'"deletionTimestamp":' not in record.body:
        return
    if "deletionTimestamp" in decode_json(b"{" + record.body)["metadata"]:
        cause = Cause(
            "NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace"
        )
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        raise forbidden(call.kind, name, why, [cause])
