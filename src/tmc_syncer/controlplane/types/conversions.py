"""Kinds that are served in two versions and stored in one: HorizontalPodAutoscalers (v2) and Events (core/v1).

What the older form of an autoscaler has no fields for is kept in annotations, as kube-apiserver does, so that a client of the older
form that reads, changes and writes loses nothing. Source: ``pkg/apis/autoscaling/v1/conversion.go`` and
``pkg/apis/events/v1/conversion.go``. Functions take whole objects and return new ones. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tmc_syncer.controlplane.types.registry import Conversion

__all__ = ["CONVERSIONS"]

Object = dict[str, Any]

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
STATUSES = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
ROUND_TRIP = (METRICS, STATUSES, CONDITIONS, BEHAVIOR)
DEFAULT_CPU = 80


def _is_cpu_share(metric: Object) -> bool:
    resource = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and resource.get("name") == "cpu"
        and "averageUtilization" in (resource.get("target") or {})
    )


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _decoded(annotations: Object, name: str) -> Any:
    try:
        return msgspec.json.decode(annotations.get(name, "null"))
    except msgspec.DecodeError:
        return None


def autoscaler_from_stored(obj: Object) -> Object:
    """The autoscaling/v1 form of a stored autoscaler."""
    spec, status = obj["spec"], obj.get("status") or {}
    annotations = dict(obj["metadata"].get("annotations") or {})
    others = [metric for metric in spec.get("metrics") or () if not _is_cpu_share(metric)]
    for name, value in (
        (METRICS, [_older(metric, "target") for metric in others]),
        (STATUSES, [_older(metric, "current") for metric in status.get("currentMetrics") or ()]),
        (BEHAVIOR, spec.get("behavior")),
        (CONDITIONS, status.get("conditions")),
    ):
        if value:
            annotations[name] = _encoded(value)
    made = {field: value for field, value in spec.items() if field not in ("metrics", "behavior")}
    for metric in spec.get("metrics") or ():
        if _is_cpu_share(metric):
            made["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
            break
    older = {field: value for field, value in status.items() if field not in ("currentMetrics", "conditions")}
    older.setdefault("currentReplicas", 0)
    for metric in status.get("currentMetrics") or ():
        share = ((metric.get("resource") or {}).get("current") or {}).get("averageUtilization")
        if (metric.get("resource") or {}).get("name") == "cpu" and share is not None:
            older["currentCPUUtilizationPercentage"] = share
    return {
        **obj,
        "apiVersion": "autoscaling/v1",
        "metadata": _annotated(obj["metadata"], annotations),
        "spec": made,
        "status": older,
    }


def autoscaler_to_stored(obj: Object) -> Object:
    """The stored form of an autoscaling/v1 autoscaler."""
    spec, status = obj["spec"], obj.get("status") or {}
    annotations = dict(obj["metadata"].get("annotations") or {})
    kept = {name: _decoded(annotations, name) for name in ROUND_TRIP}
    for name in ROUND_TRIP:
        annotations.pop(name, None)
    made = {field: value for field, value in spec.items() if field != "targetCPUUtilizationPercentage"}
    metrics = [_newer(metric, "target") for metric in kept[METRICS] or ()]
    share = spec.get("targetCPUUtilizationPercentage")
    if share is not None or not metrics:
        target = {"type": "Utilization", "averageUtilization": DEFAULT_CPU if share is None else share}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    made["metrics"] = metrics
    if kept[BEHAVIOR]:
        made["behavior"] = kept[BEHAVIOR]
    newer = {field: value for field, value in status.items() if field != "currentCPUUtilizationPercentage"}
    newer["currentMetrics"] = [_newer(metric, "current") for metric in kept[STATUSES] or ()] or None
    if kept[CONDITIONS]:
        newer["conditions"] = kept[CONDITIONS]
    return {
        **obj,
        "apiVersion": "autoscaling/v2",
        "metadata": _annotated(obj["metadata"], annotations),
        "spec": made,
        "status": newer,
    }


def _annotated(metadata: Object, annotations: Object) -> Object:
    made = {field: value for field, value in metadata.items() if field != "annotations"}
    if annotations:
        made["annotations"] = annotations
    return made


_SOURCES = {"Resource": "resource", "ContainerResource": "containerResource", "Pods": "pods", "Object": "object",
            "External": "external"}  # fmt: skip


def _older(metric: Object, what: str) -> Object:
    """A metric, or the state of one (`what` is target or current), in the words of autoscaling/v1."""
    kind = metric.get("type", "")
    field = _SOURCES.get(kind, "")
    source = metric.get(field) or {}
    values, named = source.get(what) or {}, source.get("metric") or {}
    made: Object = {}
    if "name" in source:
        made["name"] = source["name"]
    if "container" in source:
        made["container"] = source["container"]
    if kind == "Object":
        made["target"] = source.get("describedObject") or {}
    if named:
        made["metricName"] = named.get("name", "")
        if "selector" in named:
            made["metricSelector" if kind == "External" else "selector"] = named["selector"]
    for new, old in _value_names(kind, what).items():
        if new in values:
            made[old] = values[new]
    return {"type": kind, field: made}


def _newer(metric: Object, what: str) -> Object:
    """The same back."""
    kind = metric.get("type", "")
    field = _SOURCES.get(kind, "")
    source = metric.get(field) or {}
    values = {new: source[old] for new, old in _value_names(kind, what).items() if old in source}
    if what == "target":
        values["type"] = (
            "Utilization"
            if "averageUtilization" in values
            else "Value"
            if "value" in values
            else "AverageValue"
        )
    made: Object = {what: values}
    for name in ("name", "container"):
        if name in source:
            made[name] = source[name]
    if "metricName" in source:
        made["metric"] = {"name": source["metricName"]}
        for name in ("metricSelector", "selector"):
            if name in source:
                made["metric"]["selector"] = source[name]
    if kind == "Object":
        made["describedObject"] = source.get("target") or {}
    return {"type": kind, field: made}


def _value_names(kind: str, what: str) -> dict[str, str]:
    if kind == "Object":
        return {"value": f"{what}Value", "averageValue": "averageValue"}
    return {
        "value": f"{what}Value",
        "averageValue": f"{what}AverageValue",
        "averageUtilization": f"{what}AverageUtilization",
    }


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Fields of core/v1 and their names in events.k8s.io/v1; the others are named alike."""

_ALWAYS_THERE = (
    "involvedObject",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "eventTime",
    "reportingComponent",
    "reportingInstance",
)


def event_from_stored(obj: Object) -> Object:
    """The events.k8s.io/v1 form of a stored Event."""
    made = {_EVENT_FIELDS.get(field, field): value for field, value in obj.items()}
    for field in ("regarding", "reportingController", "reportingInstance"):
        if not made.get(field):
            made.pop(field, None)
    return {**made, "apiVersion": "events.k8s.io/v1"}


def event_to_stored(obj: Object) -> Object:
    """The stored form of an events.k8s.io/v1 Event."""
    back = {newer: older for older, newer in _EVENT_FIELDS.items()}
    made = {back.get(field, field): value for field, value in obj.items()}
    for field in _ALWAYS_THERE:
        empty: Any = (
            {} if field in ("involvedObject", "source") else "" if field.startswith("reporting") else None
        )
        made.setdefault(field, empty)
    return {**made, "apiVersion": "v1"}


CONVERSIONS = {
    "autoscaling/v1/HorizontalPodAutoscaler": Conversion(autoscaler_to_stored, autoscaler_from_stored),
    "events.k8s.io/v1/Event": Conversion(event_to_stored, event_from_stored),
}
"""By the kind that is not stored."""
