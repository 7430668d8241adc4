"""Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers, PodTemplates, ControllerRevisions.

Source: ``pkg/apis/apps/validation`` and ``ValidateReplicationController*``. A write of the status looks at the status only, any other
at the spec: a spec that did not change was valid when it came. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types import causes
from tmc_syncer.controlplane.types.rules.labels import (
    check_annotations,
    check_labels,
    check_selector,
    matches,
)
from tmc_syncer.controlplane.types.rules.numbers import (
    check_counters,
    check_share,
    check_shares,
    decremented,
    share,
)
from tmc_syncer.controlplane.types.rules.pods import check_pod_spec

__all__ = [
    "check_template",
    "validate_controller_revision",
    "validate_daemon_set",
    "validate_deployment",
    "validate_pod_template",
    "validate_replica_set",
    "validate_replication_controller",
]

Object = dict[str, Any]

MISMATCH = "`selector` does not match template `labels`"
DEPLOYMENT_COUNTERS = (
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
)
REPLICA_COUNTERS = (
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "terminatingReplicas",
)
DAEMON_COUNTERS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


def check_template(path: str, template: Object) -> list[Cause]:
    """A pod template."""
    metadata = template["metadata"]
    found = check_labels(f"{path}.labels", metadata.get("labels"))
    if "annotations" in metadata:
        found += check_annotations(f"{path}.annotations", metadata["annotations"])
    found += check_pod_spec(f"{path}.spec", template["spec"])
    if "ephemeralContainers" in template["spec"]:
        words = "ephemeral containers not allowed in pod template"
        found.append(causes.forbidden(f"{path}.spec.ephemeralContainers", words))
    return found


def check_lasting_template(path: str, template: Object, kind: str) -> list[Cause]:
    """A template of pods that are there for good."""
    spec = template["spec"]
    found: list[Cause] = []
    if spec.get("restartPolicy") != "Always":
        found.append(
            causes.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy", ""), ("Always",))
        )
    if "activeDeadlineSeconds" in spec:
        words = f"activeDeadlineSeconds in {kind} is not Supported"
        found.append(causes.forbidden(f"{path}.spec.activeDeadlineSeconds", words))
    return found


def check_match(selector: Object | None, template: Object, kind: str) -> tuple[list[Cause], bool]:
    """The selector of a workload, whether it selects its own pods; and whether the selector can be used at all."""
    labels = template["metadata"].get("labels")
    if selector is None:
        # No selector matches nothing; only a DaemonSet's may be missing as far as its own rule goes.
        missing = [] if kind == "daemonset" else [causes.required("spec.selector")]
        return [*missing, causes.invalid("spec.template.metadata.labels", labels, MISMATCH)], True
    found = check_selector("spec.selector", selector)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(causes.invalid("spec.selector", selector, f"empty selector is invalid for {kind}"))
        return found, True
    if found:
        words = "" if kind == "statefulset" else "invalid label selector"
        return [*found, causes.invalid("spec.selector", selector, words)], False
    if not matches(selector, labels or {}):
        found.append(causes.invalid("spec.template.metadata.labels", labels, MISMATCH))
    return found, True


def _immutable_selector(obj: Object, old: Object) -> list[Cause]:
    selector = obj["spec"].get("selector")
    if selector == old["spec"].get("selector"):
        return []
    return [causes.invalid("spec.selector", selector, causes.IMMUTABLE)]


def validate_deployment(obj: Object, old: Object | None) -> list[Cause]:
    """A Deployment."""
    found: list[Cause] = []
    if old is None or obj["spec"] != old["spec"]:
        found = _check_deployment(obj["spec"])
    if old is None:
        return found
    found += _immutable_selector(obj, old)
    status = obj["status"]
    if status != old["status"]:
        found += check_counters("status", status, DEPLOYMENT_COUNTERS)
        found += check_shares("status", status, ("updatedReplicas", "readyReplicas", "availableReplicas"))
        found += decremented("status", "collisionCount", status, old["status"])
    return found


def _check_deployment(spec: Object) -> list[Cause]:
    found = check_counters("spec", spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
    wrong, usable = check_match(spec.get("selector"), spec["template"], "deployment")
    found += wrong
    if usable:
        found += check_template("spec.template", spec["template"])
        found += check_lasting_template("spec.template", spec["template"], "ReplicaSet")
    found += _check_deployment_strategy(spec["strategy"])
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        found += check_counters("spec", spec, ("progressDeadlineSeconds",))
        if deadline <= spec.get("minReadySeconds", 0):
            where = "spec.progressDeadlineSeconds"
            found.append(causes.invalid(where, deadline, "must be greater than minReadySeconds"))
    return found


def _check_deployment_strategy(strategy: Object) -> list[Cause]:
    path, kind, rolling = "spec.strategy", strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is None:
            return []
        words = "may not be specified when strategy `type` is 'Recreate'"
        return [causes.forbidden(f"{path}.rollingUpdate", words)]
    if kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": rolling}
        return [causes.not_supported(path, shown, ("Recreate", "RollingUpdate"))]
    assert rolling is not None, "defaulted"
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    found = check_share(f"{path}.rollingUpdate.maxUnavailable", unavailable)
    found += check_share(f"{path}.rollingUpdate.maxSurge", surge, most=False)
    if not share(unavailable) and not share(surge):
        words = "may not be 0 when `maxSurge` is 0"
        found.append(causes.invalid(f"{path}.rollingUpdate.maxUnavailable", unavailable, words))
    return found


def validate_replica_set(obj: Object, old: Object | None) -> list[Cause]:
    """A ReplicaSet."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        found = check_counters("spec", spec, ("replicas", "minReadySeconds"))
        wrong, usable = check_match(spec.get("selector"), spec["template"], "deployment")
        found += wrong
        if usable:
            found += check_template("spec.template", spec["template"])
            found += check_lasting_template("spec.template", spec["template"], "ReplicaSet")
    if old is None:
        return found
    found += _immutable_selector(obj, old)
    if obj["status"] != old["status"]:
        found += _check_replica_status(obj["status"])
    return found


