"""Defaults of what makes pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs, ReplicationControllers.

Source: ``pkg/apis/apps/v1/defaults.go`` and ``pkg/apis/batch/v1/defaults.go``. Pure.
"""

from __future__ import annotations

from typing import Any

from tmc_syncer.controlplane.types.defaults.amounts import default_amounts, default_claim_spec
from tmc_syncer.controlplane.types.defaults.pods import default_pod_spec, default_template

__all__ = [
    "default_cron_job",
    "default_daemon_set",
    "default_deployment",
    "default_job",
    "default_replica_set",
    "default_replication_controller",
    "default_stateful_set",
]

Object = dict[str, Any]

HISTORY = 10
MAX_BACKOFF = 2**31 - 1


def default_deployment(obj: Object) -> None:
    """Fill in a Deployment."""
    spec = obj["spec"]
    spec.setdefault("replicas", 1)
    strategy = spec["strategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", HISTORY)
    spec.setdefault("progressDeadlineSeconds", 600)
    default_template(obj)


def default_replica_set(obj: Object) -> None:
    """Fill in a ReplicaSet."""
    obj["spec"].setdefault("replicas", 1)
    default_template(obj)


def default_replication_controller(obj: Object) -> None:
    """Fill in a ReplicationController."""
    spec, metadata = obj["spec"], obj["metadata"]
    template = spec.get("template")
    if template:
        labels = template["metadata"].get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not metadata.get("labels"):
                metadata["labels"] = dict(labels)
        default_pod_spec(template["spec"])
    spec.setdefault("replicas", 1)


def default_daemon_set(obj: Object) -> None:
    """Fill in a DaemonSet."""
    spec = obj["spec"]
    strategy = spec["updateStrategy"]
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", HISTORY)
    default_template(obj)


def default_stateful_set(obj: Object) -> None:
    """Fill in a StatefulSet."""
    spec = obj["spec"]
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec["updateStrategy"]
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
    # The feature MaxUnavailableStatefulSet is off.
    strategy.get("rollingUpdate", {}).pop("maxUnavailable", None)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", HISTORY)
    for claim in spec.get("volumeClaimTemplates") or ():
        claim["status"].setdefault("phase", "Pending")
        default_claim_spec(claim["spec"])
        default_amounts(claim["status"].get("capacity"))
        # The conversion of a StatefulSet writes the type of its claims, whatever the client said.
        claim["kind"], claim["apiVersion"] = "PersistentVolumeClaim", "v1"
    default_template(obj)


def default_job(obj: Object) -> None:
    """Fill in a Job."""
    spec, metadata = obj["spec"], obj["metadata"]
    labels = spec["template"]["metadata"].get("labels")
    if labels and not metadata.get("labels"):
        metadata["labels"] = dict(labels)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", MAX_BACKOFF if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    failing = "podFailurePolicy" in spec
    spec.setdefault("podReplacementPolicy", "Failed" if failing else "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)
    _default_failure_policy(spec)
    default_template(obj)


def _default_failure_policy(spec: Object) -> None:
    for rule in spec.get("podFailurePolicy", {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern["status"] = pattern.get("status") or "True"


def default_cron_job(obj: Object) -> None:
    """Fill in a CronJob."""
    spec = obj["spec"]
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    job = spec["jobTemplate"]["spec"]
    _default_failure_policy(job)
    default_pod_spec(job["template"]["spec"])
