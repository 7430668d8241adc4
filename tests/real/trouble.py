"""What the tests of outages, restores, brakes and removals share: servers and agents of their own, and their questions.

`servers` belongs to one test module, whose tests may stop and restore its servers; they start again with new process ids,
which is why `Servers.keep` is called after each such thing. `agent_on` starts an agent with a target of its own that takes
only the namespaces labelled for it, so that several share the servers.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.scene import Scene
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.cluster import PhysicalCluster
from tmc_syncer.testing.control_plane import ControlPlane, Snapshot
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.proxy import TcpProxy

CONFIG_MAPS = GVR("", "v1", "configmaps")
SECRETS = GVR("", "v1", "secrets")
DEPLOYMENTS = GVR("apps", "v1", "deployments")

TUNE = {
    "namespace_deletion_delay": 1.0,
    "discovery_seconds": 5.0,
    "status_seconds": 0.5,
    "lease_seconds": 6.0,
}
"""Short waits: a Lease that is lost after 4 s, a status that is written at once."""

PATIENCE = 90.0
"""How long these tests wait for a state to come: servers start meanwhile, and back-offs end."""


@dataclass
class Servers:
    """A pair of a test module; `kept` are the processes that may outlive one test of it."""

    upstream: ControlPlane
    downstream: PhysicalCluster
    kept: set[int]

    def keep(self) -> None:
        """Let the processes that run now outlive the test."""
        for cluster in (self.upstream, self.downstream):
            self.kept.update(server.pid for server in cluster.servers() if server.pid)

    def restart(self, cluster: ControlPlane) -> None:
        """Stop and start an API server: it forgets its history, so every watch has to be preceded by a list."""
        cluster.apiserver.stop()
        self.start(cluster)

    def start(self, cluster: ControlPlane) -> None:
        """Start what was stopped of a cluster."""
        cluster.start()
        self.keep()

    def restore(self, cluster: ControlPlane, snapshot: Snapshot) -> None:
        """Bring an older state back."""
        cluster.restore(snapshot)
        self.keep()


@contextlib.contextmanager
def agent_on(
    servers: Servers,
    directory: Path,
    target: str,
    *,
    types: Sequence[GVR] = (CONFIG_MAPS, SECRETS, DEPLOYMENTS),
    proxies: tuple[TcpProxy, TcpProxy] | None = None,
    start: bool = True,
) -> Iterator[Scene]:
    """An agent of `target` for the namespaces with the label ``team: <target>``, stopped at the end."""
    agent = AgentProcess(
        directory / target,
        servers.upstream,
        servers.downstream,
        target=target,
        types=types,
        flags=("--namespace-selector", f"team={target}"),
        tune=TUNE,
        upstream_url=proxies[0].url if proxies else None,
        downstream_url=proxies[1].url if proxies else None,
    )
    if start:
        agent.start()
    try:
        yield Scene(servers.upstream, servers.downstream, agent)
    finally:
        agent.stop()


def namespace_of(scene: Scene) -> str:
    """A new upstream namespace that the agent of this scene takes."""
    return scene.namespace(team=scene.agent.target)


def place_of(scene: Scene, namespace: str) -> str:
    """The downstream namespace of an upstream one."""
    found = scene.downstream_namespace(namespace)
    assert found is not None
    return found


# What the target says


def sync_target(scene: Scene) -> dict[str, Any]:
    """The SyncTarget."""
    found = scene.upstream.get("SyncTarget", scene.agent.target)
    assert found is not None
    return found


def condition(scene: Scene, kind: str) -> dict[str, str]:
    """One condition of the SyncTarget."""
    for found in sync_target(scene).get("status", {}).get("conditions", []):
        if found["type"] == kind:
            return dict(found)
    raise AssertionError(f"no condition {kind}")


def wait_condition(scene: Scene, kind: str, status: str, reason: str = "") -> dict[str, str]:
    """Wait until a condition has this status, and this reason when one is given."""

    def reached() -> dict[str, str]:
        found = condition(scene, kind)
        assert found["status"] == status, found
        assert reason in ("", found["reason"]), found
        return found

    return eventually(reached, PATIENCE, message=f"{kind} {status} {reason}")


def wait_all_well(scene: Scene) -> None:
    """Wait until the agent and its target say that all is well."""
    wait_ready(scene.agent)

    def well() -> bool:
        healthy = ("UpstreamHealthy", "DownstreamHealthy", "SyncerReady", "Ready")
        found = [condition(scene, kind)["status"] for kind in (*healthy, "DeletionBrake")]
        assert found == ["True"] * 4 + ["False"], found
        return bool(sync_target(scene)["status"]["connected"])

    eventually(well, PATIENCE, message="all is well")


def patch_target(scene: Scene, spec: dict[str, Any]) -> None:
    """Change the spec of the SyncTarget."""
    scene.upstream.patch("SyncTarget", scene.agent.target, None, {"spec": spec})


# What the agent says


def ready(agent: AgentProcess) -> tuple[int, str]:
    """The answer of ``/readyz``: status and text."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/readyz", timeout=2) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_ready(agent: AgentProcess) -> None:
    """Wait until the agent says that it is ready."""
    eventually(lambda: ready(agent)[0] == 200, PATIENCE, message="ready", ignoring=(OSError,))


