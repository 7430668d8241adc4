"""Reaching an upstream from a command: the flags that name it, and a client for as long as the command runs.

Without flags the rules are kubectl's (KUBECONFIG, ``~/.kube/config``, the pod's service account). A workspace is
named by ``--workspace``, or by a kubeconfig whose server address ends in ``/clusters/<workspace>``.
"""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from tmc_syncer import __version__
from tmc_syncer.api.errors import TmcError
from tmc_syncer.api.objects import Record
from tmc_syncer.api.synctarget import SYNC_TARGETS
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.kube.wire import segment

__all__ = [
    "TargetNotFound",
    "TypeNotServed",
    "UpstreamFlags",
    "all_targets",
    "one_target",
    "open_client",
    "run_async",
]

ResultT = TypeVar("ResultT")


class TypeNotServed(TmcError):
    """The upstream has no SyncTarget type."""

    code = "TMC-030"


class TargetNotFound(TmcError):
    """There is no SyncTarget of that name."""

    code = "TMC-031"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class UpstreamFlags:
    """Which upstream a command speaks to."""

    kubeconfig: Annotated[str | None, Parameter(help="Kubeconfig of the upstream.")] = None
    context: Annotated[str | None, Parameter(help="Context in that kubeconfig.")] = None
    workspace: Annotated[str, Parameter(help="kcp workspace, for example root:team-a.")] = ""


def run_async(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a command's coroutine to its end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # plain asyncio works too
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@asynccontextmanager
async def open_client(flags: UpstreamFlags) -> AsyncIterator[Client]:
    """A client for the upstream that the flags name. Raises `KubeconfigError`."""
    # The HTTP client is half of the start-up time: only a command that speaks to a server pays it.
    from tmc_syncer.engine.env import real_env
    from tmc_syncer.kube.kubeconfig import load_connection
    from tmc_syncer.kube.transport import Transport

    connection = load_connection(flags.kubeconfig, flags.context, environ=os.environ)
    prefix = f"/clusters/{segment(flags.workspace)}" if flags.workspace else ""
    async with Transport(connection, user_agent=f"tmc/{__version__}", env=real_env()) as transport:
        yield Client(transport, prefix=prefix, side="upstream")


async def all_targets(client: Client) -> list[Record]:
    """Every SyncTarget, by name. Raises `TypeNotServed`."""
    found: list[Record] = []
    token = ""
    while True:
        try:
            page = await client.list_page(SYNC_TARGETS, continue_token=token)
        except ApiError as error:
            if error.status == 404:
                raise TypeNotServed(
                    "The upstream does not know SyncTargets.",
                    hint="Check --kubeconfig, --context and --workspace, or run `tmc crds --install`.",
                ) from error
            raise
        found += page.records
        token = page.continue_token
        if not token:
            return sorted(found, key=lambda record: record.meta.name)


async def one_target(client: Client, name: str) -> Record:
    """The SyncTarget of that name. Raises `TargetNotFound`, `TypeNotServed`."""
    try:
        return await client.get(SYNC_TARGETS, "", name)
    except ApiError as error:
        if error.status != 404:
            raise
    names = [record.meta.name for record in await all_targets(client)]
    near = difflib.get_close_matches(name, names, 1)
    others = f"There is {', '.join(names[:10])}." if names else "There is none at all."
    raise TargetNotFound(
        f"There is no SyncTarget {name!r}.", hint=f"Did you mean {near[0]!r}?" if near else others
    )
