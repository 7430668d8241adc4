"""`tmc demo`: everything starts, the app runs, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from tmc_syncer.testing.assets import Assets


def environment(assets: Assets, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMC_ASSETS": str(assets.directory),
        "TMPDIR": str(home),
        **kept,
    }


def test_the_demo_deploys_an_app_that_runs_and_cleans_up(
    tmc_command: Path, assets: Assets, tmp_path: Path
) -> None:
    done = subprocess.run(
        [tmc_command, "demo", "--exit-when-ready"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(assets, tmp_path),
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Deployment web +2/2 ready +2/2 ready", done.stdout)
    assert re.search(r"Pods .* 2 running on cluster-east-", done.stdout)
    assert "Ready after" in done.stdout
    assert list(tmp_path.glob("tmc-demo-*")) == []


def test_the_demo_stays_until_it_is_stopped_and_its_kubeconfig_works(
    tmc_command: Path, assets: Assets, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [tmc_command, "demo"], stdout=subprocess.PIPE, text=True, env=environment(assets, tmp_path)
    ) as demo:
        assert demo.stdout is not None
        try:
            printed = ""
            for line in demo.stdout:
                printed += line
                if line.startswith("Ctrl-C"):
                    break
            kubeconfig = re.search(r"KUBECONFIG=(\S+)", printed)
            assert kubeconfig is not None, printed
            kubectl = [assets.program("kubectl"), "--kubeconfig", kubeconfig[1]]
            for words in (["get", "deployment", "web"], ["--context", "cluster-east", "get", "nodes"]):
                subprocess.run(
                    [*kubectl, *words],
                    check=True,
                    capture_output=True,
                    timeout=30,
                    env={"HOME": str(tmp_path)},
                )
            assert Path(kubeconfig[1]).stat().st_mode & 0o077 == 0
        finally:
            demo.send_signal(signal.SIGTERM)
            rest = demo.stdout.read()
    assert demo.returncode == 0
    assert "everything is removed" in rest
    assert list(tmp_path.glob("tmc-demo-*")) == []
