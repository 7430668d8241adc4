"""`PREPARE`: the function that assigns what only a server may, by ``version/kind``; kinds without one get nothing.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from tmc_syncer.controlplane.types.assigned import cluster, jobs, pods, services
from tmc_syncer.controlplane.types.registry import Context, Object

__all__ = ["PREPARE"]

PREPARE: dict[str, Callable[[Object, Object | None, Context], Object]] = {
    "v1/Endpoints": cluster.prepare_endpoints,
    "v1/Namespace": cluster.prepare_namespace,
    "v1/PersistentVolume": cluster.prepare_volume,
    "v1/PersistentVolumeClaim": cluster.prepare_claim,
    "v1/Pod": pods.prepare_pod,
    "v1/Service": services.prepare_service,
    "apiextensions.k8s.io/v1/CustomResourceDefinition": cluster.prepare_custom_type,
    "apps/v1/DaemonSet": jobs.prepare_daemon_set,
    "batch/v1/Job": jobs.prepare_job,
}
