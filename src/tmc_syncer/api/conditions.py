"""Conditions of a SyncTarget: their types, the reasons that we give, and how a list of them changes.

A condition is ``metav1.Condition`` without ``observedGeneration``. `set_condition` is the only way in which a
list changes: it keeps the order, moves ``lastTransitionTime`` only when the status changes, and gives the very
same tuple back when nothing differs, so that ``is`` tells a caller that there is nothing to write.

``Ready`` is derived, never observed: `set_ready` computes it from the parts that are there. A part that nobody
judges (``HeartbeatHealthy`` where no hub runs) is absent and does not count.

Pure: `now` is passed in as RFC 3339 text.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

__all__ = [
    "MESSAGE_LIMIT",
    "Condition",
    "ConditionStatus",
    "ConditionType",
    "Reason",
    "find_condition",
    "set_condition",
    "set_ready",
]

MESSAGE_LIMIT = 1024
"""Characters of a condition's message; a server accepts 32,768, a person reads one line."""


class ConditionType(StrEnum):
    """The conditions a SyncTarget can have."""

    READY = "Ready"
    SYNCER_READY = "SyncerReady"
    DOWNSTREAM_HEALTHY = "DownstreamHealthy"
    UPSTREAM_HEALTHY = "UpstreamHealthy"
    HEARTBEAT_HEALTHY = "HeartbeatHealthy"
    DELETION_BRAKE = "DeletionBrake"
    SPEC_VALID = "SpecValid"


class ConditionStatus(StrEnum):
    """``True``, ``False``, or ``Unknown`` when it cannot be told."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Reasons that more than one part gives. (A reason of one condition only is spelled where it is set.)"""

    READY = "Ready"
    NOT_OBSERVED = "NotObserved"
    SPEC_VALID = "SpecValid"
    SPEC_HAS_WARNINGS = "SpecHasWarnings"
    SPEC_INVALID = "SpecInvalid"


class Condition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One entry of ``status.conditions``."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""


# Ready is true when all of these are; the last one only where it is present.
_PARTS_OF_READY = (
    ConditionType.SYNCER_READY,
    ConditionType.DOWNSTREAM_HEALTHY,
    ConditionType.UPSTREAM_HEALTHY,
    ConditionType.HEARTBEAT_HEALTHY,
)


def find_condition(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """The condition of that type, None when it is not there."""
    return next((condition for condition in conditions if condition.type == kind), None)


def set_condition(
    conditions: tuple[Condition, ...],
    kind: str,
    status: str,
    reason: str,
    message: str,
    now: str,
) -> tuple[Condition, ...]:
    """`conditions` with the one of type `kind` as given; the same tuple when that changes nothing.

    `now` is RFC 3339; it becomes ``lastTransitionTime`` only when the status is new. A message over
    `MESSAGE_LIMIT` characters is cut.
    """
    if len(message) > MESSAGE_LIMIT:
        message = f"{message[: MESSAGE_LIMIT - 1]}…"
    old = find_condition(conditions, kind)
    since = old.last_transition_time if old is not None and old.status == status else now
    new = Condition(str(kind), str(status), str(reason), message, since)
    if old is None:
        return (*conditions, new)
    if old == new:
        return conditions
    return tuple(new if condition is old else condition for condition in conditions)


def set_ready(conditions: tuple[Condition, ...], now: str) -> tuple[Condition, ...]:
    """`conditions` with ``Ready`` derived from its parts (lifecycle.md, SyncTarget).

    False when a part is false, else Unknown when a part is unknown or was never observed, else True. Reason and
    message are those of the first part that is not true.
    """
    unknown: tuple[str, str] | None = None
    for kind in _PARTS_OF_READY:
        part = find_condition(conditions, kind)
        if part is None:
            if kind is not ConditionType.HEARTBEAT_HEALTHY:
                unknown = unknown or (Reason.NOT_OBSERVED, f"{kind} has not been observed yet.")
        elif part.status == ConditionStatus.FALSE:
            message = f"{kind}: {part.message}"
            return set_condition(
                conditions, ConditionType.READY, ConditionStatus.FALSE, part.reason, message, now
            )
        elif part.status != ConditionStatus.TRUE:
            unknown = unknown or (part.reason, f"{kind}: {part.message}")
    if unknown is not None:
        return set_condition(conditions, ConditionType.READY, ConditionStatus.UNKNOWN, *unknown, now)
    return set_condition(
        conditions, ConditionType.READY, ConditionStatus.TRUE, Reason.READY, "All parts are healthy.", now
    )
