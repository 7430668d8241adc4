"""The commands against a real API server: what they change, what they print, how they refuse."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tmc_syncer.api.manifests import SCHEMA_REVISION, crd_yaml
from tmc_syncer.api.names import RELEASE_BRAKE, SYNC_TARGET_FINALIZER, finalizer, state_label, sync_target_key
from tmc_syncer.api.objects import decode_record
from tmc_syncer.api.resources import GVR, ResourceInfo
from tmc_syncer.cli.connection import UpstreamFlags, open_client, run_async
from tmc_syncer.cli.stripping import strip_record
from tmc_syncer.testing.cluster import ControlPlane

PATH = "/apis/workload.kcp.io/v1alpha1/synctargets"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/synctargets.workload.kcp.io"
CONFIG_MAPS = ResourceInfo(GVR("", "v1", "configmaps"), "ConfigMap", namespaced=True)
CLUSTER = "cli-tests"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def runner(command: Path, server: ControlPlane, home: Path) -> Run:
    def run(*words: str, user: str = "admin", stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMC_KUBECONFIG": str(server.kubeconfig(user)),
        }
        environment |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return subprocess.run(
            [command, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            input=stdin,
            timeout=60,
        )

    return run


@pytest.fixture(scope="module")
def server(upstream: ControlPlane) -> ControlPlane:
    """The control plane with the type installed and a namespace for these tests."""
    upstream.apply_yaml(crd_yaml())
    upstream.kubectl("wait", "--for=condition=Established", "crd/synctargets.workload.kcp.io")
    upstream.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cli"}})
    return upstream


@pytest.fixture
def tmc(tmc_command: Path, server: ControlPlane, tmp_path: Path) -> Run:
    """Runs `tmc` as a user of that server."""
    return runner(tmc_command, server, tmp_path)


@pytest.fixture
def target(server: ControlPlane, request: pytest.FixtureRequest) -> Iterator[str]:
    """A SyncTarget of the test's own, held by the finalizer of an agent that does not run."""
    name = f"cli-{abs(hash(request.node.name)) % 10**8}"
    make_target(server, name)
    yield name
    server.request(
        "PATCH", f"{PATH}/{name}", {"metadata": {"finalizers": None}}, "application/merge-patch+json"
    )
    server.request("DELETE", f"{PATH}/{name}")


def make_target(server: ControlPlane, name: str) -> None:
    body = {
        "apiVersion": "workload.kcp.io/v1alpha1",
        "kind": "SyncTarget",
        "metadata": {"name": name, "finalizers": [SYNC_TARGET_FINALIZER]},
        "spec": {"supportedAPIResources": [{"resource": "configmaps"}]},
    }
    status, answer = server.request("POST", PATH, body)
    assert status == 201, answer


def set_status(server: ControlPlane, name: str, status: dict[str, Any]) -> None:
    body = {"status": {"connected": True, "synced": 0, "pending": 0, "failed": 0, **status}}
    code, answer = server.request("PATCH", f"{PATH}/{name}/status", body, "application/merge-patch+json")
    assert code == 200, answer


def config_map(
    server: ControlPlane, name: str, *, finalizers: list[str], labels: dict[str, str]
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "cli", "finalizers": finalizers, "labels": labels}
    return server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


