"""One etcd member on loopback ports, without TLS and without fsync.

Its data survive ``stop``, ``kill`` and ``start`` (they are in the page cache), not a crash of the machine.

``snapshot`` copies the data folder while the process is frozen. That is the image that a SIGKILL would leave, from which
etcd recovers by its write-ahead log; clients see a pause of some ten milliseconds and nothing else. ``restore`` puts such a
copy back, as a restored backup would: revisions (a Kubernetes resourceVersion) go back.
"""

from __future__ import annotations

import http.client
import shutil
from pathlib import Path

from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.errors import ServerFailed
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

__all__ = ["Etcd"]


class Etcd(ServerProcess):
    """An etcd whose files are in ``directory``; ``url`` is where it serves clients."""

    def __init__(self, directory: Path, *, assets: Assets, log_path: Path) -> None:
        """Choose ports; nothing is started. Raises ``AssetsMissing``."""
        self.data_directory = directory / "data"
        self._port, peer_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self._port}"
        peer_url = f"http://127.0.0.1:{peer_port}"
        command = [
            str(assets.program("etcd")),
            "--name=etcd",
            f"--data-dir={self.data_directory}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=etcd={peer_url}",
            # A member that is alone need not wait a second for others before it elects itself.
            "--heartbeat-interval=20",
            "--election-timeout=200",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        super().__init__("etcd", command, log_path=log_path, directory=directory, is_ready=self._is_healthy)

    def snapshot(self, target: Path) -> None:
        """Copy the data to the new folder ``target``. Raises ``ServerFailed`` when etcd cannot be frozen."""
        if not self.running:
            shutil.copytree(self.data_directory, target)
            return
        self.pause()
        try:
            shutil.copytree(self.data_directory, target)
        finally:
            self.resume()

    def restore(self, source: Path) -> None:
        """Replace the data by those of a snapshot. Raises ``ServerFailed`` while etcd runs."""
        if self.running:
            raise ServerFailed("etcd must be stopped before its data are replaced")
        shutil.rmtree(self.data_directory, ignore_errors=True)
        shutil.copytree(source, self.data_directory)

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
