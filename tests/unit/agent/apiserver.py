"""A server of objects on loopback, just enough of an API server for single writes: what it keeps is what tests look at.

It holds what the agent's safety rests on: uid and resourceVersion preconditions of deletes, replacements and merge
patches, JSON patches with ``test``, an apply with ``resourceVersion: "1"`` that must find nothing, and an apply with a
uid that must find that object. It lists in pages and watches nothing: caches of these tests are filled by hand, so
that they can be as stale as a test wants.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import jsonpatch
from aiohttp import web

Object = dict[str, Any]


class Server:
    """`objects` by path; `refused`: paths whose reading and listing is answered with that status, `refused_writes`: all
    writes, when it is not 0.

    `after_read` is called with the path of each read, after its answer was made: so the world moves on between a look
    and the write that follows from it.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.url = ""
        self.reads = 0
        self.writes: list[str] = []
        self.refused: dict[str, int] = {}
        self.refused_writes = 0
        self.after_read: Callable[[str], None] = lambda _path: None
        self.page_size = 100
        self._versions = itertools.count(100)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            yield self
        finally:
            await runner.cleanup()

    def put(self, path: str, obj: Object) -> Object:
        """Store an object as it is, with a version of its own."""
        obj = copy.deepcopy(obj)
        obj["metadata"].setdefault("uid", f"uid-{path.rsplit('/', 1)[1]}")
        obj["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[path] = obj
        return obj

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.removesuffix("/status")
        found = self.objects.get(path)
        if request.method == "GET":
            self.reads += 1
            reply = self._read(path, found, request)
            self.after_read(path)
            return reply
        if self.refused_writes:
            return _status(
                self.refused_writes, _REASONS[self.refused_writes], "the server does not take this"
            )
        self.writes.append(f"{request.method} {request.path}")
        body = json.loads(await request.read() or b"null")
        if request.method == "DELETE":
            return self._delete(path, found, body)
        if request.method == "POST":
            return self._create(path, body)
        if request.method == "PUT":
            return self._replace(path, found, body)
        kind = request.content_type
        if kind == "application/apply-patch+yaml":
            return self._apply(path, found, body)
        if found is None:
            return _not_found(path)
        if kind == "application/json-patch+json":
            return self._json_patch(path, found, body)
        meta = body.get("metadata", {})
        if meta.get("resourceVersion") not in _unset(found["metadata"]["resourceVersion"]):
            return _status(409, "Conflict", "the object has been modified")
        if meta.get("uid") not in _unset(found["metadata"]["uid"]):
            return _immutable()
        return _reply(self.put(path, _merge(found, body)))

    def _read(self, path: str, found: Object | None, request: web.Request) -> web.Response:
        if (status := self.refused.get(path)) is not None:
            return _status(status, _REASONS[status], "the server does not answer this")
        if "limit" not in request.query:
            return _reply(found) if found is not None else _not_found(path)
        items = [obj for at, obj in self.objects.items() if at.rpartition("/")[0] == path]
        start = int(request.query.get("continue", "0"))
        end = start + min(self.page_size, int(request.query["limit"]))
        meta = {"resourceVersion": str(next(self._versions)), "continue": str(end) if items[end:] else ""}
        return web.json_response({"kind": "List", "metadata": meta, "items": items[start:end]})

    def _create(self, collection: str, body: Object) -> web.Response:
        path = f"{collection}/{body['metadata']['name']}"
        *_, above, namespace, _resource = collection.split("/")
        if above == "namespaces" and f"/api/v1/namespaces/{namespace}" not in self.objects:
            return _not_found(f"/api/v1/namespaces/{namespace}")
        if path in self.objects:
            return _status(409, "AlreadyExists", "it exists already", name=body["metadata"]["name"])
        return _reply(self.put(path, body), 201)

    def _replace(self, path: str, found: Object | None, body: Object) -> web.Response:
        meta = body["metadata"]
        if found is None:
            return _not_found(path) if not meta.get("uid") else _status(409, "Conflict", "uid mismatch")
        for name in ("uid", "resourceVersion"):
            if meta.get(name) not in _unset(found["metadata"][name]):
                return _status(409, "Conflict", f"Precondition failed: {name} in precondition")
        return _reply(self.put(path, body | {"metadata": {**meta, "uid": found["metadata"]["uid"]}}))

    def _apply(self, path: str, found: Object | None, body: Object) -> web.Response:
        meta = body["metadata"]
        version = meta.pop("resourceVersion", None)
        if found is not None and version not in (None, found["metadata"]["resourceVersion"]):
            return _status(409, "Conflict", "the object has been modified")
        if not meta.get("uid"):
            meta.pop("uid", None)  # a real server does not tell the empty one from none
        if found is None:
            if meta.get("uid"):
                return _status(
                    409,
                    "Conflict",
                    "uid mismatch: the provided object specified a uid, and no existing object was found",
                )
            return _reply(self.put(path, body), 201)
        if meta.get("uid") not in _unset(found["metadata"]["uid"]):
            return _immutable()
        return _reply(self.put(path, _merge(found, body)))

    def _json_patch(self, path: str, found: Object, body: list[Object]) -> web.Response:
        target = copy.deepcopy(found)
        target["metadata"].setdefault("finalizers", None)  # evanphx/json-patch: a missing path equals null
        try:
            patched = jsonpatch.apply_patch(target, body)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
            return _status(422, "Invalid", "the server rejected our request due to an error in our request")
        patched["metadata"]["finalizers"] = patched["metadata"]["finalizers"] or []
        stored = self.put(path, patched)
        if stored["metadata"].get("deletionTimestamp") and not stored["metadata"]["finalizers"]:
            del self.objects[path]
            return _reply(found)  # as a real server does: what it was before the last finalizer went
        return _reply(stored)

    def _delete(self, path: str, found: Object | None, body: Object | None) -> web.Response:
        if found is None:
            return _not_found(path)
        for name, value in ((body or {}).get("preconditions") or {}).items():
            if found["metadata"][name] != value:
                return _status(409, "Conflict", f"Precondition failed: {name} in precondition: {value}")
        del self.objects[path]
        return web.json_response(
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Success",
                "details": {"uid": found["metadata"]["uid"]},
            }
        )


_REASONS = {
    403: "Forbidden",
    404: "NotFound",  # of the type: it names no object
    405: "MethodNotAllowed",
    503: "ServiceUnavailable",
}


def _unset(value: str) -> tuple[str | None, ...]:
    """What a precondition for `value` may be: that, or not given."""
    return None, "", value


def _immutable() -> web.Response:
    return _status(422, "Invalid", "metadata.uid: field is immutable", field="metadata.uid")


def _merge(found: Object, patch: Object) -> Object:
    merged = dict(found)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _reply(obj: Object, status: int = 200) -> web.Response:
    return web.json_response(obj, status=status)


def _not_found(path: str) -> web.Response:
    *_, resource, name = path.split("/")
    return _status(404, "NotFound", f'{resource} "{name}" not found', name=name, kind=resource)


def _status(status: int, reason: str, message: str, *, field: str = "", **details: str) -> web.Response:
    body: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": status,
    }
    body |= {"message": message, "details": details}
    if field:
        body["details"]["causes"] = [{"reason": "FieldValueInvalid", "message": message, "field": field}]
    return web.json_response(body, status=status)
