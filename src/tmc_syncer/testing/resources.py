"""Objects of an API server by kind and name.

``Resources`` turns ("Deployment", "web", "shop") into paths by the server's own aggregated discovery
(https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery) and offers get, list, apply, create,
patch and delete over plain JSON objects. A kind is given as its kind ("Deployment"), its plural ("deployments"), or
its plural with the group ("deployments.apps") where several groups have it; without a group the core group and then the
server's order win.

A kind that discovery does not know is looked up again for some seconds, because a CRD that was just created takes a moment.
"""

from __future__ import annotations

import http.client
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tmc_syncer.testing.errors import ApiError, NotInTime, TestBedError
from tmc_syncer.testing.polling import eventually

__all__ = ["JsonObject", "Resource", "Resources"]

JsonObject = dict[str, Any]
"""A Kubernetes object as parsed JSON."""

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_LOOKUP_SECONDS = 10.0


@dataclass(frozen=True)
class Resource:
    """One served resource; ``group`` is empty for the core group."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """Return the URL path of an object (``name`` given) or of the collection."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts += [self.plural, *([name] if name else []), *([subresource] if subresource else [])]
        return "/" + "/".join(quote(part, safe="") for part in parts)


class Resources(ABC):
    """Access to the objects of one server; the subclass brings ``request``.

    Where ``namespace`` is None, an object of a namespaced kind is in ``default``; ``list_objects`` then means all namespaces.
    All methods raise ``ApiError`` on an error status that is not part of their contract.
    """

    def __init__(self) -> None:
        """Start with an empty discovery."""
        self._resources: list[Resource] = []

    @abstractmethod
    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        *,
        user: str = "admin",
        accept: str | None = None,
    ) -> tuple[int, Any]:
        """Send a request as ``user``; return the HTTP status and the parsed answer."""

    def resource(self, kind: str, api_version: str | None = None) -> Resource:
        """Find a resource; raises ``TestBedError`` when the server does not serve it."""
        found = self._lookup(kind, api_version)
        if found is not None:
            return found
        try:
            found = eventually(lambda: self._discovered(kind, api_version), _LOOKUP_SECONDS)
        except NotInTime as error:
            raise TestBedError(
                f"the server does not serve {kind} ({api_version or 'any version'})"
            ) from error
        assert found is not None
        return found

    def get(self, kind: str, name: str, namespace: str | None = None) -> JsonObject | None:
        """Return the object, or None when there is none."""
        path = self._object_path(self.resource(kind), namespace, name)
        status, answer = self.request("GET", path)
        return None if status == 404 else _checked("GET", path, status, answer)

    def list_objects(
        self, kind: str, namespace: str | None = None, *, label_selector: str = ""
    ) -> list[JsonObject]:
        """Return the objects of a kind, of one namespace or of all."""
        query = "?" + urlencode({"labelSelector": label_selector}) if label_selector else ""
        path = self.resource(kind).path(namespace) + query
        items: list[JsonObject] = _checked("GET", path, *self.request("GET", path))["items"]
        return items

    def create(self, manifest: JsonObject, *, user: str = "admin") -> JsonObject:
        """Create an object (POST) and return it as stored."""
        resource, namespace, _ = self._located(manifest)
        path = resource.path(namespace)
        return _checked("POST", path, *self.request("POST", path, manifest, user=user))

    def apply(
        self,
        manifest: JsonObject,
        *,
        manager: str = "test-bed",
        user: str = "admin",
        subresource: str | None = None,
    ) -> JsonObject:
        """Apply an object on the server's side with force, as field manager ``manager``; return it as stored."""
        resource, namespace, name = self._located(manifest)
        query = urlencode({"fieldManager": manager, "force": "true"})
        path = f"{resource.path(namespace, name, subresource)}?{query}"
        answer = self.request("PATCH", path, json.dumps(manifest), "application/apply-patch+yaml", user=user)
        return _checked("PATCH", path, *answer)

    def patch(
        self,
        kind: str,
        name: str,
        namespace: str | None,
        patch: Mapping[str, Any] | list[Any],
        *,
        subresource: str | None = None,
        user: str = "admin",
    ) -> JsonObject:
        """Patch an object: a mapping is a merge patch, a list a JSON patch. ``subresource="status"`` patches status."""
        path = self._object_path(self.resource(kind), namespace, name, subresource)
        content_type = (
            "application/json-patch+json" if isinstance(patch, list) else "application/merge-patch+json"
        )
        return _checked("PATCH", path, *self.request("PATCH", path, patch, content_type, user=user))

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: str | None = None,
        user: str = "admin",
    ) -> bool:
        """Delete an object and return at once; False when there was none. ``propagation`` is a deletion policy."""
        path = self._object_path(self.resource(kind), namespace, name)
        options = {"propagationPolicy": propagation} if propagation else None
        status, answer = self.request("DELETE", path, options, user=user)
        if status != 404:
            _checked("DELETE", path, status, answer)
        return status != 404

    def _located(self, manifest: JsonObject) -> tuple[Resource, str | None, str]:
        resource = self.resource(manifest["kind"], manifest["apiVersion"])
        metadata = manifest["metadata"]
        namespace = (metadata.get("namespace") or "default") if resource.namespaced else None
        return resource, namespace, metadata.get("name", "")

    def _object_path(
        self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None
    ) -> str:
        return resource.path(namespace or "default", name, subresource)

    def _lookup(self, kind: str, api_version: str | None) -> Resource | None:
        for resource in self._resources:
            names = (resource.kind, resource.plural, f"{resource.plural}.{resource.group}")
            group_version = f"{resource.group}/{resource.version}".lstrip("/")
            if kind in names and api_version in (None, group_version):
                return resource
        return None

    def _discovered(self, kind: str, api_version: str | None) -> Resource | None:
        self._discover()
        return self._lookup(kind, api_version)

    def _discover(self) -> None:
        found: list[Resource] = []
        for root in ("/api", "/apis"):
            try:
                status, answer = self.request("GET", root, accept=_DISCOVERY)
            except (OSError, http.client.HTTPException) as error:
                raise TestBedError(f"discovery at {root} failed: {error}") from error
            for group in _checked("GET", root, status, answer).get("items", []):
                for version in group["versions"]:
                    found += [
                        Resource(
                            group=group["metadata"].get("name", ""),
                            version=version["version"],
                            kind=item["responseKind"]["kind"],
                            plural=item["resource"],
                            namespaced=item["scope"] == "Namespaced",
                        )
                        for item in version.get("resources", [])
                        if item.get("responseKind")
                    ]
        self._resources = found


def _checked(method: str, path: str, status: int, answer: Any) -> JsonObject:
    if status >= 400 or not isinstance(answer, dict):
        details = answer if isinstance(answer, dict) else {}
        raise ApiError(
            f"{method} {path}", status, details.get("reason", ""), details.get("message", str(answer))
        )
    return answer
