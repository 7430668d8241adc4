"""A workload type whose status has another writer upstream is found by an object that we never wrote."""

from __future__ import annotations

import pytest

from tmc_syncer.api.objects import ManagedEntry, Meta, Record
from tmc_syncer.api.resources import GVR
from tmc_syncer.sync.writers import WORKLOADS, foreign_status_manager

DEPLOYMENTS = GVR("apps", "v1", "deployments")
OURS = "workload.kcp.io/syncer-k"


def record(*entries: tuple[str, str], finalizers: tuple[str, ...] | None = None) -> Record:
    managed = tuple(ManagedEntry(manager, "Update", subresource) for manager, subresource in entries)
    return Record("apps/v1", "Deployment", Meta(finalizers=finalizers, managed_fields=managed or None), {})


def manager(seen: Record, gvr: GVR = DEPLOYMENTS) -> str | None:
    return foreign_status_manager(gvr, seen, OURS, "syncer")


@pytest.mark.parametrize("kind", sorted(WORKLOADS))
def test_a_controller_that_writes_status_is_named(kind: tuple[str, str]) -> None:
    found = record(("kubectl", ""), ("syncer", "status"), ("kube-controller-manager", "status"))
    assert manager(found, GVR(kind[0], "v1", kind[1])) == "kube-controller-manager"


@pytest.mark.parametrize(
    "seen",
    [
        record(),
        record(("kubectl", "")),
        record(("kubectl", "scale")),
        record(("syncer", "status")),
        record(("kcm", "status"), finalizers=("other", OURS)),
    ],
    ids=["nobody", "spec only", "scale only", "ourselves", "we wrote it"],
)
def test_nobody_else_is_found_where_there_is_nobody(seen: Record) -> None:
    assert manager(seen) is None


def test_other_types_may_have_any_writer() -> None:
    seen = record(("cloud-controller-manager", "status"))
    for gvr in (GVR("", "v1", "services"), GVR("example.com", "v1", "deployments")):
        assert manager(seen, gvr) is None
