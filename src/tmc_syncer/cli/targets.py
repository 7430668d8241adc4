"""`tmc target list|show|release-brake`: looking at targets, and letting held deletions go on.

Releasing writes one annotation with a time: the agent releases what tripped before it. `tmc target remove` is in
`removal`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from tmc_syncer.api.names import RELEASE_BRAKE
from tmc_syncer.api.objects import Record
from tmc_syncer.api.synctarget import SYNC_TARGETS, Condition, ConditionType, find_condition, parse_status
from tmc_syncer.cli import target_tables
from tmc_syncer.cli.connection import UpstreamFlags, all_targets, one_target, open_client, run_async
from tmc_syncer.cli.output import OutputFlag, print_data
from tmc_syncer.cli.status import print_targets
from tmc_syncer.engine.env import SystemClock, rfc3339
from tmc_syncer.kube.client import PatchType

__all__ = ["list_targets", "release_brake", "release_time", "show_target"]

_NO_FLAGS = UpstreamFlags()
NameArgument = Annotated[str, Parameter(help="Name of the SyncTarget.")]


def list_targets(*, upstream: UpstreamFlags = _NO_FLAGS, output: OutputFlag = "table") -> None:
    """List the targets."""
    print_targets(run_async(_all(upstream)), output, everything=False)


def show_target(
    name: NameArgument, /, *, upstream: UpstreamFlags = _NO_FLAGS, output: OutputFlag = "table"
) -> None:
    """Show one target with its conditions, types and troubles."""
    record = run_async(_one(upstream, name))
    now = SystemClock().now()
    tables = (
        target_tables.summary(record, now),
        target_tables.conditions([record], now),
        target_tables.types([record]),
        target_tables.troubles([record], now),
    )
    data = target_tables.objects_of([record])["items"][0]
    names = [f"synctarget.workload.kcp.io/{name}"]
    print_data(data, output, [table for table in tables if table.rows], names)


def release_brake(
    name: NameArgument, /, *, upstream: UpstreamFlags = _NO_FLAGS, output: OutputFlag = "table"
) -> None:
    """Let deletions go on that the deletion brake holds.

    Look first at what it holds and why: `tmc target show NAME`. A brake that trips later is not released.
    """
    record, condition, moment = run_async(_release(upstream, name))
    if condition is not None and condition.status == "True":
        text = f"The deletion brake of {name} is released. It held because: {condition.message}"
    else:
        text = f"SyncTarget {name} reports no deletion brake; one that tripped before {moment} is released."
    data = {"target": name, "released": moment, "uid": record.meta.uid}
    print_data(data, output, text, [f"synctarget.workload.kcp.io/{name}"])


def release_time(condition: Condition | None, now: datetime) -> str:
    """The time to write: now, or just after the brake tripped when this machine's clock is behind the agent's."""
    moment = now
    if condition is not None and condition.status == "True" and condition.last_transition_time:
        tripped = datetime.fromisoformat(condition.last_transition_time)
        moment = max(now, tripped + timedelta(seconds=1))
    return rfc3339(moment)


async def _all(upstream: UpstreamFlags) -> list[Record]:
    async with open_client(upstream) as client:
        return await all_targets(client)


async def _one(upstream: UpstreamFlags, name: str) -> Record:
    async with open_client(upstream) as client:
        return await one_target(client, name)


async def _release(upstream: UpstreamFlags, name: str) -> tuple[Record, Condition | None, str]:
    async with open_client(upstream) as client:
        record = await one_target(client, name)
        condition = find_condition(parse_status(record).conditions, ConditionType.DELETION_BRAKE)
        moment = release_time(condition, SystemClock().now())
        patch = {"metadata": {"uid": record.meta.uid, "annotations": {RELEASE_BRAKE: moment}}}
        await client.patch(SYNC_TARGETS, "", name, patch, patch_type=PatchType.MERGE, field_manager="tmc")
        return record, condition, moment
