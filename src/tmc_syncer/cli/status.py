"""`tmc status`: what every target of an upstream syncs, how it is, and which objects need somebody.

It reads the SyncTargets and nothing else: it works from anywhere, with the right to read them, also while the
agents are down (their last word is shown with its age).
"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tmc_syncer.api.objects import Record
from tmc_syncer.cli import target_tables
from tmc_syncer.cli.connection import UpstreamFlags, all_targets, one_target, open_client, run_async
from tmc_syncer.cli.output import Output, OutputFlag, Table, print_data
from tmc_syncer.engine.env import SystemClock

__all__ = ["print_targets", "status"]

_NO_FLAGS = UpstreamFlags()


def status(
    name: Annotated[str | None, Parameter(help="Only this target.")] = None,
    /,
    *,
    upstream: UpstreamFlags = _NO_FLAGS,
    output: OutputFlag = "table",
) -> None:
    """Show what every target syncs, and what needs somebody."""
    records = run_async(_fetch(upstream, name))
    print_targets(records, output, everything=True)


def print_targets(records: list[Record], output: Output, *, everything: bool) -> None:
    """Print targets; with `everything` their types and troubles too."""
    now = SystemClock().now()
    text: str | list[Table]
    if not records:
        text = "There is no target yet: `tmc syncer --target NAME` makes one."
    else:
        text = [target_tables.targets(records, now)]
        if everything:
            more = (
                target_tables.conditions(records, now, only_bad=True),
                target_tables.types(records),
                target_tables.troubles(records, now),
            )
            text += [table for table in more if table.rows]
    names = [f"synctarget.workload.kcp.io/{record.meta.name}" for record in records]
    print_data(target_tables.objects_of(records), output, text, names)


async def _fetch(upstream: UpstreamFlags, name: str | None) -> list[Record]:
    async with open_client(upstream) as client:
        return await all_targets(client) if name is None else [await one_target(client, name)]
