"""The table of deviations keeps its own rules: it names cases that exist, with reasons, and few of them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.contract import servers
from tests.contract.expectations import DEVIATIONS, LACKING, case_of

HERE = Path(__file__).parent


SUITE = {
    case_of(f"{path.name}::{node.name}", "")
    for path in HERE.glob("test_*.py")
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef)
    and node.name.startswith("test_")
    and "server" in {item.arg for item in node.args.args}
}


@pytest.mark.parametrize("kind", DEVIATIONS)
def test_a_deviation_is_of_a_case_that_exists_and_has_a_reason(kind: str) -> None:
    assert {case.partition("[")[0] for case in DEVIATIONS[kind]} <= SUITE
    assert all(reason.strip() for reason in DEVIATIONS[kind].values())


@pytest.mark.parametrize(
    "kind",
    [pytest.param("kube", marks=pytest.mark.real), pytest.param("kcp", marks=pytest.mark.kcp)],
)
def test_the_suite_runs_on_a_server_of_each_kind(kind: str) -> None:
    if reason := servers.missing(kind):
        pytest.skip(f"the contract suite did not run on {kind}: {reason}")
    assert kind in servers.offered()


def test_abilities_that_are_lacking_have_a_reason() -> None:
    assert all(reason.strip() for lacking in LACKING.values() for reason in lacking.values())


def test_the_real_kube_apiserver_deviates_in_nothing_because_it_is_the_measure() -> None:
    assert (DEVIATIONS["kube"], LACKING["kube"]) == ({}, {})


def test_the_embedded_control_plane_deviates_in_less_than_one_case_of_a_hundred() -> None:
    assert len(DEVIATIONS["embedded"]) * 100 < len(SUITE)
    assert LACKING["embedded"] == {}


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/contract/test_watch.py::test_a_watch[kube]", "watch::a_watch"),
        ("tests/contract/test_patches.py::test_x[kube-add over]", "patches::x[add over]"),
        ("tests/contract/test_patches.py::test_x[kube-a-b]", "patches::x[a-b]"),
    ],
)
def test_a_case_is_named_by_area_test_and_further_parameters(nodeid: str, expected: str) -> None:
    assert case_of(nodeid, "kube") == expected
