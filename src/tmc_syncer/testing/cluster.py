"""Whole clusters made of real servers: the entry of the test bed.

``ControlPlane`` is an API server as users talk to it, with only the controllers that every API server needs.
``PhysicalCluster`` adds the workload controllers, the scheduler, and nodes on which Pods run (kwok).

``running(*clusters)`` starts several at the same time, which on a small machine takes little longer than one. A ``with`` on a
cluster starts that one alone. ``find_assets`` tells, by ``AssetsMissing``, whether the programs are there at all.

Everything is synchronous and without threads. Nothing is downloaded or built here, and nothing outside the given folders and
the loopback interface is touched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tmc_syncer.testing.assets import PHYSICAL_CLUSTER_PROGRAMS, Assets, find_assets
from tmc_syncer.testing.components import PHYSICAL_CLUSTER_CONTROLLERS, scheduler
from tmc_syncer.testing.control_plane import ControlPlane, Snapshot
from tmc_syncer.testing.errors import ApiError
from tmc_syncer.testing.kubelet import Kubelet, node_manifest
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.process import ServerProcess

__all__ = ["ControlPlane", "PhysicalCluster", "Snapshot", "find_assets", "running"]


class PhysicalCluster(ControlPlane):
    """A cluster that runs Pods, below ``directory``, with ``nodes`` nodes named ``<name>-1`` and so on.

    ``forwards`` maps container ports to ports of 127.0.0.1 that ``kubectl port-forward`` reaches; any other port echoes.
    ``scheduler`` and ``kubelet`` (kwok) are ``ServerProcess`` objects like those of ``ControlPlane``.
    """

    programs = PHYSICAL_CLUSTER_PROGRAMS
    controllers = PHYSICAL_CLUSTER_CONTROLLERS

    def __init__(
        self,
        directory: Path,
        name: str = "downstream",
        *,
        nodes: int = 3,
        forwards: Mapping[int, int] | None = None,
        assets: Assets | None = None,
        extra_flags: Sequence[str] = (),
    ) -> None:
        """Make the files and choose the ports; nothing is started. Raises ``AssetsMissing``."""
        super().__init__(directory, name, assets=assets, extra_flags=extra_flags)
        self.node_names = [f"{name}-{number}" for number in range(1, nodes + 1)]
        self.scheduler = scheduler(
            self.directory / "scheduler",
            assets=self.assets,
            kubeconfig=self._component_kubeconfig("system:kube-scheduler"),
            log_path=self.logs / "kube-scheduler.log",
        )
        self.kubelet = Kubelet(
            self.directory / "kubelet",
            assets=self.assets,
            kubeconfig=self._component_kubeconfig("kwok"),
            forwards=forwards or {},
            log_path=self.logs / "kwok.log",
        )

    def components(self) -> Sequence[ServerProcess]:
        """Return the servers that are clients of the API server, in the order in which they start."""
        return (*super().components(), self.scheduler, self.kubelet)

    def wait_ready(self) -> None:
        """Wait for the servers as a control plane does, then for the nodes, which are made where they are missing."""
        super().wait_ready()
        try:
            for name in self.node_names:
                self._ensure_node(name)
            eventually(self._nodes_are_ready, 30, message="nodes Ready")
        except BaseException:
            self.stop()
            raise

    def write_log(self, *lines: str) -> None:
        """Append lines to what ``kubectl logs`` prints for every container."""
        self.kubelet.write_log(*lines)

    def _ensure_node(self, name: str) -> None:
        try:
            self.create(node_manifest(name))
        except ApiError as error:
            if error.status != 409:
                raise

    def _nodes_are_ready(self) -> bool:
        ready = {
            node["metadata"]["name"]
            for node in self.list_objects("Node")
            for condition in node.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        return ready >= set(self.node_names)


@contextlib.contextmanager
def running(*clusters: ControlPlane) -> Iterator[None]:
    """Run clusters during a ``with`` block; they start at the same time. Raises ``ServerFailed``; all are stopped then."""
    try:
        for cluster in clusters:
            cluster.launch()
        for cluster in clusters:
            cluster.wait_ready()
        yield
    finally:
        with contextlib.ExitStack() as stack:
            for cluster in clusters:
                stack.callback(cluster.stop)
