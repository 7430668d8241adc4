"""`tmc syncer` started wrongly: one clear sentence, the right exit code, nothing half-done, no traceback."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.scene import OWN_AGENT, Scene, config_map, deployment
from tmc_syncer.api.manifests import crd_yaml
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster
from tmc_syncer.testing.polling import eventually

PATH = "/apis/workload.kcp.io/v1alpha1/synctargets"
Start = Callable[..., "subprocess.CompletedProcess[str]"]
TARGET = "bad-input"


@pytest.fixture
def start(
    tmc_command: Path, upstream: ControlPlane, downstream: PhysicalCluster, tmp_path: Path
) -> Iterator[Start]:
    """Starts `tmc syncer` between the two clusters with flags replaced or added; waits for its end."""

    def run(*more: str, **flags: Any) -> subprocess.CompletedProcess[str]:
        settings: dict[str, Any] = {
            "target": TARGET,
            "from-kubeconfig": upstream.kubeconfig(),
            "to-kubeconfig": downstream.kubeconfig(),
            "resources": "configmaps",
            "admin-address": "127.0.0.1:0",
            **{name.replace("_", "-"): value for name, value in flags.items()},
        }
        words = [
            word
            for name, value in settings.items()
            for word in (f"--{name}", str(value))
            if value is not None
        ]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        environment |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return subprocess.run(
            [tmc_command, "syncer", *words, *more],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=60,
        )

    yield run
    merge = "application/merge-patch+json"
    upstream.request("PATCH", f"{PATH}/{TARGET}", {"metadata": {"finalizers": None}}, merge)
    upstream.request("DELETE", f"{PATH}/{TARGET}")


def refused(result: subprocess.CompletedProcess[str], code: int, *texts: str) -> None:
    assert result.returncode == code, result.stderr
    said = result.stderr
    assert "Traceback" not in said
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said
    for text in texts:
        assert text in said


def no_target(upstream: ControlPlane) -> bool:
    status, _ = upstream.request("GET", f"{PATH}/{TARGET}")
    return status == 404


def test_a_context_that_does_not_exist(start: Start, upstream: ControlPlane) -> None:
    refused(start(from_context="nowhere"), 2, "There is no context 'nowhere'", "[TMC-104]")
    assert no_target(upstream)


def test_a_kubeconfig_that_cannot_be_read(start: Start, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.yaml"
    garbage.write_text("{not a kubeconfig")
    refused(start(to_kubeconfig=garbage), 2, str(garbage), "[TMC-104]")
    refused(start(to_kubeconfig=tmp_path / "missing"), 2, "does not exist", "[TMC-104]")
    refused(start(to_kubeconfig=tmp_path), 2, str(tmp_path), "[TMC-104]")


def test_a_client_certificate_that_has_expired(start: Start, upstream: ControlPlane) -> None:
    expired = upstream.kubeconfig_with_certificate("admin", expired=True)
    refused(start(from_kubeconfig=expired), 1, "expired on", "Renew it", "[TMC-103]")


def test_a_type_that_the_upstream_does_not_serve(start: Start, upstream: ControlPlane) -> None:
    refused(
        start(resources="configmap"), 2, "The upstream does not serve configmap", "Did you mean configmaps?"
    )
    refused(start(resources="widgets.v1.example.com"), 2, "does not serve widgets.v1.example.com")
    refused(start(resources="Not/a/type"), 2, "is not a resource type")
    assert no_target(upstream)


def test_a_name_that_no_target_can_have(start: Start) -> None:
    refused(start(target="x" * 64), 2, "has 64 characters", "at most 63")
    refused(start(target="East_1"), 2, "'East_1' is not a target name")


def test_upstream_and_downstream_being_the_same_cluster(start: Start, upstream: ControlPlane) -> None:
    by_another_name = upstream.kubeconfig_with_certificate("admin")
    refused(start(to_kubeconfig=by_another_name), 2, "Upstream and downstream are the same cluster.")
    refused(start(to_kubeconfig=upstream.kubeconfig()), 2, "would be the same cluster")
    assert no_target(upstream)


def test_a_configuration_file_with_a_mistyped_key(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "syncer.yaml"
    path.write_text("resurces: [pods]\n")
    refused(start(config=path), 2, f"{path}: 'resurces' is no setting.", "Did you mean resources?")


def test_an_admin_port_that_is_taken(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused(start(admin_address=address), 1, address, "another process listens there", "[TMC-010]")


def test_a_server_that_does_not_answer(start: Start, downstream: PhysicalCluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nowhere = downstream.kubeconfig(server=f"https://127.0.0.1:{port}")
    refused(start(to_kubeconfig=nowhere), 1, f"127.0.0.1:{port}", "[TMC-102]")


def test_a_user_that_may_nothing(start: Start, upstream: ControlPlane) -> None:
    upstream.add_user("stranger")
    result = start(from_kubeconfig=upstream.kubeconfig("stranger"), cluster_name="hub")
    refused(result, 1, "forbidden")


def test_flags_that_differ_from_the_target_that_exists_name_both(
    start: Start, upstream: ControlPlane
) -> None:
    install_target(upstream, {"supportedAPIResources": [{"resource": "secrets"}], "assignment": "Namespaced"})
    refused(start(), 2, "--resources is 'configmaps'", f"SyncTarget {TARGET} says 'secrets'")
    refused(start(resources=None, assignment="All"), 2, "--assignment is 'All'", "'Namespaced'")
    _, answer = upstream.request("GET", f"{PATH}/{TARGET}")
    assert answer["spec"]["assignment"] == "Namespaced"


def test_a_target_with_a_spec_that_the_schema_cannot_refuse(start: Start, upstream: ControlPlane) -> None:
    install_target(upstream, {"selector": {"matchLabels": {"not a label": "x"}}})
    result = start(resources=None)
    assert result.returncode in (1, 2)
    refused(result, result.returncode, "spec.selector.matchLabels", "'not a label'")


def test_without_the_right_to_install_a_missing_target_is_an_error(
    start: Start, upstream: ControlPlane
) -> None:
    upstream.apply_yaml(crd_yaml())
    refused(start("--no-install"), 1, "--no-install", "[TMC-020]")
    assert no_target(upstream)


def test_a_second_agent_of_one_target_stands_by_and_says_so(
    upstream: ControlPlane, downstream: PhysicalCluster, tmp_path: Path
) -> None:
    first = AgentProcess(tmp_path / "first", upstream, downstream, target="twice")
    second = AgentProcess(tmp_path / "second", upstream, downstream, target="twice")
    try:
        first.launch()
        first.wait_ready()
        second.launch()
        eventually(
            lambda: [line for line in second.log() if line.get("code") == "TMC-021"],
            20,
            message="TMC-021 in the log",
        )
        assert first.running
        assert second.running
    finally:
        second.stop()
        first.stop()


def install_target(upstream: ControlPlane, spec: dict[str, Any]) -> None:
    upstream.apply_yaml(crd_yaml())
    upstream.kubectl("wait", "--for=condition=Established", "crd/synctargets.workload.kcp.io")
    body = {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": TARGET},
        "spec": spec,
    }
    status, answer = upstream.request("POST", PATH, body)
    assert status == 201, answer


def test_an_upstream_that_runs_workload_controllers_of_its_own_gets_no_second_writer_of_a_status(
    upstream: ControlPlane, downstream: PhysicalCluster, tmp_path: Path
) -> None:
    busy, other = downstream, upstream  # the physical cluster is the upstream here
    scene = Scene(busy, other, AgentProcess(tmp_path / "agent", busy, other, **two_writers()))
    namespace = scene.namespace(**{OWN_AGENT: "writers"})
    busy.create(deployment(namespace))
    busy.create(config_map(namespace))
    eventually(lambda: (busy.get("Deployment", "web", namespace) or {})["status"].get("readyReplicas") == 2)
    try:
        scene.agent.start()
        scene.wait_copy("ConfigMap", namespace, "settings")  # a type without a second writer is synced

        def line() -> dict[str, Any]:
            target = busy.get("SyncTarget", "writers") or {}
            assert "status" in target
            found = {each["resource"]: each for each in target["status"]["syncedResources"]}
            assert found["configmaps"]["state"] == "Syncing"
            return dict(found["deployments"])

        eventually(lambda: line()["state"] == "Refused", message="the type is refused")
        assert "TMC-022" in line()["reason"]
        assert "kube-controller-manager writes the status" in line()["reason"]
        assert scene.finalizers("Deployment", namespace, "web") == []
        assert scene.copy("Deployment", namespace, "web") is None
        scene.agent.stop()

        # Whoever knows better may say so.
        flags = (*two_writers()["flags"], "--allow-two-writers", "deployments.apps")
        scene.agent = AgentProcess(tmp_path / "bold", busy, other, **{**two_writers(), "flags": flags})
        scene.agent.start()
        scene.wait_copy("Deployment", namespace, "web")
    finally:
        busy.delete("Namespace", namespace)
        eventually(lambda: busy.get("Namespace", namespace) is None, 60, message="the namespace is gone")
        scene.agent.stop()
        busy.delete("SyncTarget", "writers")


def two_writers() -> dict[str, Any]:
    return {
        "target": "writers",
        "types": (GVR("apps", "v1", "deployments"), GVR("", "v1", "configmaps")),
        "flags": ("--namespace-selector", f"{OWN_AGENT}=writers"),
        "tune": {"status_seconds": 0.5, "namespace_deletion_delay": 0.5},
    }
