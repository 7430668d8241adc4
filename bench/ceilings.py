"""Raw ceilings: how fast these very servers take the very writes that a synced object needs, in this run.

One lean client per server, the agent's own transport, as many requests in flight as the agent starts with. The
ceiling of a cold start is what remains when each write costs what it costs here and nothing else costs anything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.objects import Object, generate
from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.kube.client import Client, PatchType
from tmc_syncer.sync import patches

IN_FLIGHT = 16
FINALIZER = "bench.example.com/raw"

INFOS = {
    "Deployment": ResourceInfo(
        GVR("apps", "v1", "deployments"),
        "Deployment",
        namespaced=True,
        subresources=frozenset({"status", "scale"}),
    ),
    "ConfigMap": ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True),
    "Secret": ResourceInfo(GVR("", "v1", "secrets"), "Secret", namespaced=True),
    "Service": ResourceInfo(GVR("", "v1", "services"), "Service", namespaced=True),
}


@dataclass(frozen=True)
class Ceilings:
    """Writes per second. `apply_pair` and `post_pair` are create and first change of one object, either way."""

    post: float
    finalizer: float
    create: float
    status: float
    apply_pair: float
    post_pair: float

    def cold_start(self, objects: int, with_status: int) -> float:
        """Objects per second when nothing but the writes costs anything."""
        seconds = objects / self.finalizer + objects / self.create + with_status / self.status
        return objects / seconds


async def measure(upstream: Client, downstream: Client, count: int) -> Ceilings:
    """Measure with `count` objects in the namespace ``raw`` of both sides."""
    objects = generate(count, "raw", seed=2)
    post, created = await _rate(objects, lambda o: upstream.create(_info(o), "raw", o))
    finalizer, _ = await _rate(created, lambda r: _add_finalizer(upstream, r))
    create, copies = await _rate(objects, lambda o: _apply_new(downstream, o))
    workloads = [record for record in created if record.kind == "Deployment"]
    status, _ = await _rate(workloads, lambda r: _patch_status(upstream, r))
    apply_pair = await _apply_pair(downstream, count)
    post_pair = await _post_pair(downstream, count)
    assert len(copies) == count
    return Ceilings(post, finalizer, create, status, apply_pair, post_pair)


async def _rate(items: Iterable[Any], act: Callable[[Any], Awaitable[Record]]) -> tuple[float, list[Record]]:
    """Requests per second with `IN_FLIGHT` of them at a time, and the replies in order."""
    pending = list(items)
    replies: list[Record | None] = [None] * len(pending)
    turn = iter(range(len(pending)))

    async def worker() -> None:
        for number in turn:
            replies[number] = await act(pending[number])

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(worker())
    seconds = time.perf_counter() - started
    return len(pending) / seconds, [reply for reply in replies if reply is not None]


def _info(obj: Object) -> ResourceInfo:
    return INFOS[obj["kind"]]


async def _add_finalizer(client: Client, record: Record) -> Record:
    body = patches.add_finalizer(record.meta.uid, record.meta.finalizers or (), FINALIZER)
    return await client.patch(INFOS[record.kind], "raw", record.meta.name, body, patch_type=PatchType.JSON)


async def _apply_new(client: Client, obj: Object, namespace: str = "raw") -> Record:
    body = {**obj, "metadata": {**obj["metadata"], "namespace": namespace, "resourceVersion": "1"}}
    return await client.apply(_info(obj), namespace, obj["metadata"]["name"], body)


async def _patch_status(client: Client, record: Record) -> Record:
    status = {
        "observedGeneration": 1,
        "conditions": [{"type": "Available", "status": "True", "reason": "Raw"}],
    }
    body = patches.replace_status(record.meta.uid, status)
    return await client.patch(
        INFOS[record.kind], "raw", record.meta.name, body, patch_type=PatchType.JSON, subresource="status"
    )


def _changed(obj: Object, namespace: str) -> Object:
    labels = {**obj["metadata"]["labels"], "changed": "yes"}
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace, "labels": labels}}


async def _apply_pair(client: Client, count: int) -> float:
    """Create by apply, then change by apply: what the agent does."""

    async def pair(obj: Object) -> Record:
        await _apply_new(client, obj, "pair-apply")
        return await client.apply(
            _info(obj), "pair-apply", obj["metadata"]["name"], _changed(obj, "pair-apply")
        )

    rate, _ = await _rate(generate(count, "pair-apply", seed=3), pair)
    return rate


async def _post_pair(client: Client, count: int) -> float:
    """Create by POST; before the first change the managed fields have to be handed over to an apply entry."""

    async def pair(obj: Object) -> Record:
        name = obj["metadata"]["name"]
        created = await client.create(_info(obj), "pair-post", obj)
        index = next(
            i for i, e in enumerate(created.meta.managed_fields or ()) if e.manager == client.field_manager
        )
        hand_over = [
            {"op": "test", "path": f"/metadata/managedFields/{index}/manager", "value": client.field_manager},
            {"op": "replace", "path": f"/metadata/managedFields/{index}/operation", "value": "Apply"},
        ]
        await client.patch(_info(obj), "pair-post", name, hand_over, patch_type=PatchType.JSON)
        return await client.apply(_info(obj), "pair-post", name, _changed(obj, "pair-post"))

    rate, _ = await _rate(generate(count, "pair-post", seed=3), pair)
    return rate
