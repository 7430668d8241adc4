"""How SyncTargets look in tables: one line each, and one in full.

What is as it should be is quiet; what is not has a colour and its reason. A status that an older or newer agent
wrote is shown as far as it can be read. Pure: records and "now" in, tables out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tmc_syncer.api.objects import Record
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.synctarget import (
    ConditionType,
    SyncedState,
    SyncTargetStatus,
    WorstObject,
    find_condition,
    parse_status,
)
from tmc_syncer.cli.output import Cell, Style, Table, age

__all__ = ["conditions", "objects_of", "summary", "targets", "troubles", "types"]

_GOOD_WHEN_FALSE = frozenset({ConditionType.DELETION_BRAKE})
_STATE_STYLES: dict[str, Style] = {
    SyncedState.SYNCING: "good",
    SyncedState.FAILED: "bad",
    SyncedState.REFUSED: "bad",
}


def objects_of(records: Sequence[Record]) -> dict[str, Any]:
    """The records as a ``List``, as ``kubectl get -o json`` gives it (without managedFields)."""
    return {"apiVersion": "v1", "kind": "List", "items": [_object(record) for record in records]}


def targets(records: Sequence[Record], now: datetime) -> Table:
    """One line for each target."""
    rows: list[list[str | Cell]] = []
    for record in records:
        status = parse_status(record)
        rows.append(
            [
                record.meta.name,
                _ready(record, status),
                str(status.synced),
                Cell(str(status.pending), "warn" if status.pending else ""),
                Cell(str(status.failed), "bad" if status.failed else ""),
                age(status.last_syncer_heartbeat_time, now),
                status.syncer_version or "-",
                age(record.meta.creation_timestamp, now),
            ]
        )
    return Table(("NAME", "READY", "SYNCED", "PENDING", "FAILED", "HEARTBEAT", "VERSION", "AGE"), rows)


def conditions(records: Sequence[Record], now: datetime, *, only_bad: bool = False) -> Table:
    """The conditions of the targets; on request only those that are not as they should be."""
    rows: list[list[str | Cell]] = []
    for record in records:
        for condition in parse_status(record).conditions:
            wanted = "False" if condition.type in _GOOD_WHEN_FALSE else "True"
            good = condition.status == wanted
            if not (only_bad and good):
                cell = Cell(condition.status, "good" if good else "bad")
                since = age(condition.last_transition_time, now)
                rows.append(
                    [record.meta.name, condition.type, cell, condition.reason, since, condition.message]
                )
    return Table(("TARGET", "CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"), rows, "Conditions")


def types(records: Sequence[Record]) -> Table:
    """The counts per type and target."""
    rows: list[list[str | Cell]] = [
        [
            record.meta.name,
            str(GVR(line.group, line.version, line.resource)),
            Cell(line.state, _STATE_STYLES.get(line.state, "warn")),
            str(line.synced),
            Cell(str(line.pending), "warn" if line.pending else ""),
            Cell(str(line.failed), "bad" if line.failed else ""),
            line.reason,
        ]
        for record in records
        for line in parse_status(record).synced_resources
    ]
    return Table(("TARGET", "TYPE", "STATE", "SYNCED", "PENDING", "FAILED", "REASON"), rows, "Types")


def troubles(records: Sequence[Record], now: datetime) -> Table:
    """The objects that most need somebody."""
    rows: list[list[str | Cell]] = [
        [
            record.meta.name,
            _name(worst),
            Cell(worst.state, "bad" if worst.state == "failed" else "warn"),
            " ".join(filter(None, (worst.reason, worst.code and f"[{worst.code}]"))),
            str(worst.attempts),
            _next(worst.next_try, now),
            worst.message,
        ]
        for record in records
        for worst in parse_status(record).worst_objects
    ]
    columns = ("TARGET", "OBJECT", "STATE", "REASON", "TRIES", "NEXT", "MESSAGE")
    return Table(columns, rows, "Objects that need somebody")


def summary(record: Record, now: datetime) -> Table:
    """The spec and the state of one target, a line for each field that says something."""
    status = parse_status(record)
    rows: list[list[str | Cell]] = [
        ["Name", record.meta.name],
        ["UID", record.meta.uid],
        ["Ready", _ready(record, status)],
        ["Connected", "yes" if status.connected else "no"],
        ["Heartbeat", age(status.last_syncer_heartbeat_time, now)],
        ["Last sync", age(status.last_sync_time, now)],
        ["Version", status.syncer_version or "-"],
    ]
    spec = record.field("spec") or {}
    for field, value in spec.items():
        if field != "supportedAPIResources" and value not in (False, {}, []):
            rows.append(
                [f"spec.{field}", value if isinstance(value, str) else msgspec.json.encode(value).decode()]
            )
    return Table(("FIELD", "VALUE"), rows)


def _object(record: Record) -> dict[str, Any]:
    plain = msgspec.structs.replace(record, meta=msgspec.structs.replace(record.meta, managed_fields=None))
    return plain.to_object()


def _ready(record: Record, status: SyncTargetStatus) -> Cell:
    if record.meta.deleting:
        return Cell("Deleting", "warn")
    ready = find_condition(status.conditions, ConditionType.READY)
    if ready is None:
        return Cell("Unknown", "warn")
    return Cell(ready.status, "good" if ready.status == "True" else "bad")


def _name(worst: WorstObject) -> str:
    kind = GVR(worst.group, "", worst.resource).group_resource
    return f"{kind}/{worst.name}" + (f" -n {worst.namespace}" if worst.namespace else "")


def _next(moment: str | None, now: datetime) -> str:
    if not moment:
        return "-"
    try:
        seconds = int((datetime.fromisoformat(moment) - now).total_seconds())
    except (ValueError, TypeError):
        return "?"
    return f"in {seconds}s" if seconds > 0 else "now"
