"""Holds the coverage gates.

Pure modules: every line and branch is reached by the module's own test module (src/tmc_syncer/engine/backoff.py by
tests/unit/engine/test_backoff.py), whatever other tests reach. Statements outside functions run when the module is
imported, so for these any import counts. Overall: branch coverage of the package reaches the share given by --overall.

Without --data the twin test modules are run here first, in one pytest process that records which test hit a line; CI
has that record from its whole run and gives it. Prints what is missing and exits 1 when a gate does not hold.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import coverage

from tools.source_tree import REPOSITORY, Module, Rules, modules


class Gaps(NamedTuple):
    """What no test reached in one file; a branch is (from line, to line), negative where it leaves the function."""

    lines: set[int]
    branches: set[tuple[int, int]]


def function_lines(module: Module) -> set[int]:
    """Return the lines that belong to the body of some function."""
    lines: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines.update(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def gaps(data_file: Path, module: Module, contexts: list[str] | None) -> Gaps | None:
    """Return what the recorded tests left out, counting only those whose id matches; None when nothing is known."""
    measured = coverage.Coverage(data_file=str(data_file), config_file=str(REPOSITORY / "pyproject.toml"))
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        try:
            measured.json_report(
                include=[str(REPOSITORY / module.path)], contexts=contexts, outfile=str(report)
            )
        except coverage.exceptions.NoDataError:
            return None
        files = json.loads(report.read_text())["files"]
    if not files:
        return None
    (entry,) = files.values()
    branches = {(start, end) for start, end in entry["missing_branches"]}
    return Gaps(set(entry["missing_lines"]), branches)


def own_gaps(data_file: Path, module: Module) -> list[str]:
    """Return what the module's twin left out, in words."""
    twin = f"^{re.escape(module.twin.as_posix())}::"
    everything, own = gaps(data_file, module, None), gaps(data_file, module, [twin])
    if everything is None:
        return ["was never imported"]
    inside = function_lines(module)
    if own is None:
        own = everything if not inside else Gaps(inside, set())
    lines = {line for line in own.lines if line in inside} | (everything.lines - inside)
    branches = {way for way in own.branches if way[0] in inside} | {
        way for way in everything.branches if way[0] not in inside
    }
    branches = {way for way in branches if way[0] not in lines}
    words = [f"line {line}" for line in sorted(lines)]
    return words + [f"branch {start} → {end if end > 0 else 'exit'}" for start, end in sorted(branches)]


def run_twins(pure: list[Module], data_file: Path) -> int:
    """Run the twin test modules under coverage and return pytest's exit code."""
    twins = sorted({str(module.twin) for module in pure if (REPOSITORY / module.twin).exists()})
    options = ["-q", "--no-header", "--cov", "--cov-context=test", "--cov-report="]
    environment = {**os.environ, "COVERAGE_FILE": str(data_file)}
    command = [sys.executable, "-m", "pytest", *options, *twins]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode if twins else 0


def pure_gate(pure: list[Module], data_file: Path) -> bool:
    """Print what the twins left out and return whether the gate holds."""
    holds = True
    for module in pure:
        if module.is_package and not function_lines(module):
            continue
        if not (REPOSITORY / module.twin).exists():
            missing = [f"has no test module {module.twin}"]
        else:
            missing = own_gaps(data_file, module)
        if missing:
            holds = False
            print(f"{module.path}: not covered by {module.twin}: {', '.join(missing)}")
    print(
        f"coverage of {len(pure)} pure modules by their own tests: "
        f"{'100 %' if holds else 'incomplete, see above'}"
    )
    return holds


def overall_gate(data_file: Path, wanted: float) -> bool:
    """Print the table of what is missing and return whether the share of all branches and lines is reached."""
    measured = coverage.Coverage(data_file=str(data_file), config_file=str(REPOSITORY / "pyproject.toml"))
    measured.load()
    reached = measured.report()
    print(f"coverage overall: {reached:.1f} % of lines and branches, {wanted:g} % wanted")
    return reached >= wanted


def main() -> int:
    """Run the gates that the arguments ask for and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, help="coverage data of a run with --cov-context=test")
    parser.add_argument("--overall", type=float, metavar="PERCENT", help="also hold the gate over all tiers")
    parser.add_argument("modules", nargs="*", help="dotted names to look at, instead of all pure modules")
    arguments = parser.parse_args()
    rules = Rules.read()
    pure = [
        module
        for module in modules().values()
        if rules.is_pure(module) and (not arguments.modules or module.name in arguments.modules)
    ]
    data_file: Path = arguments.data or REPOSITORY / ".run" / "gate.coverage"
    if arguments.data is None:
        data_file.parent.mkdir(exist_ok=True)
        data_file.unlink(missing_ok=True)
        if code := run_twins(pure, data_file):
            return code
    holds = pure_gate(pure, data_file)
    if arguments.overall is not None:
        holds = overall_gate(data_file, arguments.overall) and holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
