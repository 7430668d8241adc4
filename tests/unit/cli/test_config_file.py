"""A configuration file sets flags; whatever is no setting is refused by name, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tmc_syncer.api.errors import UsageError
from tmc_syncer.cli.config_file import read_config_file
from tmc_syncer.cli.syncer import SyncerFlags

NOT_IN_FILE = frozenset({"config"})


def read(tmp_path: Path, text: str | bytes, name: str = "syncer.yaml") -> SyncerFlags:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_config_file(path, SyncerFlags, NOT_IN_FILE)


YAML = """
target: eu-1
to-kubeconfig: edge.yaml
from_context: hub          # an underscore is accepted
resources: [deployments.apps, services]
allow-two-writers: pods
workers: 8
qps: 2.5
install: false
tune: [lease_seconds=5]
"""
TOML = """
target = "eu-1"
to-kubeconfig = "edge.yaml"
from_context = "hub"
resources = ["deployments.apps", "services"]
allow-two-writers = "pods"
workers = 8
qps = 2.5
install = false
tune = ["lease_seconds=5"]
"""


@pytest.mark.parametrize(("text", "name"), [(YAML, "syncer.yaml"), (TOML, "syncer.toml"), (YAML, "settings")])
def test_yaml_and_toml_say_the_same(tmp_path: Path, text: str, name: str) -> None:
    assert read(tmp_path, text, name) == SyncerFlags(
        target="eu-1",
        to_kubeconfig=str(tmp_path / "edge.yaml"),
        from_context="hub",
        resources=("deployments.apps", "services"),
        allow_two_writers=("pods",),
        workers=8,
        qps=2.5,
        install=False,
        tune=("lease_seconds=5",),
    )


def test_paths_are_relative_to_the_file_unless_they_are_absolute(tmp_path: Path) -> None:
    flags = read(tmp_path, "from-kubeconfig: sub/hub.yaml\nto-kubeconfig: /etc/edge.yaml")
    assert flags.from_kubeconfig == str(tmp_path / "sub" / "hub.yaml")
    assert flags.to_kubeconfig == "/etc/edge.yaml"


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing yet\n") == SyncerFlags()
    assert read(tmp_path, "", "a.toml") == SyncerFlags()


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("tagret: a", "'tagret' is no setting.", "Did you mean target?"),
        ("from_kubconfig: a", "'from_kubconfig' is no setting.", "Did you mean from-kubeconfig?"),
        ("xyz: a", "'xyz' is no setting.", "Known are target, from-kubeconfig,"),
        ("config: other.yaml", "'config' is no setting.", "Known are"),
        ("5: a", "'5' is no setting.", "Known are"),
        ("log-level: info\nlog_level: debug", "log_level is set twice.", "Keep one"),
        ("workers: many", "workers: expected int, got str.", "--help"),
        ("install: 'no'", "install: expected bool, got str.", "--help"),
        ("assignment: Some", "assignment: invalid enum value 'Some'.", "--help"),
        ("resources: [1]", "resources[0]: expected str, got int.", "--help"),
        ("from-kubeconfig: 5", "from-kubeconfig: expected str, got int.", "--help"),
        ("[]", "settings are expected, key: value.", "Correct the file."),
        ("just words", "settings are expected, key: value.", "Correct the file."),
        ("a: [", "it is not YAML:", "Correct the file."),
        (b"a: \xff", "it is not YAML text.", "Correct the file."),
    ],
)  # fmt: skip
def test_what_is_no_setting_is_refused_with_the_file_and_a_hint(
    tmp_path: Path, text: str | bytes, sentence: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.message.startswith(f"{tmp_path / 'syncer.yaml'}: {sentence}")
    assert hint in caught.value.hint


def test_the_place_of_a_mistake_in_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 2, column"):
        read(tmp_path, "target: a\n  workers: 3\n")


@pytest.mark.parametrize(
    ("text", "sentence"), [("a = ", "it is not TOML"), (b"\xff", "it is not UTF-8 text.")]
)
def test_bad_toml_is_refused(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read(tmp_path, text, "syncer.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(UsageError) as caught:
            read_config_file(path, SyncerFlags, NOT_IN_FILE)
        assert str(path) in caught.value.message


def test_a_file_that_is_no_configuration_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too large"):
        read(tmp_path, b"#" * ((1 << 20) + 1))
