"""The custom types that every server of the contract suite serves from the beginning, and how a test installs one of its own.

    widgets   namespaced, structural schema with all that the tests of custom resources and of apply need, subresources
              status and scale, printer columns, served as v1 (stored) and v2
    gadgets   namespaced, no subresources, any fields
    gizmos    cluster-scoped, no schema but an object

A kube-apiserver lets the first POST of a new type wait two seconds, so tests share these where they can.
"""

from __future__ import annotations

from typing import Any

from tests.contract.objects import GROUP, at
from tests.contract.servers import Server
from tests.contract.wire import JsonObject
from tmc_syncer.testing.polling import eventually

OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

WIDGET_SPEC: JsonObject = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 0, "maximum": 100},
        "color": {"type": "string", "enum": ["red", "green", "blue"], "default": "red"},
        "code": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5, "minLength": 2},
        "ratio": {"type": "number"},
        "enabled": {"type": "boolean"},
        "note": {"type": "string", "nullable": True},
        "replicas": {"type": "integer"},
        "port": {"x-kubernetes-int-or-string": True},
        "when": {"type": "string", "format": "date-time"},
        "free": OPEN,
        "nested": {
            "type": "object",
            "default": {},
            "properties": {"depth": {"type": "integer", "default": 3}, "other": {"type": "string"}},
        },
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "maxItems": 4,
            "x-kubernetes-list-type": "set",
        },
        "sequence": {"type": "array", "items": {"type": "integer"}},
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["number", "protocol"],
            "items": {
                "type": "object",
                "required": ["number"],
                "properties": {
                    "number": {"type": "integer"},
                    "protocol": {"type": "string", "default": "TCP"},
                    "label": {"type": "string"},
                },
            },
        },
        "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
        "point": {
            "type": "object",
            "x-kubernetes-map-type": "atomic",
            "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
        },
        "minimum": {"type": "integer"},
        "maximum": {"type": "integer"},
        "fixed": {
            "type": "string",
            "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "is fixed"}],
        },
    },
    "x-kubernetes-validations": [
        {
            "rule": "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "message": "minimum must not be above maximum",
        }
    ],
}

WIDGET_STATUS: JsonObject = {
    "type": "object",
    "properties": {
        "phase": {"type": "string"},
        "replicas": {"type": "integer"},
        "selector": {"type": "string"},
        "conditions": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status"],
                "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
            },
        },
    },
}

COLUMNS = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How large it is"},
    {"name": "Color", "type": "string", "jsonPath": ".spec.color", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def structural(spec: JsonObject, status: JsonObject | None = None) -> JsonObject:
    """The schema of a whole object."""
    properties = {"spec": spec, **({"status": status} if status else {})}
    return {"openAPIV3Schema": {"type": "object", "properties": properties}}


def served(name: str, schema: JsonObject, **more: Any) -> JsonObject:
    """One version of a custom type, stored unless `more` says otherwise."""
    return {"name": name, "served": True, "storage": True, "schema": schema, **more}


def definition(
    plural: str, kind: str, *versions: JsonObject, group: str = GROUP, scope: str = "Namespaced", **names: Any
) -> JsonObject:
    """A CustomResourceDefinition."""
    singular = kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {
                "plural": plural,
                "singular": singular,
                "kind": kind,
                "listKind": f"{kind}List",
                **names,
            },
            "versions": list(versions),
        },
    }


def shared_definitions() -> list[JsonObject]:
    """The types that are always there."""
    subresources = {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    widget_schema = structural(WIDGET_SPEC, WIDGET_STATUS)
    more = {"subresources": subresources, "additionalPrinterColumns": COLUMNS}
    anything = {"openAPIV3Schema": OPEN}
    return [
        definition(
            "widgets",
            "Widget",
            served("v1", widget_schema, **more),
            served("v2", widget_schema, **{**more, "storage": False}),
            shortNames=["wdg"],
            categories=["contract"],
        ),
        definition("gadgets", "Gadget", served("v1", anything)),
        definition("gizmos", "Gizmo", served("v1", anything), scope="Cluster"),
    ]


def install(server: Server, *definitions: JsonObject) -> None:
    """Install custom types and wait until they are served."""
    for item in definitions:
        server.post(at("customresourcedefinitions"), item).ok(201)
    for item in definitions:
        eventually(lambda item=item: is_established(server, item["metadata"]["name"]), interval=0.03)  # type: ignore[misc]
        for version in item["spec"]["versions"]:
            path = f"/apis/{item['spec']['group']}/{version['name']}/{item['spec']['names']['plural']}"
            eventually(lambda path=path: server.get(path).status == 200, interval=0.03)  # type: ignore[misc]


def is_established(server: Server, name: str) -> bool:
    """Whether a CRD is said to be served."""
    answer = server.get(at("customresourcedefinitions", name=name))
    # The conditions of a new CRD are null, not absent.
    conditions = (answer.body.get("status", {}).get("conditions") if answer.status == 200 else None) or []
    return {"Established": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()
