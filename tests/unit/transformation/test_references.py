"""The table of places that name namespaces is complete for what it covers, and consistent."""

from __future__ import annotations

from tests.unit.transformation.samples import TYPES
from tmc_syncer.transformation import references


def test_a_kind_with_pods_is_in_no_other_table() -> None:
    """The step looks at the pod template of a workload kind and at nothing else of it."""
    others = {*references.NAMES, *references.SUBJECTS, *references.SELECTORS}
    assert others.isdisjoint(references.POD_SPECS)


def test_every_workload_kind_of_kubernetes_is_there() -> None:
    kinds = {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "Pod",
        "PodTemplate",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    }
    assert {(TYPES[kind].gvr.group, TYPES[kind].gvr.resource) for kind in kinds} == set(references.POD_SPECS)


def test_affinity_and_anti_affinity_required_and_preferred() -> None:
    assert len(references.AFFINITY_TERMS) == len({*references.AFFINITY_TERMS}) == 4


def test_the_namespaces_that_are_never_synced() -> None:
    assert {"kube-system", "kube-public", "kube-node-lease"} == references.SYSTEM_NAMESPACES
