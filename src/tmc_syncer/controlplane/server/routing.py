"""Which verb a request is, and whether a type offers it: the table between HTTP and the verbs of authorization. Pure."""

from __future__ import annotations

from tmc_syncer.controlplane.server.blending import BLENDED
from tmc_syncer.controlplane.server.clusters import WILDCARD
from tmc_syncer.controlplane.server.errors import bad_request, method_not_allowed, no_such_path
from tmc_syncer.controlplane.server.kinds import Kind
from tmc_syncer.controlplane.server.paths import Target

__all__ = ["check_offered", "check_scope", "verb_of"]

_ITEM_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_SUBRESOURCE_VERBS = {**_ITEM_VERBS, "POST": "create"}


def verb_of(method: str, target: Target) -> str:
    """The verb of authorization, but for the watches that only a query tells. Raises `ApiError` 405."""
    if target.subresource:
        verb = _SUBRESOURCE_VERBS.get(method)
    elif target.name and not target.watch:
        verb = _ITEM_VERBS.get(method)
    else:
        verb = _COLLECTION_VERBS.get(method)
    if verb is None:
        raise method_not_allowed()
    return verb


def check_scope(kind: Kind, target: Target, verb: str) -> None:
    """Refuse a path with a namespace for a type that has none, or without one where it is needed (404, 405)."""
    if not kind.served.namespaced:
        if target.namespace:
            raise no_such_path()
        return
    if target.namespace:
        return
    if target.name and verb != "watch":
        raise no_such_path()
    if verb not in ("list", "watch"):
        raise method_not_allowed()


def check_offered(kind: Kind, target: Target, verb: str, cluster: str) -> None:
    """Refuse a subresource that the type has not (404), a verb that it does not offer (405), a scope that does not fit."""
    check_scope(kind, target, verb)
    if target.subresource:
        if (
            target.subresource not in kind.served.subresources
            or target.subresource not in BLENDED
            or target.tail
        ):
            raise no_such_path()
        if verb not in ("get", "update", "patch"):
            raise method_not_allowed()
    elif verb not in kind.served.verbs:
        raise method_not_allowed()
    if cluster == WILDCARD and (verb not in ("list", "watch") or target.namespace):
        raise bad_request("only lists and watches of all namespaces can be made of all clusters")
