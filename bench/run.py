"""One run: servers, ceilings, a cold start, a restart and latencies, for one number of objects."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import latencies
from bench.ceilings import INFOS, Ceilings, measure
from bench.objects import Object, generate
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.kubeconfig import load_connection
from tmc_syncer.kube.transport import Transport
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.assets import find_assets
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster, running
from tmc_syncer.testing.polling import eventually

NAMESPACE = "bench"
RAW_OBJECTS = 600
REST_SECONDS = 4.0
TYPES = tuple(info.gvr for info in INFOS.values())
WRITES = frozenset({"create", "update", "patch", "delete"})
TICK = os.sysconf("SC_CLK_TCK")


def run(directory: Path, count: int) -> dict[str, Any]:
    """The figures for `count` objects. Everything that is started is stopped again."""
    assets = find_assets()
    upstream = ControlPlane(directory / "upstream", assets=assets)
    downstream = PhysicalCluster(directory / "downstream", assets=assets)
    with running(upstream, downstream):
        for namespace in ("raw", "pair-apply", "pair-post", NAMESPACE):
            for cluster in (upstream, downstream):
                cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        load = os.getloadavg()[0]
        ceilings = asyncio.run(
            _with_clients(upstream, downstream, lambda up, down: measure(up, down, RAW_OBJECTS))
        )
        agent = AgentProcess(
            directory / "agent", upstream, downstream, types=TYPES,
            flags=("--namespace-selector", "bench=yes", "--log-level", "info"), tune={"status_seconds": 2.0},
        )  # fmt: skip
        try:
            figures = _synced(upstream, downstream, agent, ceilings, count)
        finally:
            agent.stop()
    return {"objects": count, "load_average_before": round(load, 2), **figures}


def _synced(
    upstream: ControlPlane, downstream: PhysicalCluster, agent: AgentProcess, ceilings: Ceilings, count: int
) -> dict[str, Any]:
    objects = generate(count, NAMESPACE)
    workloads = sum(1 for obj in objects if obj["kind"] == "Deployment")
    agent.start()
    empty, start_cpu = _memory(agent), _cpu(agent)
    agent.stop()
    _create(upstream, objects)
    upstream.patch("Namespace", NAMESPACE, None, {"metadata": {"labels": {"bench": "yes"}}})
    marks = upstream.audit_mark(), downstream.audit_mark()
    agent.start()
    expected = 2 * count + workloads
    eventually(lambda: len(_writes(upstream, downstream, agent, marks)) >= expected, 1800, interval=2.0)
    eventually(lambda: _is_settled(agent, count), 300, interval=1.0)
    writes = _writes(upstream, downstream, agent, marks)
    seconds = (max(writes) - min(writes)).total_seconds()
    cpu, memory = _cpu(agent), _memory(agent)
    _come_to_rest(lambda: len(_writes(upstream, downstream, agent, marks)))
    latency = asyncio.run(
        _with_clients(upstream, downstream, lambda up, down: _latencies(up, down, downstream))
    )
    agent.stop()
    restart = _restart(upstream, downstream, agent, count)
    ceiling = ceilings.cold_start(count, workloads)
    return {
        "ceilings_per_second": {name: round(value, 1) for name, value in vars(ceilings).items()},
        "cold_start": {
            "seconds": round(seconds, 2),
            "objects_per_second": round(count / seconds, 1),
            "ceiling_objects_per_second": round(ceiling, 1),
            "ratio": round(count / seconds / ceiling, 3),
            "writes_per_object": round(len(writes) / count, 2),
        },
        "agent": {
            "start_cpu_ms": round(start_cpu * 1e3),
            "cpu_us_per_object": round((cpu - start_cpu) / count * 1e6),
            "memory_mb": round(memory / 1e6, 1),
            "bytes_per_object": round((memory - empty) / count),
        },
        "create_to_copy": latency[0],
        "status_up": latency[1],
        "restart": restart,
        "create_and_first_change": {
            "apply_per_second": round(ceilings.apply_pair, 1),
            "post_and_hand_over_per_second": round(ceilings.post_pair, 1),
        },
    }


async def _latencies(
    up: Client, down: Client, downstream: PhysicalCluster
) -> tuple[dict[str, Any], dict[str, Any]]:
    copies = await latencies.create_to_copy(up, down, NAMESPACE)
    place = next(
        str(found["metadata"]["name"])
        for found in downstream.list_objects("Namespace")
        if found["metadata"]["name"].startswith("kcp-")
    )
    return copies, await latencies.status_up(up, down, place, "item-00000")


def _restart(
    upstream: ControlPlane, downstream: ControlPlane, agent: AgentProcess, count: int
) -> dict[str, Any]:
    """Start again over an unchanged world: how long until every object was found in sync, and what was written."""
    marks = upstream.audit_mark(), downstream.audit_mark()
    started = time.perf_counter()
    agent.start()
    eventually(lambda: _is_settled(agent, count), 300, interval=0.05)
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 2), "writes": len(_writes(upstream, downstream, agent, marks))}


def _come_to_rest(count: Callable[[], int]) -> None:
    """Wait until nothing is written for a while: the cluster's controllers go on with statuses after a cold start."""
    seen = [-1]

    def same() -> bool:
        seen.append(count())
        return seen[-1] == seen[-2]

    eventually(same, 600, interval=REST_SECONDS)


def _is_settled(agent: AgentProcess, count: int) -> bool:
    types = agent.statusz()["types"]
    return sum(line["synced"] for line in types) >= count and not any(line["pending"] for line in types)


def _writes(
    upstream: ControlPlane, downstream: ControlPlane, agent: AgentProcess, marks: tuple[int, int]
) -> list[datetime]:
    """When the agent's writes to synced objects were answered, by the audit logs of both servers."""
    types = {gvr.resource for gvr in TYPES}
    return [
        datetime.fromisoformat(event["stageTimestamp"])
        for cluster, mark in ((upstream, marks[0]), (downstream, marks[1]))
        for event in cluster.audit(agent.user, mark)
        if event["verb"] in WRITES
        and event["objectRef"]["resource"] in types
        and event["stage"] == "ResponseComplete"
    ]


def _create(cluster: ControlPlane, objects: list[Object]) -> None:
    async def create() -> None:
        async with _client(cluster) as client:
            turn = iter(objects)

            async def worker() -> None:
                for obj in turn:
                    await client.create(INFOS[obj["kind"]], NAMESPACE, obj)

            async with asyncio.TaskGroup() as group:
                for _ in range(16):
                    group.create_task(worker())

    asyncio.run(create())


class _client:  # noqa: N801 - a context manager that reads like a function
    """An administrator's client of one cluster."""

    def __init__(self, cluster: ControlPlane) -> None:
        connection = load_connection(str(cluster.kubeconfig()), None, environ={})
        self._transport = Transport(connection, user_agent="bench")

    async def __aenter__(self) -> Client:
        await self._transport.__aenter__()
        return Client(self._transport)

    async def __aexit__(self, *error: object) -> None:
        await self._transport.close()


async def _with_clients(upstream: ControlPlane, downstream: ControlPlane, act: Any) -> Any:
    async with _client(upstream) as up, _client(downstream) as down:
        return await act(up, down)


def _cpu(agent: AgentProcess) -> float:
    """CPU seconds of the agent process so far."""
    fields = Path(f"/proc/{agent.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(agent: AgentProcess) -> int:
    """Proportional set size of the agent process in bytes."""
    for line in Path(f"/proc/{agent.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel tells no Pss")
