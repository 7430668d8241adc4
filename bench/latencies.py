"""Latencies of one object on idle servers: create to downstream, status to upstream, each beside its raw equal.

Raw means: one write, and its event on a watch of the same server. The agent's way is two writes and two events
(create: the upstream object and its copy; the finalizer in between is the agent's own business and counts).
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from bench.ceilings import INFOS
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import ResourceInfo
from tmc_syncer.kube.client import Client, PatchType

ROUNDS = 60
PAUSE_SECONDS = 0.15  # one object on idle servers; its status is written at most every 100 ms
TIMEOUT_SECONDS = 30.0


class Arrivals:
    """Watches one type of one server and tells when an object with certain content was first seen."""

    def __init__(self, client: Client, info: ResourceInfo) -> None:
        self._client = client
        self._info = info
        self._seen: dict[str, Record] = {}
        self._news = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Arrivals]:
        page = await self._client.list_page(self._info, limit=0)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._read(page.resource_version))
            try:
                yield self
            finally:
                task.cancel()

    async def _read(self, version: str) -> None:
        async with self._client.watch(self._info, resource_version=version, timeout_seconds=600) as events:
            async for event in events:
                if event.record is not None and event.type in ("ADDED", "MODIFIED"):
                    self._seen[event.record.meta.name] = event.record
                    self._news.set()

    async def until(self, name: str, wanted: Callable[[Record], bool] = lambda _record: True) -> float:
        """The time at which `wanted(record)` was first true for the object of that name."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                record = self._seen.get(name)
                if record is not None and wanted(record):
                    return time.perf_counter()
                self._news.clear()
                await self._news.wait()


def quantiles(samples: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    cut = statistics.quantiles(samples, n=100, method="inclusive")
    return {"p50_ms": round(cut[49] * 1000, 2), "p99_ms": round(cut[98] * 1000, 2)}


async def create_to_copy(upstream: Client, downstream: Client, namespace: str) -> dict[str, Any]:
    """Create a ConfigMap upstream; how long until its copy is seen downstream. Beside it the raw way downstream."""
    info = INFOS["ConfigMap"]
    synced, raw = [], []
    async with Arrivals(downstream, info).running() as arrivals:
        for number in range(ROUNDS):
            await asyncio.sleep(PAUSE_SECONDS)
            name = f"latency-{number}"
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}
            started = time.perf_counter()
            await upstream.create(
                info, namespace, {**body, "metadata": {"name": name, "namespace": namespace}}
            )
            synced.append(await arrivals.until(name) - started)
            started = time.perf_counter()
            other = f"raw-{number}"
            await downstream.create(info, "raw", {**body, "metadata": {"name": other, "namespace": "raw"}})
            raw.append(await arrivals.until(other) - started)
    return _beside(synced, raw)


async def status_up(upstream: Client, downstream: Client, place: str, name: str) -> dict[str, Any]:
    """Change a Deployment's status downstream; how long until upstream shows it. Beside it the raw way upstream."""
    info = INFOS["Deployment"]
    synced, raw = [], []
    async with Arrivals(upstream, info).running() as arrivals:
        for number in range(1, ROUNDS + 1):
            await asyncio.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            await _collide(downstream, info, place, name, number)
            synced.append(await arrivals.until(name, lambda r, n=number: _collisions(r) >= n) - started)
            started = time.perf_counter()
            await _collide(upstream, info, "raw", "item-00000", number)
            raw.append(await arrivals.until("item-00000", lambda r, n=number: _collisions(r) >= n) - started)
    return _beside(synced, raw)


async def _collide(client: Client, info: ResourceInfo, namespace: str, name: str, number: int) -> None:
    """CollisionCount is a status field that no controller touches while names do not collide."""
    body = {"status": {"collisionCount": number}}
    await client.patch(
        info, namespace, name, body, patch_type=PatchType.MERGE, subresource="status", field_manager="bench"
    )


def _collisions(record: Record) -> int:
    status = record.field("status") or {}
    return int(status.get("collisionCount", 0))


def _beside(synced: list[float], raw: list[float]) -> dict[str, Any]:
    return {"synced": quantiles(synced), "raw": quantiles(raw), "rounds": len(synced)}
