"""Gone means that the pods are gone: how copies are deleted, and in which order they are made."""

from __future__ import annotations

import pytest

from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.downstream.propagation import priority, propagation

DEPLOYMENTS = GVR("apps", "v1", "deployments")
CONFIGMAPS = GVR("", "v1", "configmaps")


@pytest.mark.parametrize("resource", ["deployments", "statefulsets", "daemonsets", "replicasets"])
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_workloads_go_in_the_foreground_whatever_their_version(resource: str, version: str) -> None:
    assert propagation(GVR("apps", version, resource), None) == "Foreground"


@pytest.mark.parametrize("resource", ["jobs", "cronjobs"])
def test_jobs_go_in_the_foreground(resource: str) -> None:
    assert propagation(GVR("batch", "v1", resource), Meta()) == "Foreground"


@pytest.mark.parametrize("gvr", [CONFIGMAPS, GVR("", "v1", "pods"), GVR("example.com", "v1", "deployments")])
def test_everything_else_goes_in_the_background(gvr: GVR) -> None:
    assert propagation(gvr, None) == "Background"
    assert propagation(gvr, Meta(finalizers=("other",))) == "Background"


@pytest.mark.parametrize("gvr", [DEPLOYMENTS, CONFIGMAPS])
def test_what_the_owner_asked_for_upstream_is_carried_down(gvr: GVR) -> None:
    assert propagation(gvr, Meta(finalizers=("a", "orphan"))) == "Orphan"
    assert propagation(gvr, Meta(finalizers=("foregroundDeletion",))) == "Foreground"


def test_the_target_has_the_last_word() -> None:
    assert propagation(DEPLOYMENTS, Meta(finalizers=("orphan",)), "Background") == "Background"


def test_what_others_need_is_made_first() -> None:
    order = [
        GVR("", "v1", "namespaces"),
        GVR("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
        CONFIGMAPS,
        DEPLOYMENTS,
    ]
    assert [priority(gvr) for gvr in order] == [3, 2, 1, 0]
    for plural in ("serviceaccounts", "secrets", "persistentvolumeclaims", "services"):
        assert priority(GVR("", "v1", plural)) == 1
    assert priority(GVR("example.com", "v1", "secrets")) == 0
