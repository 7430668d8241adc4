"""The small world in which transformations are tested: one target, one workspace, types, goldens, strategies.

Namespace `shop` of workspace `1a2b3c` stands downstream as `kcp-1a2b3c-shop`; every namespace of it maps likewise, and a
name that is mapped already stays. An owner is known when its upstream uid starts with `known`, on its way when it starts
with `waiting`. A golden is a pair of files below tests/data/transformation: what stands upstream, and its copy (or why there
is none). `TMC_UPDATE_GOLDENS=1` writes the second ones anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tmc_syncer.api.locator import Locator, TargetReference
from tmc_syncer.api.objects import OwnerReference, Record, decode_record, encode_json
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.transformation.context import Context, Desired, OwnerState
from tmc_syncer.transformation.pipeline import down

GOLDENS = Path(__file__).parents[2] / "data" / "transformation"
CLUSTER = "1a2b3c"
TARGET = TargetReference("root", "eu-1", "5ca1ab1e")
PREFIX = f"kcp-{CLUSTER}-"


def info(resource: str, kind: str, *, namespaced: bool = True) -> ResourceInfo:
    """Make a type from `deployments.v1.apps`."""
    plural, version, group = resource.split(".", 2)
    return ResourceInfo(GVR(group, version, plural), kind, namespaced)


TYPES = {
    kind: info(resource, kind)
    for kind, resource in {
        "ConfigMap": "configmaps.v1.",
        "CronJob": "cronjobs.v1.batch",
        "DaemonSet": "daemonsets.v1.apps",
        "Deployment": "deployments.v1.apps",
        "EndpointSlice": "endpointslices.v1.discovery.k8s.io",
        "Endpoints": "endpoints.v1.",
        "HorizontalPodAutoscaler": "horizontalpodautoscalers.v1.autoscaling",
        "Ingress": "ingresses.v1.networking.k8s.io",
        "Job": "jobs.v1.batch",
        "NetworkPolicy": "networkpolicies.v1.networking.k8s.io",
        "PersistentVolumeClaim": "persistentvolumeclaims.v1.",
        "Pod": "pods.v1.",
        "PodTemplate": "podtemplates.v1.",
        "ReplicaSet": "replicasets.v1.apps",
        "ReplicationController": "replicationcontrollers.v1.",
        "RoleBinding": "rolebindings.v1.rbac.authorization.k8s.io",
        "Secret": "secrets.v1.",
        "Service": "services.v1.",
        "ServiceAccount": "serviceaccounts.v1.",
        "StatefulSet": "statefulsets.v1.apps",
        "Widget": "widgets.v1.example.com",
    }.items()
} | {
    kind: info(resource, kind, namespaced=False)
    for kind, resource in {
        "APIService": "apiservices.v1.apiregistration.k8s.io",
        "ClusterRole": "clusterroles.v1.rbac.authorization.k8s.io",
        "ClusterRoleBinding": "clusterrolebindings.v1.rbac.authorization.k8s.io",
        "CustomResourceDefinition": "customresourcedefinitions.v1.apiextensions.k8s.io",
        "Namespace": "namespaces.v1.",
        "PersistentVolume": "persistentvolumes.v1.",
        "StorageClass": "storageclasses.v1.storage.k8s.io",
        "ValidatingWebhookConfiguration": "validatingwebhookconfigurations.v1.admissionregistration.k8s.io",
    }.items()
}


def namespace_of(name: str) -> str:
    return name if name.startswith(PREFIX) else PREFIX + name


def namespace_from(name: str) -> str | None:
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def owner_uid(reference: OwnerReference, _namespace: str) -> OwnerState:
    if reference.uid.startswith("known"):
        return OwnerState.known(f"downstream-{reference.uid}")
    return OwnerState.wait() if reference.uid.startswith("waiting") else OwnerState.drop()


def owner_from(reference: OwnerReference, _namespace: str) -> OwnerState:
    if reference.uid.startswith("downstream-"):
        return OwnerState.known(reference.uid.removeprefix("downstream-"))
    return OwnerState.drop()


def context(kind: ResourceInfo, namespace: str = "shop", *, trusted: bool = False, **more: Any) -> Context:
    """The context of an object in an upstream namespace of the workspace."""
    inside = namespace if kind.namespaced else ""
    values: dict[str, Any] = {
        "key": TARGET.key,
        "target": TARGET.name,
        "locator": Locator(TARGET, CLUSTER, inside),
        "namespace": namespace_of(inside) if inside else "",
        "namespace_of": namespace_of,
        "namespace_from": namespace_from,
        "owner_uid": owner_uid,
        "owner_from": owner_from,
        "cluster_scoped": trusted,
        "info": kind,
    }
    return Context(**(values | more))


def record(obj: dict[str, Any]) -> Record:
    """An object as a cache holds it."""
    return decode_record(encode_json(obj), cluster=CLUSTER)


def desired(obj: dict[str, Any], *, trusted: bool = True, **options: Any) -> Desired:
    """Run the whole pipeline over an upstream object."""
    kind = TYPES[obj["kind"]]
    return down(record(obj), kind, context(kind, trusted=trusted), **options)


def sample(kind: str, **fields: Any) -> dict[str, Any]:
    """A small upstream object of a kind; `metadata` is added to, not replaced."""
    type_ = TYPES[kind]
    metadata = {"name": "web", "uid": "0b3c", "resourceVersion": "1", **fields.pop("metadata", {})}
    if type_.namespaced:
        metadata.setdefault("namespace", "shop")
    return {"apiVersion": type_.gvr.api_version, "kind": kind, "metadata": metadata, **fields}


def golden_cases(*rules: str) -> list[str]:
    """Names of the goldens of some rules, for parametrize."""
    return sorted(
        f"{rule}/{path.name.removesuffix('.input.yaml')}"
        for rule in rules
        for path in (GOLDENS / rule).glob("*.input.yaml")
    )


def check_golden(case: str) -> None:
    """Compare what the pipeline makes of a golden's input with its output."""
    given = yaml.safe_load((GOLDENS / f"{case}.input.yaml").read_text())
    answer = outcome(desired(given, trusted=not case.startswith("refusals/")))
    path = GOLDENS / f"{case}.output.yaml"
    if os.environ.get("TMC_UPDATE_GOLDENS"):
        path.write_text(yaml.safe_dump(answer, sort_keys=False, width=110))
    assert answer == yaml.safe_load(path.read_text())


def outcome(answer: Desired) -> dict[str, Any]:
    """What a golden's output holds: the copy, or the exclusion; with what else is to be known of it."""
    if answer.excluded is not None:
        return {"excluded": msgspec.to_builtins(answer.excluded)}
    notes = {
        name: True
        for name, holds in (("partial", answer.partial), ("waitingForOwner", answer.waiting_for_owner))
        if holds
    }
    return {"notes": notes, "copy": answer.object} if notes else answer.object
