"""Every code is given once, and docs/errors.md explains each one that exists and no other."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tmc_syncer
from tmc_syncer.api.errors import TmcError

REPOSITORY = Path(__file__).parents[3]
SOURCES = REPOSITORY / "src" / "tmc_syncer"
ROW = re.compile(r"^\| (TMC-\d{3}) \| ([0-9–]+) \| (.+) \| (.+) \|$", re.MULTILINE)
WITHOUT_IMPORT = (
    "tmc_syncer.testing",
    "tmc_syncer.cli.demo_world",
    "tmc_syncer.__main__",
    "tmc_syncer.kube.login",
)


def error_classes() -> list[type[TmcError]]:
    """Return the root and every error of the package below it."""
    for module in pkgutil.walk_packages(tmc_syncer.__path__, "tmc_syncer."):
        if not module.name.startswith(WITHOUT_IMPORT):
            importlib.import_module(module.name)
    found, waiting = [], [TmcError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return [kind for kind in dict.fromkeys(found) if kind.__module__.startswith("tmc_syncer.")]


def documented() -> dict[str, tuple[str, str, str]]:
    """Return code: (exit code, meaning, advice)."""
    rows = ROW.findall((REPOSITORY / "docs" / "errors.md").read_text())
    assert len({row[0] for row in rows}) == len(rows), "a code has two rows"
    return {code: (status, meaning, advice) for code, status, meaning, advice in rows}


def test_no_two_errors_share_a_code() -> None:
    owners: dict[str, list[str]] = {}
    for kind in error_classes():
        if "code" in vars(kind):
            owners.setdefault(kind.code, []).append(kind.__qualname__)
    assert {code: names for code, names in owners.items() if len(names) > 1} == {}


def test_every_error_has_a_code_of_the_one_form() -> None:
    assert [kind.__qualname__ for kind in error_classes() if not re.fullmatch(r"TMC-\d{3}", kind.code)] == []


def test_every_code_in_the_sources_is_documented_and_every_documented_one_exists() -> None:
    used = {
        code for path in SOURCES.rglob("*.py") for code in re.findall(r"TMC-\d{3}", path.read_text("utf-8"))
    }
    assert used == documented().keys()


def test_the_documented_exit_code_is_the_real_one() -> None:
    table = documented()
    wrong = {
        kind.code: (table[kind.code][0], kind.exit_code)
        for kind in error_classes()
        if table[kind.code][0] not in ("–", str(kind.exit_code))
    }
    assert wrong == {}


@pytest.mark.parametrize("code", sorted(documented()))
def test_a_row_says_what_it_means_and_what_to_do(code: str) -> None:
    _, meaning, advice = documented()[code]
    assert meaning.endswith(".")
    assert advice.endswith(".")
