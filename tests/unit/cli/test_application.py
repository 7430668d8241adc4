"""Every command has help with examples, and every flag an environment variable, but not the dangerous ones."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Tmc
from tmc_syncer.cli.application import application

COMMANDS = [
    ["syncer"],
    ["demo"],
    ["status"],
    ["version"],
    ["crds"],
    ["completion"],
    ["target", "list"],
    ["target", "show"],
    ["target", "release-brake"],
    ["target", "remove"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_help_with_examples(tmc: Tmc, command: list[str]) -> None:
    result = tmc(*command, "--help")
    assert result.code == 0
    assert f"Usage: tmc {' '.join(command)}" in result.out
    examples = result.out.partition("Examples:\n")[2]
    assert f"  tmc {' '.join(command)}" in examples
    assert result.err == ""


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_without_a_command_all_are_listed(tmc: Tmc, words: list[str]) -> None:
    result = tmc(*words)
    assert result.code == 0
    for name in ("syncer", "demo", "status", "target", "crds", "version", "completion"):
        assert f" {name} " in result.out
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage." in " ".join(result.out.split())


def test_help_into_a_pipe_has_no_colours(tmc: Tmc) -> None:
    assert "\x1b[" not in tmc("syncer", "--help").out


def test_every_command_that_is_offered_exists() -> None:
    app = application("tmc")
    for command in COMMANDS:
        node = app
        for word in command:
            node = node[word]
        assert callable(node.default_command)


def test_a_flag_is_taken_from_the_environment_and_the_command_line_wins(
    tmc: Tmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMC_KUBECONFIG", "/from/environment")
    assert "/from/environment" in tmc("status").err
    assert "/from/command-line" in tmc("status", "--kubeconfig", "/from/command-line").err


def test_a_bad_value_in_the_environment_names_the_variable(tmc: Tmc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMC_WORKERS", "many")
    result = tmc("syncer", "--target", "a")
    assert result.code == 2
    assert "TMC_WORKERS" in result.err


def test_nothing_is_confirmed_forced_or_named_by_the_environment(
    tmc: Tmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TMC_FORCE", "TMC_YES", "TMC_INSTALL", "TMC_NAME"):
        monkeypatch.setenv(name, "true")
    app = application("tmc")
    _, bound, _ = app.parse_args(["target", "remove", "eu-1"])
    assert "force" not in bound.arguments
    assert "yes" not in bound.arguments
    assert tmc("target", "show").code == 2
    assert tmc("crds").out.startswith("#")


def test_installing_is_a_setting_of_the_syncer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMC_INSTALL", "false")
    _, bound, _ = application("tmc").parse_args(["syncer"])
    assert bound.arguments["flags"].install is False


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_our_commands(tmc: Tmc, shell: str) -> None:
    result = tmc("completion", shell)
    assert result.code == 0
    assert "release-brake" in result.out
