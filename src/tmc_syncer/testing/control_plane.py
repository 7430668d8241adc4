"""An API server as users talk to it: etcd, kube-apiserver, and the controllers that every API server needs.

``ControlPlane`` owns its processes and files, all below one folder: ``kubeconfig/`` for users, ``logs/`` with one log per server
and ``audit.log``. It knows users with tokens and client certificates, and can be stopped, paused, and restored to an
older state. Ports, users and data survive ``stop`` and ``start``.

The start has two steps so that several clusters can start at the same time: ``launch`` starts the processes that need nobody,
``wait_ready`` waits for them and starts what needs an API server; ``start`` is both. Call it from the main thread, else the
servers are not ended when the test process dies without stopping them. A cluster is used by one process at a time.
"""

from __future__ import annotations

import datetime as dt
import http.client
import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from tmc_syncer.testing.apiserver import ApiServer
from tmc_syncer.testing.assets import CONTROL_PLANE_PROGRAMS, Assets, find_assets
from tmc_syncer.testing.certificates import KeyPair
from tmc_syncer.testing.client import ApiClient
from tmc_syncer.testing.components import CONTROL_PLANE_CONTROLLERS, controller_manager
from tmc_syncer.testing.etcd import Etcd
from tmc_syncer.testing.kubeconfig import write_kubeconfig
from tmc_syncer.testing.kubectl import Kubectl
from tmc_syncer.testing.process import ServerProcess
from tmc_syncer.testing.resources import JsonObject, Resources
from tmc_syncer.testing.users import MASTERS

__all__ = ["ControlPlane", "Snapshot"]


@dataclass(frozen=True)
class Snapshot:
    """A copy of a cluster's state, good for any number of ``restore`` calls of the cluster it was taken of."""

    path: Path
    taken: dt.datetime


