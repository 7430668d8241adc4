"""The paths of an OpenAPI document: one operation for each verb of each type and subresource, with what clients look for.

That is the kind, the action, the query parameters, the media types of patches (a custom type lacks the strategic one, by which kubectl
knows it), and the schemas of bodies and answers. Descriptions, operation ids and the deprecated watch paths are left
out. Pure; called by `openapi`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tmc_syncer.controlplane.types.registry import Object, Subresource, Type

__all__ = ["SchemaName", "paths_of"]

SchemaName = Callable[[str, str, str], str | None]
"""The name of the component of a group, version and kind, None when the document has none."""

JSON = "application/json"
PROTOBUF = "application/vnd.kubernetes.protobuf"
YAML = "application/yaml"
STRATEGIC = "application/strategic-merge-patch+json"
PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
META = "io.k8s.apimachinery.pkg.apis.meta.v1"

WRITE = ("dryRun", "fieldManager", "fieldValidation")
DELETE = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)
LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
PARAMETERS = {
    "delete": DELETE,
    "deletecollection": tuple(
        sorted({*DELETE, *(name for name in LIST if name not in ("allowWatchBookmarks", "watch"))})
    ),
    "list": LIST,
    "patch": (*WRITE, "force"),
    "post": WRITE,
    "put": WRITE,
}
"""Query parameters by action; others have none."""

INTEGERS = frozenset({"gracePeriodSeconds", "limit", "timeoutSeconds"})
BOOLEANS = frozenset(
    {
        "allowWatchBookmarks",
        "force",
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "orphanDependents",
        "sendInitialEvents",
        "watch",
    }
)

RETURNED = frozenset(
    {
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourcequotas",
        "serviceaccounts",
        "services",
        "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
    }
)
"""What a deletion answers with; that of any other answers with a status."""

METHODS = {"create": "post", "delete": "delete", "get": "get", "patch": "patch", "update": "put"}
"""The method, and the action, of a verb on one object."""

CODES = {
    "delete": ("200", "202"),
    "patch": ("200", "201"),
    "post": ("200", "201", "202"),
    "put": ("200", "201"),
}
"""Answers by action, 200 for any other."""


def paths_of(types: Iterable[Type], name_of: SchemaName) -> Object:
    """Path to operations by method."""
    found: Object = {}
    for made in types:
        for path, item in _of_type(made, name_of):
            found[path] = item
    return {path: found[path] for path in sorted(found)}


def _of_type(made: Type, name_of: SchemaName) -> Iterator[tuple[str, Object]]:
    root = f"/apis/{made.group}/{made.version}" if made.group else f"/api/{made.version}"
    base = (
        f"{root}/namespaces/{{namespace}}/{made.resource}" if made.namespaced else f"{root}/{made.resource}"
    )
    around = ("namespace",) if made.namespaced else ()
    kinds = (made.group, made.version, made.kind)
    schema, listed = name_of(*kinds), name_of(made.group, made.version, made.list_kind)
    operations: Object = {}
    if "list" in made.verbs:
        operations["get"] = _operation(made, "list", kinds, listed)
        if made.namespaced:
            yield f"{root}/{made.resource}", {"get": operations["get"], "parameters": _around(())}
    if "create" in made.verbs:
        operations["post"] = _operation(made, "post", kinds, schema)
    if "deletecollection" in made.verbs:
        operations["delete"] = _operation(made, "deletecollection", kinds, f"{META}.Status")
    yield base, {**operations, "parameters": _around(around)}
    single = {
        METHODS[verb]: _operation(made, METHODS[verb], kinds, _answer(METHODS[verb], made, schema))
        for verb in made.verbs
        if verb in ("delete", "get", "patch", "update")
    }
    if single:
        yield f"{base}/{{name}}", {**single, "parameters": _around(("name", *around))}
    for part in made.subresource_details:
        yield f"{base}/{{name}}/{part.name}", _of_part(made, part, name_of, ("name", *around))


def _answer(method: str, made: Type, schema: str | None) -> str | None:
    return f"{META}.Status" if method == "delete" and made.name not in RETURNED else schema


def _of_part(made: Type, part: Subresource, name_of: SchemaName, around: tuple[str, ...]) -> Object:
    kinds = (part.group, part.version, part.kind) if part.version else (made.group, made.version, part.kind)
    schema = name_of(*kinds)
    operations: Object = {}
    for verb in part.verbs:
        method = METHODS[verb]
        action = "connect" if part.kind.endswith("Options") else method
        operations[method] = _operation(made, action, kinds, schema)
    return {**operations, "parameters": _around(around)}


def _operation(made: Type, action: str, kinds: tuple[str, str, str], schema: str | None) -> Object:
    operation: Object = {}
    if parameters := PARAMETERS.get(action):
        operation["parameters"] = [_query(name) for name in parameters]
    if body := _body(made, action, schema):
        operation["requestBody"] = body
    answer = _content([JSON, YAML] if made.custom else [JSON, PROTOBUF, YAML], schema)
    operation["responses"] = {
        code: {"description": "OK", "content": answer} for code in CODES.get(action, ("200",))
    }
    group, version, kind = kinds
    operation["x-kubernetes-action"] = action
    operation["x-kubernetes-group-version-kind"] = {"group": group, "version": version, "kind": kind}
    return operation


def _body(made: Type, action: str, schema: str | None) -> Object | None:
    if action == "patch":
        media = PATCHES if made.custom else (*PATCHES, STRATEGIC)
        return {"content": _content(media, f"{META}.Patch"), "required": True}
    if action in ("delete", "deletecollection"):
        return {"content": _content(["*/*"], f"{META}.DeleteOptions")}
    if action in ("post", "put"):
        return {"content": _content([JSON, YAML] if made.custom else ["*/*"], schema), "required": True}
    return None


def _content(media: Iterable[str], schema: str | None) -> Object:
    if schema is None:
        return {name: {} for name in media}
    return {name: {"schema": {"$ref": f"#/components/schemas/{schema}"}} for name in media}


def _around(names: tuple[str, ...]) -> list[Any]:
    """The parameters of a path."""
    inside = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}
        for name in names
    ]
    return [*inside, _query("pretty")]


def _query(name: str) -> Object:
    kind = "integer" if name in INTEGERS else "boolean" if name in BOOLEANS else "string"
    return {"name": name, "in": "query", "schema": {"type": kind, "uniqueItems": True}}
