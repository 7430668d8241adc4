"""A kcp for tests: the binary that ``TMC_KCP`` names (or ``kcp`` on PATH), with its embedded etcd, on loopback.

The project does not build kcp. ``Kcp`` is one process; a workspace is created by name and reached by its path. Users are
those that kcp makes by itself; its administrator's kubeconfig has contexts for the whole server.
"""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import subprocess
from pathlib import Path

from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

__all__ = ["Kcp", "find_kcp"]


def find_kcp() -> Path | None:
    """The path of a kcp, None when there is none."""
    named = os.environ.get("TMC_KCP") or shutil.which("kcp")
    return Path(named).absolute() if named else None


class Kcp(ServerProcess):
    """One kcp below ``directory``; ``kubectl_path`` is the program that ``kubectl`` runs."""

    def __init__(self, program: Path, directory: Path, kubectl_path: Path) -> None:
        """Choose ports; nothing is started."""
        self.port, etcd_port, etcd_peer_port = free_ports(3)
        self.kubeconfig = directory / "admin.kubeconfig"
        """The administrator's; its current context is the root workspace."""
        self._kubectl_path = kubectl_path
        super().__init__(
            "kcp",
            [
                program,
                "start",
                f"--root-directory={directory}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self.port}",
                f"--embedded-etcd-client-port={etcd_port}",
                f"--embedded-etcd-peer-port={etcd_peer_port}",
            ],
            log_path=directory / "kcp.log",
            directory=directory,
            is_ready=self._serves,
            start_timeout_seconds=120.0,
            stop_grace_seconds=20.0,
        )

    def create_workspace(self, name: str) -> str:
        """Create a workspace below root, wait until it is ready, and return its path."""
        manifest = f"apiVersion: tenancy.kcp.io/v1alpha1\nkind: Workspace\nmetadata: {{name: {name}}}\n"
        # Right after its start kcp refuses requests for a while although it says that it is ready.
        refused = (subprocess.CalledProcessError,)
        eventually(lambda: self.kubectl("apply", "-f", "-", stdin=manifest), 90, ignoring=refused)
        wait = ("wait", f"workspace/{name}", "--for=jsonpath={.status.phase}=Ready", "--timeout=5s")
        eventually(lambda: self.kubectl(*wait), 90, message=f"workspace {name}", ignoring=refused)
        return f"root:{name}"

    def kubectl(self, *arguments: str, workspace: str = "root", stdin: str = "") -> str:
        """Run kubectl in a workspace as the administrator and return what it prints.

        Raises ``subprocess.CalledProcessError`` when it fails.
        """
        server = f"https://127.0.0.1:{self.port}/clusters/{workspace}"
        command = [
            str(self._kubectl_path), "--kubeconfig", str(self.kubeconfig), "--server", server, *arguments
        ]  # fmt: skip
        home = {"PATH": os.environ["PATH"], "HOME": str(self.kubeconfig.parent)}
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=True, env=home, timeout=60
        )
        return done.stdout

    def _serves(self) -> bool:
        if not self.kubeconfig.exists():
            return False
        # Readiness says nothing secret, and the file with the certificate may be half written.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=1, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
