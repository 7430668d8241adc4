"""Nothing in a copy points out of its workspace, and the way back gives the user's names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.transformation.samples import (
    TARGET,
    TYPES,
    check_golden,
    context,
    desired,
    golden_cases,
    sample,
)
from tmc_syncer.api.locator import Locator
from tmc_syncer.api.objects import Meta
from tmc_syncer.transformation.namespaces import Namespaces
from tmc_syncer.transformation.references import POD_SPECS

NAMESPACES = Namespaces()
TENANT = Locator(TARGET, "1a2b3c").tenant
NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize("case", golden_cases("namespaces"))
def test_golden(case: str) -> None:
    check_golden(case)


def both_ways(kind: str, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an object becomes down there, and what that becomes back up; both of their own, steps work in place."""
    copy = desired(sample(kind, **fields)).object
    down = {name: copy[name] for name in fields}
    return json.loads(json.dumps(down)), NAMESPACES.up(copy, context(TYPES[kind]))


def test_every_object_stands_in_a_mapped_namespace() -> None:
    ctx = context(TYPES["ConfigMap"])
    assert NAMESPACES.applies(TYPES["Widget"].gvr, Meta())
    assert NAMESPACES.down({"metadata": {"namespace": "shop"}}, ctx) == {
        "metadata": {"namespace": "kcp-1a2b3c-shop"}
    }
    assert NAMESPACES.up({"metadata": {"namespace": "kcp-1a2b3c-shop"}}, ctx) == {
        "metadata": {"namespace": "shop"}
    }


def test_a_cluster_scoped_object_stands_in_none() -> None:
    ctx = context(TYPES["StorageClass"])
    assert NAMESPACES.down({"metadata": {"name": "a"}}, ctx) == {"metadata": {"name": "a"}}
    assert NAMESPACES.up({"metadata": {"name": "a", "namespace": "odd"}}, ctx) == {"metadata": {"name": "a"}}


def nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize("kind", sorted(POD_SPECS))
@pytest.mark.parametrize("affinity", ["podAffinity", "podAntiAffinity"])
def test_affinities_are_fenced_in_every_workload_kind(kind: tuple[str, str], affinity: str) -> None:
    (info,) = [info for info in TYPES.values() if (info.gvr.group, info.gvr.resource) == kind]
    term = {
        "topologyKey": "zone",
        "namespaces": ["pay", 7],
        "namespaceSelector": {"matchLabels": {NAME: "pay"}},
    }
    fenced = {
        "topologyKey": "zone",
        "namespaces": ["kcp-1a2b3c-pay", 7],
        "namespaceSelector": {"matchLabels": {NAME: "kcp-1a2b3c-pay", "kcp.io/tenant-id": TENANT}},
    }

    def template(one: dict[str, Any]) -> dict[str, Any]:
        terms = {
            "requiredDuringSchedulingIgnoredDuringExecution": [one],
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": one}],
        }
        return nested(POD_SPECS[kind] + ".affinity." + affinity, terms)

    down, up = both_ways(info.kind, **template(term))
    assert down == template(fenced)
    assert {name: up[name] for name in down} == template(term)


@pytest.mark.parametrize("term", ["text", None, {}, {"namespaces": "pay", "namespaceSelector": "all"}])
def test_an_affinity_term_of_another_shape_stays(term: object) -> None:
    spec = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    assert desired(sample("Pod", spec=spec)).object["spec"] == spec


@pytest.mark.parametrize(
    ("selector", "fenced"),
    [
        ({}, {"matchLabels": {"kcp.io/tenant-id": TENANT}}),
        ({"matchLabels": {"team": "pay"}}, {"matchLabels": {"team": "pay", "kcp.io/tenant-id": TENANT}}),
        ({"matchLabels": "odd"}, {"matchLabels": {"kcp.io/tenant-id": TENANT}}),
        (
            {"matchExpressions": ["odd", {"key": NAME, "operator": "In", "values": ["pay"]}, {"key": NAME}]},
            {
                "matchLabels": {"kcp.io/tenant-id": TENANT},
                "matchExpressions": [
                    "odd",
                    {"key": NAME, "operator": "In", "values": ["kcp-1a2b3c-pay"]},
                    {"key": NAME},
                ],
            },
        ),
        (
            {"matchExpressions": [{"key": "team", "operator": "In", "values": ["pay"]}]},
            {
                "matchLabels": {"kcp.io/tenant-id": TENANT},
                "matchExpressions": [{"key": "team", "operator": "In", "values": ["pay"]}],
            },
        ),
    ],
)
def test_a_selector_reaches_the_workspaces_namespaces_only(selector: dict, fenced: dict) -> None:
    spec = {"ingress": [{"from": [{"namespaceSelector": selector}]}]}
    down, up = both_ways("NetworkPolicy", spec=spec)
    assert down == {"spec": {"ingress": [{"from": [{"namespaceSelector": fenced}]}]}}
    back = up["spec"]["ingress"][0]["from"][0]["namespaceSelector"]
    assert back == ({} if selector == {"matchLabels": "odd"} else selector)


