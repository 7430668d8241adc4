"""Where its servers are not built, the demo says so in one sentence."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Tmc
from tmc_syncer.cli import demo
from tmc_syncer.cli.demo_world import Line


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The demo's signal handler is taken away again."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_without_the_servers_it_ends_with_2_and_what_to_do(
    tmc: Tmc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMC_ASSETS", str(tmp_path))
    result = tmc("demo", "--exit-when-ready")
    assert result.code == 2
    assert "they are not built. [TMC-002]" in result.err
    assert "make testbed" in result.err


def test_a_pipe_sees_each_step_once_and_the_table_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    view = demo._View()
    with view:
        view.show([Line("Service web", "created", "-", False)])
        view.show([Line("Service web", "created", "copied", True)])
        view.show([Line("Service web", "created", "copied", True)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Service web: created; copied"
    assert lines[1].split() == [
        "APP",
        "UPSTREAM",
        "(workspace-demo)",
        "ON",
        "THE",
        "CLUSTER",
        "(cluster-east)",
    ]
    assert lines[2].split() == ["Service", "web", "created", "copied"]
    assert len(lines) == 3
