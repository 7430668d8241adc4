"""`VALIDATE`: the function that names what is wrong with each built-in kind, by ``version/kind``.

Kinds that are missing here are checked for their Go types only: ServiceAccount (which has no rules), admission webhooks and
policies, CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment, IPAddress, ServiceCIDR. Custom types are in `crds`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.controlplane.server.errors import Cause
from tmc_syncer.controlplane.types.rules import (
    access,
    autoscaling,
    claims,
    cluster,
    config,
    cronjobs,
    endpointslices,
    events,
    jobs,
    networking,
    persistentvolumes,
    pods,
    quotas,
    services,
    statefulsets,
    workloads,
)

__all__ = ["VALIDATE"]

Object = dict[str, Any]

VALIDATE: dict[str, Callable[[Object, Object | None], list[Cause]]] = {
    "v1/ConfigMap": config.validate_config_map,
    "v1/Endpoints": cluster.validate_endpoints,
    "v1/Event": events.validate_event,
    "v1/LimitRange": quotas.validate_limit_range,
    "v1/Namespace": cluster.validate_namespace,
    "v1/Node": cluster.validate_node,
    "v1/PersistentVolume": persistentvolumes.validate_volume,
    "v1/PersistentVolumeClaim": claims.validate_claim,
    "v1/Pod": pods.validate_pod,
    "v1/PodTemplate": workloads.validate_pod_template,
    "v1/ReplicationController": workloads.validate_replication_controller,
    "v1/ResourceQuota": quotas.validate_quota,
    "v1/Secret": config.validate_secret,
    "v1/Service": services.validate_service,
    "apps/v1/ControllerRevision": workloads.validate_controller_revision,
    "apps/v1/DaemonSet": workloads.validate_daemon_set,
    "apps/v1/Deployment": workloads.validate_deployment,
    "apps/v1/ReplicaSet": workloads.validate_replica_set,
    "apps/v1/StatefulSet": statefulsets.validate_stateful_set,
    "autoscaling/v2/HorizontalPodAutoscaler": autoscaling.validate_autoscaler,
    "batch/v1/CronJob": cronjobs.validate_cron_job,
    "batch/v1/Job": jobs.validate_job,
    "coordination.k8s.io/v1/Lease": access.validate_lease,
    "discovery.k8s.io/v1/EndpointSlice": endpointslices.validate_endpoint_slice,
    "networking.k8s.io/v1/Ingress": networking.validate_ingress,
    "networking.k8s.io/v1/IngressClass": networking.validate_ingress_class,
    "networking.k8s.io/v1/NetworkPolicy": networking.validate_network_policy,
    "policy/v1/PodDisruptionBudget": autoscaling.validate_disruption_budget,
    "rbac.authorization.k8s.io/v1/ClusterRole": access.validate_cluster_role,
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": access.validate_binding,
    "rbac.authorization.k8s.io/v1/Role": access.validate_role,
    "rbac.authorization.k8s.io/v1/RoleBinding": access.validate_binding,
    "scheduling.k8s.io/v1/PriorityClass": access.validate_priority_class,
    "storage.k8s.io/v1/StorageClass": access.validate_storage_class,
}
