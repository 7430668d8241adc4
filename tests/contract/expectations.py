"""What the servers of the contract suite lack or do differently, each with its reason.

`LACKING`: abilities that a kind of server does not have at all; tests marked ``needs(ability)`` are skipped there.
`DEVIATIONS`: single cases, as ``watch::two_watches_see_the_same`` (module and test without ``test_``, further parameters in
brackets), which must fail on that kind of server; a case that passes although it stands here fails the run.
docs/contract.md is generated from a run and shows both.
"""

from __future__ import annotations

import pytest

LACKING: dict[str, dict[str, str]] = {
    "embedded": {},
    "kube": {},
    "kcp": {
        "compaction": "its store is inside the process",
        "workloads": "a workspace has no pods, services or workload types of its own",
    },
}

DEVIATIONS: dict[str, dict[str, str]] = {"embedded": {}, "kube": {}, "kcp": {}}


def case_of(nodeid: str, kind: str) -> str:
    """Return the name of a case: `tests/contract/test_watch.py::test_x[kube-a]` is `watch::x[a]`."""
    path, _, name = nodeid.partition("::")
    area = path.rpartition("/")[2].removeprefix("test_").removesuffix(".py")
    name, _, parameters = name.removeprefix("test_").removesuffix("]").partition("[")
    others = parameters.removeprefix(kind).removeprefix("-")
    return f"{area}::{name}[{others}]" if others else f"{area}::{name}"


def deviation(kind: str, item: pytest.Item) -> str:
    """Return why a test has to fail on a kind of server, empty when it has to pass."""
    return DEVIATIONS.get(kind, {}).get(case_of(item.nodeid, kind), "")