class ControlPlane(Resources):
    """A control plane below ``directory``; ``name`` is the name of its kubeconfig context.

    ``extra_flags`` are appended to the API server's command line. ``apiserver``, ``etcd`` and ``controller_manager`` are
    ``ServerProcess`` objects for tests that stop, kill or pause one of them. The methods for objects (``get``,
    ``apply``, ...) are those of ``Resources``.
    """

    programs: tuple[str, ...] = CONTROL_PLANE_PROGRAMS
    controllers: tuple[str, ...] = CONTROL_PLANE_CONTROLLERS

    def __init__(
        self,
        directory: Path,
        name: str = "upstream",
        *,
        assets: Assets | None = None,
        extra_flags: Sequence[str] = (),
    ) -> None:
        """Make the files and choose the ports; nothing is started. Raises ``AssetsMissing``."""
        super().__init__()
        self.name = name
        self.directory = directory.absolute()
        self.logs = self.directory / "logs"
        self.assets = assets or find_assets(self.programs)
        for folder in (self.logs, self.directory / "scratch", self.directory / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        self.etcd = Etcd(self.directory / "etcd", assets=self.assets, log_path=self.logs / "etcd.log")
        self.apiserver = ApiServer(
            self.directory / "apiserver",
            assets=self.assets,
            etcd_url=self.etcd.url,
            log_path=self.logs / "kube-apiserver.log",
            audit_path=self.logs / "audit.log",
            extra_flags=extra_flags,
        )
        self.url = self.apiserver.url
        self.ca_path = self.apiserver.ca_path
        self.controller_manager = controller_manager(
            self.directory / "controller-manager",
            assets=self.assets,
            kubeconfig=self._component_kubeconfig("system:kube-controller-manager"),
            controllers=self.controllers,
            root_ca_path=self.ca_path,
            service_account_key_path=self.apiserver.service_account_key_path,
            log_path=self.logs / "kube-controller-manager.log",
            is_ready=self._controllers_work,
        )
        self._kubectl = Kubectl(self.assets.program("kubectl"), self.directory / "home")
        self._clients: dict[str, ApiClient] = {}
        self._snapshot_numbers = itertools.count(1)

    # Life

    def start(self) -> None:
        """Start what does not run and wait until everything is ready. Raises ``ServerFailed``; all is stopped then."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start etcd and the API server without waiting for them."""
        self.etcd.launch()
        self.apiserver.launch()

    def wait_ready(self) -> None:
        """Wait for the API server, start the components, wait for them; see ``start``."""
        try:
            self.etcd.wait_ready()
            self.apiserver.wait_ready()
            for component in self.components():
                component.launch()
            for component in self.components():
                component.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all servers; what does not run is left alone. The data stay."""
        for client in self._clients.values():
            client.close()
        for component in self.components():
            component.terminate()
        for server in reversed(self.servers()):
            server.stop()

    def components(self) -> Sequence[ServerProcess]:
        """Return the servers that are clients of the API server, in the order in which they start."""
        return (self.controller_manager,)

    def servers(self) -> Sequence[ServerProcess]:
        """Return all servers, in the order in which they start."""
        return (self.etcd, self.apiserver, *self.components())

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    # Users

    def add_user(self, name: str, groups: tuple[str, ...] = ()) -> Path:
        """Add a user without any rights but those of ``groups`` and return the path of its kubeconfig.

        Before the first start the kubeconfig has a bearer token, later a client certificate. Adding a user again is
        harmless; with other groups it raises ``TestBedError``.
        """
        self.apiserver.users.add(name, groups)
        return self.kubeconfig(name)

    def token(self, user: str = "admin") -> str:
        """Return a user's bearer token; raises ``TestBedError`` for a user that was added while the server ran."""
        return self.apiserver.users.token(user)

    def kubeconfig(self, user: str = "admin", *, server: str | None = None) -> Path:
        """Write a kubeconfig for a user and return its path; the context is named after the cluster.

        ``admin`` is in ``system:masters``; every other user was given to ``add_user``. ``server`` replaces the URL, for
        clients that go through a proxy on 127.0.0.1.
        """
        return self._write_kubeconfig(user, self.apiserver.users.credential(user), "", server)

    def kubeconfig_with_certificate(
        self, user: str, *, expired: bool = False, server: str | None = None
    ) -> Path:
        """Write a kubeconfig with a client certificate, on request one that expired an hour ago; return its path."""
        suffix = "-expired" if expired else "-certificate"
        return self._write_kubeconfig(
            user, self.apiserver.users.certificate(user, expired=expired), suffix, server
        )

    # Requests

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        *,
        user: str = "admin",
        accept: str | None = None,
    ) -> tuple[int, Any]:
        """Send one request and return the HTTP status and the answer: parsed when it is JSON, else text.

        An error status is not an exception. Raises ``OSError`` or ``http.client.HTTPException`` without an answer.
        """
        if user not in self._clients:
            self._clients[user] = ApiClient(
                self.apiserver,
                port=self.apiserver.port,
                ca_pem=self.apiserver.ca_pem,
                credential=self.apiserver.users.certificate(user),
                scratch=self.directory / "scratch",
            )
        return self._clients[user].request(method, path, body, content_type=content_type, accept=accept)

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run uses
        check: bool = True,
        user: str = "admin",
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run the test bed's kubectl to its end; ``input`` is its standard input.

        Raises ``KubectlFailed`` on another exit status than 0 when ``check``, and after ``timeout`` seconds in any case.
        """
        return self._kubectl.run(self.kubeconfig(user), *arguments, text=input, check=check, timeout=timeout)

    def kubectl_popen(self, *arguments: str, user: str = "admin") -> subprocess.Popen[str]:
        """Start a kubectl that goes on (``port-forward``, ``logs --follow``); the caller ends it (``kill()``)."""
        return self._kubectl.popen(self.kubeconfig(user), *arguments)

    def apply_yaml(self, manifests: str, *, manager: str = "test-bed", user: str = "admin") -> None:
        """Apply YAML documents on the server's side with force, by kubectl. Raises ``KubectlFailed``."""
        flags = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
        self.kubectl("apply", *flags, "-f", "-", input=manifests, user=user)

    # Audit

    def audit_mark(self) -> int:
        """Return the present end of the audit log, for ``audit(since=...)``."""
        return self.apiserver.audit.mark()

    def audit(self, user: str | None = None, since: int = 0) -> list[JsonObject]:
        """Return the audit events after a mark, of one user or of all; an event may come some milliseconds late."""
        return self.apiserver.audit.events(user, since)

    # Backups

    def snapshot(self) -> Snapshot:
        """Copy the present state; clients see a pause of some ten milliseconds."""
        path = self.directory / "snapshots" / str(next(self._snapshot_numbers))
        path.parent.mkdir(exist_ok=True)
        self.etcd.snapshot(path)
        return Snapshot(path, dt.datetime.now(dt.UTC))

    def restore(self, snapshot: Snapshot) -> None:
        """Bring an older state back, as a restored backup would: resourceVersions go back and are given again.

        All servers are stopped and started, the components too, so that none of them remembers the lost future.
        """
        self.stop()
        self.etcd.restore(snapshot.path)
        self.start()

    # Inside

    def _write_kubeconfig(
        self, user: str, credential: str | KeyPair, suffix: str, server: str | None
    ) -> Path:
        via = f"@{server.rpartition(':')[2]}" if server else ""
        return write_kubeconfig(
            self.directory / "kubeconfig" / f"{quote(user, safe='')}{suffix}{quote(via, safe='@')}.json",
            cluster=self.name,
            server=server or self.url,
            ca_pem=self.apiserver.ca_pem,
            user=user,
            credential=credential,
        )

    def _component_kubeconfig(self, user: str) -> Path:
        self.apiserver.users.add(user, MASTERS)
        return self.kubeconfig_with_certificate(user)

    def _controllers_work(self) -> bool:
        try:
            status, _ = self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
        except (OSError, http.client.HTTPException):
            return False
        return status == 200