def _check_replica_status(status: Object) -> list[Cause]:
    found = check_counters("status", status, REPLICA_COUNTERS)
    return found + check_shares(
        "status", status, ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    )


def validate_replication_controller(obj: Object, old: Object | None) -> list[Cause]:
    """A ReplicationController."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        found = check_counters("spec", spec, ("replicas", "minReadySeconds"))
        selector, template = spec.get("selector") or {}, spec.get("template")
        if not selector:
            found.append(causes.required("spec.selector"))
        if template is None:
            found.append(causes.required("spec.template"))
        else:
            labels = template["metadata"].get("labels")
            if selector and not matches({"matchLabels": selector}, labels or {}):
                found.append(causes.invalid("spec.template.metadata.labels", labels, MISMATCH))
            found += check_template("spec.template", template)
            found += check_lasting_template("spec.template", template, "ReplicationController")
    if old is not None and obj["status"] != old["status"]:
        found += _check_replica_status(obj["status"])
    return found


def validate_daemon_set(obj: Object, old: Object | None) -> list[Cause]:
    """A DaemonSet."""
    found: list[Cause] = []
    spec = obj["spec"]
    if old is None or spec != old["spec"]:
        wrong, usable = check_match(spec.get("selector"), spec["template"], "daemonset")
        found += wrong
        if usable:
            found += check_template("spec.template", spec["template"])
            found += check_lasting_template("spec.template", spec["template"], "DaemonSet")
        found += check_counters("spec", spec, ("minReadySeconds", "revisionHistoryLimit"))
        found += _check_daemon_strategy(spec["updateStrategy"])
    if old is None:
        return found
    found += _immutable_selector(obj, old)
    if obj["status"] != old["status"]:
        found += check_counters("status", obj["status"], DAEMON_COUNTERS)
        found += decremented("status", "collisionCount", obj["status"], old["status"])
    return found


def _check_daemon_strategy(strategy: Object) -> list[Cause]:
    path, kind, rolling = "spec.updateStrategy", strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        return []
    if kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": rolling}
        return [causes.not_supported(path, shown, ("RollingUpdate", "OnDelete"))]
    assert rolling is not None, "defaulted"
    unavailable, surge = rolling["maxUnavailable"], rolling["maxSurge"]
    found = check_share(f"{path}.rollingUpdate.maxUnavailable", unavailable)
    found += check_share(f"{path}.rollingUpdate.maxSurge", surge)
    if share(unavailable) and share(surge):
        words = "may not be set when maxUnavailable is non-zero"
        found.append(causes.invalid(f"{path}.rollingUpdate.maxSurge", surge, words))
    elif not share(unavailable) and not share(surge):
        words = "cannot be 0 when maxSurge is 0"
        found.append(causes.required(f"{path}.rollingUpdate.maxUnavailable", words))
    return found


def validate_pod_template(obj: Object, old: Object | None) -> list[Cause]:
    """A PodTemplate."""
    if old is not None and obj["template"] == old["template"]:
        return []
    return check_template("template", obj["template"])


def validate_controller_revision(obj: Object, old: Object | None) -> list[Cause]:
    """A ControllerRevision."""
    revision = obj.get("revision", 0)
    found = [causes.invalid("revision", revision, causes.NOT_NEGATIVE)] if revision < 0 else []
    data = obj.get("data")
    if old is not None:
        if data != old.get("data"):
            found.append(causes.invalid("data", data, causes.IMMUTABLE))
    elif data is None:
        found.append(causes.required("data", "data is mandatory"))
    elif not isinstance(data, dict):
        found.append(causes.required("data", "data must be a valid JSON object"))
    return found
