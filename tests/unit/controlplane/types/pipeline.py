"""A write pipeline as small as can be: what the server does around a `Type`, so that types are tried without the server.

It reads, defaults, assigns and validates in the server's order, keeps generations, and answers as the HTTP side does. The
metadata of objects are not checked: that is the server's.
"""

from __future__ import annotations

import copy
import random
import re
from typing import Any

from tmc_syncer.controlplane.server.errors import ApiError, invalid
from tmc_syncer.controlplane.server.identity import new_uid
from tmc_syncer.controlplane.types.allocation import ServiceAllocator
from tmc_syncer.controlplane.types.builtin import builtin_types
from tmc_syncer.controlplane.types.crds import accepted
from tmc_syncer.controlplane.types.registry import Context, Registry, Type

Object = dict[str, Any]

NOW = "2030-01-01T00:00:00Z"
PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v\d\w*)(?:/namespaces/(?P<ns>[^/]+)(?=/(?!status)))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?"
)


class Pipeline:
    """Answers requests like `ApiClient.request`: status and parsed body."""

    def __init__(self) -> None:
        self.registry = Registry(builtin_types())
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.rng = random.Random(1)
        services = lambda: [obj for key, obj in self.objects.items() if key[0] == "services"]  # noqa: E731
        self.allocations = ServiceAllocator(services, self.rng)
        self.context = Context(NOW, lambda resource, name: None, self.allocations)

    def request(self, method: str, path: str, body: Object | None = None) -> tuple[int, Any]:
        match = PATH.fullmatch(path)
        assert match is not None, path
        made = self.registry.find("", match["group"] or "", match["version"], match["resource"])
        assert made is not None, path
        try:
            if method == "POST":
                return 201, self._create(made, match["ns"] or "", copy.deepcopy(body or {}))
            key = (made.storage, match["ns"] or "", match["name"])
            if method == "GET":
                return 200, self._shown(made, self.objects[key])
            return 200, self._update(made, key, copy.deepcopy(body or {}), match["sub"] or "")
        except ApiError as error:
            return error.code, error.to_object()

    def _shown(self, made: Type, stored: Object) -> Object:
        return copy.deepcopy(made.conversion.from_stored(stored) if made.conversion else stored)

    def _create(self, made: Type, namespace: str, body: Object) -> Object:
        body = made.default(body)
        metadata = body["metadata"]
        if made.has_status and not made.keeps_status_on_create:
            body.pop("status", None)
        metadata.update({"uid": new_uid(self.rng), "creationTimestamp": NOW})
        if made.has_generation:
            metadata["generation"] = 1
        obj = made.prepare(made.default(body), None, self.context)
        self._check(made, made.validate(obj, None), obj)
        return self._keep(made, (made.storage, namespace, metadata["name"]), obj)

    def _update(self, made: Type, key: tuple[str, str, str], body: Object, subresource: str) -> Object:
        old = self._shown(made, self.objects[key])
        if subresource == "status":
            body = {**old, "status": body.get("status")} if body.get("status") is not None else old
        elif made.has_status:
            body["status"] = old.get("status")
        obj = made.default(body)
        if not subresource:
            obj = made.prepare(obj, old, self.context)
            ignored = ("metadata", "status") if made.has_status else ("metadata",)
            if (
                made.has_generation
                and made.kind != "PriorityClass"
                and any(
                    obj.get(field) != old.get(field)
                    for field in obj.keys() | old.keys()
                    if field not in ignored
                )
            ) or (
                made.resource == "endpointslices"
                and obj["metadata"].get("labels") != old["metadata"].get("labels")
            ):
                obj["metadata"]["generation"] = old["metadata"]["generation"] + 1
        elif made.kind == "PersistentVolume":
            obj = made.prepare(obj, old, self.context)
        self._check(made, made.validate(obj, old), obj)
        return self._keep(made, key, obj)

    def _check(self, made: Type, causes: Any, obj: Object) -> None:
        if causes:
            raise invalid(made.kind, obj["metadata"]["name"], causes, made.group)

    def _keep(self, made: Type, key: tuple[str, str, str], obj: Object) -> Object:
        # A real server fills in defaults once more when it reads what it has written.
        obj = made.default(obj)
        if made.kind == "CustomResourceDefinition":
            obj["status"] = accepted(obj, (), NOW)
        self.objects[key] = made.conversion.to_stored(obj) if made.conversion else obj
        return self._shown(made, self.objects[key])
