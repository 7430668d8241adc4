"""What servers assign does not travel; what users wrote does, also where it looks alike."""

from __future__ import annotations

import pytest

from tests.unit.transformation.samples import TYPES, check_golden, desired, golden_cases, sample
from tmc_syncer.transformation.assigned import ASSIGNED, Entries, Field, Items


@pytest.mark.parametrize("case", golden_cases("cleaning"))
def test_the_copy_is_the_users_part(case: str) -> None:
    check_golden(case)


@pytest.mark.parametrize("kind", sorted(ASSIGNED))
def test_each_rule_says_who_assigns_and_no_rule_is_written_twice(kind: tuple[str, str]) -> None:
    rules = ASSIGNED[kind]
    assert all(rule.why for rule in rules)
    assert len({(type(rule), rule.path) for rule in rules}) == len(rules)


@pytest.mark.parametrize("kind", sorted(ASSIGNED))
def test_each_kind_of_the_table_has_a_golden(kind: tuple[str, str]) -> None:
    assert kind in {(info.gvr.group, info.gvr.resource) for info in TYPES.values()}


def test_rules_are_of_three_sorts() -> None:
    assert {type(rule) for rules in ASSIGNED.values() for rule in rules} == {Entries, Field, Items}


@pytest.mark.parametrize("spec", [None, [], "text", {"ports": {"a": 1}}, {"ports": [1, None, {}]}])
def test_an_object_of_any_shape_passes(spec: object) -> None:
    for kind in ("Service", "Job", "Pod"):
        copy = desired(sample(kind, spec=spec)).object
        assert copy.get("spec") == spec


def test_another_value_of_the_annotation_preserves_no_node_ports() -> None:
    service = sample(
        "Service",
        metadata={"annotations": {"workload.kcp.io/preserve-node-ports": "yes"}},
        spec={"ports": [{"port": 80, "nodePort": 31000}]},
    )
    assert desired(service).object["spec"] == {"ports": [{"port": 80}]}


@pytest.mark.parametrize(
    "change",
    [{"key": "dedicated"}, {"operator": "Equal"}, {"effect": "NoSchedule"}, {"tolerationSeconds": 299}],
)
def test_a_toleration_that_differs_from_the_default_is_the_users(change: dict[str, object]) -> None:
    default = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 300,
    }
    pod = sample("Pod", spec={"tolerations": [default, default | change]})
    assert desired(pod).object["spec"]["tolerations"] == [default | change]


def test_a_volume_of_the_injected_name_that_holds_no_token_stays() -> None:
    volume = {"name": "kube-api-access-x7k2p", "emptyDir": {}}
    assert desired(sample("Pod", spec={"volumes": [volume]})).object["spec"]["volumes"] == [volume]
