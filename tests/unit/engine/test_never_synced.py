from __future__ import annotations

import pytest

from tests.unit.engine.records import key, record
from tmc_syncer.api.objects import OwnerReference
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.engine.filters import FilterChain
from tmc_syncer.engine.never_synced import NeverSynced


def info(resource: str) -> ResourceInfo:
    name, _, group = resource.partition(".")
    return ResourceInfo(GVR(group, "v1", name), "Kind", namespaced=True)


def owner(api_version: str, kind: str, *, controller: bool | None = True) -> tuple[OwnerReference, ...]:
    return (OwnerReference(api_version, kind, "web", "uid", controller),)


KEPT = [
    ("configmaps", record("kube-root-ca.crt", namespace="shop")),
    ("services", record("kubernetes")),
    ("endpoints", record("kubernetes")),
    (
        "endpointslices.discovery.k8s.io",
        record("kubernetes-x", labels={"kubernetes.io/service-name": "kubernetes"}),
    ),
    ("configmaps", record("any", namespace="kube-system")),
    ("secrets", record("any", namespace="kube-public")),
    ("leases.coordination.k8s.io", record("node-1", namespace="kube-node-lease")),
    ("namespaces", record("kube-system", namespace="")),
    ("events", record("e", namespace="shop")),
    ("events.events.k8s.io", record("e", namespace="shop")),
    ("leases.coordination.k8s.io", record("l", namespace="shop")),
    ("replicasets.apps", record("web-1", owner_references=owner("apps/v1", "Deployment"))),
    ("pods", record("web-1-x", owner_references=owner("apps/v1", "ReplicaSet"))),
    ("pods", record("x", owner_references=owner("example.com/v1", "Database"))),
    ("controllerrevisions.apps", record("web-1", owner_references=owner("apps/v1", "StatefulSet"))),
    ("endpointslices.discovery.k8s.io", record("web-x", owner_references=owner("v1", "Service"))),
    ("jobs.batch", record("nightly-1", owner_references=owner("batch/v1", "CronJob"))),
    ("endpoints", record("web", labels={"endpoints.kubernetes.io/managed-by": "endpoint-controller"})),
    (
        "endpointslices.discovery.k8s.io",
        record("w", labels={"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}),
    ),
]

SYNCED = [
    ("configmaps", record("settings")),
    ("configmaps", record("kubernetes")),
    ("services", record("kubernetes", namespace="shop")),
    ("namespaces", record("shop", namespace="")),
    ("serviceaccounts", record("default", namespace="shop")),
    ("pods", record("bare")),
    ("pods", record("x", owner_references=owner("apps/v1", "ReplicaSet", controller=None))),
    ("replicasets.apps", record("bare")),
    ("jobs.batch", record("x", owner_references=owner("example.com/v1", "CronJob"))),
    ("secrets", record("x", owner_references=owner("example.com/v1", "Database"))),
    ("endpointslices.discovery.k8s.io", record("w", labels={"endpointslice.kubernetes.io/managed-by": "me"})),
    ("endpointslices.discovery.k8s.io", record("mine")),
    ("endpoints", record("mine", namespace="shop")),
]


@pytest.mark.parametrize(("resource", "kept"), KEPT, ids=lambda v: v if isinstance(v, str) else v.meta.name)
def test_what_belongs_to_each_cluster_itself_is_kept_out_with_a_reason(resource, kept):
    verdict = FilterChain([NeverSynced()]).should_sync(kept, info(resource))
    assert (verdict.allowed, verdict.filter) == (False, "never-synced")
    assert verdict.reason


@pytest.mark.parametrize(
    ("resource", "synced"), SYNCED, ids=lambda v: v if isinstance(v, str) else v.meta.name
)
def test_everything_else_is_synced(resource, synced):
    assert NeverSynced().should_sync(synced, info(resource)) is None


def test_service_account_default_is_never_deleted():
    assert NeverSynced().should_delete(key("default", "shop"), info("serviceaccounts"))
    assert NeverSynced().should_delete(key("robot", "shop"), info("serviceaccounts")) is None
    assert NeverSynced().should_delete(key("default", "shop"), info("configmaps")) is None


def test_the_reason_names_the_owner():
    kept = record("web-1-x", owner_references=owner("apps/v1", "ReplicaSet"))
    assert NeverSynced().should_sync(kept, info("pods")) == (
        "made by the controller of ReplicaSet web, which the target runs itself"
    )
