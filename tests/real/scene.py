"""A scene: an upstream, a physical cluster and an agent between them, with the questions that the tests ask.

`Scene.copy` finds a copy by its marks, never by guessing its namespace. Manifests are kept small; what matters
in each is in the test that uses it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.polling import eventually

ALL_TYPES = tuple(
    GVR(*name)
    for name in (
        ("apps", "v1", "deployments"),
        ("apps", "v1", "statefulsets"),
        ("apps", "v1", "daemonsets"),
        ("apps", "v1", "replicasets"),
        ("batch", "v1", "jobs"),
        ("batch", "v1", "cronjobs"),
        ("", "v1", "pods"),
        ("", "v1", "services"),
        ("", "v1", "configmaps"),
        ("", "v1", "secrets"),
        ("", "v1", "serviceaccounts"),
        ("", "v1", "persistentvolumeclaims"),
        ("networking.k8s.io", "v1", "ingresses"),
        ("networking.k8s.io", "v1", "networkpolicies"),
        ("autoscaling", "v2", "horizontalpodautoscalers"),
        ("policy", "v1", "poddisruptionbudgets"),
        ("discovery.k8s.io", "v1", "endpointslices"),
    )
)
"""What the agent of the shared scene syncs: every built-in type that a workload needs."""

OWN_AGENT = "test-agent"
"""Label of upstream namespaces that the shared agent leaves to an agent of the test; the value is the test's choice."""

MARKED_KINDS = (
    *(f"{gvr.resource}.{gvr.group}".rstrip(".") for gvr in ALL_TYPES if gvr.resource != "endpointslices"),
)
"""What may be a copy; EndpointSlices get the labels of their Service, ours too, from the cluster itself."""

COPY_LABEL = "internal.workload.kcp.io/cluster"
LOCATOR = "kcp.io/namespace-locator"
FINALIZER_PREFIX = "workload.kcp.io/syncer-"
Manifest = dict[str, Any]


@dataclass
class Scene:
    """Two clusters and an agent."""

    upstream: ControlPlane
    downstream: ControlPlane
    agent: AgentProcess

    def namespace(self, name: str = "", **labels: str) -> str:
        """A new upstream namespace."""
        name = name or f"shop-{uuid.uuid4().hex[:8]}"
        self.upstream.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        )
        return name

    def downstream_namespace(self, namespace: str) -> str | None:
        """The downstream namespace that carries the locator of an upstream one, None when there is none."""
        for found in self.downstream.list_objects("Namespace"):
            text = found["metadata"].get("annotations", {}).get(LOCATOR)
            if text and json.loads(text)["namespace"] == namespace and self._is_mine(json.loads(text)):
                return str(found["metadata"]["name"])
        return None

    def _is_mine(self, locator: dict[str, Any]) -> bool:
        return bool(locator["syncTarget"]["name"] == self.agent.target)

    def copy(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """The downstream object under the copy's name, None when there is none."""
        place = self.downstream_namespace(namespace)
        return None if place is None else self.downstream.get(kind, name, place)

    def wait_copy(self, kind: str, namespace: str, name: str, timeout: float = 30.0) -> Manifest:
        """Wait until the copy stands."""
        found = eventually(
            lambda: self.copy(kind, namespace, name), timeout, message=f"a copy of {kind} {namespace}/{name}"
        )
        assert found is not None
        return found

    def wait_no_copy(self, kind: str, namespace: str, name: str, timeout: float = 30.0) -> None:
        """Wait until no copy stands."""
        eventually(
            lambda: self.copy(kind, namespace, name) is None,
            timeout,
            message=f"no copy of {kind} {namespace}/{name}",
        )

    def marked(self, namespace: str) -> set[str]:
        """Everything (``Kind/name``) in the downstream namespace of `namespace` that carries the mark of a copy."""
        place = self.downstream_namespace(namespace)
        if place is None:
            return set()
        return {
            f"{kind}/{found['metadata']['name']}"
            for kind in MARKED_KINDS
            for found in self.downstream.list_objects(kind, place, label_selector=COPY_LABEL)
        }

    def conflicts(self) -> float:
        """How many conflicts the agent has counted."""
        lines = self.agent.read("/metrics").decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("tmc_conflicts_total"))

    def finalizers(self, kind: str, namespace: str | None, name: str) -> list[str]:
        """Our finalizers on an upstream object."""
        found = self.upstream.get(kind, name, namespace)
        if found is None:
            return []
        return [f for f in found["metadata"].get("finalizers", []) if f.startswith(FINALIZER_PREFIX)]


def config_map(namespace: str, name: str = "settings", **data: str) -> Manifest:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data or {"colour": "green"},
    }


def deployment(namespace: str, name: str = "web", replicas: int = 2) -> Manifest:
    """A Deployment of pods that kwok runs."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [
                        {"name": "web", "image": "example.com/web:1", "env": [{"name": "MODE", "value": "a"}]}
                    ]
                },
            },
        },
    }


def pod(namespace: str, name: str = "lonely") -> Manifest:
    """A bare Pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    }