def wait_unready(agent: AgentProcess, *named: str) -> str:
    """Wait until ``/readyz`` refuses and names all of `named`; return its text."""

    def refused() -> str:
        status, text = ready(agent)
        assert status == 503
        assert all(name in text for name in named), text
        return text

    return eventually(refused, PATIENCE, message=f"not ready because of {named}")


def unseen(agent: AgentProcess) -> set[str]:
    """What ``/readyz`` names: the caches that are not complete and recent, and a Lease that is not held."""
    status, text = ready(agent)
    return set() if status == 200 else {line.partition(":")[0] for line in text.splitlines()}


def wait_unseen(agent: AgentProcess, names: set[str]) -> None:
    """Wait until ``/readyz`` names these and nothing else."""

    def named() -> bool:
        found = unseen(agent)
        assert found == names, found
        return True

    eventually(named, PATIENCE, message=f"not ready because of {names} alone", ignoring=(OSError,))


def metric(agent: AgentProcess, name: str) -> float:
    """The value of a metric without labels."""
    for line in agent.read("/metrics").decode().splitlines():
        if line.split(" ")[0] == name:
            return float(line.split(" ")[1])
    raise AssertionError(f"no metric {name}")


def command(executable: Path, scene: Scene, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `tmc` against the upstream as its administrator."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scene.upstream.directory),
        "TMC_KUBECONFIG": str(scene.upstream.kubeconfig()),
    }
    environment |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return subprocess.run(
        [executable, *words], capture_output=True, text=True, check=False, env=environment, timeout=120
    )


# What the servers saw


def copies(scene: Scene, kind: str, namespace: str) -> dict[str, str]:
    """The copies of a kind in the downstream namespace of `namespace`: name to uid."""
    place = scene.downstream_namespace(namespace)
    if place is None:
        return {}
    found = scene.downstream.list_objects(kind, place, label_selector="internal.workload.kcp.io/cluster")
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}


def wait_copies(scene: Scene, kind: str, namespace: str, names: Iterable[str]) -> dict[str, str]:
    """Wait until exactly these copies stand; return their uids."""
    wanted = set(names)

    found: dict[str, str] = {}

    def stand() -> bool:
        found.clear()
        found.update(copies(scene, kind, namespace))
        assert found.keys() == wanted, f"missing {wanted - found.keys()}, too many {found.keys() - wanted}"
        return True

    eventually(stand, PATIENCE, message=f"copies of {kind}")
    return found


def say(cluster: ControlPlane, namespace: str, name: str, words: str) -> None:
    """Change what a ConfigMap says."""
    cluster.patch("ConfigMap", name, namespace, {"data": {"text": words}})


def wait_said(cluster: ControlPlane, namespace: str, name: str, words: str) -> None:
    """Wait until a ConfigMap says `words`."""

    def says() -> bool:
        found = cluster.get("ConfigMap", name, namespace)
        assert found is not None
        return bool(found["data"]["text"] == words)

    eventually(says, PATIENCE, message=f"{name} says {words[:40]!r}")


def deletions(cluster: ControlPlane, scene: Scene, since: int) -> list[str]:
    """What the agent asked a server to delete since a mark: ``resource/name``."""
    return [
        f"{event['objectRef']['resource']}/{event['objectRef']['name']}"
        for event in cluster.audit(scene.agent.user, since)
        if event["verb"] in ("delete", "deletecollection")
    ]


def config_maps(namespace: str, names: Iterable[str], **labels: str) -> list[dict[str, Any]]:
    """ConfigMaps of some size."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "data": {"name": name, "text": "x" * 500},
        }
        for name in names
    ]


def create_all(cluster: ControlPlane, manifests: Iterable[dict[str, Any]]) -> None:
    """Create objects."""
    for manifest in manifests:
        cluster.create(manifest)


def objects_of(agent: AgentProcess) -> list[dict[str, Any]]:
    """The objects that ``/statusz`` shows."""
    found: list[dict[str, Any]] = agent.statusz()["objects"]
    return found
