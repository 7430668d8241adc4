"""The document that ``/statusz`` serves: what the agent knows, as JSON (format: tunnel.md, Heartbeat and health).

Structs only: the agent fills them from its journal, informers and queues when somebody asks. `StatuszQuery` is
what the asker may narrow; whoever fills the document applies it, and the endpoint cuts what is still too long.
Times are RFC 3339 text. A document holds names, codes, reasons and counts, never the content of an object.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from tmc_syncer.api.resources import GVR

__all__ = [
    "OBJECT_LIMIT",
    "Component",
    "ComponentState",
    "Health",
    "ObjectLine",
    "Statusz",
    "StatuszQuery",
    "TypeLine",
    "worst_of",
]

OBJECT_LIMIT = 1_000
"""Objects of one answer; more is asked for by type or name."""


class ComponentState(StrEnum):
    """How one part of the agent is."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


class Health(StrEnum):
    """How the agent as a whole is: the worst component that counts."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    UNHEALTHY = "Unhealthy"
    UNKNOWN = "Unknown"


class _Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Common settings. Fields without a default are always written, also when empty or zero."""


class Component(_Line, frozen=True):
    """One part (upstream API, a watch, the queues, …): its state, why, since when. `counts`: part of the health."""

    name: str
    state: ComponentState
    reason: str = ""
    since: str | None = None
    counts: bool = True


class TypeLine(_Line, frozen=True):
    """One synced type. `gvr` as users write it (``deployments.v1.apps``)."""

    gvr: str
    state: str
    synced: int
    pending: int
    failed: int
    excluded: int = 0
    reason: str = ""
    next_try: str | None = None


class ObjectLine(_Line, frozen=True):
    """One object that is not plainly synced, or that was asked for by name."""

    gvr: str
    cluster: str
    namespace: str
    name: str
    state: str
    code: str = ""
    reason: str = ""
    message: str = ""
    row: int | None = None
    attempts: int = 0
    next_try: str | None = None
    since: str | None = None


class Statusz(_Line, frozen=True, omit_defaults=False):
    """The whole document; every field is always there."""

    connected: bool
    version: str
    target: str
    health: Health = Health.UNKNOWN
    last_sync_time: str | None = None
    types: tuple[TypeLine, ...] = ()
    objects: tuple[ObjectLine, ...] = ()
    objects_left_out: int = 0
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class StatuszQuery:
    """What is asked for. A `gvr` with an empty version matches any; `name` is ``name`` or ``namespace/name``."""

    gvr: GVR | None = None
    name: str | None = None
    limit: int = OBJECT_LIMIT


_HEALTH_OF = {
    ComponentState.OK: Health.HEALTHY,
    ComponentState.DEGRADED: Health.DEGRADED,
    ComponentState.FAILING: Health.UNHEALTHY,
}
_ORDER = (Health.HEALTHY, Health.DEGRADED, Health.UNHEALTHY)


def worst_of(components: tuple[Component, ...]) -> Health:
    """The health that the counting components give together; Unknown when there is none."""
    states = [_HEALTH_OF[component.state] for component in components if component.counts]
    return max(states, key=_ORDER.index) if states else Health.UNKNOWN
