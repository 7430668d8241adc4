"""`builtin_columns`: the columns of a built-in kind: recorded definitions, and the function that makes the cells.

A kind without a function of its own has what kube-apiserver gives such kinds: its name and when it was created. Definitions and
cells of a kind that is stored in another version are made from the stored form. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tmc_syncer.controlplane.types.conversions import CONVERSIONS
from tmc_syncer.controlplane.types.recorded import recorded
from tmc_syncer.controlplane.types.tables import cluster, network, pods, policies, workloads

__all__ = ["CELLS", "BuiltinColumns", "builtin_columns", "scale_columns"]

Object = dict[str, Any]
Cells = Callable[[Object, datetime], list[Any]]


def created_cells(obj: Object, now: datetime) -> list[Any]:
    """Name and time of creation."""
    del now
    return [obj["metadata"].get("name", ""), obj["metadata"].get("creationTimestamp", "")]


CELLS: dict[str, Cells] = {
    "v1/configmaps": cluster.config_map_cells,
    "v1/endpoints": network.endpoints_cells,
    "v1/events": cluster.event_cells,
    "v1/namespaces": cluster.namespace_cells,
    "v1/nodes": cluster.node_cells,
    "v1/persistentvolumeclaims": cluster.claim_cells,
    "v1/persistentvolumes": cluster.volume_cells,
    "v1/pods": pods.pod_cells,
    "v1/podtemplates": workloads.pod_template_cells,
    "v1/replicationcontrollers": workloads.replication_controller_cells,
    "v1/resourcequotas": cluster.quota_cells,
    "v1/secrets": cluster.secret_cells,
    "v1/serviceaccounts": cluster.service_account_cells,
    "v1/services": network.service_cells,
    "admissionregistration.k8s.io/v1/mutatingadmissionpolicies": policies.policy_cells,
    "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings": policies.policy_binding_cells,
    "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations": policies.webhook_cells,
    "admissionregistration.k8s.io/v1/validatingadmissionpolicies": policies.policy_cells,
    "admissionregistration.k8s.io/v1/validatingadmissionpolicybindings": policies.policy_binding_cells,
    "admissionregistration.k8s.io/v1/validatingwebhookconfigurations": policies.webhook_cells,
    "apps/v1/controllerrevisions": workloads.controller_revision_cells,
    "apps/v1/daemonsets": workloads.daemon_set_cells,
    "apps/v1/deployments": workloads.deployment_cells,
    "apps/v1/replicasets": workloads.replica_set_cells,
    "apps/v1/statefulsets": workloads.stateful_set_cells,
    "autoscaling/v1/horizontalpodautoscalers": policies.autoscaler_cells,
    "autoscaling/v2/horizontalpodautoscalers": policies.autoscaler_cells,
    "batch/v1/cronjobs": workloads.cron_job_cells,
    "batch/v1/jobs": workloads.job_cells,
    "coordination.k8s.io/v1/leases": policies.lease_cells,
    "discovery.k8s.io/v1/endpointslices": network.endpoint_slice_cells,
    "events.k8s.io/v1/events": cluster.event_cells,
    "networking.k8s.io/v1/ingressclasses": network.ingress_class_cells,
    "networking.k8s.io/v1/ingresses": network.ingress_cells,
    "networking.k8s.io/v1/ipaddresses": network.address_cells,
    "networking.k8s.io/v1/networkpolicies": network.network_policy_cells,
    "networking.k8s.io/v1/servicecidrs": network.service_range_cells,
    "policy/v1/poddisruptionbudgets": policies.disruption_budget_cells,
    "rbac.authorization.k8s.io/v1/clusterrolebindings": policies.binding_cells,
    "rbac.authorization.k8s.io/v1/rolebindings": policies.binding_cells,
    "scheduling.k8s.io/v1/priorityclasses": policies.priority_class_cells,
    "storage.k8s.io/v1/csidrivers": policies.csi_driver_cells,
    "storage.k8s.io/v1/csinodes": policies.csi_node_cells,
    "storage.k8s.io/v1/storageclasses": policies.storage_class_cells,
    "storage.k8s.io/v1/volumeattachments": policies.attachment_cells,
}


@dataclass(frozen=True, slots=True)
class BuiltinColumns:
    """The columns of one built-in resource."""

    definitions: Sequence[Object]
    make: Cells
    to_stored: Callable[[Object], Object] | None = None
    is_pod: bool = False

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        """The cells of one row, one for each definition."""
        return self.make(self.to_stored(obj) if self.to_stored else obj, now)

    def conditions(self, obj: Object) -> list[Object]:
        """The conditions of the row."""
        return pods.pod_conditions(obj) if self.is_pod else []


def builtin_columns(api_version: str, resource: str, kind: str) -> BuiltinColumns:
    """The columns of a built-in resource; one that cannot be listed has none."""
    name = f"{api_version}/{resource}"
    conversion = CONVERSIONS.get(f"{api_version}/{kind}")
    return BuiltinColumns(
        tuple(recorded("columns")["columns"].get(name, ())),
        CELLS.get(name, created_cells),
        None if conversion is None else conversion.to_stored,
        name == "v1/pods",
    )


def scale_columns() -> BuiltinColumns:
    """The columns of a Scale, the answer of the subresource of that name."""
    return BuiltinColumns(
        tuple(recorded("columns")["columns"]["autoscaling/v1/scale"]), workloads.scale_cells
    )
