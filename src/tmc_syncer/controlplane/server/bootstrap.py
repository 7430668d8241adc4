"""What a cluster has from its first moment: its namespaces, the default roles, and the Service by which pods find the API server.

Only what is missing is made, so that a restart leaves alone what somebody changed. A workspace has the namespace ``default``, a
cluster those of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable

from tmc_syncer.controlplane.server.local import Local
from tmc_syncer.controlplane.server.served import Object

__all__ = ["bootstrap"]

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
MANAGER = "kube-apiserver"

API_SERVICE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "kubernetes",
        "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"},
    },
    "spec": {
        "type": "ClusterIP",
        "clusterIP": "10.96.0.1",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
    },
}


def bootstrap(local: Local, roles: Iterable[tuple[str, Object]], *, workspace: bool) -> None:
    """Make what is missing in the cluster of `local`; `roles` are objects with their resources."""
    for name in NAMESPACES[:1] if workspace else NAMESPACES:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        _ensure(local, "namespaces", namespace)
    for resource, role in roles:
        _ensure(local, f"{resource}.rbac.authorization.k8s.io", role)
    if not workspace:
        _ensure(local, "services", API_SERVICE)


def _ensure(local: Local, resource: str, obj: Object) -> None:
    metadata = obj["metadata"]
    if not local.serves(resource) or local.get(resource, metadata["name"], metadata.get("namespace", "")):
        return
    local.create(resource, obj, manager=MANAGER)
