"""The source tree keeps the rules of the house.

Each test checks one rule on the files as they are and names every place that breaks it. The imports that make a layer are
checked by `make lint` (import-linter), docstrings of functions and classes, the order of `__all__` and the ban of wall time
by ruff; here is what these cannot see. The rules themselves are tried on bad trees in test_rules.py.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import source_tree
from tools.source_tree import REPOSITORY, Module

LONGEST_MODULE = 300
DOCSTRING_LINES = range(3, 21)
NO_NOUN = {"base", "common", "helpers", "manager", "misc", "utils"}
CLOCK_OWNERS = ("src/tmc_syncer/engine/env.py", "src/tmc_syncer/testing/")
IMPORT_NAMES = {"pyyaml": "yaml"}
REAL_TIME_TIERS = {"bench", "browser", "contract", "real"}

TREE = source_tree.modules()
RULES = source_tree.Rules.read()

# Written in pieces, so that this file does not find itself.
FOREIGN = re.compile(
    "|".join(
        [
            r"(?<![\w.$}~*-])/(?:work|root|home|Users)" + r"/(?!\.\.\.)[\w.-]",
            r"(?:files\.)?" + r"pythonhosted" + r"\.org",
            r"\bpypi" + r"\.(?:org|python\.org)",
            r"\bregistry\.(?:npmjs|yarnpkg)" + r"\.(?:org|com)",
            r"\b(?:proxy|sum)\.golang" + r"\.org",
            r"\b(?:index|static)\.crates" + r"\.io",
            r"\brepo1?\.maven" + r"\.",
        ]
    )
)


def tracked_files() -> list[Path]:
    """Return the text files that a clone has, found by git, which every clone has been made with."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True)
    paths = [REPOSITORY / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def test_a_module_has_at_most_300_lines() -> None:
    long = {str(module.path): len(module.text.splitlines()) for module in TREE.values()}
    assert {path: lines for path, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_a_module_docstring_has_3_to_20_lines() -> None:
    lines = {
        str(module.path): len(module.docstring.splitlines())
        for module in TREE.values()
        if not module.is_package
    }
    assert {path: count for path, count in lines.items() if count not in DOCSTRING_LINES} == {}


def test_a_package_has_a_docstring() -> None:
    assert [str(m.path) for m in TREE.values() if m.is_package and not m.docstring] == []


def test_a_folder_with_modules_is_a_package() -> None:
    folders = {module.path.parent for module in TREE.values()}
    assert [
        str(folder) for folder in sorted(folders) if not (REPOSITORY / folder / "__init__.py").exists()
    ] == []


def test_a_module_is_named_by_a_noun_of_the_domain() -> None:
    named = {module.path: set(module.name.split(".")) & NO_NOUN for module in TREE.values()}
    assert [str(path) for path, bad in named.items() if bad] == []


def test_names_in_all_exist() -> None:
    assert [finding for module in TREE.values() for finding in missing_exports(module)] == []


def missing_exports(module: Module) -> list[str]:
    """Find names that `__all__` promises and the module does not bind at its top level (or as a submodule)."""
    exports: list[str] = []
    bound: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Tuple):
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(name, ast.Name) and name.id == "__all__" for name in names):
                exports = [str(item.value) for item in node.value.elts if isinstance(item, ast.Constant)]
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    lazy = "__getattr__" in bound
    return [
        f"{module.path}: __all__ names {name}, which is not there"
        for name in exports
        if name not in bound and f"{module.name}.{name}" not in TREE and not lazy
    ]


def test_a_pure_module_reaches_nothing_impure() -> None:
    assert source_tree.impure_imports(TREE, RULES) == []


def test_a_pure_module_has_a_twin_test_module() -> None:
    pure = [module for module in TREE.values() if RULES.is_pure(module) and not module.is_package]
    assert [f"{m.path} needs {m.twin}" for m in pure if not (REPOSITORY / m.twin).exists()] == []


def test_the_control_plane_and_the_test_kit_stand_apart() -> None:
    assert source_tree.forbidden_imports(TREE, RULES) == []


def test_what_is_imported_is_declared() -> None:
    """An import that works only because another package pulled the library in breaks when that one lets go of it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    declared = {
        re.split(r"[^A-Za-z0-9_.-]", line, maxsplit=1)[0].lower().replace("-", "_")
        for line in project["dependencies"]
    }
    known = (
        sys.stdlib_module_names | {IMPORT_NAMES.get(name, name) for name in declared} | {source_tree.PACKAGE}
    )
    assert [
        f"{module.path} imports {target}"
        for module in TREE.values()
        for target, _ in module.imports(for_types=True)
        if target.partition(".")[0] not in known
    ] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert source_tree.import_cycles(TREE) == []


def test_only_the_environment_module_touches_the_wall_clock() -> None:
    """Ruff forbids it (TID251); this sees to it that nobody silences that."""
    silenced = re.compile(r"#\s*(?:ruff:\s*)?noqa(?!:)|#\s*(?:ruff:\s*)?noqa:.*TID251")
    assert [
        f"{module.path}:{number}"
        for module in TREE.values()
        if not str(module.path).startswith(CLOCK_OWNERS)
        for number, line in enumerate(module.text.splitlines(), 1)
        if silenced.search(line)
    ] == []


def test_tests_do_not_sleep_real_time_where_virtual_time_would_do() -> None:
    tests = REPOSITORY / "tests"
    files = [path for path in tests.rglob("*.py") if path.relative_to(tests).parts[0] not in REAL_TIME_TIERS]
    assert [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in files
        if path != tests / "conftest.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"}
    ] == []


def test_no_file_names_a_path_of_some_machine_or_a_package_registry() -> None:
    findings = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        findings += [
            f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if FOREIGN.search(line)
        ]
    assert findings == []


@pytest.mark.parametrize(
    ("line", "is_foreign"),
    [
        ("cd /home" + "/anna/tmc", True),
        ("prefix=/root" + "/x", True),
        ("https://pypi" + ".org/simple", True),
        ("/clusters/root/apis/", False),
        ("$HOME/work/x", False),
        ("the path a/home/b", False),
    ],
)
def test_what_counts_as_a_machine_path(line: str, is_foreign: bool) -> None:
    assert bool(FOREIGN.search(line)) == is_foreign
