"""`tmc target remove`: takes a target away, with its copies, or without them when its cluster never comes back.

Normally the SyncTarget is deleted and the command waits: its agent deletes (or releases, ``onRemoval: Orphan``)
the copies, lets the upstream objects go and then the SyncTarget.

``--force`` is for a target whose cluster or agent is gone for good. It deletes the SyncTarget, removes this
target's finalizer and state label from every upstream object that carries them, then the SyncTarget's own
finalizer. Copies that still exist downstream stay. It may be interrupted and repeated, also when the SyncTarget
is gone already. Every patch tests what it removes; nothing of another target or controller is touched.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from tmc_syncer.api.errors import TmcError, UsageError
from tmc_syncer.api.names import SYNC_TARGET_FINALIZER, sync_target_key
from tmc_syncer.api.objects import Record
from tmc_syncer.api.synctarget import SYNC_TARGETS, ConditionType, check_spec, find_condition, parse_status
from tmc_syncer.cli.connection import (
    TargetNotFound,
    TypeNotServed,
    UpstreamFlags,
    one_target,
    open_client,
    run_async,
)
from tmc_syncer.cli.output import age, say
from tmc_syncer.cli.stripping import Stripped, strip_objects, strip_record
from tmc_syncer.cli.targets import NameArgument
from tmc_syncer.engine.env import Clock, SystemClock
from tmc_syncer.kube.client import Client
from tmc_syncer.kube.errors import ApiError
from tmc_syncer.kube.upstreams import open_upstream

__all__ = ["RemovalError", "remove_target", "wait_until_gone"]

POLL_SECONDS = 1.0
ALIVE_SECONDS = 60.0  # the grace after which a silent agent counts as dead (semantics.md, Numbers)
_NO_FLAGS = UpstreamFlags()


class RemovalError(TmcError):
    """The target is still there when the command gave up, or something would not let go."""

    code = "TMC-033"


def remove_target(
    name: NameArgument,
    /,
    *,
    force: Annotated[
        bool,
        Parameter(negative=(), help="The target never comes back: strip its traces upstream."),
    ] = False,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative=(), help="Do not ask.")] = False,
    timeout: Annotated[float, Parameter(help="Seconds to wait; 0 does not wait.")] = 300.0,
    cluster_name: Annotated[
        str, Parameter(help="The --cluster-name that the agent was started with, if it was (for --force).")
    ] = "",
    upstream: UpstreamFlags = _NO_FLAGS,
) -> None:
    """Delete a target and wait until its copies are gone."""
    if not force and cluster_name:
        raise UsageError("--cluster-name goes with --force.", hint="Leave it out.")
    if not 0 <= timeout < float("inf"):
        raise UsageError(f"--timeout is {timeout}.", hint="Give seconds, 0 or more.")
    run_async(
        _remove(upstream, name, force=force, yes=yes, timeout_seconds=timeout, cluster_name=cluster_name)
    )


async def _remove(
    upstream: UpstreamFlags, name: str, *, force: bool, yes: bool, timeout_seconds: float, cluster_name: str
) -> None:
    clock = SystemClock()
    async with open_client(upstream) as client:
        record = await _find(client, name, force=force)
        _confirm(name, record, clock, force=force, yes=yes)
        if record is not None and not record.meta.deleting:
            await _delete(client, record)
        if force:
            await _force(client, upstream, name, record, cluster_name)
        elif record is not None and timeout_seconds > 0:
            await wait_until_gone(client, record, clock, timeout_seconds)
        else:
            say(f"SyncTarget {name} is being deleted.")


async def wait_until_gone(client: Client, target: Record, clock: Clock, timeout_seconds: float) -> None:
    """Wait until that very SyncTarget is gone, printing what is left. Raises `RemovalError` after the timeout."""
    deadline = clock.monotonic() + timeout_seconds
    told = ""
    while (record := await _look(client, target)) is not None:
        status = parse_status(record)
        left = status.synced + status.pending + status.failed
        progress = f"Waiting for SyncTarget {record.meta.name}: {left} objects left."
        if progress != told:
            say(progress)
            told = progress
        if clock.monotonic() >= deadline:
            raise RemovalError(
                f"SyncTarget {record.meta.name} is still there after {timeout_seconds:g} s: {_reason(record, clock)}",
                hint=f"It goes on; look with `tmc target show {record.meta.name}`. If its cluster never comes back: "
                f"`tmc target remove {record.meta.name} --force`.",
            )
        await clock.sleep(POLL_SECONDS)
    say(f"SyncTarget {target.meta.name} is gone.")


async def _find(client: Client, name: str, *, force: bool) -> Record | None:
    try:
        return await one_target(client, name)
    except (TargetNotFound, TypeNotServed):
        if not force:
            raise
        return None  # traces of it may be left


async def _delete(client: Client, record: Record) -> None:
    try:
        await client.delete(SYNC_TARGETS, "", record.meta.name, uid=record.meta.uid)
    except ApiError as error:
        if error.status == 409:
            raise RemovalError(
                f"SyncTarget {record.meta.name} was replaced by another one meanwhile.",
                hint="Look at it again first.",
            ) from error
        if error.status != 404:
            raise


async def _force(
    client: Client, flags: UpstreamFlags, name: str, record: Record | None, cluster_name: str
) -> None:
    mode = "workspace" if client.prefix else "kubernetes"
    opened = await open_upstream(client.transport, mode, flags.workspace, cluster_name)
    key = sync_target_key(opened.cluster, name)
    total = await strip_objects(client, key, _listed(record), say)
    if record is not None:
        await strip_record(client, SYNC_TARGETS, record, SYNC_TARGET_FINALIZER, label="")
    say(
        f"SyncTarget {name} is gone. {_counts(total)} Copies on its cluster, if that still exists, stay there."
    )
    if total.unreadable:
        say(
            f"Not searched, since this user may not or the server did not answer: {', '.join(total.unreadable)}."
        )


def _listed(record: Record | None) -> frozenset[tuple[str, str]]:
    """The types that the target syncs by its spec or its status."""
    if record is None:
        return frozenset()
    spec, _ = check_spec(record.fields.get("spec"))
    listed = {(entry.group, entry.resource) for entry in spec.supported_api_resources} if spec else set()
    return frozenset(listed | {(line.group, line.resource) for line in parse_status(record).synced_resources})


def _counts(total: Stripped) -> str:
    if not total.objects:
        return "No upstream object carried its finalizer or label."
    return f"{total.objects} upstream objects of {total.types} types were let go."


async def _look(client: Client, target: Record) -> Record | None:
    try:
        record = await client.get(SYNC_TARGETS, "", target.meta.name)
    except ApiError as error:
        if error.is_not_found_of(SYNC_TARGETS, target.meta.name):
            return None
        raise
    return record if record.meta.uid == target.meta.uid else None


def _reason(record: Record, clock: Clock) -> str:
    status = parse_status(record)
    held = find_condition(status.conditions, ConditionType.DELETION_BRAKE)
    if held is not None and held.status == "True":
        return f"its deletion brake holds ({held.message})."
    if not _is_alive(record, clock):
        return f"its agent is silent (last heartbeat: {age(status.last_syncer_heartbeat_time, clock.now())})."
    return "its agent is still deleting copies."


def _is_alive(record: Record, clock: Clock) -> bool:
    try:
        heartbeat = datetime.fromisoformat(parse_status(record).last_syncer_heartbeat_time or "")
    except ValueError:
        return False
    return (clock.now() - heartbeat).total_seconds() < ALIVE_SECONDS


def _confirm(name: str, record: Record | None, clock: Clock, *, force: bool, yes: bool) -> None:
    """Ask on a terminal; elsewhere `--yes` has to be given."""
    if yes:
        return
    if not force:
        what = f"Delete SyncTarget {name} and its copies?"
    elif record is not None and _is_alive(record, clock):
        what = f"The agent of {name} is alive! Strip the traces of {name} upstream all the same?"
    else:
        what = f"Strip all traces of {name} upstream and leave its copies where they are?"
    if not sys.stdin.isatty():
        raise UsageError(f"Removing {name} has to be confirmed.", hint="Give --yes.")
    sys.stderr.write(f"{what} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise RemovalError("Nothing was changed.")
