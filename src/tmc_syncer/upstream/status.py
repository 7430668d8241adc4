"""Status on its way up: extraction from the copy, mapping of observedGeneration, and comparison.

The default extractor copies ``.status`` whole; `upstream.clamp` keeps the result acceptable to an API server
that validates status. ``observedGeneration`` counts generations of the *copy*; upstream it must count those of
the upstream object: it becomes the upstream generation when the copy holds the content of that very generation
(table 1 finds no drift) and the cluster has observed the copy's own latest generation; otherwise the value that
upstream already has stays, so that ``kubectl rollout status`` upstream never succeeds early. The same holds for
the generation that a condition carries. No annotation is read for it.

Pure. Custom extractors come by GVR (`Extractor`), entry point group ``tmc_syncer.extractors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from tmc_syncer.api.objects import Record, encode_json
from tmc_syncer.api.resources import GVR
from tmc_syncer.upstream.clamp import asks_for_spec, clamp

__all__ = ["Extractor", "desired_status", "extract_whole"]

Status = dict[str, Any]

_OBSERVED = "observedGeneration"
_IDENTITY = (
    "type",
    "name",
    "parentRef",
    "controllerName",
)  # of conditions, Gateway listeners and route parents


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
    generations = _Generations(upstream.meta.generation, copy.meta.generation if in_sync else None)
    generations.map(status, present)
    clamp(gvr, status, present, upstream.field("spec") if asks_for_spec(gvr) else None)
    return None if encode_json(status) == encode_json(present) else status


def _present_status(upstream: Record) -> Status:
    raw = upstream.fields.get("status")
    status = msgspec.json.decode(raw) if raw is not None else {}
    return status if isinstance(status, dict) else {}


@dataclass(frozen=True, slots=True)
class _Generations:
    """Maps observed generations: `observed` of the copy (None: it holds other content) is `shown` upstream."""

    shown: int
    observed: int | None

    def map(self, status: Status, present: Status) -> None:
        """Map the generation of the whole status, and that of each condition in it."""
        self._replace(status, present)
        self._map_conditions(status, present)

    def _map_conditions(self, part: Any, present: Any) -> None:
        """Conditions carry a generation of their own: Pods, Gateway API (there also those of each listener)."""
        if isinstance(part, list):
            for item in part:
                self._map_conditions(item, _partner(item, present))
        elif isinstance(part, dict):
            before = present if isinstance(present, dict) else {}
            for name, child in part.items():
                if name == "conditions" and isinstance(child, list):
                    for condition in child:
                        if isinstance(condition, dict):
                            self._replace(condition, _partner(condition, before.get(name)))
                elif isinstance(child, dict | list):
                    self._map_conditions(child, before.get(name))

    def _replace(self, part: Status, present: Status) -> None:
        value = part.get(_OBSERVED)
        if value is None:
            return
        if self.observed is not None and str(value) == str(self.observed):
            part[_OBSERVED] = (
                str(self.shown) if isinstance(value, str) else self.shown
            )  # Argo writes a string
        elif _OBSERVED in present:
            part[_OBSERVED] = present[_OBSERVED]
        else:
            del part[_OBSERVED]


def _partner(item: Any, present: Any) -> Status:
    """The item of upstream's list that stands for the same thing; empty when none is known to."""
    if isinstance(item, dict) and isinstance(present, list):
        identity = [item.get(name) for name in _IDENTITY]
        if any(part is not None for part in identity):
            for each in present:
                if isinstance(each, dict) and [each.get(name) for name in _IDENTITY] == identity:
                    return each
    return {}
