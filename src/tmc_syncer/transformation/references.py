"""Where objects name namespaces: the table of the namespace step.

Three sorts of places per kind: fields that hold one namespace name, lists of RBAC subjects, and selectors over
the labels of namespaces. Pods are a kind of their own because every workload kind holds a pod template; the
table says where. All of it is data; `namespaces` walks it, in both directions.

A place that is missing here would let an object point out of its workspace: into a namespace of another
tenant that happens to have the name that the user wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["AFFINITY_TERMS", "NAMES", "POD_SPECS", "SELECTORS", "SUBJECTS", "SYSTEM_NAMESPACES"]

SYSTEM_NAMESPACES: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Never synced: these names mean the target's own namespaces."""

POD_SPECS: Final[Mapping[tuple[str, str], str]] = {
    ("", "pods"): "spec",
    ("", "podtemplates"): "template.spec",
    ("", "replicationcontrollers"): "spec.template.spec",
    ("apps", "daemonsets"): "spec.template.spec",
    ("apps", "deployments"): "spec.template.spec",
    ("apps", "replicasets"): "spec.template.spec",
    ("apps", "statefulsets"): "spec.template.spec",
    ("batch", "cronjobs"): "spec.jobTemplate.spec.template.spec",
    ("batch", "jobs"): "spec.template.spec",
}
"""The pod spec of each workload kind."""

AFFINITY_TERMS: Final = (
    "podAffinity.requiredDuringSchedulingIgnoredDuringExecution.*",
    "podAffinity.preferredDuringSchedulingIgnoredDuringExecution.*.podAffinityTerm",
    "podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.*",
    "podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.*.podAffinityTerm",
)
"""Below ``affinity`` of a pod spec: each has a list ``namespaces`` and a ``namespaceSelector``."""

NAMES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("", "endpoints"): (
        "subsets.*.addresses.*.targetRef.namespace",
        "subsets.*.notReadyAddresses.*.targetRef.namespace",
    ),
    ("discovery.k8s.io", "endpointslices"): ("endpoints.*.targetRef.namespace",),
    ("", "persistentvolumeclaims"): ("spec.dataSourceRef.namespace",),
    ("", "persistentvolumes"): (
        "spec.claimRef.namespace",
        # Secrets that a volume plugin reads with the rights of the cluster.
        "spec.csi.controllerExpandSecretRef.namespace",
        "spec.csi.controllerPublishSecretRef.namespace",
        "spec.csi.nodeExpandSecretRef.namespace",
        "spec.csi.nodePublishSecretRef.namespace",
        "spec.csi.nodeStageSecretRef.namespace",
        "spec.*.secretRef.namespace",
        "spec.azureFile.secretNamespace",
        "spec.glusterfs.endpointsNamespace",
    ),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): (
        "webhooks.*.clientConfig.service.namespace",
    ),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): (
        "webhooks.*.clientConfig.service.namespace",
    ),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"): ("spec.paramRef.namespace",),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): ("spec.paramRef.namespace",),
    ("apiextensions.k8s.io", "customresourcedefinitions"): (
        "spec.conversion.webhook.clientConfig.service.namespace",
    ),
    ("apiregistration.k8s.io", "apiservices"): ("spec.service.namespace",),
}
"""Fields that hold the name of one namespace."""

SUBJECTS: Final[Mapping[tuple[str, str], str]] = {
    ("rbac.authorization.k8s.io", "clusterrolebindings"): "subjects.*",
    ("rbac.authorization.k8s.io", "rolebindings"): "subjects.*",
}
"""RBAC subjects: the namespace of a ServiceAccount, or user and group names that contain one."""

SELECTORS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("networking.k8s.io", "networkpolicies"): (
        "spec.ingress.*.from.*.namespaceSelector",
        "spec.egress.*.to.*.namespaceSelector",
    ),
}
"""Selectors over namespaces, where an absent one means "this namespace only" and stays absent."""
