"""Writes docs/contract.md: what of the Kubernetes API the contract suite asks for, and which server passes.

    pytest tests/contract --junitxml=.run/contract.xml
    python -m tools.contract_table .run/contract.xml [more.xml …]

Reads the records of one or more runs (a later one wins where both ran a case) and writes one table for each module of
tests/contract: a row for a test, with how many cases it has, and a cell for each kind of server. What a server lacks or
does differently (tests/contract/expectations.py) is told with its reason. A case that failed is shown as such and makes
the exit status 1; ``--check`` writes nothing and exits 1 when the page is not what would be written.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

REPOSITORY = Path(__file__).resolve().parent.parent
SUITE = REPOSITORY / "tests" / "contract"
PAGE = REPOSITORY / "docs" / "contract.md"

KINDS = ("embedded", "kube", "kcp")
PASSED, FAILED, DIFFERS, LACKS, NOT_RUN = "passed", "failed", "differs", "lacks", "not run"

HEAD = """\
# Contract

What a client may rely on, asked of each server by the same tests (`tests/contract`): the product's own control plane (`embedded`), a real
kube-apiserver with etcd (`kube`), and a kcp workspace (`kcp`). This page is written by `python -m tools.contract_table` from
the record of a run; do not edit it.

✓ passes · ✗ fails · *differs* must fail, for the reason given below · *lacks* the server has nothing of the kind · – not run
"""


@dataclass(frozen=True)
class Case:
    """One case on one kind of server; `reason` says why it differs or what is lacking."""

    area: str
    test: str
    parameters: str
    kind: str
    outcome: str
    reason: str = ""


def read(record: Path) -> Iterator[Case]:
    """Yield the contract cases of a JUnit file that pytest wrote."""
    for element in ET.parse(record).iter("testcase"):
        package, _, module = element.get("classname", "").rpartition(".")
        name, _, parameters = element.get("name", "").removesuffix("]").partition("[")
        kind, _, rest = parameters.partition("-")
        if package != "tests.contract" or module == "test_expectations" or kind not in KINDS:
            continue
        outcome, reason = outcome_of(element)
        yield Case(module.removeprefix("test_"), name.removeprefix("test_"), rest, kind, outcome, reason)


def outcome_of(element: ET.Element) -> tuple[str, str]:
    """Return the outcome of a test case and its reason."""
    if element.find("failure") is not None or element.find("error") is not None:
        return FAILED, ""
    skipped = element.find("skipped")
    if skipped is None:
        return PASSED, ""
    message = skipped.get("message", "")
    if skipped.get("type") == "pytest.xfail":
        return DIFFERS, message.partition(": ")[2] or message
    if " lacks " in message:
        return LACKS, message
    return NOT_RUN, message


def merged(records: Iterable[Path]) -> list[Case]:
    """Return the cases of all records, each once; one that did not run gives way to one that did."""
    cases: dict[tuple[str, str, str, str], Case] = {}
    for record in records:
        for case in read(record):
            key = (case.area, case.test, case.parameters, case.kind)
            if case.outcome != NOT_RUN or key not in cases:
                cases[key] = case
    return list(cases.values())


def page(cases: list[Case]) -> str:
    """Return the page."""
    areas: dict[str, dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        areas[case.area][case.test].append(case)
    parts = [HEAD, summary(cases)]
    for area in sorted(areas):
        lines = [f"## {sentence(area)}", "", introduction(area), "", table_head("case", "cases")]
        lines += [row(test, areas[area][test]) for test in areas[area]]
        parts.append("\n".join(lines) + "\n")
    parts.append(differences(cases))
    return "\n".join(part for part in parts if part)


def summary(cases: list[Case]) -> str:
    """The table of all areas with the numbers of cases that pass."""
    lines = [table_head("area", "cases")]
    for area in sorted({case.area for case in cases}):
        found = [case for case in cases if case.area == area]
        total = len({(case.test, case.parameters) for case in found})
        cells = [count(found, kind) for kind in KINDS]
        lines.append(f"| [{sentence(area)}](#{area.replace('_', '-')}) | {total} | {' | '.join(cells)} |")
    total = len({(case.area, case.test, case.parameters) for case in cases})
    cells = [count(cases, kind) for kind in KINDS]
    lines.append(f"| **all** | **{total}** | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def table_head(*columns: str) -> str:
    """The first two lines of a table that ends with a column for each kind of server."""
    names = [*columns, *KINDS]
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"


def count(cases: list[Case], kind: str) -> str:
    """How many cases pass on a kind of server, a dash where none ran."""
    ran = [case for case in cases if case.kind == kind and case.outcome != NOT_RUN]
    return str(sum(case.outcome == PASSED for case in ran)) if ran else "–"


def row(test: str, cases: list[Case]) -> str:
    """The line of one test."""
    total = len({case.parameters for case in cases})
    cells = [cell([case for case in cases if case.kind == kind]) for kind in KINDS]
    return f"| {sentence(test)} | {total} | {' | '.join(cells)} |"


def cell(cases: list[Case]) -> str:
    """What a kind of server makes of one test."""
    outcomes = {case.outcome for case in cases}
    passed = sum(case.outcome == PASSED for case in cases)
    if FAILED in outcomes:
        return f"✗ {passed} of {len(cases)}" if len(cases) > 1 else "✗"
    if not outcomes or outcomes == {NOT_RUN}:
        return "–"
    if outcomes == {PASSED}:
        return "✓"
    word = "*differs*" if DIFFERS in outcomes else "*lacks*"
    return f"{word} ({passed} of {len(cases)} pass)" if passed else word


def differences(cases: list[Case]) -> str:
    """The reasons of what differs and what is lacking."""
    reasons: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.outcome == DIFFERS:
            which = f" (`{case.parameters}`)" if case.parameters else ""
            reasons[case.kind].add(f"{sentence(case.test)}{which}: {case.reason}")
        elif case.outcome == LACKS:
            reasons[case.kind].add(case.reason.partition(" lacks ")[2])
    if not reasons:
        return ""
    lines = ["## What differs and what is lacking", ""]
    for kind in KINDS:
        lines += [f"- `{kind}`: {reason}" for reason in sorted(reasons[kind])]
    return "\n".join(lines) + "\n"


def introduction(area: str) -> str:
    """The first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse((SUITE / f"test_{area}.py").read_text())) or ""
    return " ".join(text.split("\n\n")[0].split())


def sentence(name: str) -> str:
    """`a_list_is_sorted` as a sentence."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("records", nargs="+", type=Path, help="JUnit files (pytest --junitxml)")
    parser.add_argument("--output", type=Path, default=PAGE)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 when the page is not up to date"
    )
    arguments = parser.parse_args()
    cases = merged(arguments.records)
    if not cases:
        print("no case of tests/contract is in these records")
        return 1
    text = page(cases)
    if arguments.check:
        if not arguments.output.exists() or arguments.output.read_text() != text:
            print(f"{arguments.output} is not what these records say: run python -m tools.contract_table")
            return 1
    else:
        arguments.output.write_text(text)
    failed = [case for case in cases if case.outcome == FAILED]
    for case in failed:
        print(f"failed on {case.kind}: {case.area}::{case.test}[{case.parameters}]")
    print(f"contract: {len({(c.area, c.test, c.parameters) for c in cases})} cases, {len(failed)} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
