"""Status on its way up: extraction from the copy, mapping of observedGeneration, and comparison.

The default extractor copies ``.status`` whole; `upstream.clamp` keeps the result acceptable to an API server
that validates status. ``observedGeneration`` counts generations of the *copy*; upstream it must count those of
the upstream object: it becomes the upstream generation when the copy holds the content of that very generation
(table 1 finds no drift) and the cluster has observed the copy's own latest generation; otherwise the value that
upstream already has stays, so that ``kubectl rollout status`` upstream never succeeds early. No annotation is
read for it.

Pure. Custom extractors come by GVR (`Extractor`), entry point group ``tmc_syncer.extractors``.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from tmc_syncer.api.objects import Record, encode_json
from tmc_syncer.api.resources import GVR
from tmc_syncer.upstream.clamp import clamp

__all__ = ["Extractor", "desired_status", "extract_whole"]

Status = dict[str, Any]


class Extractor(Protocol):
    """Takes the part of a copy that is shown upstream as its status; None when there is none yet."""

    def __call__(self, copy: Record) -> Status | None:
        """The status of `copy`, as a dictionary that the caller may change."""
        ...


def extract_whole(copy: Record) -> Status | None:
    """The default extractor: the whole ``.status``, None when it is absent or empty."""
    raw = copy.fields.get("status")
    if raw is None:
        return None
    status = msgspec.json.decode(raw)
    return status if isinstance(status, dict) and status else None


def desired_status(
    gvr: GVR, upstream: Record, copy: Record, *, in_sync: bool, extract: Extractor = extract_whole
) -> Status | None:
    """The status that upstream should have; None when it already has it, or when there is none to bring.

    Args:
        gvr: type of both.
        upstream: the upstream object.
        copy: its copy, made for this very uid.
        in_sync: table 1 finds the copy in sync with upstream's present generation, both sides fresh.
        extract: the extractor of this type.
    """
    status = extract(copy)
    if status is None:
        return None
    present = _present_status(upstream)
    _map_observed_generation(status, present, upstream, copy, in_sync)
    clamp(gvr, status, present)
    return None if encode_json(status) == encode_json(present) else status


def _present_status(upstream: Record) -> Status:
    raw = upstream.fields.get("status")
    status = msgspec.json.decode(raw) if raw is not None else {}
    return status if isinstance(status, dict) else {}


def _map_observed_generation(
    status: Status, present: Status, upstream: Record, copy: Record, in_sync: bool
) -> None:
    observed = status.get("observedGeneration")
    if observed is None:
        return
    if in_sync and observed == copy.meta.generation:
        status["observedGeneration"] = upstream.meta.generation
    elif "observedGeneration" in present:
        status["observedGeneration"] = present["observedGeneration"]
    else:
        del status["observedGeneration"]
    for condition in status.get("conditions") or ():
        # Pods and Gateway-style conditions carry a generation of their own; it means the same thing.
        if isinstance(condition, dict) and "observedGeneration" in condition:
            _map_condition(condition, status, present)


def _map_condition(condition: dict[str, Any], status: Status, present: Status) -> None:
    if "observedGeneration" in status:
        condition["observedGeneration"] = status["observedGeneration"]
    else:
        del condition["observedGeneration"]