def metadata_of(server: ControlPlane, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    found = server.get(kind, name, namespace)
    assert found is not None
    return dict(found["metadata"])


# Types


def test_types_are_installed_once_kept_and_repaired(
    fresh_upstream: ControlPlane, tmc_command: Path, tmp_path: Path
) -> None:
    tmc = runner(tmc_command, fresh_upstream, tmp_path)
    before = tmc("status")
    assert before.returncode == 1
    assert "The upstream does not know SyncTargets. [TMC-030]" in before.stderr
    assert "tmc crds --install" in before.stderr
    first, second = tmc("crds", "--install"), tmc("crds", "--install", "-o", "json")
    assert first.stdout == "synctargets.workload.kcp.io created\n"
    assert json.loads(second.stdout) == [{"name": "synctargets.workload.kcp.io", "result": "unchanged"}]
    assert "There is no target yet" in tmc("status").stdout
    damage = [{"op": "remove", "path": "/spec/versions/0/additionalPrinterColumns/0"}]
    fresh_upstream.request("PATCH", CRD, damage, "application/json-patch+json")
    assert tmc("crds", "--install").stdout == "synctargets.workload.kcp.io updated\n"
    _, crd = fresh_upstream.request("GET", CRD)
    assert crd["spec"]["versions"][0]["additionalPrinterColumns"][0]["name"] == "Ready"
    newer = {"metadata": {"annotations": {SCHEMA_REVISION: "999"}}}
    fresh_upstream.request("PATCH", CRD, newer, "application/merge-patch+json")
    refused = tmc("crds", "--install")
    assert refused.returncode == 1
    assert "A newer tmc-syncer installed synctargets.workload.kcp.io (revision 999" in refused.stderr


def test_without_the_right_to_install_the_refusal_is_a_sentence(tmc: Run, server: ControlPlane) -> None:
    server.add_user("nobody")
    result = tmc("crds", "--install", user="nobody")
    assert result.returncode == 1
    assert "forbidden" in result.stderr
    assert "[TMC-101]" in result.stderr
    assert "Traceback" not in result.stderr


# Looking


def test_targets_are_shown_as_tables_and_as_data(tmc: Run, server: ControlPlane, target: str) -> None:
    set_status(
        server,
        target,
        {
            "synced": 5,
            "failed": 1,
            "conditions": [{"type": "Ready", "status": "False", "reason": "Down", "message": "no answer"}],
            "syncedResources": [
                {
                    "group": "",
                    "version": "v1",
                    "resource": "configmaps",
                    "state": "Syncing",
                    "synced": 5,
                    "failed": 1,
                }
            ],
            "worstObjects": [
                {"resource": "configmaps", "name": "big", "namespace": "cli", "state": "failed"}
            ],
        },
    )
    status = tmc("status", target).stdout
    assert status.splitlines()[1].split()[:5] == [target, "False", "5", "0", "1"]
    for text in ("no answer", "configmaps.v1", "configmaps/big -n cli"):
        assert text in status
    assert target in tmc("target", "list").stdout
    assert f"synctarget.workload.kcp.io/{target}" in tmc("target", "list", "-o", "name").stdout.splitlines()
    shown = json.loads(tmc("target", "show", target, "-o", "json").stdout)
    assert shown["status"]["synced"] == 5
    assert shown["metadata"]["uid"] == metadata_of(server, "SyncTarget", target)["uid"]
    assert "spec.assignment" in tmc("target", "show", target).stdout


def test_a_target_that_is_not_there_is_named_with_a_near_miss(tmc: Run, target: str) -> None:
    result = tmc("target", "show", f"{target}0")
    assert result.returncode == 1
    assert f"There is no SyncTarget '{target}0'. [TMC-031]" in result.stderr
    assert f"Did you mean '{target}'?" in result.stderr
    assert "There is " in tmc("target", "show", "zzzzzzzz").stderr


def test_a_wrong_context_is_explained(tmc: Run) -> None:
    result = tmc("status", "--context", "nowhere")
    assert result.returncode == 2
    assert "There is no context 'nowhere'" in result.stderr


# The brake


def test_releasing_the_brake_leaves_the_time_on_the_target(
    tmc: Run, server: ControlPlane, target: str
) -> None:
    tripped = {
        "type": "DeletionBrake",
        "status": "True",
        "message": "30 of 40",
        "lastTransitionTime": "2126-01-01T00:00:00Z",
    }
    assert "reports no deletion brake" in tmc("target", "release-brake", target).stdout
    set_status(server, target, {"conditions": [tripped]})
    result = tmc("target", "release-brake", target)
    assert "is released. It held because: 30 of 40" in result.stdout
    assert metadata_of(server, "SyncTarget", target)["annotations"][RELEASE_BRAKE] == "2126-01-01T00:00:01Z"


# Removal


def test_a_removal_has_to_be_confirmed(tmc: Run, server: ControlPlane, target: str) -> None:
    result = tmc("target", "remove", target, stdin="y\n")
    assert result.returncode == 2
    assert "Give --yes." in result.stderr
    assert "deletionTimestamp" not in metadata_of(server, "SyncTarget", target)


def test_a_removal_that_does_not_end_says_why_and_what_to_do(tmc: Run, target: str) -> None:
    result = tmc("target", "remove", target, "--yes", "--timeout", "1.5")
    assert result.returncode == 1
    assert f"Waiting for SyncTarget {target}: 0 objects left." in result.stdout
    assert "its agent is silent" in result.stderr
    assert f"tmc target remove {target} --force" in result.stderr


def test_a_removal_that_nothing_holds_ends_at_once(tmc: Run, server: ControlPlane, target: str) -> None:
    server.request(
        "PATCH", f"{PATH}/{target}", {"metadata": {"finalizers": None}}, "application/merge-patch+json"
    )
    result = tmc("target", "remove", target, "--yes")
    assert (result.returncode, result.stdout) == (0, f"SyncTarget {target} is gone.\n")
    assert server.get("SyncTarget", target) is None
    assert tmc("target", "remove", target, "--yes").returncode == 1


def test_without_waiting_it_only_begins(tmc: Run, server: ControlPlane, target: str) -> None:
    result = tmc("target", "remove", target, "--yes", "--timeout", "0")
    assert result.stdout == f"SyncTarget {target} is being deleted.\n"
    assert "deletionTimestamp" in metadata_of(server, "SyncTarget", target)


def test_force_takes_this_targets_traces_off_and_nothing_else(
    tmc: Run, server: ControlPlane, target: str
) -> None:
    key, other = sync_target_key(CLUSTER, target), sync_target_key(CLUSTER, "another")
    config_map(
        server, "force-both", finalizers=[finalizer(other), finalizer(key), "example.com/theirs"],
        labels={state_label(key): "Sync", state_label(other): "Sync", "app": "web"},
    )  # fmt: skip
    config_map(server, "force-theirs", finalizers=[finalizer(other)], labels={state_label(other): "Sync"})
    server.create({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "force-unlisted", "namespace": "cli", "finalizers": [finalizer(key)]}})  # fmt: skip
    server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "cli-labelled", "labels": {state_label(key): "Sync"}}})  # fmt: skip
    before = metadata_of(server, "ConfigMap", "force-theirs", "cli")
    result = tmc("target", "remove", target, "--force", "--yes", "--cluster-name", CLUSTER)
    assert result.returncode == 0, result.stderr
    assert "configmaps: 1 let go." in result.stdout
    assert "3 upstream objects of 3 types were let go." in result.stdout
    both = metadata_of(server, "ConfigMap", "force-both", "cli")
    assert both["finalizers"] == [finalizer(other), "example.com/theirs"]
    assert both["labels"] == {state_label(other): "Sync", "app": "web"}
    assert metadata_of(server, "ConfigMap", "force-theirs", "cli") == before
    assert "finalizers" not in metadata_of(server, "Secret", "force-unlisted", "cli")
    assert state_label(key) not in metadata_of(server, "Namespace", "cli-labelled")["labels"]
    assert server.get("SyncTarget", target) is None
    again = tmc("target", "remove", target, "--force", "--yes", "--cluster-name", CLUSTER)
    assert again.returncode == 0
    assert "No upstream object carried its finalizer or label." in again.stdout


