"""What is wrong with a spec is said in one sentence that names the field; other fields do not hide it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tmc_syncer.api.synctarget_spec import SupportedResource
from tmc_syncer.api.synctarget_validation import RESOURCE_LIMIT, SpecProblem, check_spec, refusal_of_type

FULL: dict[str, Any] = {
    "supportedAPIResources": [
        {"group": "apps", "version": "v1", "resource": "deployments"},
        {"resource": "pods"},
        {"group": "rbac.authorization.k8s.io", "resource": "clusterroles", "clusterScoped": True},
    ],
    "assignment": "Labelled",
    "selector": {"matchLabels": {"example.com/team": "shop"}},
    "namespaceSelector": {
        "matchExpressions": [
            {"key": "env", "operator": "In", "values": ["prod", ""]},
            {"key": "old", "operator": "DoesNotExist"},
        ]
    },
    "evictAfter": "2030-01-31T12:00:00.5+02:00",
    "finalizers": "None",
    "propagation": "Foreground",
    "allowedWorkspaces": {"names": ["root:team-*", "*"]},
    "fieldRules": [
        {"group": "apps", "resource": "deployments", "path": ".spec.replicas", "rule": "yield"},
        {"resource": "pods", "path": '.metadata.labels["a"]', "rule": "share"},
    ],
}


def problems(spec: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check_spec(json.dumps(spec).encode())[1]]


def test_a_spec_that_uses_everything_is_valid() -> None:
    spec, found = check_spec(json.dumps(FULL).encode())
    assert found == ()
    assert spec is not None
    assert spec.supported_api_resources[2].cluster_scoped
    assert check_spec(b"{}")[0] is not None


def test_a_missing_spec_is_a_problem() -> None:
    spec, (problem,) = check_spec(None)
    assert spec is None
    assert str(problem) == "spec: it is missing. Give at least spec.supportedAPIResources."


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"asignment": "All"}, "spec.asignment: this version of the syncer knows no such field. Did you mean assignment?"),
        ({"overrides": []}, "spec.overrides: this version of the syncer knows no such field. A newer version"),
        (
            {"fieldRules": [{"resource": "pods", "path": ".spec", "rule": "take", "paths": 1}]},
            "spec.fieldRules[0].paths: this version of the syncer knows no such field. A newer version",
        ),
        ({"assignment": "Some"}, "spec.assignment: 'Some' is no such value. Use All, Namespaced or Labelled."),
        ({"conflictPolicy": "Merge"}, "spec.conflictPolicy: 'Merge' is no such value. Use UpstreamWins."),
        (
            {"fieldRules": [{"resource": "pods", "path": ".spec", "rule": "grab"}]},
            "spec.fieldRules[0].rule: 'grab' is no such value. Use take, yield or share.",
        ),
        ({"fieldRules": [{"resource": "pods", "rule": "take"}]}, "spec.fieldRules[0].path: it is missing."),
        ({"paused": "yes"}, "spec.paused: expected bool, got str."),
        ({"selector": {"matchLabels": {"a": 1}}}, "spec.selector.matchLabels[...]: expected str, got int."),
        (
            {"supportedAPIResources": [{"resource": "Pods"}]},
            "spec.supportedAPIResources[0]: 'Pods' is not a resource type.",
        ),
        (
            {"supportedAPIResources": [{"resource": "pods.v1"}]},
            "spec.supportedAPIResources[0]: 'pods.v1' is not a resource type.",
        ),
        (
            {"supportedAPIResources": [{"resource": "pods"}, {"resource": "pods", "version": "v1"}]},
            "spec.supportedAPIResources[1]: pods is listed twice.",
        ),
        (
            {"supportedAPIResources": [{"resource": "namespaces"}]},
            "spec.supportedAPIResources[0]: namespaces is never synced: namespaces are mapped",
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
            "spec.selector.matchExpressions[0].operator: 'Like' is not a selector operator.",
        ),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "spec.selector.matchExpressions[0].values: operator In needs values.",
        ),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            "spec.namespaceSelector.matchExpressions[0].values: operator Exists takes no values.",
        ),
        ({"selector": {"matchLabels": {"a b": "c"}}}, "spec.selector.matchLabels: 'a b' is not the name of a label."),
        (
            {"selector": {"matchLabels": {"a": "x" * 64}}},
            f"spec.selector.matchLabels: '{'x' * 64}' is not a value that a label can have.",
        ),
        ({"evictAfter": "tomorrow"}, "spec.evictAfter: 'tomorrow' is not a time."),
        ({"evictAfter": "2026-02-30T00:00:00Z"}, "spec.evictAfter: '2026-02-30T00:00:00Z' is not a time."),
        ({"evictAfter": "2026-02-20"}, "spec.evictAfter: '2026-02-20' is not a time."),
        (
            {"allowedWorkspaces": {"names": ["ok", "Root Team"]}},
            "spec.allowedWorkspaces.names[1]: 'Root Team' is not the name of a logical cluster.",
        ),
        (
            {"fieldRules": [{"resource": "pods", "path": "spec", "rule": "take"}]},
            "spec.fieldRules[0].path: 'spec' is not a field path.",
        ),
        (
            {"fieldRules": [{"resource": "pods", "path": ".status.phase", "rule": "take"}]},
            "spec.fieldRules[0].path: .status.phase is not for rules.",
        ),
        (
            {"fieldRules": [{"resource": "pods", "path": ".metadata", "rule": "take"}]},
            "spec.fieldRules[0].path: .metadata is not for rules.",
        ),
        (
            {
                "fieldRules": [
                    {"resource": "pods", "path": ".spec.a", "rule": "take"},
                    {"resource": "pods", "path": '["spec"].a', "rule": "yield"},
                ]
            },
            'spec.fieldRules[1].rule: an earlier rule says take for ["spec"].a.',
        ),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_and_explained(spec: dict[str, Any], sentence: str) -> None:
    checked, found = check_spec(json.dumps(spec).encode())
    assert checked is None
    assert str(found[0]).startswith(sentence)


@pytest.mark.parametrize("raw", [b"", b"{", b"nonsense", b'{"paused":true', b'{"evictAfter":"\xff"}'])
def test_what_is_not_json_is_said_to_be_none(raw: bytes) -> None:
    assert check_spec(raw) == (None, (SpecProblem("spec", "it is not JSON."),))


def test_a_spec_of_another_shape_is_a_problem() -> None:
    assert check_spec(b"[]") == (None, (SpecProblem("spec", "expected object, got array."),))


def test_all_problems_are_reported_up_to_a_bound_with_the_fatal_ones_first() -> None:
    warning = [{"resource": "pods", "path": ".spec.a", "rule": "take"}]
    found = problems({"fieldRules": warning, "evictAfter": "x", "selector": {"matchLabels": {"?": "?"}}})
    assert len(found) == 4
    assert "supportedAPIResources" in found[-1]
    many = [{"resource": f"X{n}"} for n in range(100)]
    assert len(problems({"supportedAPIResources": many})) == 20


def test_a_rule_for_a_type_that_is_not_synced_is_a_warning_and_the_spec_stays_good() -> None:
    rules = [
        {"resource": "pods", "path": ".spec.a", "rule": "take"},
        {"group": "apps", "resource": "deployments", "path": ".spec.a", "rule": "take"},
    ]
    spec, (first, second) = check_spec(json.dumps({"fieldRules": rules}).encode())
    assert spec is not None
    assert not first.fatal
    assert str(first) == "spec.fieldRules[0]: pods is not in supportedAPIResources, the rule has no effect."
    assert "deployments.apps is not in" in str(second)


def test_long_lists_are_refused_before_they_are_looked_at() -> None:
    types = [{"resource": f"x{n}"} for n in range(RESOURCE_LIMIT + 1)]
    assert problems({"supportedAPIResources": types}) == [
        "spec.supportedAPIResources: it lists more than 256 types."
    ]
    rules = [{"resource": "pods", "path": f".spec.a{n}", "rule": "take"} for n in range(RESOURCE_LIMIT + 1)]
    found = problems({"supportedAPIResources": [{"resource": "pods"}], "fieldRules": rules})
    assert found == ["spec.fieldRules: it has more than 256 rules."]


@pytest.mark.parametrize(
    ("group", "resource", "trusted", "refused"),
    [
        ("", "pods", False, ""),
        ("", "events", False, "mirrored"),
        ("events.k8s.io", "events", True, "mirrored"),
        ("coordination.k8s.io", "leases", True, "locks"),
        ("workload.kcp.io", "synctargets", True, "own API"),
        ("apiextensions.k8s.io", "customresourcedefinitions", False, "clusterScoped: true"),
        ("apiextensions.k8s.io", "customresourcedefinitions", True, ""),
        ("rbac.authorization.k8s.io", "roles", False, "gives power"),
        ("rbac.authorization.k8s.io", "roles", True, ""),
    ],
)
def test_some_types_are_never_synced_and_some_only_for_the_trusted(
    group: str, resource: str, trusted: bool, refused: str
) -> None:
    found = refusal_of_type(SupportedResource(group=group, resource=resource, cluster_scoped=trusted))
    assert refused in found
    assert bool(found) is bool(refused)
