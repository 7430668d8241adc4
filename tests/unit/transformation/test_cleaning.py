"""Cleaning leaves the user's part of an object, and keeps back what would reach out of a workspace."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.transformation.samples import TYPES, check_golden, context, desired, golden_cases, sample
from tmc_syncer.api.objects import Meta
from tmc_syncer.api.resources import GVR
from tmc_syncer.transformation.cleaning import KEPT_METADATA, Cleaning, is_partial

CLEANING = Cleaning()


def clean(obj: dict, **more: Any) -> dict:
    info = TYPES[obj["kind"]]
    meta = Meta(name=obj["metadata"]["name"], annotations=obj["metadata"].get("annotations"))
    return CLEANING.down(obj, context(info, trusted=True, source=meta, **more))


@pytest.mark.parametrize("case", golden_cases("refusals"))
def test_what_reaches_beyond_the_workspace_needs_trust(case: str) -> None:
    check_golden(case)


def test_every_object_is_cleaned() -> None:
    assert CLEANING.applies(GVR("example.com", "v1", "widgets"), Meta())


def test_metadata_keeps_five_fields_and_drops_empty_ones() -> None:
    metadata = {
        "name": "web",
        "namespace": "shop",
        "labels": {"a": "b"},
        "annotations": {},
        "ownerReferences": [{"uid": "1"}],
        "uid": "0b3c",
        "resourceVersion": "1",
        "generation": 2,
        "generateName": "we",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "deletionTimestamp": "2026-01-02T03:04:05Z",
        "deletionGracePeriodSeconds": 0,
        "selfLink": "/",
        "managedFields": [{"manager": "a"}],
        "finalizers": ["a"],
    }
    cleaned = clean({"kind": "ConfigMap", "metadata": metadata, "status": {}, "data": {"status": "stays"}})
    assert set(cleaned["metadata"]) == set(KEPT_METADATA) - {"annotations"}
    assert cleaned["data"] == {"status": "stays"}
    assert "status" not in cleaned


def test_the_way_up_drops_the_targets_metadata_and_keeps_status() -> None:
    copy = {
        "metadata": {"name": "web", "uid": "1", "labels": {}},
        "spec": {"nodeName": "n"},
        "status": {"a": 1},
    }
    assert CLEANING.up(copy, context(TYPES["Pod"])) == {
        "metadata": {"name": "web"},
        "spec": {"nodeName": "n"},
        "status": {"a": 1},
    }


@pytest.mark.parametrize(
    ("gvr", "name", "partial"),
    [
        (GVR("", "v1", "serviceaccounts"), "default", True),
        (GVR("", "v1", "serviceaccounts"), "robot", False),
        (GVR("", "v1", "configmaps"), "default", False),
        (GVR("example.com", "v1", "serviceaccounts"), "default", False),
    ],
)
def test_only_the_default_service_account_is_partly_ours(gvr: GVR, name: str, partial: bool) -> None:
    assert is_partial(gvr, name) == partial


def test_of_the_default_service_account_only_the_pull_secrets_are_ours() -> None:
    account = sample(
        "ServiceAccount", metadata={"name": "default", "labels": {"a": "b"}}, secrets=[{"name": "s"}]
    )
    assert clean(account) == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": "shop"},
    }


def test_nulls_are_not_searched_for_where_the_json_has_none() -> None:
    config = {"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": None}}
    assert clean(config, nulls=0)["data"] == {"a": None}
    assert clean(config)["data"] == {}


def test_what_became_empty_goes_and_what_the_user_left_empty_stays() -> None:
    pod = sample(
        "Pod", spec={"tolerations": [], "volumes": [{"name": "kube-api-access-x7k2p", "projected": {}}]}
    )
    assert clean(pod)["spec"] == {"tolerations": []}
    job = sample("Job", spec={"template": {"metadata": {"labels": {"job-name": "web"}}}})
    assert clean(job)["spec"] == {"template": {"metadata": {}}}
    job = sample("Job", spec={"template": {"metadata": {"labels": {}}}})
    assert clean(job)["spec"] == {"template": {"metadata": {"labels": {}}}}


@pytest.mark.parametrize("odd", ["text", 7, ["a"], {"a": 1}])
def test_a_field_of_another_shape_than_the_rule_expects_stays(odd: object) -> None:
    job = sample("Job", spec={"template": {"metadata": {"labels": odd}}})
    assert clean(job)["spec"]["template"]["metadata"]["labels"] == odd
    pod = sample("Pod", spec={"tolerations": odd})
    assert clean(pod)["spec"]["tolerations"] == odd


def test_an_assigned_value_goes() -> None:
    service = sample(
        "Service", spec={"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "ClusterIP"}
    )
    assert clean(service)["spec"] == {"type": "ClusterIP"}


def test_a_value_of_the_users_own_in_a_place_of_the_table_stays() -> None:
    service = sample("Service", spec={"clusterIP": "None", "clusterIPs": ["None"]})
    assert clean(service)["spec"] == {"clusterIP": "None", "clusterIPs": ["None"]}


def test_a_namespaced_type_of_an_own_group_needs_no_trust() -> None:
    assert desired(sample("Widget"), trusted=False).excluded is None
    assert desired(sample("RoleBinding"), trusted=False).excluded is not None
    assert desired(sample("RoleBinding"), trusted=True).excluded is None
