"""Show that the tests notice when a guard of the syncer is gone: python -m tools.guards [NAME …]

Each guard is one piece of code that keeps the agent from deleting or overwriting what it must not: row 0, what is
*ours*, each precondition of a write, the ``test`` of a finalizer patch, the atomic swap of a list, the deletion
brake. In a copy of the tree it is replaced by code without the guard, and the tests that should notice are run:
at least one assertion has to fail, else the guard is not tested. Text that is not found exactly once is an error
too, so that this list cannot rot. Exit code 0: all were noticed; 1: some were not.
"""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
COPIED = ("src", "tests", "tools", "pyproject.toml", "README.md", "LICENSE")
SECONDS = 300
PARALLEL = 2
SPEC = "tests/unit/agent/test_spec.py"
TABLE = "tests/unit/sync/test_table.py"
OWNERSHIP = "tests/unit/sync/test_ownership.py"


@dataclass(frozen=True)
class Guard:
    """`old` in `file` (below src/tmc_syncer) is replaced by `new`; then `tests` have to fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


GUARDS = (
    Guard("row 0: fresh", "sync/table.py", "if not f.fresh:", "if False:", (TABLE,)),
    Guard(
        "row 0: absence is proven",
        "sync/table.py",
        "if f.upstream is Upstream.UNKNOWN:",
        "if False:",
        (TABLE,),
    ),
    Guard(
        "absence needs proof where a copy stands",
        "downstream/observation.py",
        "proven = sighting.upstream_proven or downstream not in _COPY",
        "proven = True",
        (SPEC,),
    ),
    Guard(
        "a finalizer goes only after the copy is proven gone",
        "sync/table.py",
        "if f.downstream is Downstream.FOREIGN or f.downstream_proven:",
        "if True:",
        (TABLE, SPEC),
    ),
    Guard("caches are fresh", "agent/spec.py", "if not self._world.fresh(synced):", "if False:", (SPEC,)),
    Guard(
        "the lease is held",
        "agent/world.py",
        "            self.holds_lease()\n            and synced",
        "            synced",
        (SPEC,),
    ),
    Guard(
        "ours: namespace",
        "sync/ownership.py",
        "        placed = in_our_namespace\n",
        "        placed = True\n",
        (OWNERSHIP,),
    ),
    Guard(
        "ours: own locator",
        "sync/ownership.py",
        "own is not None and own.same_place(locator)",
        "True",
        (OWNERSHIP,),
    ),
    Guard(
        "ours: label",
        "sync/ownership.py",
        "copy.label(DOWNSTREAM_CLUSTER_LABEL) in (None, locator.sync_target.key)",
        "True",
        (OWNERSHIP,),
    ),
    Guard("ours: source uid", "sync/ownership.py", "and bool(copy.annotation(SOURCE_UID))", "", (OWNERSHIP,)),
    Guard(
        "ours: source name",
        "sync/ownership.py",
        "and copy.annotation(SOURCE_NAME) == source_name(locator.namespace, copy.name)",
        "",
        (OWNERSHIP,),
    ),
    Guard("ours: controller", "sync/ownership.py", "and not has_foreign_controller(copy)", "", (OWNERSHIP,)),
    Guard("delete: uid", "sync/interpreter.py", "                uid=effect.uid,\n", "", (SPEC,)),
    Guard(
        "delete: resourceVersion",
        "sync/interpreter.py",
        "                resource_version=effect.resource_version,\n",
        "",
        (SPEC,),
    ),
    Guard("create: must find nothing", "downstream/applier.py", "resourceVersion=_NEVER", "", (SPEC,)),
    Guard(
        "update: uid",
        "downstream/applier.py",
        "_with_metadata(effect.body, uid=effect.uid)",
        "effect.body",
        (SPEC,),
    ),
    Guard(
        "finalizer patch: the list is tested",
        "sync/patches.py",
        '        _test("/metadata/finalizers", None),\n',
        "",
        (SPEC,),
    ),
    Guard(
        "finalizer patch: the uid is tested",
        "sync/patches.py",
        '        _test("/metadata/uid", uid),\n        _test("/metadata/finalizers", list(present)),\n        {"op": "remove"',
        '        {"op": "remove"',
        (SPEC,),
    ),
    Guard(
        "a list is swapped in whole",
        "engine/informer.py",
        "                    self._collected[record.key] = record\n",
        "                    self._collected[record.key] = record\n"
        '                self.store.replace(self._collected.values(), "")\n',
        ("tests/unit/engine/test_informer.py",),
    ),
    Guard(
        "the brake holds",
        "downstream/brake.py",
        "            return Permission.HELD\n        if len(self._plans)",
        "            return Permission.GO\n        if len(self._plans)",
        ("tests/unit/downstream/test_brake.py",),
    ),
    Guard(
        "deletions are put to the brake",
        "agent/observer.py",
        "match self.permission(view):",
        "match Permission.GO:",
        (SPEC,),
    ),
)


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
