"""`DEFAULTS`: the function that fills in each built-in kind, by ``group/version/kind``; kinds without one have no defaults.

`defaulted` reads a body as Go does and fills it in: the whole of what `Type.default` does for a built-in kind. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tmc_syncer.controlplane.types.defaults import cluster, pods, policies, services, workloads
from tmc_syncer.controlplane.types.structs import decode

__all__ = ["DEFAULTS", "defaulted"]

Object = dict[str, Any]

DEFAULTS: dict[str, Callable[[Object], None]] = {
    "v1/Endpoints": services.default_endpoints,
    "v1/LimitRange": cluster.default_limit_range,
    "v1/Namespace": cluster.default_namespace,
    "v1/Node": cluster.default_node,
    "v1/PersistentVolume": cluster.default_volume,
    "v1/PersistentVolumeClaim": cluster.default_claim,
    "v1/Pod": pods.default_pod,
    "v1/PodTemplate": pods.default_pod_template,
    "v1/ReplicationController": workloads.default_replication_controller,
    "v1/ResourceQuota": cluster.default_quota,
    "v1/Secret": cluster.default_secret,
    "v1/Service": services.default_service,
    "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy": policies.default_admission_policy,
    "admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding": policies.default_policy_binding,
    "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration": policies.default_webhooks,
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy": policies.default_admission_policy,
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding": policies.default_policy_binding,
    "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration": policies.default_webhooks,
    "apiextensions.k8s.io/v1/CustomResourceDefinition": policies.default_custom_type,
    "apps/v1/DaemonSet": workloads.default_daemon_set,
    "apps/v1/Deployment": workloads.default_deployment,
    "apps/v1/ReplicaSet": workloads.default_replica_set,
    "apps/v1/StatefulSet": workloads.default_stateful_set,
    "authentication.k8s.io/v1/TokenRequest": policies.default_token_request,
    "autoscaling/v1/HorizontalPodAutoscaler": policies.default_autoscaler_v1,
    "autoscaling/v2/HorizontalPodAutoscaler": policies.default_autoscaler,
    "batch/v1/CronJob": workloads.default_cron_job,
    "batch/v1/Job": workloads.default_job,
    "discovery.k8s.io/v1/EndpointSlice": services.default_endpoint_slice,
    "networking.k8s.io/v1/IngressClass": services.default_ingress_class,
    "networking.k8s.io/v1/NetworkPolicy": services.default_network_policy,
    "rbac.authorization.k8s.io/v1/ClusterRoleBinding": policies.default_binding,
    "rbac.authorization.k8s.io/v1/RoleBinding": policies.default_binding,
    "scheduling.k8s.io/v1/PriorityClass": cluster.default_priority_class,
    "storage.k8s.io/v1/CSIDriver": cluster.default_csi_driver,
    "storage.k8s.io/v1/StorageClass": cluster.default_storage_class,
}


def defaulted(api_version: str, kind: str, obj: Object) -> Object:
    """A copy of an object as a server reads it, filled in. Raises `ApiError` 400 when it cannot be read."""
    made = decode(api_version, kind, obj)
    fill = DEFAULTS.get(f"{api_version}/{kind}")
    if fill is not None:
        fill(made)
    return made
