"""`Kind`: a served type with what the server derives from it once: names, envelopes, and rules that kube-apiserver keeps in code.

The rules are a table of exceptions (`RULES`), probed on kube-apiserver 1.36.3: which types may be replaced without a
resourceVersion, which a PUT may create, which return the object when they are deleted, which leave their dependents
orphaned by default, and what names must look like. What is not in the table follows the common rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tmc_syncer.controlplane.server.encoding import envelope
from tmc_syncer.controlplane.server.served import ServedType, ServedTypes, collection_of
from tmc_syncer.controlplane.server.wording import (
    dns_label_faults,
    dns_subdomain_faults,
    path_segment_faults,
)

__all__ = ["Kind", "Kinds", "Rules"]

MAX_KINDS = 4096
"""Kinds that are remembered; more were made only by CustomResourceDefinitions that changed again and again."""

NameFaults = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is particular about a type."""

    unconditional: bool = True
    """A PUT may come without a resourceVersion."""
    create_on_update: bool = False
    """A PUT of an object that is not there creates it."""
    returns_deleted: bool = False
    """DELETE answers with the object, not with a Status."""
    orphans: bool = False
    """Dependents are orphaned when the client says nothing."""
    status_keeps: str = ""
    """What a write of the status subresource leaves as it was beside the spec: "labels", "metadata", or nothing."""
    annotations_raise_generation: bool = False
    name_faults: NameFaults = dns_subdomain_faults


_COMMON = Rules()
_CUSTOM = Rules(unconditional=False, status_keeps="metadata")
_RETURNED = Rules(returns_deleted=True)
_CONDITIONAL = Rules(unconditional=False)
_CREATED = Rules(create_on_update=True)
_RBAC = Rules(create_on_update=True, name_faults=path_segment_faults)
_LABEL = Rules(name_faults=dns_label_faults)

RULES: dict[str, Rules] = {
    "namespaces": Rules(name_faults=dns_label_faults, returns_deleted=True),
    "pods": _RETURNED,
    "services": Rules(returns_deleted=True, create_on_update=True, name_faults=dns_label_faults),
    "endpoints": _CREATED,
    "limitranges": _CREATED,
    "events": Rules(create_on_update=True, name_faults=path_segment_faults),
    "events.events.k8s.io": Rules(create_on_update=True, name_faults=path_segment_faults),
    "serviceaccounts": _RETURNED,
    "persistentvolumes": _RETURNED,
    "persistentvolumeclaims": _RETURNED,
    "podtemplates": _RETURNED,
    "resourcequotas": _RETURNED,
    "replicationcontrollers": Rules(orphans=True),
    "statefulsets.apps": _LABEL,
    "jobs.batch": Rules(orphans=True),
    "deployments.apps": Rules(annotations_raise_generation=True, status_keeps="labels"),
    "poddisruptionbudgets.policy": Rules(unconditional=False, name_faults=path_segment_faults),
    "leases.coordination.k8s.io": Rules(unconditional=False, create_on_update=True),
    "storageclasses.storage.k8s.io": _RETURNED,
    "csidrivers.storage.k8s.io": Rules(unconditional=False, returns_deleted=True),
    "csinodes.storage.k8s.io": Rules(unconditional=False, returns_deleted=True),
    "volumeattachments.storage.k8s.io": Rules(
        unconditional=False, returns_deleted=True, status_keeps="metadata"
    ),
    "runtimeclasses.node.k8s.io": Rules(unconditional=False, create_on_update=True),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _CONDITIONAL,
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _CONDITIONAL,
    "customresourcedefinitions.apiextensions.k8s.io": _CONDITIONAL,
    "apiservices.apiregistration.k8s.io": _CONDITIONAL,
    "roles.rbac.authorization.k8s.io": _RBAC,
    "rolebindings.rbac.authorization.k8s.io": _RBAC,
    "clusterroles.rbac.authorization.k8s.io": _RBAC,
    "clusterrolebindings.rbac.authorization.k8s.io": _RBAC,
}


class Kind:
    """See the module."""

    __slots__ = (
        "collection",
        "envelope",
        "field_names",
        "group",
        "item_envelope",
        "kind",
        "list_envelope",
        "resource",
        "rules",
        "served",
        "version",
    )

    def __init__(self, served: ServedType) -> None:
        self.served = served
        self.group = served.group
        self.resource = served.resource
        self.kind = served.kind
        self.version = served.group_version
        self.collection = collection_of(served)
        self.rules = RULES.get(served.name, _CUSTOM if served.custom else _COMMON)
        self.envelope = envelope(served.kind, self.version)
        self.item_envelope = self.envelope if served.custom else b"{"
        self.list_envelope = envelope(served.list_kind, self.version)
        self.field_names = frozenset({"metadata.name", *served.field_labels({"metadata": {}})}) | (
            {"metadata.namespace"} if served.namespaced else set()
        )

    def prefix(self, cluster: str, namespace: str = "") -> str:
        """The prefix of all keys of a namespace, a cluster, or (cluster ``*``) of all."""
        if cluster == "*":
            return ""
        return f"{cluster}/{namespace}/" if namespace else f"{cluster}/"

    def key(self, cluster: str, namespace: str, name: str) -> str:
        """The key of one object."""
        return f"{cluster}/{namespace}/{name}" if self.served.namespaced else f"{cluster}/{name}"


class Kinds:
    """The kinds of one server, made when they are first asked for and again when their type changed."""

    def __init__(self, types: ServedTypes) -> None:
        self._types = types
        self._known: dict[int, Kind] = {}
        self._preferred: dict[str, str] = {}

    def find(self, cluster: str, group: str, version: str, resource: str) -> Kind | None:
        """The kind, None when the cluster does not serve it."""
        served = self._types.find(cluster, group, version, resource)
        return None if served is None else self.of(served)

    def preferred(self, cluster: str, name: str) -> Kind | None:
        """The first served version of ``deployments.apps`` or ``pods``, None when the cluster has no such type."""
        resource, _, group = name.partition(".")
        version = self._preferred.get(name)
        if version is not None and (found := self.find(cluster, group, version, resource)) is not None:
            return found
        for served in self._types.all(cluster):
            if served.resource == resource and served.group == group:
                self._preferred[name] = served.version
                return self.of(served)
        return None

    def of(self, served: ServedType) -> Kind:
        """The kind of a type."""
        found = self._known.get(id(served))
        if found is None or found.served is not served:
            if len(self._known) >= MAX_KINDS:
                self._known.clear()
            found = self._known[id(served)] = Kind(served)
        return found
