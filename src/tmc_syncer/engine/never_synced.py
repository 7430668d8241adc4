"""`NeverSynced`: the filter for what belongs to each cluster itself (semantics.md, "Names downstream"). Pure.

- ConfigMap ``kube-root-ca.crt``, each cluster's own certificate authority; Service ``kubernetes`` in ``default`` and its
  endpoints, each cluster's own API server.
- The namespaces ``kube-system``, ``kube-public``, ``kube-node-lease`` and all in them; Events and Leases.
- What a controller makes that the target runs itself: made upstream too, it would be there twice.
- ServiceAccount ``default`` is each namespace's own: it is synced (its imagePullSecrets are applied to the one that is
  there) but never deleted by us.
"""

from __future__ import annotations

from dataclasses import dataclass

from tmc_syncer.api.objects import OwnerReference, Record
from tmc_syncer.api.resources import Key, ResourceInfo
from tmc_syncer.engine.filters import Answer

__all__ = ["NeverSynced"]

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})

TYPES = {
    "events": "Events are mirrored from the target, never sent to it",
    "events.events.k8s.io": "Events are mirrored from the target, never sent to it",
    "leases.coordination.k8s.io": "a Lease means something only in the cluster that holds it",
}

MADE_BY_ANY_CONTROLLER = frozenset(
    {"controllerrevisions.apps", "endpointslices.discovery.k8s.io", "pods", "replicasets.apps"}
)
"""With a controller ownerReference, whoever it is, these are made by that controller anew on the target."""

WORKLOAD_CONTROLLERS = frozenset(
    {
        ("", "Endpoints"),
        ("", "ReplicationController"),
        ("", "Service"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("batch", "CronJob"),
        ("batch", "Job"),
    }
)
"""Owners whose controllers every cluster runs: whatever they control (the Jobs of a CronJob, say) they make themselves."""

ENDPOINTS_MANAGED_BY = {
    "endpoints": "endpoints.kubernetes.io/managed-by",
    "endpointslices.discovery.k8s.io": "endpointslice.kubernetes.io/managed-by",
}
"""Labels by which the endpoint controllers mark what they write; endpoints that a user wrote carry none of theirs."""

ENDPOINTS_CONTROLLERS = frozenset(
    {
        "endpoint-controller",
        "endpointslice-controller.k8s.io",
        "endpointslicemirroring-controller.k8s.io",
    }
)


@dataclass(frozen=True)
class NeverSynced:
    """See the module docstring."""

    name: str = "never-synced"
    priority: int = 1000

    def should_sync(self, record: Record, info: ResourceInfo) -> Answer:
        """None, or why the object stays in its cluster."""
        resource, meta = info.gvr.group_resource, record.meta
        if resource in TYPES:
            return TYPES[resource]
        namespace = meta.name if resource == "namespaces" else meta.namespace
        if namespace in SYSTEM_NAMESPACES:
            return f"namespace {namespace} is each cluster's own"
        if resource == "configmaps" and meta.name == "kube-root-ca.crt":
            return "kube-root-ca.crt is each cluster's own"
        if meta.namespace == "default" and _is_api_server(record, resource):
            return "the address of the API server is each cluster's own"
        return _made_by_controller(record, resource)

    def should_delete(self, key: Key, info: ResourceInfo) -> Answer:
        """None, or why the copy stays."""
        if info.gvr.group_resource == "serviceaccounts" and key.name == "default":
            return "ServiceAccount default belongs to its namespace"
        return None


def _is_api_server(record: Record, resource: str) -> bool:
    if resource in {"services", "endpoints"}:
        return record.meta.name == "kubernetes"
    return (
        resource == "endpointslices.discovery.k8s.io"
        and record.meta.label("kubernetes.io/service-name") == "kubernetes"
    )


def _made_by_controller(record: Record, resource: str) -> str | None:
    for owner in record.meta.owner_references or ():
        if owner.controller and (
            resource in MADE_BY_ANY_CONTROLLER or _group_kind(owner) in WORKLOAD_CONTROLLERS
        ):
            return f"made by the controller of {owner.kind} {owner.name}, which the target runs itself"
    label = ENDPOINTS_MANAGED_BY.get(resource)
    if label is not None and (manager := record.meta.label(label)) in ENDPOINTS_CONTROLLERS:
        return f"made by {manager}, which the target runs itself"
    return None


def _group_kind(owner: OwnerReference) -> tuple[str, str]:
    group, slash, _ = owner.api_version.partition("/")
    return (group if slash else "", owner.kind)
