"""`tmc` starts fast, speaks in sentences, and ends with the documented exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Tmc
from tmc_syncer import __version__
from tmc_syncer.cli import main, version
from tmc_syncer.cli.main import run


def test_version_is_one_line_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from tmc_syncer.cli.main import run; code = run(['tmc', 'version']);"
        "heavy = {'cyclopts', 'rich', 'aiohttp', 'msgspec', 'asyncio'} & set(sys.modules); sys.exit(code or len(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"tmc-syncer {__version__}\n")


def test_the_installed_command_runs(tmc_command: Path) -> None:
    for command in (tmc_command, tmc_command.with_name("kubectl-tmc")):
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, f"tmc-syncer {__version__}\n")


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tmc_syncer", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"tmc-syncer {__version__}\n")


def test_the_exit_code_of_a_process_is_that_of_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["tmc", "--debug", "version"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sinker"], 'error: Unknown command "sinker". Did you mean "syncer"?'),
        (["syncer", "--tagret", "x"], "error: Unknown option: --tagret. Did you mean --target? [TMC-002]"),
        (["syncer", "--workers", "many"], 'unable to convert "many" into int. [TMC-002]'),
        (["syncer", "--assignment", "all"], 'Invalid value "all" for --assignment. Choose from: "All"'),
        (["target", "show"], "requires an argument"),
        (["syncer", "--no-install", "now"], "error: Nothing takes the argument 'now'. [TMC-002]"),
        (["status", "-o", "xml"], 'Invalid value "xml" for -o.'),
    ],
)
def test_a_mistyped_command_line_is_explained_with_exit_code_2(
    tmc: Tmc, words: list[str], sentence: str
) -> None:
    result = tmc(*words)
    assert result.code == 2
    assert sentence in result.err
    assert result.out == ""
    assert "Traceback" not in result.err


def test_an_expected_failure_is_an_error_a_hint_and_a_code(tmc: Tmc) -> None:
    result = tmc("status")
    assert result.code == 2
    first, second = result.err.splitlines()
    assert first.startswith("error: There is no kubeconfig:")
    assert first.endswith("[TMC-104]")
    assert second.startswith("hint: ")


def test_a_bug_is_a_sentence_too_and_a_traceback_only_with_debug(
    tmc: Tmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(version, "print_data", broken)
    result = tmc("version", "-o", "json")
    assert result.code == 1
    assert "Something unexpected happened (ZeroDivisionError). [TMC-000]" in result.err
    assert "secret detail" not in result.err
    assert "--debug" in result.err
    with pytest.raises(ZeroDivisionError):
        run(["tmc", "--debug", "version", "-o", "json"])


def test_debug_behind_two_dashes_is_an_ordinary_word(tmc: Tmc) -> None:
    result = tmc("version", "--", "--debug")
    assert result.code == 2
    assert "--debug" in result.err


def test_an_interrupt_ends_with_130_and_no_words(tmc: Tmc, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "print_data", interrupted)
    assert tmc("version", "-o", "json") == (130, "", "")


def test_a_reader_that_has_enough_is_no_failure() -> None:
    program = (
        "import sys, os; from tmc_syncer.cli.main import run;"
        "r, w = os.pipe(); os.close(r); os.dup2(w, 1); sys.exit(run(['tmc', 'crds']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_as_a_kubectl_plugin_it_says_so(tmc: Tmc) -> None:
    result = tmc("status", "--help", program="/usr/local/bin/kubectl-tmc")
    assert result.code == 0
    assert "Usage: kubectl tmc status" in result.out
    assert "kubectl tmc status eu-1" in result.out
