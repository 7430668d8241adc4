"""The world of `tmc demo`: an upstream, a physical cluster, an agent between them, and a small app.

It is the test bed's real servers below one temporary folder, plus one kubeconfig with the contexts
``workspace-demo`` and ``cluster-east``. `DemoWorld` is a context manager: entering starts everything and takes
some ten seconds, leaving stops it and removes the folder. What it shows is read from both servers, never assumed.

The embedded control plane will take the test bed's place (issue 2); the command stays.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tmc_syncer.api.names import DOWNSTREAM_CLUSTER_LABEL
from tmc_syncer.testing.agent import AgentProcess
from tmc_syncer.testing.cluster import ControlPlane, PhysicalCluster, find_assets, running

__all__ = ["NAMESPACE", "DemoWorld", "Line"]

NAMESPACE = "shop"
REPLICAS = 2
_LABELS = {"app": "web"}
_APP: tuple[dict[str, Any], ...] = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "data": {"greeting": "hello"},
    },
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"selector": _LABELS, "ports": [{"port": 80, "targetPort": 8080}]},
    },
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "containers": [
                        {
                            "name": "web",
                            "image": "example.com/web:1",
                            "envFrom": [{"configMapRef": {"name": "web"}}],
                        }
                    ]
                },
            },
        },
    },
)


class Line(NamedTuple):
    """One thing of the app: what it is, how it is upstream, where its copy is, and whether that is the goal."""

    what: str
    upstream: str
    downstream: str
    done: bool


class DemoWorld:
    """See the module docstring. `tell` gets a sentence for each step of the start. Raises ``TestBedError``."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        assets = find_assets()
        self._tell = tell
        self._stack = contextlib.ExitStack()
        self.directory = Path(tempfile.mkdtemp(prefix="tmc-demo-"))
        self.keep_files = False
        self.upstream = ControlPlane(self.directory / "upstream", "workspace-demo", assets=assets)
        self.downstream = PhysicalCluster(self.directory / "downstream", "cluster-east", assets=assets)
        self.kubectl = assets.program("kubectl")
        self.kubeconfig = self.directory / "kubeconfig.json"

    def __enter__(self) -> Self:
        try:
            self._tell("Starting two API servers, with their controllers and three nodes …")
            self._stack.enter_context(running(self.upstream, self.downstream))
            _merge_kubeconfigs(self.kubeconfig, self.upstream.kubeconfig(), self.downstream.kubeconfig())
            self._tell("Starting the agent between them …")
            self.agent = AgentProcess(self.directory / "agent", self.upstream, self.downstream)
            self._stack.callback(self.agent.stop)
            self.agent.launch()
            self.agent.wait_ready()
            self._tell("Deploying an app upstream …")
            for manifest in _APP:
                self.upstream.apply(manifest, manager="demo")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        if not self.keep_files:
            shutil.rmtree(self.directory, ignore_errors=True)

    def lines(self) -> list[Line]:
        """The app as both servers have it now."""
        namespace = self._copies_namespace()
        return [
            self._plain("ConfigMap", namespace),
            self._plain("Service", namespace),
            self._deployment(namespace),
            self._pods(namespace),
        ]

    def _copies_namespace(self) -> str:
        """The namespace downstream that holds the copies, '' before there is one."""
        for copy in self.downstream.list_objects("ConfigMap", label_selector=DOWNSTREAM_CLUSTER_LABEL):
            return str(copy["metadata"]["namespace"])
        return ""

    def _plain(self, kind: str, namespace: str) -> Line:
        copy = self.downstream.get(kind, "web", namespace) if namespace else None
        return Line(f"{kind} web", "created", f"copied to {namespace}" if copy else "-", copy is not None)

    def _deployment(self, namespace: str) -> Line:
        original = self.upstream.get("Deployment", "web", NAMESPACE) or {}
        copy = (self.downstream.get("Deployment", "web", namespace) if namespace else None) or {}
        up, down = _ready(original), _ready(copy)
        wanted = original.get("spec", {}).get("replicas", REPLICAS)
        return Line(
            "Deployment web",
            f"{up}/{wanted} ready",
            f"{down}/{wanted} ready" if copy else "-",
            up == down == wanted,
        )

    def _pods(self, namespace: str) -> Line:
        pods = self.downstream.list_objects("Pod", namespace) if namespace else []
        running_pods = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]
        nodes = sorted({pod["spec"].get("nodeName", "?") for pod in running_pods})
        where = f"{len(running_pods)} running on {', '.join(nodes)}" if running_pods else "-"
        return Line("Pods", "(in the status above)", where, len(running_pods) >= REPLICAS)


def _ready(deployment: dict[str, Any]) -> int:
    return int(deployment.get("status", {}).get("readyReplicas", 0))


def _merge_kubeconfigs(path: Path, workspace: Path, cluster: Path) -> None:
    """One file with both contexts; the workspace is current, in the app's namespace."""
    first, second = json.loads(workspace.read_text()), json.loads(cluster.read_text())
    for config in (first, second):
        name = config["contexts"][0]["name"]
        config["users"][0]["name"] = config["contexts"][0]["context"]["user"] = f"admin-{name}"
    first["contexts"][0]["context"]["namespace"] = NAMESPACE
    for part in ("clusters", "users", "contexts"):
        first[part] += second[part]
    path.touch(mode=0o600)
    path.write_text(json.dumps(first, indent=2))
