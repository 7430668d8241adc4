"""Metrics of the agent for Prometheus: the names of tunnel.md ("Heartbeat and health") that need no tunnel.

One `Metrics` object per process, with a registry of its own, is passed to whoever counts. Its methods cost a
dictionary look-up and an increment: children of labels are made once and kept (`.labels()` each time costs four
times as much). No label has unbounded values: types are those of the SyncTarget, and every other label comes
from a closed set; what is not in it is counted as ``other``. Object names, namespaces, workspaces and messages
are never labels.

Not here: the endpoint (`admin`), and the decision what is worth counting (the callers).
"""

from __future__ import annotations

import platform
from collections import Counter as Tally
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from tmc_syncer import __version__
from tmc_syncer.api.resources import GVR

__all__ = ["CONTENT_TYPE", "SYNC_SECONDS_BUCKETS", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
SYNC_SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds. From one round trip on a loopback to an outage of some minutes."""

_SIDES = frozenset({"upstream", "downstream"})
_VERBS = frozenset(
    {"create", "apply", "patch", "update", "delete", "release", "status", "add-finalizer", "remove-finalizer"}
)
_RESULTS = frozenset(
    {"created", "updated", "unchanged", "recreated", "deleted", "conflict", "refused", "gone", "error", "ok"}
)
_CONFLICT_KINDS = frozenset({"field", "drift", "ownership", "deletion", "version"})
_POLICIES = frozenset({"UpstreamWins", "DownstreamWins", "Merge", "Manual"})
# The failures of `engine.refusal`, a watch that ended in good order, and a defect of ours.
_WATCH_REASONS = frozenset(
    {"closed", "expired", "too-large", "unsupported", "refused", "throttled", "transient", "bug"}
)
_OTHER = "other"

ChildT = TypeVar("ChildT")


class _Children(Generic[ChildT]):
    """The children of one metric by their label values, made on first use and kept."""

    def __init__(self, make: Callable[..., ChildT], remove: Callable[..., None]) -> None:
        self._make = make
        self._remove = remove
        self._known: dict[Hashable, ChildT] = {}

    def of(self, *labels: str) -> ChildT:
        child = self._known.get(labels)
        if child is None:
            child = self._known[labels] = self._make(*labels)
        return child

    def drop_where(self, position: int, value: str) -> None:
        for labels in [
            known for known in self._known if isinstance(known, tuple) and known[position] == value
        ]:
            del self._known[labels]
            self._remove(*labels)


class Metrics:
    """All metrics of one agent. Every method is safe to call at any rate and never raises."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

        def counter(name: str, text: str, labels: tuple[str, ...]) -> _Children[Counter]:
            metric = Counter(name, text, labels, registry=registry)
            return _Children(metric.labels, metric.remove)

        def gauge(name: str, text: str, labels: tuple[str, ...]) -> _Children[Gauge]:
            metric = Gauge(name, text, labels, registry=registry)
            return _Children(metric.labels, metric.remove)

        seconds = Histogram(
            "tmc_sync_seconds",
            "Seconds from a change seen on one side to its write acknowledged on the other.",
            ("type", "direction"),
            buckets=SYNC_SECONDS_BUCKETS,
            registry=registry,
        )
        self._seconds: _Children[Histogram] = _Children(seconds.labels, seconds.remove)
        self._objects = gauge("tmc_objects", "Objects by what became of them.", ("type", "state"))
        self._queue_depth = gauge("tmc_queue_depth", "Keys waiting in a queue.", ("queue",))
        self._queue_oldest = gauge(
            "tmc_queue_oldest_seconds", "Wait of the oldest key of a queue.", ("queue",)
        )
        self._retries = counter("tmc_retries_total", "Reconciles repeated after an error.", ("type",))
        self._writes = counter(
            "tmc_writes_total", "Writes sent, by their outcome.", ("side", "verb", "result")
        )
        self._conflicts = counter("tmc_conflicts_total", "Conflicts met.", ("kind", "policy"))
        self._drift = counter(
            "tmc_drift_corrections_total", "Copies brought back to what upstream says.", ("type",)
        )
        self._watches = counter("tmc_watch_restarts_total", "Watches that ended and why.", ("side", "reason"))
        self._relists = counter("tmc_relists_total", "Complete lists after the first.", ("side", "type"))
        self._informers: dict[tuple[str, GVR], tuple[Tally[str], int]] = {}
        self._heartbeats = counter("tmc_heartbeats_total", "Renewals of the Lease.", ("result",))
        self._brake = Gauge("tmc_brake", "1 while the deletion brake holds.", registry=registry)
        build = Gauge("tmc_build_info", "Always 1.", ("version", "python"), registry=registry)
        build.labels(__version__, platform.python_version()).set(1)

    def write(self, side: str, verb: str, result: str) -> None:
        """A write was answered (or failed on the way)."""
        self._writes.of(_known(side, _SIDES), _known(verb, _VERBS), _known(result, _RESULTS)).inc()

    def sync_seconds(self, gvr: GVR, direction: str, seconds: float) -> None:
        """A change took `seconds` to the other side. `direction` is ``down`` or ``up``."""
        self._seconds.of(gvr.group_resource, "up" if direction == "up" else "down").observe(max(seconds, 0.0))

    def queue(self, name: str, depth: int, oldest_seconds: float) -> None:
        """State of a queue; the names are those of the agent's controllers."""
        self._queue_depth.of(name).set(depth)
        self._queue_oldest.of(name).set(oldest_seconds)

    def objects(self, gvr: GVR, state: str, n: int) -> None:
        """How many objects of a type are at `state` (synced, pending, failed, excluded)."""
        self._objects.of(gvr.group_resource, state).set(n)

    def conflict(self, kind: str, policy: str) -> None:
        """A conflict was met and treated by `policy`."""
        self._conflicts.of(_known(kind, _CONFLICT_KINDS), _known(policy, _POLICIES)).inc()

    def drift(self, gvr: GVR) -> None:
        """A copy had drifted and was corrected."""
        self._drift.of(gvr.group_resource).inc()

    def retry(self, gvr: GVR) -> None:
        """A reconcile of an object of that type failed and will be repeated."""
        self._retries.of(gvr.group_resource).inc()

    def watch_restart(self, side: str, reason: str) -> None:
        """A watch ended. `reason` as in the reflector; an unknown one counts as ``other``."""
        self._watches.of(_known(side, _SIDES), _known(reason, _WATCH_REASONS)).inc()

    def relist(self, side: str, gvr: GVR) -> None:
        """A type was listed again."""
        self._relists.of(_known(side, _SIDES), gvr.group_resource).inc()

    def informer(self, side: str, gvr: GVR, restarts: Mapping[str, int], relists: int) -> None:
        """What an informer has counted since it was made: what is new since the last call is added.

        An informer that was replaced counts from zero again; then all it has counted is new.
        """
        known, known_relists = self._informers.get((side, gvr), (Tally(), 0))
        if relists < known_relists or any(restarts.get(reason, 0) < n for reason, n in known.items()):
            known, known_relists = Tally(), 0
        for reason, n in restarts.items():
            if n > known[reason]:
                child = self._watches.of(_known(side, _SIDES), _known(reason, _WATCH_REASONS))
                child.inc(n - known[reason])
        if relists > known_relists:
            self._relists.of(_known(side, _SIDES), gvr.group_resource).inc(relists - known_relists)
        self._informers[side, gvr] = (Tally(restarts), relists)

    def heartbeat(self, *, sent: bool) -> None:
        """The Lease was renewed, or was not."""
        self._heartbeats.of("sent" if sent else "missed").inc()

    def brake(self, holds: bool) -> None:
        """Whether the deletion brake holds."""
        self._brake.set(1 if holds else 0)

    def forget_type(self, gvr: GVR) -> None:
        """The type is no longer synced: its gauges go (counters and histograms keep what they counted)."""
        self._objects.drop_where(0, gvr.group_resource)
        for side in _SIDES:
            self._informers.pop((side, gvr), None)

    def render(self) -> bytes:
        """The text exposition format, as ``/metrics`` serves it (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)


def _known(value: str, allowed: frozenset[str]) -> str:
    return value if value in allowed else _OTHER
