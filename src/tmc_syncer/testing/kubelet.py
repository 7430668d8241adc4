"""kwok in the role of the kubelets of all nodes.

Pods on its nodes become Running, Pods of Jobs then Succeeded, deleted Pods vanish: all at once and with nothing behind them.
What a user does with a running Pod works as far as a test needs it:

* ``logs`` (also ``--follow``) prints one log file, the same for every container; ``write_log`` appends to it;
* ``exec`` runs the command on this machine, so tests run harmless ones; kwok does not pass the end of standard input on (use
  ``head -c 4``, not ``cat``), and any exit status but 0 reaches kubectl as 1 with an "Internal error";
* ``attach`` prints the log;
* ``port-forward`` to a port in ``forwards`` reaches that port of 127.0.0.1 on this machine; any other port echoes.

It has no images, volumes, probes or restarts.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.certificates import Authority
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

__all__ = ["Kubelet", "node_manifest"]

_API_VERSION = "kwok.x-k8s.io/v1alpha1"


class Kubelet(ServerProcess):
    """A kwok for all nodes of the cluster of ``kubeconfig``, with its files in ``directory``."""

    def __init__(
        self,
        directory: Path,
        *,
        assets: Assets,
        kubeconfig: Path,
        forwards: Mapping[int, int],
        log_path: Path,
    ) -> None:
        """Write the files and choose a port; nothing is started. Raises ``AssetsMissing``."""
        directory.mkdir(parents=True, exist_ok=True)
        (self._port,) = free_ports(1)
        self.pod_log_path = directory / "pod.log"
        self.write_log("this is a test bed")
        certificate_path, key_path = (
            Authority("kubelet-ca")
            .server_certificate(["localhost"], ["127.0.0.1"])
            .write(directory, "kubelet")
        )
        config_path = directory / "kwok.yaml"
        documents = [json.dumps(document) for document in _configuration(self.pod_log_path, forwards)]
        config_path.write_text("\n---\n".join([*documents, *(path.read_text() for path in assets.stages())]))
        command = [
            str(assets.program("kwok")),
            f"--kubeconfig={kubeconfig}",
            f"--config={config_path}",
            "--manage-all-nodes",
            # No Leases of nodes: nobody here judges a node by its Lease, and each is a write every ten seconds.
            "--node-lease-duration-seconds=0",
            "--node-ip=127.0.0.1",
            f"--node-port={self._port}",
            f"--server-address=127.0.0.1:{self._port}",
            f"--tls-cert-file={certificate_path}",
            f"--tls-private-key-file={key_path}",
        ]
        super().__init__("kwok", command, log_path=log_path, directory=directory, is_ready=self._serves)

    def write_log(self, *lines: str) -> None:
        """Append lines to the log of all containers."""
        now = dt.datetime.now(dt.UTC)
        # The format of CRI: time with nine digits, stream, F for a full line.
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
        with self.pod_log_path.open("a") as log:
            log.writelines(f"{stamp} stdout F {line}\n" for line in lines)

    def _serves(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def node_manifest(name: str) -> dict[str, Any]:
    """Return a Node for kwok to bring up; capacity and conditions come from its stage."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node-role.kubernetes.io/worker": "",
            },
        },
    }


def _configuration(pod_log_path: Path, forwards: Mapping[int, int]) -> list[dict[str, Any]]:
    echo = {"command": ["cat"]}
    targets = [
        {"ports": [port], "target": {"address": "127.0.0.1", "port": to}} for port, to in forwards.items()
    ]
    specs: dict[str, dict[str, Any]] = {
        "ClusterLogs": {"logs": [{"logsFile": str(pod_log_path), "follow": True}]},
        "ClusterAttach": {"attaches": [{"logsFile": str(pod_log_path)}]},
        "ClusterExec": {"execs": [{"local": {}}]},
        "ClusterPortForward": {"forwards": [*targets, echo]},
    }
    return [
        {"apiVersion": _API_VERSION, "kind": kind, "metadata": {"name": "all"}, "spec": spec}
        for kind, spec in specs.items()
    ]
