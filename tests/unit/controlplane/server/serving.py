"""A control plane for tests, in memory and asked by HTTP on a real socket, without TLS and without names.

`served` runs one; `Http` speaks to it: `ask` for one answer, `events` for a watch that ends with its block.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.assembly import ControlPlane, Settings
from tmc_syncer.engine.env import SystemClock

Json = dict[str, Any]

SECONDS = 10.0
"""How long a test waits for what must come."""

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
APPLY = {"Content-Type": "application/apply-patch+yaml"}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
PARTIAL = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"}

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
NAMESPACES = "/api/v1/namespaces"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Reply:
    code: int
    raw: bytes
    headers: CIMultiDictProxy[str]

    @property
    def obj(self) -> Any:
        return json.loads(self.raw)

    @property
    def message(self) -> str:
        return str(self.obj["message"])

    @property
    def version(self) -> str:
        return str(self.obj["metadata"]["resourceVersion"])


class Events:
    """The lines of a watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> Json:
        """The next event; fails when the watch ends."""
        async with asyncio.timeout(SECONDS):
            line = await self.response.content.readline()
        assert line, "the watch ended"
        found: Json = json.loads(line)
        return found

    async def take(self, count: int) -> list[tuple[str, str]]:
        """So many events, as type and name."""
        found = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in found]

    async def rest(self) -> list[Json]:
        """Everything until the watch ends."""
        async with asyncio.timeout(SECONDS):
            data = await self.response.content.read()
        return [json.loads(line) for line in data.splitlines()]


class Http:
    def __init__(self, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]) -> None:
        self.session, self.url, self.headers = session, url, dict(headers)

    def where(self, path: str) -> URL:
        return URL(self.url + path, encoded=True)

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {**self.headers, **(headers or {})}
        data: Any = None
        if body is not None:
            data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
            sent.setdefault("Content-Type", "application/json")
        async with asyncio.timeout(SECONDS):
            async with self.session.request(method, self.where(path), data=data, headers=sent) as response:
                return Reply(response.status, await response.read(), response.headers)

    async def make(self, path: str, obj: Json) -> Json:
        """Create; returns what the server made of it."""
        reply = await self.ask("POST", path, obj)
        assert reply.code == 201, reply.raw
        made: Json = reply.obj
        return made

    @contextlib.asynccontextmanager
    async def events(self, path: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Events]:
        async with self.session.get(
            self.where(path), headers={**self.headers, **(headers or {})}
        ) as response:
            assert response.status == 200, await response.read()
            yield Events(response)


@contextlib.asynccontextmanager
async def running(plane: ControlPlane, headers: Mapping[str, str] | None = None) -> AsyncIterator[Http]:
    """Start a control plane, stop it at the end; nothing unforeseen may have happened in it."""
    await plane.start()
    connector = aiohttp.TCPConnector(ssl=False, limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            yield Http(session, plane.url, headers or {"User-Agent": "test/1", "Accept-Encoding": "identity"})
    finally:
        await plane.stop()
    assert list(plane.failures) == []


def made(clock: Clock | None = None, **settings: Any) -> ControlPlane:
    """A control plane without TLS that asks nobody for a name."""
    given = {"name": "test", "tls": False, "open": True, **settings}
    return ControlPlane(Settings(**given), clock or SystemClock(), random.Random(7))


@contextlib.asynccontextmanager
async def served(clock: Clock | None = None, **settings: Any) -> AsyncIterator[tuple[ControlPlane, Http]]:
    plane = made(clock, **settings)
    async with running(plane) as http:
        yield plane, http


def configmap(name: str, **metadata: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"k": "v"},
    }


def deployment(name: str, replicas: int = 1, **metadata: Any) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "nginx"}]},
            },
        },
    }


def pod(name: str, node: str = "", **metadata: Any) -> Json:
    spec: Json = {"containers": [{"name": "main", "image": "nginx"}]}
    if node:
        spec["nodeName"] = node
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


def definition(plural: str = "widgets", kind: str = "Widget", **version: Any) -> Json:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "minimum": 0},
                    "colour": {"type": "string", "default": "red"},
                },
            },
            "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
    }
