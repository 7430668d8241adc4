"""``AgentProcess``: a real agent, ``tmc syncer`` in a process of its own, between two clusters of the test bed.

It runs as a user of its own with the rights of ``api.rbac`` on either side, never as an administrator, so that
the audit logs tell its requests from everybody else's and a missing right shows. It is started, stopped and
killed like any other server of the test bed.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tmc_syncer.api.rbac import cluster_role, cluster_role_binding, downstream_rules, upstream_rules
from tmc_syncer.api.resources import GVR
from tmc_syncer.testing.control_plane import ControlPlane
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

__all__ = ["DEFAULT_TYPES", "AgentProcess", "grant"]

DEFAULT_TYPES = (
    GVR("apps", "v1", "deployments"),
    GVR("", "v1", "pods"),
    GVR("", "v1", "services"),
    GVR("", "v1", "configmaps"),
    GVR("", "v1", "secrets"),
)


def grant(upstream: ControlPlane, downstream: ControlPlane, user: str, types: Iterable[GVR]) -> None:
    """Give ``user`` the rights of an agent of ``types`` on both sides; repeating it is harmless."""
    listed = tuple(types)
    for cluster, rules in ((upstream, upstream_rules(listed)), (downstream, downstream_rules(listed))):
        cluster.add_user(user)
        cluster.apply(cluster_role(user, rules))
        cluster.apply(cluster_role_binding(user, {"kind": "User", "name": user}))


class AgentProcess(ServerProcess):
    """An agent of ``target`` between two clusters; ``tune`` shortens its waits (``--tune``, seconds).

    ``flags`` are appended to the command line. ``upstream_url`` and ``downstream_url`` put a proxy in between.
    ``kubeconfigs`` (upstream, downstream) replace those with the client certificates of ``user``. Without ``name_types``
    the list of types is what the SyncTarget says; the rights are for ``types`` all the same.
    """

    def __init__(  # noqa: PLR0913 - a test names what it wants to differ, everything has a default
        self,
        directory: Path,
        upstream: ControlPlane,
        downstream: ControlPlane,
        *,
        target: str = "east",
        types: Sequence[GVR] = DEFAULT_TYPES,
        flags: Sequence[str] = (),
        tune: Mapping[str, float] | None = None,
        user: str = "",
        upstream_url: str | None = None,
        downstream_url: str | None = None,
        kubeconfigs: tuple[Path, Path] | None = None,
        name_types: bool = True,
    ) -> None:
        """Grant the rights and write the files; nothing is started."""
        directory.mkdir(parents=True, exist_ok=True)
        self.target = target
        self.user = user or f"agent-{target}"
        grant(upstream, downstream, self.user, types)
        (self.port,) = free_ports(1)
        upstream_kubeconfig, downstream_kubeconfig = kubeconfigs or (
            upstream.kubeconfig(self.user, server=upstream_url),
            downstream.kubeconfig(self.user, server=downstream_url),
        )
        tuned = [word for name, seconds in (tune or {}).items() for word in ("--tune", f"{name}={seconds}")]
        command = [
            sys.executable, "-m", "tmc_syncer.cli.main", "syncer",
            "--from-kubeconfig", str(upstream_kubeconfig),
            "--to-kubeconfig", str(downstream_kubeconfig),
            "--target", target, *(["--resources", ",".join(map(str, types))] if name_types else []),
            "--admin-address", f"127.0.0.1:{self.port}", "--log-format", "json", *([] if "--log-level" in flags else ["--log-level", "debug"]),
            *tuned, *flags,
        ]  # fmt: skip
        super().__init__(
            f"agent {target}",
            command,
            log_path=directory / "agent.log",
            directory=directory,
            is_ready=self._answers_ready,
            start_timeout_seconds=30.0,
            stop_grace_seconds=40.0,
            environment=_coverage(),
        )

    def statusz(self, query: str = "") -> dict[str, Any]:
        """The document at ``/statusz``. Raises ``OSError`` when the agent does not answer."""
        answer: dict[str, Any] = json.loads(self.read(f"/statusz{query}"))
        return answer

    def read(self, path: str) -> bytes:
        """The body of an admin path. Raises ``OSError`` for no answer or an error status."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as reply:
            body: bytes = reply.read()
        return body

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log so far, parsed; a line that is no JSON becomes ``{"text": line}``."""
        lines = []
        for line in self.log_path.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                lines.append({"text": line})
        return lines

    def _answers_ready(self) -> bool:
        try:
            self.read("/readyz")
        except (OSError, urllib.error.HTTPError):
            return False
        return True


def _coverage() -> dict[str, str]:
    """Let the child measure its own coverage where the test run does."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
