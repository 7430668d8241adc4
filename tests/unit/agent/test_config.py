"""An agent's settings are checked before anything is contacted, and every refusal says what to do."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tmc_syncer.agent.config import DEFAULT_RESOURCES, AgentConfig, Mode
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.api.synctarget_spec import Assignment, SupportedResource, SyncTargetSpec, label_selector

PODS, DEPLOYMENTS = GVR("", "", "pods"), GVR("apps", "", "deployments")


def config(**settings: Any) -> AgentConfig:
    return AgentConfig(**{"target": "eu-1", "to_kubeconfig": "edge.yaml", **settings})


def test_the_least_that_is_needed_is_a_target_and_two_clusters() -> None:
    made = config()
    assert made.resolved_mode is Mode.KUBERNETES
    assert made.field_manager == "syncer"
    assert made.admin_address == "127.0.0.1:8085"
    assert made.install


def test_a_workspace_makes_the_mode() -> None:
    assert config(workspace="root:team-a").resolved_mode is Mode.WORKSPACE
    assert config(workspace="root:team-a", mode=Mode.WORKSPACE).resolved_mode is Mode.WORKSPACE
    assert config(mode=Mode.WORKSPACE).workspace == ""  # the kubeconfig's server address may name it


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().workers = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("settings", "sentence", "hint"),
    [
        ({"target": ""}, "No target is named.", "--target"),
        ({"target": "x" * 64}, "has 64 characters", "at most 63"),
        ({"target": "EU_1"}, "'EU_1' is not a target name", "lower-case"),
        ({"target": "-a"}, "is not a target name", "both ends"),
        ({"workspace": "root:"}, "'root:' is not a workspace", "root:team-a"),
        ({"mode": Mode.KUBERNETES, "workspace": "root"}, "does not go with --mode kubernetes", "Leave"),
        ({"workspace": "root", "cluster_name": "a"}, "--cluster-name goes with --mode kubernetes", "leave"),
        ({"cluster_name": "a:b"}, "'a:b' is not a cluster name", "63"),
        ({"to_kubeconfig": None}, "would be the same cluster", "--from-kubeconfig"),
        ({"from_kubeconfig": "edge.yaml", "from_context": ""}, "would be the same cluster", "--to-context"),
        ({"workers": 0}, "--workers is 0", "1 to 64"),
        ({"workers": 65}, "--workers is 65", "1 to 64"),
        ({"qps": -1.0}, "--qps is -1.0", "0 for no limit"),
        ({"qps": float("inf")}, "--qps is inf", "0 for no limit"),
        ({"qps": float("nan")}, "--qps is nan", "0 for no limit"),
        ({"burst": 5}, "--burst is 5", "together with --qps"),
        ({"burst": -5, "qps": 1.0}, "--burst is -5", "positive"),
        ({"lease_seconds": 0.0}, "lease_seconds is 0.0", "more than 0"),
        ({"grace_seconds": -1.0}, "grace_seconds is -1.0", "0 or more"),
        ({"field_manager": ""}, "'' is not a field manager", "syncer"),
        ({"field_manager": "a\n"}, "is not a field manager", "printable"),
        ({"field_manager": "a" * 129}, "is not a field manager", "128"),
        ({"resources": (PODS, GVR("", "v1", "pods"))}, "--resources names pods twice", "once"),
        ({"allow_two_writers": (PODS, PODS)}, "--allow-two-writers names pods twice", "once"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence_and_a_hint(
    settings: dict[str, Any], sentence: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        config(**settings)
    assert sentence in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_two_contexts_of_one_kubeconfig_are_two_clusters() -> None:
    config(from_kubeconfig="both.yaml", from_context="a", to_kubeconfig="both.yaml", to_context="b")


def test_a_new_target_gets_the_defaults_where_nothing_was_given() -> None:
    spec = config().initial_spec(frozenset())
    assert tuple(entry.gvr for entry in spec.supported_api_resources) == DEFAULT_RESOURCES
    assert spec.assignment is Assignment.ALL
    assert spec.selector == spec.namespace_selector == label_selector(parse_selector(""))


def test_a_new_target_gets_what_was_given() -> None:
    roles = GVR("rbac.authorization.k8s.io", "v1", "clusterroles")
    spec = config(
        resources=(DEPLOYMENTS, roles),
        assignment=Assignment.LABELLED,
        selector=parse_selector("a=b"),
        namespace_selector=parse_selector("team"),
    ).initial_spec(frozenset({roles}))
    assert spec == SyncTargetSpec(
        supported_api_resources=(
            SupportedResource(group="apps", resource="deployments"),
            SupportedResource(group=roles.group, version="v1", resource="clusterroles", cluster_scoped=True),
        ),
        assignment=Assignment.LABELLED,
        selector=label_selector(parse_selector("a=b")),
        namespace_selector=label_selector(parse_selector("team")),
    )


STANDING = SyncTargetSpec(
    supported_api_resources=(
        SupportedResource(group="apps", version="v1", resource="deployments"),
        SupportedResource(resource="pods"),
    ),
    assignment=Assignment.NAMESPACED,
    selector=label_selector(parse_selector("a=b,c")),
)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"resources": (PODS, DEPLOYMENTS)},
        {"resources": (GVR("apps", "v1", "deployments"), PODS)},
        {"assignment": Assignment.NAMESPACED},
        {"selector": parse_selector("c,a in (b)")},
    ],
)
def test_flags_that_say_the_same_as_the_standing_target_agree(settings: dict[str, Any]) -> None:
    config(**settings).check_against(STANDING)


@pytest.mark.parametrize(
    ("settings", "given", "standing"),
    [
        ({"resources": (PODS,)}, "--resources is 'pods'", "'deployments.v1.apps,pods'"),
        (
            {"resources": (GVR("apps", "v2", "deployments"), PODS)},
            "deployments.v2.apps",
            "deployments.v1.apps",
        ),
        ({"assignment": Assignment.ALL}, "--assignment is 'All'", "'Namespaced'"),
        ({"selector": parse_selector("a=b")}, "--selector is 'a in (b)'", "'a in (b),c'"),
        ({"namespace_selector": parse_selector("a")}, "--namespace-selector is 'a'", "'nothing'"),
    ],
)
def test_a_flag_that_differs_from_the_standing_target_is_an_error_naming_both(
    settings: dict[str, Any], given: str, standing: str
) -> None:
    with pytest.raises(UsageError) as caught:
        config(**settings).check_against(STANDING)
    assert given in caught.value.message
    assert standing in caught.value.message
    assert "SyncTarget eu-1" in caught.value.message
