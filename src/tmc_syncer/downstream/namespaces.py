"""Downstream namespaces: which one an upstream namespace maps to, and what it has to look like.

The mapping is found, in this order: an existing namespace that carries our locator; the readable name, when
nothing stands there; the hashed name. A namespace without our locator is never touched. A locator that differs
from ours only in the SyncTarget's uid is the same place: the SyncTarget was re-created, and the locator is
refreshed by the next apply.

Pure: the caller gives the namespaces that carry our locator and asks what stands under a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tmc_syncer.api.locator import Locator, downstream_namespace, hashed_namespace, parse_locator
from tmc_syncer.api.names import (
    DOWNSTREAM_CLUSTER_LABEL,
    MANAGED_LABEL,
    NAMESPACE_LOCATOR,
    POD_SECURITY_ENFORCE,
    SOURCE_NAME,
    SOURCE_UID,
    SYNC_TARGET_LABEL,
    TENANT_LABEL,
    WORKSPACE_LABEL,
    label_value,
)
from tmc_syncer.api.objects import Meta, Record
from tmc_syncer.sync.facts import Namespace
from tmc_syncer.transformation.domains import of_user

__all__ = ["NamespacePlace", "desired_namespace", "is_bookkeeping", "locator_of", "place"]

_OF_THE_CLUSTER = (
    "kubernetes.io/",
    "pod-security.kubernetes.io/",
)  # a user's would overrule the cluster's owner

# Objects that a cluster puts into each namespace or next to each Service by itself: groups, and the name if only one.
_OF_SERVICE_ACCOUNT = "kubernetes.io/service-account.name"
_BOOKKEEPING = {
    "ServiceAccount": (("",), "default"),
    "ConfigMap": (("",), "kube-root-ca.crt"),
    "Event": (("", "events.k8s.io"), ""),
    "Lease": (("coordination.k8s.io",), ""),
    "Endpoints": (("",), ""),
    "EndpointSlice": (("discovery.k8s.io",), ""),
}


@dataclass(frozen=True, slots=True)
class NamespacePlace:
    """Where the objects of one upstream namespace go: the name, its state, and the namespace if it is there."""

    name: str
    state: Namespace
    record: Record | None = None


def locator_of(meta: Meta) -> Locator | None:
    """The locator that a namespace carries, None when it has none that can be read."""
    return parse_locator(meta.annotation(NAMESPACE_LOCATOR))


def place(
    locator: Locator, carriers: list[Record], standing: Callable[[str], Record | None], *, readable: bool
) -> NamespacePlace:
    """Find the downstream namespace of `locator`.

    Args:
        locator: what it stands for.
        carriers: namespaces whose locator is of the same place; more than one only after a mishap (the oldest wins).
        standing: the namespace under a name, None when there is none.
        readable: `SyncTarget.spec.namespaceNaming` is Readable.
    """
    if carriers:
        record = min(carriers, key=lambda r: (r.meta.creation_timestamp or "", r.meta.name))
        state = Namespace.TERMINATING if record.meta.deleting else Namespace.READY
        return NamespacePlace(record.meta.name, state, record)
    name = downstream_namespace(locator, readable=readable)
    if standing(name) is not None:
        name = hashed_namespace(locator)
    taken = standing(name)
    return NamespacePlace(name, Namespace.ABSENT if taken is None else Namespace.FOREIGN, taken)


def desired_namespace(name: str, locator: Locator, upstream: Meta, *, pod_security: str) -> dict[str, Any]:
    """The namespace as we apply it: locator, tenant, our labels, and the user's own labels and annotations."""
    labels = _of_user(upstream.labels)
    labels |= {
        DOWNSTREAM_CLUSTER_LABEL: locator.sync_target.key,
        SYNC_TARGET_LABEL: label_value(locator.sync_target.name),
        WORKSPACE_LABEL: label_value(locator.cluster),
        MANAGED_LABEL: "true",
        TENANT_LABEL: locator.tenant,
    }
    if pod_security:
        labels[POD_SECURITY_ENFORCE] = pod_security
    annotations = _of_user(upstream.annotations)
    annotations |= {
        NAMESPACE_LOCATOR: locator.encode(),
        SOURCE_UID: upstream.uid,
        SOURCE_NAME: f"/{upstream.name}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
    }


def is_bookkeeping(kind: str, meta: Meta, *, group: str) -> bool:
    """Whether the cluster itself put the object there, so that it does not keep a namespace alive.

    `group` is that of the type: custom types may be called Event or Lease too. A Secret counts when it is a
    service account's token, which its annotation tells (the type is not part of the metadata).
    """
    if kind == "Secret" and not group:
        return meta.annotation(_OF_SERVICE_ACCOUNT) is not None
    groups, only = _BOOKKEEPING.get(kind, ((), ""))
    return group in groups and only in ("", meta.name)


def _of_user(entries: dict[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in of_user(entries).items() if not name.startswith(_OF_THE_CLUSTER)}