def test_an_absent_selector_stays_absent() -> None:
    spec = {"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": None}]}]}
    down, _ = both_ways("NetworkPolicy", spec=spec)
    assert down == {"spec": {"ingress": [{"from": [{"podSelector": {}}, {}]}]}}


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {NAME: "kube-system"}},
        {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["kube-system", "kube-public"]}]},
    ],
)
def test_the_way_out_to_the_targets_own_namespaces_stays_open(selector: dict) -> None:
    spec = {"egress": [{"to": [{"namespaceSelector": selector}]}]}
    down, up = both_ways("NetworkPolicy", spec=spec)
    assert down == {"spec": spec}
    assert up["spec"] == spec


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {}},
        {"matchLabels": {NAME: "kube-system", "team": "x"}},
        {"matchLabels": {NAME: "shop"}},
        {"matchLabels": {"team": "kube-system"}},
        {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["kube-system"]}]},
        {"matchExpressions": [{"key": "team", "operator": "In", "values": ["kube-system"]}]},
        {"matchExpressions": [{"key": NAME, "operator": "In", "values": []}]},
        {"matchExpressions": [{"key": NAME, "operator": "In"}]},
        {"matchLabels": {NAME: "kube-system"}, "matchExpressions": [{"key": NAME, "operator": "Exists"}]},
    ],
)
def test_any_other_way_out_is_fenced(selector: dict) -> None:
    down, _ = both_ways("NetworkPolicy", spec={"egress": [{"to": [{"namespaceSelector": selector}]}]})
    fenced = down["spec"]["egress"][0]["to"][0]["namespaceSelector"]
    assert fenced["matchLabels"]["kcp.io/tenant-id"] == TENANT


def test_the_way_in_from_the_targets_own_namespaces_is_fenced() -> None:
    down, _ = both_ways(
        "NetworkPolicy",
        spec={"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {NAME: "kube-system"}}}]}]},
    )
    fenced = down["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"]
    assert fenced == {NAME: "kcp-1a2b3c-kube-system", "kcp.io/tenant-id": TENANT}


def test_subjects_are_those_of_the_workspace() -> None:
    subjects = [
        {"kind": "ServiceAccount", "name": "robot", "namespace": "pay"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": ""},
        {"kind": "User", "name": "system:serviceaccount:pay:robot"},
        {"kind": "Group", "name": "system:serviceaccounts:pay"},
        {"kind": "Group", "name": "system:serviceaccounts"},
        {"kind": "Group", "name": 7},
        "odd",
    ]
    down, up = both_ways("RoleBinding", subjects=subjects)
    assert down["subjects"] == [
        {"kind": "ServiceAccount", "name": "robot", "namespace": "kcp-1a2b3c-pay"},
        {"kind": "ServiceAccount", "name": "robot", "namespace": ""},
        {"kind": "User", "name": "system:serviceaccount:kcp-1a2b3c-pay:robot"},
        {"kind": "Group", "name": "system:serviceaccounts:kcp-1a2b3c-pay"},
        {"kind": "Group", "name": "system:serviceaccounts"},
        {"kind": "Group", "name": 7},
        "odd",
    ]
    assert up["subjects"] == subjects


def test_a_subjects_namespace_is_mapped_whole_and_alone() -> None:
    ctx = context(TYPES["RoleBinding"], namespace_of=lambda name: f"<{name}>")
    name = "system:serviceaccount:pay:robot:odd"
    binding = {"metadata": {}, "subjects": [{"kind": "User", "name": name}]}
    assert NAMESPACES.down(binding, ctx)["subjects"][0]["name"] == "system:serviceaccount:<pay>:robot:odd"


def test_a_name_that_is_not_of_the_workspace_stays_on_the_way_up() -> None:
    ctx = context(TYPES["RoleBinding"])
    foreign = {
        "metadata": {},
        "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "kube-system"}],
    }
    assert NAMESPACES.up(foreign, ctx)["subjects"][0]["namespace"] == "kube-system"


@pytest.mark.parametrize("value", [7, None, "", {"a": "b"}])
def test_a_namespace_field_of_another_shape_stays(value: object) -> None:
    ctx = context(TYPES["PersistentVolume"])
    volume = {"metadata": {"name": "a"}, "spec": {"claimRef": {"namespace": value}}}
    assert NAMESPACES.down(volume, ctx)["spec"] == {"claimRef": {"namespace": value}}
