"""Real servers for the parity tests of the control plane's types: kube-apiserver without controllers, and what listens in.

`Alone` changes nothing behind the tests' back. `Wire` sends bytes and any headers to it and returns bytes. `Eavesdropper` stands
between kubectl and the server, in plain HTTP with the rights of an admin, and keeps the protobuf bodies that go by.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.real.conftest import remembered
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.cluster import ControlPlane, running
from tmc_syncer.testing.process import ServerProcess

PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
TIMEOUT = 30.0
HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding", "accept-encoding"}


class Alone(ControlPlane):
    """etcd and kube-apiserver without controllers."""

    def components(self) -> Sequence[ServerProcess]:
        return ()


@contextmanager
def alone(
    assets: Assets, directory: Path, kept_processes: set[int], request: pytest.FixtureRequest
) -> Iterator[Alone]:
    """A running server for one module of tests."""
    cluster = Alone(directory, assets=assets)
    with remembered(request, cluster), running(cluster):
        kept_processes.update(server.pid for server in cluster.servers() if server.pid)
        yield cluster


class Reply(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def object(self) -> Any:
        return json.loads(self.body)


class Wire:
    """Requests of an admin, as bytes."""

    def __init__(self, cluster: ControlPlane) -> None:
        context = ssl.create_default_context(cadata=cluster.apiserver.ca_pem.decode())
        port = cluster.apiserver.port
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context)
        self._token = cluster.token()

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; keys of the answer's headers are in lower case."""
        said = {**(headers or {}), "Authorization": f"Bearer {self._token}"}
        self._connection.request(method, path, body=body, headers=said)
        answer = self._connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def get(self, path: str, accept: str = "application/json") -> Reply:
        return self.send("GET", path, headers={"Accept": accept})

    def close(self) -> None:
        self._connection.close()


class Eavesdropper:
    """See the module. `url` is for kubectl, `heard` are path (with its query) and body of what was sent as protobuf."""

    def __init__(self, cluster: ControlPlane) -> None:
        self.heard: list[tuple[str, bytes]] = []
        eavesdropper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size else None
                if body and self.headers.get("Content-Type", "").startswith(PROTOBUF):
                    eavesdropper.heard.append((self.path, body))
                wire = Wire(cluster)
                kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
                reply = wire.send(self.command, self.path, body, kept)
                wire.close()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    if name not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  # the names of http.server

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of http.server
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
