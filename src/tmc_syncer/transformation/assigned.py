"""What a server assigns, kind by kind: the table of the cleaning step.

Each rule names a place in the upstream object, what is removed there, and who wrote it. A value that a server
*defaulted* is part of the object and stays (the target would choose the same); a value that a server, a
controller or an admission plugin *assigned* for this one cluster must not travel: a cluster IP, a node, the
uid of another object. Where both look alike the table says which way it goes and why.

The table is data; `cleaning` applies it. Conditions are small functions over the value, the object or the
context. Sources: the registry strategies and admission plugins of kube-apiserver 1.36.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tmc_syncer.api.names import NAMESPACE_NAME_LABEL, PRESERVE_NODE_PORTS
from tmc_syncer.transformation.context import Context

__all__ = ["ASSIGNED", "Entries", "Field", "Items", "Rule"]


def _always(_obj: dict[str, Any], _ctx: Context) -> bool:
    return True


def _any_value(_value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Field:
    """Remove the field at `path` if its value is one that the server gives."""

    path: str
    why: str
    value: Callable[[Any], bool] = _any_value
    when: Callable[[dict[str, Any], Context], bool] = _always


@dataclass(frozen=True, slots=True)
class Entries:
    """Remove entries of the map of strings at `path` by exact name or prefix, and the map once it is empty."""

    path: str
    why: str
    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    when: Callable[[dict[str, Any], Context], bool] = _always


@dataclass(frozen=True, slots=True)
class Items:
    """Remove items of the list at `path` that the server put there, and the list once it is empty."""

    path: str
    why: str
    item: Callable[[dict[str, Any]], bool]
    when: Callable[[dict[str, Any], Context], bool] = _always


Rule = Field | Entries | Items

_TOKEN_VOLUME = re.compile(
    r"kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}"
)  # as the API server makes names
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105
_NODE_TAINTS = frozenset({"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"})
_DEFAULT_TOLERATION_SECONDS = 300

_JOB_LABELS = frozenset(
    {"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"}
)
_TRIGGER_TIME = frozenset({"endpoints.kubernetes.io/last-change-trigger-time"})
_REVISION = ("deployment.kubernetes.io/",)


def _spec(obj: dict[str, Any]) -> dict[str, Any]:
    spec = obj.get("spec")
    return spec if isinstance(spec, dict) else {}


def _auto_selector(obj: dict[str, Any], _ctx: Context) -> bool:
    return _spec(obj).get("manualSelector") is not True


def _single_stack(obj: dict[str, Any], _ctx: Context) -> bool:
    return _spec(obj).get("ipFamilyPolicy") == "SingleStack"


def _ports_are_free(_obj: dict[str, Any], ctx: Context) -> bool:
    return ctx.source.annotation(PRESERVE_NODE_PORTS) != "true"


def _aggregated(obj: dict[str, Any], _ctx: Context) -> bool:
    return "aggregationRule" in obj


def _not_headless(value: Any) -> bool:
    return value not in ("None", ["None"])


def _is_token_volume(item: dict[str, Any]) -> bool:
    return bool(_TOKEN_VOLUME.fullmatch(str(item.get("name")))) and "projected" in item


def _is_token_mount(item: dict[str, Any]) -> bool:
    return bool(_TOKEN_VOLUME.fullmatch(str(item.get("name")))) and item.get("mountPath") == _TOKEN_PATH


def _is_default_toleration(item: dict[str, Any]) -> bool:
    return (
        item.get("key") in _NODE_TAINTS
        and item.get("operator") == "Exists"
        and item.get("effect") == "NoExecute"
        and item.get("tolerationSeconds") == _DEFAULT_TOLERATION_SECONDS
    )


_POD: Final[tuple[Rule, ...]] = (
    Field("spec.nodeName", "scheduler"),
    Field("spec.priority", "admission Priority: refuses any number but the one that it computes"),
    Field("spec.preemptionPolicy", "admission Priority, likewise"),
    Field("spec.overhead", "admission RuntimeClass: refuses any value but the class's own"),
    Field("spec.ephemeralContainers", "subresource ephemeralcontainers; refused on create"),
    Items("spec.volumes", "admission ServiceAccount", _is_token_volume),
    Items("spec.containers.*.volumeMounts", "admission ServiceAccount", _is_token_mount),
    Items("spec.initContainers.*.volumeMounts", "admission ServiceAccount", _is_token_mount),
    Items("spec.tolerations", "admission DefaultTolerationSeconds", _is_default_toleration),
    Entries("metadata.annotations", "admission LimitRanger", frozenset({"kubernetes.io/limit-ranger"})),
)

_SERVICE: Final[tuple[Rule, ...]] = (
    Field("spec.clusterIP", "IP allocator", _not_headless),
    Field("spec.clusterIPs", "IP allocator", _not_headless),
    Field("spec.ports.*.nodePort", "port allocator", when=_ports_are_free),
    Field("spec.healthCheckNodePort", "port allocator", when=_ports_are_free),
    # SingleStack is what the server gives to everything that does not ask for more; the family is the cluster's.
    Field("spec.ipFamilies", "IP allocator", when=_single_stack),
    Field("spec.ipFamilyPolicy", "IP allocator", when=_single_stack),
)

_JOB: Final[tuple[Rule, ...]] = (
    Field("spec.selector", "job strategy", when=_auto_selector),
    Entries("spec.template.metadata.labels", "job strategy", _JOB_LABELS, when=_auto_selector),
    # A Job without labels is shown with those of its template.
    Entries("metadata.labels", "defaulting of batch/v1", _JOB_LABELS, when=_auto_selector),
    Entries(
        "metadata.annotations", "job strategy up to 1.26", frozenset({"batch.kubernetes.io/job-tracking"})
    ),
)

_VOLUME_ANNOTATIONS = (
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.alpha.kubernetes.io/",
    # Not the whole of volume.beta.kubernetes.io/: its storage-class is how users once chose a class.
    "volume.beta.kubernetes.io/storage-provisioner",
)

_CLAIM: Final[tuple[Rule, ...]] = (
    Field("spec.volumeName", "persistent volume binder"),
    Entries("metadata.annotations", "persistent volume binder", prefixes=_VOLUME_ANNOTATIONS),
)

_VOLUME: Final[tuple[Rule, ...]] = (
    Field("spec.claimRef.uid", "persistent volume binder"),
    Field("spec.claimRef.resourceVersion", "persistent volume binder"),
    # Only this one: provisioned-by and the deletion secret are needed to delete the volume.
    Entries(
        "metadata.annotations",
        "persistent volume binder: would make the claimRef removable",
        frozenset({"pv.kubernetes.io/bound-by-controller"}),
    ),
)

_AUTOSCALER: Final[tuple[Rule, ...]] = (
    # Status in annotations, shown in autoscaling/v1 only: it changes all the time.
    Entries(
        "metadata.annotations",
        "conversion to autoscaling/v1",
        frozenset(
            {"autoscaling.alpha.kubernetes.io/conditions", "autoscaling.alpha.kubernetes.io/current-metrics"}
        ),
    ),
)

ASSIGNED: Final[Mapping[tuple[str, str], tuple[Rule, ...]]] = {
    ("", "pods"): _POD,
    ("", "services"): _SERVICE,
    ("", "persistentvolumeclaims"): _CLAIM,
    ("", "persistentvolumes"): _VOLUME,
    ("", "serviceaccounts"): (Field("secrets", "token controller"),),
    ("", "endpoints"): (
        Entries("metadata.annotations", "endpoints controller", _TRIGGER_TIME),
        Field("subsets.*.addresses.*.targetRef.uid", "uid of an upstream pod"),
        Field("subsets.*.addresses.*.targetRef.resourceVersion", "version of an upstream pod"),
        Field("subsets.*.notReadyAddresses.*.targetRef.uid", "uid of an upstream pod"),
        Field("subsets.*.notReadyAddresses.*.targetRef.resourceVersion", "version of an upstream pod"),
    ),
    ("discovery.k8s.io", "endpointslices"): (
        Entries("metadata.annotations", "endpoints controller", _TRIGGER_TIME),
        Field("endpoints.*.targetRef.uid", "uid of an upstream pod"),
        Field("endpoints.*.targetRef.resourceVersion", "version of an upstream pod"),
    ),
    ("", "namespaces"): (
        Entries("metadata.labels", "namespace strategy", frozenset({NAMESPACE_NAME_LABEL})),
        Field("spec", "namespace strategy: its finalizers"),
    ),
    ("apps", "deployments"): (Entries("metadata.annotations", "deployment controller", prefixes=_REVISION),),
    ("apps", "replicasets"): (Entries("metadata.annotations", "deployment controller", prefixes=_REVISION),),
    ("apps", "daemonsets"): (
        Entries(
            "metadata.annotations",
            "conversion from apps/v1",
            frozenset({"deprecated.daemonset.template.generation"}),
        ),
    ),
    ("apps", "statefulsets"): (Field("spec.volumeClaimTemplates.*.status", "defaulting of apps/v1"),),
    ("batch", "jobs"): _JOB,
    ("autoscaling", "horizontalpodautoscalers"): _AUTOSCALER,
    ("rbac.authorization.k8s.io", "clusterroles"): (
        Field("rules", "cluster role aggregation", when=_aggregated),
    ),
}
"""Rules by (group, resource), applied in this order; types that are not here have nothing of the kind."""
