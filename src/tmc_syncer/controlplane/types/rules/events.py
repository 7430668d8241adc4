"""Events, in the form of core/v1; an Event that came by events.k8s.io has an ``eventTime`` and is held to more.

Source: ``pkg/apis/core/validation/events.go``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import label_key

__all__ = ["validate_event", "validate_new_event"]

Object = dict[str, Any]

MISMATCH = "does not match event.namespace"
LIMITS = (("reportingInstance", 128), ("action", 128), ("reason", 128), ("message", 1024))
UNSET = ("firstTimestamp", "lastTimestamp", "count")
IMMUTABLE = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)


def validate_event(obj: Object, old: Object | None) -> list[Cause]:
    """An Event written by core/v1, which is held to little."""
    del old
    return _check_common(obj, "reportingComponent")


def _check_common(obj: Object, controller: str) -> list[Cause]:
    namespace, involved = obj["metadata"].get("namespace", ""), obj["involvedObject"].get("namespace", "")
    mismatch = [causes.invalid("involvedObject.namespace", involved, MISMATCH)]
    if not obj.get("eventTime"):
        if involved:
            return [] if namespace == involved else mismatch
        return [] if namespace in ("", "default") else mismatch
    found: list[Cause] = []
    if not involved and namespace not in ("default", "kube-system"):
        found += mismatch
    reporter = obj.get("reportingComponent", "")
    if not reporter:
        found.append(causes.required(controller))
    found += causes.wrong(controller, reporter, label_key(reporter))
    found += [
        causes.required(field) for field in ("reportingInstance", "action", "reason") if not obj.get(field)
    ]
    for field, most in LIMITS:
        if len(obj.get(field) or "") > most:
            found.append(causes.invalid(field, "", f"can have at most {most} characters"))
    return found


def validate_new_event(obj: Object, old: Object | None) -> list[Cause]:
    """An Event written by events.k8s.io/v1, in the form of core/v1."""
    if old is not None:
        return [
            causes.invalid(_FIELDS.get(field, field), obj.get(field), causes.IMMUTABLE)
            for field in IMMUTABLE
            if obj.get(field) != old.get(field)
        ]
    found = (
        _check_common(obj, "reportingController") if obj.get("eventTime") else [causes.required("eventTime")]
    )
    kind = obj.get("type", "")
    if kind not in ("Normal", "Warning"):
        found.append(causes.invalid("type", "", f"has invalid value: {kind}"))
    found += [causes.invalid(field, "", "needs to be unset") for field in UNSET if obj.get(field)]
    if obj.get("source"):
        found.append(causes.invalid("source", "", "needs to be unset"))
    series = obj.get("series")
    if series is not None:
        if series.get("count", 0) < 2:
            found.append(causes.invalid("series.count", "", "should be at least 2"))
        if not series.get("lastObservedTime"):
            found.append(causes.required("series.lastObservedTime"))
    return found


_FIELDS = {"reportingComponent": "reportingController"}
