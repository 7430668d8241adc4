"""Holds the mutation gate: of the mutants of the pure modules, the tests kill at least nine in ten.

Reads what `mutmut run` left in mutants/ through `mutmut results --all true`, prints the share for each pure module and
the survivors, and exits 1 below the gate. A mutant that timed out counts as killed, one that no test reaches as alive.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict

from tools.source_tree import REPOSITORY, Rules, modules

WANTED_PERCENT = 90.0
KILLED = {"killed", "timeout", "segfault", "caught by type check"}


def results() -> list[tuple[str, str]]:
    """Return (mutant's name, its state)."""
    command = [sys.executable, "-m", "mutmut", "results", "--all", "true"]
    listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    pairs = (line.strip().rpartition(": ") for line in listing.splitlines())
    return [(name, state) for name, _, state in pairs if ".x" in name]


def main() -> int:
    """Print the score of each pure module and return the exit code."""
    rules = Rules.read()
    pure = {module.name for module in modules().values() if rules.is_pure(module)}
    states: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, state in results():
        module = name.partition(".x")[0]
        if module in pure:
            states[module][state in KILLED] += 1
            if state not in KILLED:
                print(f"  alive: {name} ({state})")
    for module, counts in sorted(states.items()):
        print(f"{module}: {counts[True]} of {counts.total()} killed")
    killed = sum(counts[True] for counts in states.values())
    total = sum(counts.total() for counts in states.values())
    share = 100.0 * killed / total if total else 0.0
    print(f"mutation score of the pure modules: {share:.1f} %, {WANTED_PERCENT:g} % wanted")
    return 0 if share >= WANTED_PERCENT else 1


if __name__ == "__main__":
    sys.exit(main())
