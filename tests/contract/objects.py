"""What the contract tests send: paths of resources, and small objects of the kinds that they use.

`at` builds a path from a resource's plural, which stands for one group and version; a custom type of the suite is in it like
a built-in one (custom.py installs them). The builders return complete manifests with nothing that a server sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.contract.wire import JsonObject

GROUP = "contract.example.com"
WIDGET = f"{GROUP}/v1"

ROOT_OF = {
    "configmaps": "api/v1",
    "endpoints": "api/v1",
    "events": "api/v1",
    "namespaces": "api/v1",
    "nodes": "api/v1",
    "persistentvolumeclaims": "api/v1",
    "persistentvolumes": "api/v1",
    "pods": "api/v1",
    "secrets": "api/v1",
    "serviceaccounts": "api/v1",
    "services": "api/v1",
    "daemonsets": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "statefulsets": "apis/apps/v1",
    "tokenreviews": "apis/authentication.k8s.io/v1",
    "selfsubjectreviews": "apis/authentication.k8s.io/v1",
    "localsubjectaccessreviews": "apis/authorization.k8s.io/v1",
    "selfsubjectaccessreviews": "apis/authorization.k8s.io/v1",
    "selfsubjectrulesreviews": "apis/authorization.k8s.io/v1",
    "subjectaccessreviews": "apis/authorization.k8s.io/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "cronjobs": "apis/batch/v1",
    "jobs": "apis/batch/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "customresourcedefinitions": "apis/apiextensions.k8s.io/v1",
    "ingresses": "apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "clusterrolebindings": "apis/rbac.authorization.k8s.io/v1",
    "clusterroles": "apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "apis/rbac.authorization.k8s.io/v1",
    "roles": "apis/rbac.authorization.k8s.io/v1",
    "gadgets": f"apis/{GROUP}/v1",
    "gizmos": f"apis/{GROUP}/v1",
    "widgets": f"apis/{GROUP}/v1",
}


def at(resource: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """Return the path of a collection, an object or a subresource; without a namespace, of all or of none."""
    parts = [ROOT_OF[resource]]
    if namespace:
        parts += ["namespaces", namespace]
    parts += [resource, *([quote(name, safe="")] if name else []), *([subresource] if subresource else [])]
    return "/" + "/".join(parts)


def named(kind: str, name: str, api_version: str = "v1", **metadata: Any) -> JsonObject:
    """Return an object that has nothing but its name and what of metadata is given."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}}


def config_map(name: str, data: Mapping[str, str] | None = None, **metadata: Any) -> JsonObject:
    return {**named("ConfigMap", name, **metadata), "data": dict(data or {"key": "value"})}


def secret(name: str, **fields: Any) -> JsonObject:
    return {**named("Secret", name), **fields}


def pod(name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> JsonObject:
    """A Pod with one container; a ``nodeName`` in `spec` binds it to a node without a kubelet."""
    containers = [{"name": "main", "image": "example.com/main:1"}]
    return {**named("Pod", name, **metadata), "spec": {"containers": containers, **(spec or {})}}


def template(labels: Mapping[str, str], **spec: Any) -> JsonObject:
    containers = [{"name": "main", "image": "example.com/main:1"}]
    return {"metadata": {"labels": dict(labels)}, "spec": {"containers": containers, **spec}}


def deployment(name: str, replicas: int | None = 1, **metadata: Any) -> JsonObject:
    labels = {"app": name}
    spec: JsonObject = {"selector": {"matchLabels": labels}, "template": template(labels)}
    if replicas is not None:
        spec["replicas"] = replicas
    return {**named("Deployment", name, "apps/v1", **metadata), "spec": spec}


def service(name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> JsonObject:
    port = {"name": "http", "port": 80}
    return {
        **named("Service", name, **metadata),
        "spec": {"ports": [port], "selector": {"app": name}, **(spec or {})},
    }


def lease(name: str, **metadata: Any) -> JsonObject:
    return {
        **named("Lease", name, "coordination.k8s.io/v1", **metadata),
        "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 15},
    }


def widget(name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> JsonObject:
    """A Widget: see custom.py for its schema."""
    return {**named("Widget", name, WIDGET, **metadata), "spec": dict(spec or {"size": 1})}


def gadget(name: str, **fields: Any) -> JsonObject:
    """A Gadget, which has no status subresource and takes any fields."""
    return {**named("Gadget", name, WIDGET), **fields}


def owner_reference(owner: JsonObject, **more: Any) -> JsonObject:
    """A reference to an object as its owner."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        **more,
    }


def names(listing: JsonObject) -> list[str]:
    """Return the names of a list's items, in the list's order."""
    return [item["metadata"]["name"] for item in listing["items"]]


def version(obj: JsonObject) -> int:
    """Return the resourceVersion of an object or a list as a number, which Kubernetes says it is since 1.35."""
    return int(obj["metadata"]["resourceVersion"])


def events(taken: list[JsonObject]) -> list[tuple[str, str]]:
    """Return the types and names of watch events."""
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in taken]
