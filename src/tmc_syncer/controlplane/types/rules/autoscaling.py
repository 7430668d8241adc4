"""HorizontalPodAutoscalers, in the form of autoscaling/v2, and PodDisruptionBudgets.

Source: ``pkg/apis/autoscaling/validation`` and ``pkg/apis/policy/validation``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.formats import path_segment
from tmc_syncer.controlplane.types.quantities import nanos
from tmc_syncer.controlplane.types.rules.labels import check_selector
from tmc_syncer.controlplane.types.rules.numbers import check_counters, check_share

__all__ = ["validate_autoscaler", "validate_disruption_budget"]

Object = dict[str, Any]

METRICS = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
MAX_STABILIZATION = 3600
MAX_PERIOD = 1800
SELECT = ("Disabled", "Max", "Min")
POLICIES = ("Percent", "Pods")
EVICTION = ("AlwaysAllow", "IfHealthyBudget")


def validate_autoscaler(obj: Object, old: Object | None) -> list[Cause]:
    """A HorizontalPodAutoscaler."""
    found: list[Cause] = []
    if old is None or obj["spec"] != old["spec"]:
        found = _check_autoscaler(obj["spec"])
    if old is not None and obj["status"] != old["status"]:
        found += check_counters("status", obj["status"], ("currentReplicas", "desiredReplicas"))
    return found


def _check_autoscaler(spec: Object) -> list[Cause]:
    found: list[Cause] = []
    least, most, metrics = spec.get("minReplicas"), spec.get("maxReplicas", 0), spec.get("metrics") or []
    if least is not None and least < 1:
        words = "must be greater than or equal to 1"
        found.append(causes.invalid("spec.minReplicas", least, words))
    if most < 1:
        found.append(causes.required("spec.maxReplicas", "must be set and greater than 0"))
    if least is not None and most and most < least:
        words = "must be greater than or equal to `minReplicas`"
        found.append(causes.invalid("spec.maxReplicas", most, words))
    found += _check_target(spec["scaleTargetRef"])
    if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        words = "must specify at least one Object or External metric to support scaling to zero replicas"
        found.append(causes.forbidden("spec.metrics", words))
    for number, metric in enumerate(metrics):
        found += _check_metric(f"spec.metrics[{number}]", metric)
    behavior = spec.get("behavior") or {}
    for field in ("scaleUp", "scaleDown"):
        if field in behavior:
            found += _check_rules(f"spec.behavior.{field}", behavior[field])
    return found


def _check_target(target: Object) -> list[Cause]:
    found: list[Cause] = []
    for field in ("kind", "name"):
        value = target.get(field, "")
        where = f"spec.scaleTargetRef.{field}"
        found += causes.wrong(where, value, path_segment(value)) if value else [causes.required(where)]
    version = target.get("apiVersion", "")
    group = version.rpartition("/")[0]
    if version.count("/") > 1:
        found.append(
            causes.invalid(
                "spec.scaleTargetRef.apiVersion", version, f"unexpected GroupVersion string: {version}"
            )
        )
    elif not group and target.get("kind") != "ReplicationController":
        words = "apiVersion must specify API group"
        found.append(causes.invalid("spec.scaleTargetRef.apiVersion", version, words))
    return found


def _check_metric(path: str, metric: Object) -> list[Cause]:
    kind = metric.get("type", "")
    if not kind:
        return [causes.required(f"{path}.type", "must specify a metric source type")]
    if kind not in METRICS:
        # A real server says this twice, once for the type and once for the missing source.
        return [causes.not_supported(f"{path}.type", kind, METRICS)] * 2
    field = METRICS[kind]
    source = metric.get(field)
    if source is None:
        words = "must populate information for the given metric source"
        return [causes.required(f"{path}.{field}", words)]
    found = [
        causes.forbidden(f"{path}.{other}", "must populate the given metric source only")
        for other in METRICS.values()
        if other != field and other in metric
    ]
    return found + _check_source(f"{path}.{field}", kind, source)


def _check_source(path: str, kind: str, source: Object) -> list[Cause]:
    found: list[Cause] = []
    target = source["target"]
    value, average, percent = (target.get(field) for field in ("value", "averageValue", "averageUtilization"))
    for field, amount in (("value", value), ("averageValue", average)):
        if amount is not None and nanos(amount) <= 0:
            found.append(causes.invalid(f"{path}.target.{field}", amount, "must be positive"))
    if percent is not None and percent < 1:
        found.append(causes.invalid(f"{path}.target.averageUtilization", percent, "must be greater than 0"))
    if kind in ("Resource", "ContainerResource"):
        if not source.get("name"):
            found.append(causes.required(f"{path}.name", "must specify a resource name"))
        if kind == "ContainerResource" and not source.get("container"):
            found.append(causes.required(f"{path}.container", "must specify a container"))
        if average is None and percent is None:
            words = "must set either a target raw value or a target utilization"
            found.append(causes.required(f"{path}.target.averageUtilization", words))
        if average is not None and percent is not None:
            words = "may not set both a target raw value and a target utilization"
            found.append(causes.forbidden(f"{path}.target.averageValue", words))
        return found
    name = source["metric"].get("name", "")
    if not name:
        found.append(causes.required(f"{path}.metric.name", "must specify a metric name"))
    else:
        found += causes.wrong(f"{path}.metric.name", name, path_segment(name))
    if kind == "Pods" and average is None:
        words = "must specify a positive target averageValue"
        found.append(causes.required(f"{path}.target.averageValue", words))
    elif kind != "Pods" and average is None and value is None:
        words = "must set either a target value for metric or a per-pod target"
        found.append(causes.required(f"{path}.target.averageValue", words))
    return found


def _check_rules(path: str, rules: Object) -> list[Cause]:
    found: list[Cause] = []
    seconds = rules.get("stabilizationWindowSeconds")
    if seconds is not None:
        found += check_counters(path, rules, ("stabilizationWindowSeconds",))
        if seconds > MAX_STABILIZATION:
            words = f"must be less than or equal to {MAX_STABILIZATION}"
            found.append(causes.invalid(f"{path}.stabilizationWindowSeconds", seconds, words))
    select = rules.get("selectPolicy")
    if select is not None and select not in SELECT:
        found.append(causes.not_supported(f"{path}.selectPolicy", select, SELECT))
    if not rules.get("policies"):
        found.append(causes.required(f"{path}.policies", "must specify at least one Policy"))
    for number, policy in enumerate(rules.get("policies") or ()):
        where, kind, period = (
            f"{path}.policies[{number}]",
            policy.get("type", ""),
            policy.get("periodSeconds", 0),
        )
        if kind not in POLICIES:
            found.append(causes.not_supported(f"{where}.type", kind, POLICIES))
        if policy.get("value", 0) <= 0:
            found.append(
                causes.invalid(f"{where}.value", policy.get("value", 0), "must be greater than zero")
            )
        if period <= 0:
            found.append(causes.invalid(f"{where}.periodSeconds", period, "must be greater than zero"))
        elif period > MAX_PERIOD:
            words = f"must be less than or equal to {MAX_PERIOD}"
            found.append(causes.invalid(f"{where}.periodSeconds", period, words))
    return found


def validate_disruption_budget(obj: Object, old: Object | None) -> list[Cause]:
    """A PodDisruptionBudget."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if least is not None and most is not None:
            shown = {"MinAvailable": least, "Selector": spec.get("selector"), "MaxUnavailable": most,
                     "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy")}  # fmt: skip
            found.append(causes.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
        for field, value in (("minAvailable", least), ("maxUnavailable", most)):
            if value is not None:
                found += check_share(f"spec.{field}", value)
        found += check_selector("spec.selector", spec.get("selector"))
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in EVICTION:
            found.append(causes.not_supported("spec.unhealthyPodEvictionPolicy", policy, EVICTION))
    if old is not None and obj["status"] != old["status"]:
        counters = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
        found += check_counters("status", obj["status"], counters)
    return found
