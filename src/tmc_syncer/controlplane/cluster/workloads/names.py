"""The names that controllers share: resources, and the field managers under which they write.

The field managers are those of the real programs, so that ``managedFields`` read as on a real cluster. Pure.
"""

from __future__ import annotations

__all__ = [
    "CRON_JOBS",
    "DAEMON_SETS",
    "DEPLOYMENTS",
    "JOBS",
    "MANAGER",
    "NODES",
    "PODS",
    "REPLICA_SETS",
    "REVISIONS",
    "STATEFUL_SETS",
]

PODS = "pods"
NODES = "nodes"
DEPLOYMENTS = "deployments.apps"
REPLICA_SETS = "replicasets.apps"
STATEFUL_SETS = "statefulsets.apps"
DAEMON_SETS = "daemonsets.apps"
REVISIONS = "controllerrevisions.apps"
JOBS = "jobs.batch"
CRON_JOBS = "cronjobs.batch"

MANAGER = "kube-controller-manager"
