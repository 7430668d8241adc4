"""One workspace of a kcp as upstream: the same main job, with kcp's own names. Skipped, and said so, without a kcp."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.real.custom_types import CUSTOM_TYPES, custom_type, install_custom_types
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.cluster import PhysicalCluster
from tmc_syncer.testing.kcp import Kcp, find_kcp
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

pytestmark = pytest.mark.parametrize("server", ["kcp"], indirect=True)

WIDGETS = CUSTOM_TYPES[0]


@pytest.fixture(scope="module")
def server(
    assets: Assets, tmp_path_factory: pytest.TempPathFactory, kept_processes: set[int]
) -> Iterator[Kcp]:
    program = find_kcp()
    if program is None:
        pytest.skip("no kcp: neither TMC_KCP nor kcp on PATH names one")
    kcp = Kcp(program, tmp_path_factory.mktemp("kcp"), assets.program("kubectl"))
    try:
        kcp.start()
        kept_processes.add(kcp.pid or 0)
        yield kcp
    finally:
        kcp.stop()


def agent_of(kcp: Kcp, workspace: str, downstream: PhysicalCluster, directory: Path) -> ServerProcess:
    """`tmc syncer` for one workspace, as kcp's administrator."""
    (port,) = free_ports(1)

    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as reply:
                return bool(reply.status == 200)
        except (OSError, urllib.error.HTTPError):
            return False

    command = [
        sys.executable, "-m", "tmc_syncer.cli.main", "syncer", "--target", "edge",
        "--from-kubeconfig", str(kcp.kubeconfig), "--workspace", workspace,
        "--to-kubeconfig", str(downstream.kubeconfig()),
        "--resources", f"configmaps,secrets,{WIDGETS}", "--namespace-selector", "team=shop",
        "--admin-address", f"127.0.0.1:{port}", "--log-format", "json", "--tune", "namespace_deletion_delay=1",
    ]  # fmt: skip
    return ServerProcess(
        "agent",
        command,
        log_path=directory / "agent.log",
        directory=directory,
        is_ready=is_ready,
        stop_grace_seconds=40.0,
    )


@pytest.mark.timeout(400)
def test_a_workspace_is_synced_as_any_upstream_under_its_logical_clusters_name(
    server: Kcp, downstream: PhysicalCluster, tmp_path: Path
) -> None:
    install_custom_types(downstream)
    workspace = server.create_workspace("team-a")
    server.kubectl("apply", "-f", "-", workspace=workspace, stdin=json.dumps(custom_type(WIDGETS)))
    server.kubectl(
        "wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=60s", workspace=workspace
    )
    agent = agent_of(server, workspace, downstream, tmp_path / "agent")

    def apply(*manifests: dict[str, Any]) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        server.kubectl("apply", "--server-side", "-f", "-", workspace=workspace, stdin=json.dumps(everything))

    def up(kind: str, name: str) -> dict[str, Any]:
        words = ("get", kind, name, "-o", "json", *(() if kind == "namespace" else ("-n", "shop")))
        found: dict[str, Any] = json.loads(server.kubectl(*words, workspace=workspace))
        return found

    def config_map(**data: str) -> dict[str, Any]:
        meta = {"name": "settings", "namespace": "shop"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}

    try:
        agent.start()
        meta = {"name": "shop", "labels": {"team": "shop"}}
        apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        apply(
            config_map(colour="green", shape="round"),
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "key", "namespace": "shop"},
                "data": {"a": "Yg=="},
            },
            {
                "apiVersion": "example.com/v1",
                "kind": "Widget",
                "metadata": {"name": "wheel", "namespace": "shop"},
                "spec": {"size": 3},
            },
        )
        cluster = up("namespace", "shop")["metadata"]["annotations"]["kcp.io/cluster"]
        place = f"kcp-{cluster}-shop"
        for kind, name in (("ConfigMap", "settings"), ("Secret", "key"), ("Widget", "wheel")):
            copy = eventually(partial(downstream.get, kind, name, place), message=f"{kind} {name}")
            assert copy is not None
            assert copy["metadata"]["labels"]["kcp.io/workspace"] == cluster
            assert "kcp.io/cluster" not in copy["metadata"]["annotations"]

        downstream.patch("Widget", "wheel", place, {"status": {"phase": "Turning"}}, subresource="status")
        eventually(lambda: up("widgets", "wheel").get("status") == {"phase": "Turning"}, message="status up")
        apply(config_map(colour="red"))
        eventually(
            lambda: (downstream.get("ConfigMap", "settings", place) or {})["data"] == {"colour": "red"}
        )

        server.kubectl("delete", "configmap", "settings", "-n", "shop", "--timeout=30s", workspace=workspace)
        assert downstream.get("ConfigMap", "settings", place) is None
        server.kubectl("delete", "namespace", "shop", "--timeout=90s", workspace=workspace)
        eventually(lambda: downstream.get("Namespace", place) is None, 60, message="the namespace is gone")
    except subprocess.CalledProcessError as error:
        raise AssertionError(error.stderr) from error
    finally:
        agent.stop()
