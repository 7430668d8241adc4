"""`tmc syncer` turns flags, environment and file into the agent's settings, and signals into a stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Tmc
from tmc_syncer.agent import agent
from tmc_syncer.agent.config import AgentConfig, LogFormat, LogLevel, Mode
from tmc_syncer.api.errors import UsageError
from tmc_syncer.api.resources import GVR
from tmc_syncer.api.selectors import parse_selector
from tmc_syncer.api.synctarget_spec import Assignment
from tmc_syncer.cli.syncer import SyncerFlags, agent_config

LEAST: dict[str, Any] = {"target": "eu-1", "to_kubeconfig": "edge.yaml"}


def test_flags_that_are_not_given_leave_the_defaults() -> None:
    assert agent_config(SyncerFlags(**LEAST)) == AgentConfig(**LEAST)


def test_every_flag_reaches_its_setting() -> None:
    flags = SyncerFlags(
        target="eu-1", from_kubeconfig="hub.yaml", from_context="hub", to_kubeconfig="edge.yaml", to_context="edge",
        mode="workspace", workspace="root:a", install=False, resources=("deployments.apps,pods", "services.v1."),
        selector="a=b", namespace_selector="team in (x,y)", assignment="Labelled", allow_two_writers=("pods",),
        field_manager="me", workers=3, qps=5.5, burst=7, admin_address="", log_format="json", log_level="debug",
        tune=("lease_seconds=3", "grace_seconds=0.5"),
    )  # fmt: skip
    assert agent_config(flags) == AgentConfig(
        target="eu-1", from_kubeconfig="hub.yaml", from_context="hub", to_kubeconfig="edge.yaml", to_context="edge",
        mode=Mode.WORKSPACE, workspace="root:a", install=False,
        resources=(GVR("apps", "", "deployments"), GVR("", "", "pods"), GVR("", "v1", "services")),
        selector=parse_selector("a=b"), namespace_selector=parse_selector("team in (x,y)"),
        assignment=Assignment.LABELLED, allow_two_writers=(GVR("", "", "pods"),), field_manager="me", workers=3,
        qps=5.5, burst=7, admin_address="", log_format=LogFormat.JSON, log_level=LogLevel.DEBUG, lease_seconds=3.0,
        grace_seconds=0.5,
    )  # fmt: skip
    assert agent_config(SyncerFlags(**LEAST, cluster_name="hub")).cluster_name == "hub"


def test_every_setting_of_the_agent_can_be_reached(tmp_path: Path) -> None:
    flags = set(SyncerFlags.__dataclass_fields__) - {"config", "tune"}
    settings = set(AgentConfig.__dataclass_fields__)
    assert flags <= settings
    assert all(AgentConfig.__dataclass_fields__[name].type == "float" for name in settings - flags)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "syncer.yaml"
    path.write_text("target: of-the-file\nworkers: 3\nto-kubeconfig: edge.yaml\n")
    config = agent_config(SyncerFlags(target="of-the-line", config=path))
    assert (config.target, config.workers) == ("of-the-line", 3)
    assert config.to_kubeconfig == str(tmp_path / "edge.yaml")


def test_the_environment_wins_over_the_file(
    tmp_path: Path, tmc: Tmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "syncer.yaml"
    path.write_text("target: Of_The_File\nto-kubeconfig: edge.yaml\n")
    assert "'Of_The_File' is not a target name" in tmc("syncer", "--config", str(path)).err
    monkeypatch.setenv("TMC_TARGET", "Of_The_Environment")
    assert "'Of_The_Environment' is not a target name" in tmc("syncer", "--config", str(path)).err
    monkeypatch.setenv("TMC_CONFIG", str(tmp_path / "missing.yaml"))
    assert "missing.yaml" in tmc("syncer").err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"target": None}, "No target is named."),
        ({"resources": ("Pods!",)}, "'Pods!' is not a resource type."),
        ({"selector": "a=="}, None),
        ({"selector": "a b"}, "'a b' is not a label selector."),
        ({"namespace_selector": "=x"}, "'=x' is not a label selector."),
        ({"tune": ("speed=1",)}, "--tune knows no 'speed'."),
        ({"tune": ("qps=1",)}, "--tune knows no 'qps'."),
        ({"tune": ("lease_seconds=soon",)}, "--tune lease_seconds: 'soon' is no number of seconds."),
        ({"tune": ("lease_seconds=-1",)}, "lease_seconds is -1.0."),
    ],
)
def test_bad_flags_are_refused(flags: dict[str, Any], sentence: str | None) -> None:
    made = SyncerFlags(**{**LEAST, **flags})
    if sentence is None:
        agent_config(made)
        return
    with pytest.raises(UsageError) as caught:
        agent_config(made)
    assert caught.value.message == sentence


def test_a_signal_asks_to_stop_and_a_second_one_to_stop_at_once(
    tmc: Tmc, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    async def fake_agent(
        config: AgentConfig, _env: object, *, stop: asyncio.Event, stop_now: asyncio.Event
    ) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        steps.append(f"stop, now: {stop_now.is_set()}")
        os.kill(os.getpid(), signal.SIGINT)
        await stop_now.wait()
        steps.append(config.target)
        return 7

    monkeypatch.setattr(agent, "run_agent", fake_agent)
    result = tmc("syncer", "--target", "eu-1", "--to-kubeconfig", "edge.yaml")
    assert result == (7, "", "")
    assert steps == ["stop, now: False", "eu-1"]
