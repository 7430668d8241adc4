"""The agent process: opens both sides, sets up what is missing, and runs the controllers until it is told to stop.

    connections → setup → Lease → namespaces, SyncTarget and types informers → spec, status, namespace controllers
                                                                             → reporter, admin endpoint

Every task belongs to one task group; the first that fails with an unexpected error ends the process with that
error. A graceful stop takes no new keys, lets those in flight finish within the grace, gives the Lease up and
exits 0, whether or not the servers answer; a second signal ends it at once. Everything it knows is a cache: it may be
killed at any moment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from tmc_syncer import __version__
from tmc_syncer.agent.composition import Agent, compose
from tmc_syncer.agent.config import AgentConfig
from tmc_syncer.agent.memory import VersionMemory
from tmc_syncer.agent.setup import ensure_crd, ensure_target, refuse_same_cluster, refuse_unknown_types
from tmc_syncer.api.names import sync_target_key
from tmc_syncer.engine.env import Env
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.discovery import discover
from tmc_syncer.kube.kubeconfig import load_connection
from tmc_syncer.kube.transport import Transport
from tmc_syncer.kube.upstreams import open_upstream
from tmc_syncer.observability.admin import AdminServer
from tmc_syncer.observability.logs import Logger, open_logs
from tmc_syncer.observability.metrics import Metrics

__all__ = ["run_agent"]

FAREWELL_SECONDS = 5.0
"""After the grace: to remember the upstream's versions and to give the Lease up. Both are dispensable."""

T = TypeVar("T")


async def run_agent(config: AgentConfig, env: Env, *, stop: asyncio.Event, stop_now: asyncio.Event) -> int:
    """Run one agent until `stop` (graceful) or `stop_now`; returns the exit code.

    Raises `TmcError`s for whatever keeps it from starting: configuration, credentials, rights, a missing type.
    """
    log = open_logs(log_format=config.log_format, level=config.log_level)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        agent = await _unless(stop, _start(config, env, stack, log, metrics))
        if agent is None:
            return 0
        if config.admin_address:
            await stack.enter_async_context(AdminServer(config.admin_address, agent.admin_sources()))
        log.info("started", target=config.target, cluster=agent.world.target.cluster, version=__version__)
        await _run(agent, config, stop, stop_now, log)
    log.info("stopped", target=config.target)
    return 0


async def _start(
    config: AgentConfig, env: Env, stack: AsyncExitStack, log: Logger, metrics: Metrics
) -> Agent:
    open_transport = partial(
        Transport,
        user_agent=f"tmc-syncer/{__version__}",
        env=env,
        qps=config.qps or None,
        burst=max(1, config.burst),
    )
    up = load_connection(config.from_kubeconfig, config.from_context, environ=os.environ)
    down = load_connection(config.to_kubeconfig, config.to_context, environ=os.environ)
    up_transport = await stack.enter_async_context(open_transport(up))
    down_transport = await stack.enter_async_context(open_transport(down))
    upstream = await open_upstream(
        up_transport,
        config.resolved_mode,
        config.workspace,
        config.cluster_name,
        field_manager=config.field_manager,
    )
    downstream = Client(down_transport, field_manager=config.field_manager, side="downstream")
    await refuse_same_cluster(upstream.client, downstream)
    await ensure_crd(upstream.client, env.clock, install=config.install)
    discovery = await discover(upstream.client)
    refuse_unknown_types(config, discovery)
    target = await ensure_target(upstream.client, config, discovery)
    memory = VersionMemory(downstream, sync_target_key(upstream.cluster, config.target))
    await memory.load()
    return compose(config, env, upstream, downstream, target, memory, log, metrics)


async def _run(
    agent: Agent, config: AgentConfig, stop: asyncio.Event, stop_now: asyncio.Event, log: Logger
) -> None:
    """Run until a signal. Unexpected errors of any task come out as the exception that they are."""
    work = asyncio.create_task(agent.run(), name="agent")
    signals = [asyncio.create_task(event.wait(), name="signal") for event in (stop, stop_now)]
    try:
        await asyncio.wait((work, *signals), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            if not stop_now.is_set():
                log.info("stopping", grace_seconds=config.grace_seconds)
                agent.stop(config.grace_seconds)
                seconds = config.grace_seconds + FAREWELL_SECONDS
                await asyncio.wait((work, signals[1]), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
        await _ended(work)
    finally:
        for task in signals:
            task.cancel()


async def _unless(stop: asyncio.Event, begin: Coroutine[None, None, T]) -> T | None:
    """The result of `begin`; None when `stop` came first, which cancels it."""
    beginning = asyncio.create_task(begin, name="start")
    signal = asyncio.create_task(stop.wait(), name="signal")
    try:
        await asyncio.wait((beginning, signal), return_when=asyncio.FIRST_COMPLETED)
        return beginning.result() if beginning.done() else None
    finally:
        for task in (beginning, signal):
            task.cancel()
        await asyncio.gather(beginning, signal, return_exceptions=True)


async def _ended(work: asyncio.Task[None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        if not work.cancelled():
            raise
    except ExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        raise first from group
