"""Numbers: counters that must not be negative, parts of each other, or a share in percent.

Source: ``ValidateNonnegativeField``, ``ValidatePositiveIntOrPercent`` and ``IsNotMoreThan100Percent``. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import percent

__all__ = ["check_counters", "check_share", "check_shares", "decremented", "share"]


def check_counters(path: str, holder: Mapping[str, Any], fields: Iterable[str]) -> list[Cause]:
    """Fields that must not be negative."""
    found: list[Cause] = []
    for field in fields:
        value = holder.get(field)
        if value is not None and value < 0:
            found.append(causes.invalid(f"{path}.{field}", value, causes.NOT_NEGATIVE))
    return found


def check_shares(
    path: str,
    status: Mapping[str, Any],
    parts: Iterable[str],
    ready: str = "cannot be greater than readyReplicas",
) -> list[Cause]:
    """Parts of ``replicas`` that must not be more than the whole; what is available is a part of what is ready."""
    found: list[Cause] = []
    whole = status.get("replicas", 0)
    for part in parts:
        value = status.get(part, 0)
        if value > whole:
            found.append(causes.invalid(f"{path}.{part}", value, "cannot be greater than status.replicas"))
    available = status.get("availableReplicas", 0)
    if available > status.get("readyReplicas", 0):
        found.append(causes.invalid(f"{path}.availableReplicas", available, ready))
    return found


def share(value: int | str | None) -> int:
    """The number of a count or a percentage; 0 for what is neither."""
    if isinstance(value, str):
        return int(value[:-1]) if not percent(value) else 0
    return value or 0


def check_share(path: str, value: int | str, *, most: bool = True) -> list[Cause]:
    """A count, or a percentage, which must not be above 100 with `most`."""
    if isinstance(value, int):
        return [] if value >= 0 else [causes.invalid(path, value, causes.NOT_NEGATIVE)]
    if wrong := percent(value):
        return causes.wrong(path, value, wrong)
    if most and share(value) > 100:
        return [causes.invalid(path, value, "must not be greater than 100%")]
    return []


def decremented(path: str, field: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> list[Cause]:
    """A counter that only grows."""
    before, after = old.get(field), new.get(field)
    if before is not None and (after is None or after < before):
        return [causes.invalid(f"{path}.{field}", after or 0, "cannot be decremented")]
    return []
