"""Show that the tests notice when a guard of the syncer is gone: python -m tools.guards [NAME …]

Each guard is one piece of code that keeps the agent from deleting or overwriting what it must not: row 0, what is
*ours*, each precondition of a write, the ``test`` of a finalizer patch, the atomic swap of a list, the deletion
brake; `tools.guard_list` lists them. In a copy of the tree it is replaced by code without the guard, and the tests that
should notice are run: at least one assertion has to fail, else the guard is not tested. Text that is not found exactly
once is an error too, so that this list cannot rot. Exit code 0: all were noticed; 1: some were not.
"""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.guard_list import GUARDS, Guard

REPOSITORY = Path(__file__).parents[1]
COPIED = ("src", "tests", "tools", "pyproject.toml", "README.md", "LICENSE")
SECONDS = 300
PARALLEL = min(8, os.cpu_count() or 2)


def main(names: list[str]) -> int:
    """Try the named guards, or all."""
    wanted = [guard for guard in GUARDS if not names or guard.name in names]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(_try, wanted))
    for guard, problem in zip(wanted, results, strict=True):
        print(f"{'MISSED' if problem else 'noticed'}  {guard.name}{': ' + problem if problem else ''}")
    missed = sum(1 for problem in results if problem)
    print(f"{len(results) - missed} guards noticed, {missed} missed")
    return 1 if missed or not results else 0


def _try(guard: Guard) -> str:
    """Why nobody noticed that the guard is gone; '' when a test did."""
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        root = Path(folder)
        for name in COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root / name)
        file = root / "src" / "tmc_syncer" / guard.file
        text = file.read_text()
        if text.count(guard.old) != 1:
            return f"its text stands {text.count(guard.old)} times in {guard.file}"
        file.write_text(text.replace(guard.old, guard.new))
        return _run(root, guard)


def _run(root: Path, guard: Guard) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE", "PYTEST_", "TMC_"))
    }
    environment |= {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *guard.tests]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the tests did not end within {SECONDS} s"
    failed = done.returncode == 1 and ("AssertionError" in done.stdout or "DID NOT RAISE" in done.stdout)
    return "" if failed else f"pytest ended with {done.returncode}: {done.stdout.strip()[-300:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
