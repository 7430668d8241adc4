"""SyncTarget ``workload.kcp.io/v1alpha1``: the object that stands for one physical cluster.

This is the module that others import: the type's names, `parse_spec`, the status structs and `encode_status`.
The spec's structs are in `synctarget_spec`, what can be wrong with one in `synctarget_validation`, conditions
in `conditions`.

The agent owns the whole status and replaces it at once. Totals (`synced`, `pending`, `failed`) stand beside the
counts per type because a printer column can only show a single value. Times are RFC 3339 text, absent when
nothing happened yet. Neither spec nor status ever holds a secret.

Pure: whoever needs "now" passes it in.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tmc_syncer.api.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    find_condition,
    set_condition,
    set_ready,
)
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.objects import Record, encode_json
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.api.synctarget_spec import SyncTargetSpec
from tmc_syncer.api.synctarget_validation import SpecProblem, check_spec

__all__ = [
    "API_VERSION",
    "KIND",
    "SYNC_TARGETS",
    "WORST_OBJECTS_LIMIT",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "Reason",
    "SpecProblem",
    "SyncTargetSpec",
    "SyncTargetStatus",
    "SyncedResource",
    "SyncedState",
    "WorstObject",
    "check_spec",
    "encode_status",
    "find_condition",
    "parse_spec",
    "parse_status",
    "set_condition",
    "set_ready",
    "set_spec_valid",
    "synctarget_object",
]

API_VERSION = "workload.kcp.io/v1alpha1"
KIND = "SyncTarget"
SYNC_TARGETS = ResourceInfo(
    gvr=GVR("workload.kcp.io", "v1alpha1", "synctargets"),
    kind=KIND,
    namespaced=False,
    singular="synctarget",
    verbs=frozenset({"create", "delete", "get", "list", "patch", "update", "watch"}),
    subresources=frozenset({"status"}),
)
"""The type as our own CRD serves it; spares the discovery of a type that we bring ourselves."""

WORST_OBJECTS_LIMIT = 10
"""Entries of ``status.worstObjects``: a status is read by people; the whole list is in ``/statusz``."""


class SyncedState(StrEnum):
    """State of a whole type. ``Refused``: it must not be synced; ``Failed``: it should be and cannot."""

    PENDING = "Pending"
    SYNCING = "Syncing"
    REFUSED = "Refused"
    FAILED = "Failed"


class _Status(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Common settings of the structs of a status.

    Fields with a default factory are always written, also when zero or empty, and may all the same be missing in
    what another version wrote.
    """


class SyncedResource(_Status, frozen=True):
    """An entry of ``status.syncedResources``: one type, its state (a `SyncedState`) and the counts of its objects."""

    resource: str
    state: str
    group: str = msgspec.field(default_factory=str)
    version: str = msgspec.field(default_factory=str)
    synced: int = msgspec.field(default_factory=int)
    pending: int = msgspec.field(default_factory=int)
    failed: int = msgspec.field(default_factory=int)
    reason: str = ""


class WorstObject(_Status, frozen=True):
    """An entry of ``status.worstObjects``: an object that needs somebody's attention, and why."""

    resource: str
    name: str
    state: str
    group: str = msgspec.field(default_factory=str)
    version: str = msgspec.field(default_factory=str)
    cluster: str = ""
    namespace: str = ""
    code: str = ""
    reason: str = ""
    message: str = ""
    attempts: int = 0
    next_try: str | None = None
    since: str | None = None


class SyncTargetStatus(_Status, frozen=True):
    """``SyncTarget.status``."""

    connected: bool = msgspec.field(default_factory=bool)
    synced: int = msgspec.field(default_factory=int)
    pending: int = msgspec.field(default_factory=int)
    failed: int = msgspec.field(default_factory=int)
    conditions: tuple[Condition, ...] = ()
    synced_resources: tuple[SyncedResource, ...] = ()
    last_sync_time: str | None = None
    last_syncer_heartbeat_time: str | None = None
    worst_objects: tuple[WorstObject, ...] = ()
    syncer_version: str = ""


def parse_spec(raw: bytes | msgspec.Raw | None) -> SyncTargetSpec:
    """The spec in `raw` (the JSON of ``spec``), checked beyond the schema.

    Raises `UsageError` whose message names the first field that is wrong. Use `check_spec` for all problems.
    """
    spec, problems = check_spec(raw)
    if spec is None:
        first = problems[0]
        raise UsageError(f"{first.field}: {first.message}", hint=first.hint)
    return spec


def parse_status(record: Record) -> SyncTargetStatus:
    """The status of a SyncTarget as some version of the agent wrote it; what cannot be read is left out.

    The status is ours, but a hub or another version may have written it last: fields that are unknown are
    ignored and a status of another shape counts as empty.
    """
    try:
        return msgspec.json.decode(record.fields.get("status", b"{}"), type=SyncTargetStatus)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return SyncTargetStatus()


def encode_status(status: SyncTargetStatus) -> bytes:
    """Canonical JSON of a status: two statuses that say the same have the same bytes."""
    return encode_json(status)


def set_spec_valid(
    conditions: tuple[Condition, ...], problems: tuple[SpecProblem, ...], now: str
) -> tuple[Condition, ...]:
    """`conditions` with ``SpecValid`` as the problems of the newest spec say (`check_spec`)."""
    text = " ".join(str(problem) for problem in problems)
    if any(problem.fatal for problem in problems):
        text = f"{text} The last valid spec stays in force."
        return set_condition(
            conditions, ConditionType.SPEC_VALID, ConditionStatus.FALSE, Reason.SPEC_INVALID, text, now
        )
    reason = Reason.SPEC_HAS_WARNINGS if problems else Reason.SPEC_VALID
    text = text or "The spec is valid and in force."
    return set_condition(conditions, ConditionType.SPEC_VALID, ConditionStatus.TRUE, reason, text, now)


def synctarget_object(name: str, spec: SyncTargetSpec) -> dict[str, object]:
    """The body that creates a SyncTarget of that name; values that are defaults are left to the schema."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": msgspec.json.decode(encode_json(spec)),
    }