def test_force_finds_more_objects_than_one_page_holds(tmc: Run, server: ControlPlane, target: str) -> None:
    key = sync_target_key(CLUSTER, target)
    items = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": f"many-{number}", "namespace": "cli", "finalizers": [finalizer(key)]}}
        for number in range(520)
    ]  # fmt: skip
    server.kubectl(
        "create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    )
    result = tmc("target", "remove", target, "--force", "--yes", "--cluster-name", CLUSTER)
    assert "520 upstream objects of 1 types were let go." in result.stdout
    left = [each for each in server.list_objects("ConfigMap", "cli") if each["metadata"].get("finalizers")]
    assert [each for each in left if finalizer(key) in each["metadata"]["finalizers"]] == []


def test_force_keeps_the_target_when_its_own_types_cannot_be_searched(
    tmc: Run, server: ControlPlane, target: str
) -> None:
    server.add_user("remover")
    server.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "remover"},
            "rules": [
                {
                    "apiGroups": ["workload.kcp.io"],
                    "resources": ["synctargets"],
                    "verbs": ["get", "list", "patch", "delete"],
                }
            ],
        }
    )
    server.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "remover"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "remover"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "remover"}],
        }
    )
    result = tmc("target", "remove", target, "--force", "--yes", "--cluster-name", CLUSTER, user="remover")
    assert result.returncode == 1
    assert "configmaps" in result.stderr
    assert metadata_of(server, "SyncTarget", target)["finalizers"] == [SYNC_TARGET_FINALIZER]


def test_an_object_that_changed_meanwhile_is_looked_at_again(server: ControlPlane) -> None:
    run_async(strip_a_moving_object(server))


async def strip_a_moving_object(server: ControlPlane) -> None:
    key = sync_target_key(CLUSTER, "stale")
    ours = finalizer(key)
    path = "/api/v1/namespaces/cli/configmaps/stale"
    created = config_map(server, "stale", finalizers=[ours], labels={})
    seen = decode_record(json.dumps(created).encode())
    more = {"metadata": {"finalizers": ["example.com/theirs", ours]}}
    server.request("PATCH", path, more, "application/merge-patch+json")
    async with open_client(UpstreamFlags(kubeconfig=str(server.kubeconfig()))) as client:

        async def strip() -> bool:
            return await strip_record(client, CONFIG_MAPS, seen, ours, state_label(key))

        assert await strip()
        assert metadata_of(server, "ConfigMap", "stale", "cli")["finalizers"] == ["example.com/theirs"]
        assert not await strip(), "there is nothing of ours on it any more"
        server.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
        server.request("DELETE", path)
        assert not await strip(), "it is gone"
        config_map(server, "stale", finalizers=[ours], labels={})
        assert not await strip(), "it is another object of that name"
        assert metadata_of(server, "ConfigMap", "stale", "cli")["finalizers"] == [ours]
    server.request("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
