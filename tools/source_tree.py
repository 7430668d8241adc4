"""Reads the package's source as text and syntax, for checks of its layout.

Nothing here imports the package. `Module` is one file below src/ with its dotted name, its imports and its docstring;
`modules()` finds them all; `Rules` is the table [tool.tmc] of pyproject.toml. Each check returns findings in words,
one a string, and an empty list when all is well. Used by tests/layout and tools/coverage_gate.py.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = "tmc_syncer"


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its path below the repository and its text."""

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    @property
    def is_package(self) -> bool:
        """Whether this is an `__init__` file."""
        return self.path.name == "__init__.py"

    @property
    def twin(self) -> Path:
        """The test module that belongs to this one, below the repository."""
        folders = self.name.split(".")[1:-1]
        return Path("tests", "unit", *folders, f"test_{self.path.stem.lstrip('_')}.py")

    @cached_property
    def docstring(self) -> str:
        """The module's docstring, empty when it has none."""
        return ast.get_docstring(self.tree) or ""

    def imports(self, *, for_types: bool) -> Iterator[tuple[str, str]]:
        """Yield (module, name or empty) of each import anywhere in the file; `for_types` takes TYPE_CHECKING too."""
        yield from imported(self.tree.body, for_types=for_types)


def imported(nodes: Iterable[ast.AST], *, for_types: bool) -> Iterator[tuple[str, str]]:
    """Yield (module, name or empty) of each import statement in or below these nodes."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not for_types:
            yield from imported(node.orelse, for_types=for_types)
        else:
            yield from imported(ast.iter_child_nodes(node), for_types=for_types)


@dataclass(frozen=True)
class Rules:
    """The table [tool.tmc] of pyproject.toml."""

    pure: tuple[str, ...]
    pure_must_not_import: tuple[str, ...]
    forbidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, repository: Path = REPOSITORY) -> Rules:
        """Return the rules of this repository."""
        table = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["tmc"]
        return cls(
            tuple(table["pure"]),
            tuple(table["pure-must-not-import"]),
            {importer: tuple(names) for importer, names in table["forbidden"].items()},
            {name: tuple(importers) for name, importers in table["allowed"].items()},
        )

    def is_pure(self, module: Module) -> bool:
        """Whether the list of pure modules names the module or a package above it."""
        return is_below(module.name, self.pure)


def is_below(name: str, parents: Iterable[str]) -> bool:
    """Whether the dotted name is one of the parents or lies below one."""
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def modules(repository: Path = REPOSITORY) -> dict[str, Module]:
    """Return every module of the package by its dotted name."""
    source = repository / "src"
    found: dict[str, Module] = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = Module(name, path.relative_to(repository), path.read_text())
    return found


def targets(module: Module, tree: Mapping[str, Module], *, for_types: bool) -> set[str]:
    """Return the dotted names that a module imports; `from a import b` is `a.b` when that is a module of ours."""
    result: set[str] = set()
    for source, name in module.imports(for_types=for_types):
        joined = f"{source}.{name}" if name else source
        result.add(joined if joined in tree else source)
    return result


def impure_imports(tree: Mapping[str, Module], rules: Rules) -> list[str]:
    """Find pure modules that import something impure, themselves or through another module of the package."""
    findings = []
    for module in tree.values():
        if not rules.is_pure(module):
            continue
        ways = [[module.name]]
        seen = {module.name}
        while ways:
            way = ways.pop()
            for target in sorted(targets(tree[way[-1]], tree, for_types=len(way) == 1) - seen):
                seen.add(target)
                if is_below(target, rules.pure_must_not_import):
                    findings.append(f"{module.path} is pure but imports {' → '.join([*way[1:], target])}")
                elif target in tree:
                    ways.append([*way, target])
    return findings


def forbidden_imports(tree: Mapping[str, Module], rules: Rules) -> list[str]:
    """Find imports that the table `forbidden` excludes and the table `allowed` does not let through."""
    return [
        f"{module.path} imports {target}, which {importer} must not"
        for importer, names in rules.forbidden.items()
        for module in tree.values()
        if is_below(module.name, [importer])
        for target in sorted(targets(module, tree, for_types=True))
        for name in names
        if is_below(target, [name]) and not is_below(module.name, rules.allowed.get(name, ()))
    ]


def import_cycles(tree: Mapping[str, Module]) -> list[str]:
    """Find modules that import each other in a circle, type-only and late imports included."""
    edges = {
        name: sorted(targets(module, tree, for_types=True) & tree.keys() - {name})
        for name, module in tree.items()
    }
    finished: set[str] = set()
    findings: list[str] = []

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            findings.append(" → ".join([*way[way.index(name) :], name]))
        elif name not in finished:
            for target in edges[name]:
                visit(target, [*way, name])
            finished.add(name)

    for name in sorted(tree):
        visit(name, [])
    return findings
