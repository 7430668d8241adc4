"""The layout rules find what they forbid: each is tried on a small tree that breaks it, and on one that does not.

A check that cannot fail is worth nothing; these trees are made in memory and hold only what the rule looks at.
Called by pytest; the rules are in tools/source_tree.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.source_tree import Module, Rules, forbidden_imports, import_cycles, impure_imports

RULES = Rules(
    pure=("tmc_syncer.pure",),
    pure_must_not_import=("asyncio", "socket"),
    forbidden={"tmc_syncer.plane": ("tmc_syncer.sync",), "tmc_syncer": ("tmc_syncer.testing",)},
    allowed={"tmc_syncer.testing": ("tmc_syncer.cli", "tmc_syncer.testing")},
)


def tree(**texts: str) -> dict[str, Module]:
    """Make a package in memory: `tree(pure__rule="import socket")` has the module tmc_syncer.pure.rule."""
    names = {f"tmc_syncer.{key.replace('__', '.')}": text for key, text in texts.items()}
    return {name: Module(name, Path(name.replace(".", "/") + ".py"), text) for name, text in names.items()}


@pytest.mark.parametrize(
    "text",
    [
        "import asyncio",
        "import asyncio.queues as q",
        "from socket import socket",
        "def f():\n    import socket",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncio",
        "from tmc_syncer.shell import run",
        "from tmc_syncer import shell",
    ],
)
def test_an_impure_import_is_found_however_it_is_written(text: str) -> None:
    assert len(impure_imports(tree(pure__rule=text, shell="import asyncio"), RULES)) == 1


def test_another_modules_type_only_import_does_not_make_a_module_impure() -> None:
    shell = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncio"
    assert impure_imports(tree(pure__rule="from tmc_syncer import shell", shell=shell), RULES) == []


def test_an_impure_module_may_import_anything() -> None:
    assert impure_imports(tree(shell="import asyncio"), RULES) == []


def test_the_control_plane_must_not_import_the_syncer() -> None:
    assert (
        len(forbidden_imports(tree(plane__store="import tmc_syncer.sync.table", sync__table=""), RULES)) == 1
    )


def test_the_test_kit_is_for_itself_and_the_demo() -> None:
    kit = {"testing__net": "import tmc_syncer.testing.loop", "testing__loop": ""}
    assert forbidden_imports(tree(cli__demo="from tmc_syncer.testing import loop", **kit), RULES) == []
    assert len(forbidden_imports(tree(agent__main="from tmc_syncer.testing import loop", **kit), RULES)) == 1


def test_a_circle_is_found() -> None:
    circle = tree(
        a="import tmc_syncer.b", b="from tmc_syncer import c", c="def f():\n    import tmc_syncer.a"
    )
    assert import_cycles(circle) == ["tmc_syncer.a → tmc_syncer.b → tmc_syncer.c → tmc_syncer.a"]


def test_a_line_of_imports_is_no_circle() -> None:
    assert import_cycles(tree(a="import tmc_syncer.b, tmc_syncer.c", b="import tmc_syncer.c", c="")) == []


def test_the_twin_of_a_module_is_in_the_same_place_below_tests_unit() -> None:
    module = Module("tmc_syncer.engine.backoff", Path("src/tmc_syncer/engine/backoff.py"), "")
    assert module.twin == Path("tests/unit/engine/test_backoff.py")
