"""The servers that the contract suite runs against, behind one narrow adapter: `Server`.

    kube      a real etcd and kube-apiserver of the test bed, with the controllers that every API server needs
    kcp       one workspace of a kcp (`TMC_KCP`, or `kcp` on PATH), which is started here
    embedded  the product's own control plane; see embedded.py

A test knows the adapter alone: the verbs, watches, a namespace or a name of its own, and what a server may lack
(expectations.py says which and why). `admin` may do everything; `limited` (`limited_name` is how the server calls
it) may do nothing beyond what everybody may. All tests share one server of each kind, so a test touches
only what it made itself.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import secrets
import shutil
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.contract.wire import PATCH_TYPES, Answer, JsonObject, Watch, Wire
from tmc_syncer.testing.assets import CONTROL_PLANE_PROGRAMS, Assets, find_assets
from tmc_syncer.testing.cluster import ControlPlane, running
from tmc_syncer.testing.errors import AssetsMissing
from tmc_syncer.testing.polling import eventually
from tmc_syncer.testing.ports import free_ports
from tmc_syncer.testing.process import ServerProcess

REPOSITORY = Path(__file__).parents[2]

LIMITED = "limited"


class Server(Wire):
    """One server under test; `compact` throws away every revision before the present one."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        ca_pem: bytes,
        admin_token: str,
        limited_token: str,
        limited_name: str = LIMITED,
        compact: Callable[[], None] | None = None,
        pids: Callable[[], set[int]] = set,
    ) -> None:
        super().__init__(url, ca_pem=ca_pem, tokens={"admin": admin_token, LIMITED: limited_token})
        self.name = name
        self.admin_token = admin_token
        self.limited_token = limited_token
        self.limited_name = limited_name
        self.pids = pids
        self._compact = compact
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(3)

    # The verbs; keywords are the query

    def get(self, path: str, *, user: str = "admin", accept: str | None = None, **query: Any) -> Answer:
        headers = {"Accept": accept} if accept else None
        return self.request("GET", path, headers=headers, user=user, query=query)

    def post(self, path: str, body: object, *, user: str = "admin", **query: Any) -> Answer:
        return self.request("POST", path, body, user=user, query=query)

    def put(self, path: str, body: object, *, user: str = "admin", **query: Any) -> Answer:
        return self.request("PUT", path, body, user=user, query=query)

    def patch(self, path: str, kind: str, body: object, *, user: str = "admin", **query: Any) -> Answer:
        """Send a patch of a kind of `PATCH_TYPES`."""
        return self.request("PATCH", path, body, content_type=PATCH_TYPES[kind], user=user, query=query)

    def apply(
        self, path: str, body: object, manager: str = "tester", *, user: str = "admin", **query: Any
    ) -> Answer:
        return self.patch(path, "apply", body, user=user, fieldManager=manager, **query)

    def delete(
        self, path: str, options: Mapping[str, Any] | None = None, *, user: str = "admin", **query: Any
    ) -> Answer:
        return self.request("DELETE", path, options, user=user, query=query)

    def watching(self, path: str, *, user: str = "admin", accept: str | None = None, **query: Any) -> Watch:
        """Open a watch that the server has to accept."""
        headers = {"Accept": accept} if accept else None
        opened = self.watch(path, headers=headers, user=user, query={"watch": "true", **query})
        assert isinstance(opened, Watch), f"the watch was refused: {opened!r:.2000}"
        return opened

    # A place for each test

    def unique(self, prefix: str = "t") -> str:
        """Return a name that nothing on this server has."""
        return f"{prefix}-{self._run}-{next(self._numbers)}"

    def create_namespace(self, labels: Mapping[str, str] | None = None) -> str:
        """Create a namespace and return its name."""
        metadata: JsonObject = {"name": self.unique("ns")}
        if labels:
            metadata["labels"] = dict(labels)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        self.post("/api/v1/namespaces", namespace).ok(201)
        return str(metadata["name"])

    # Abilities

    def compact(self) -> None:
        """Forget all revisions before the present one, in store and caches."""
        assert self._compact is not None, f"{self.name} cannot be compacted"
        self._compact()


# What there is


def missing(kind: str) -> str:
    """Return why there is no server of this kind on this machine, empty when there is one."""
    if kind == "kube":
        try:
            _assets()
        except AssetsMissing as error:
            return f"no kube: {error}"
    if kind == "kcp" and _find_kcp() is None:
        return "no kcp: neither TMC_KCP nor kcp on PATH names one"
    return ""


def offered() -> list[str]:
    """Return the kinds that cases are made for: those that are there, and those that have to be."""
    required = os.environ.get("TMC_REQUIRE", "").replace(",", " ").split()
    return ["embedded", *(kind for kind in ("kube", "kcp") if kind in required or not missing(kind))]


# kube


def _assets() -> Assets:
    return find_assets(CONTROL_PLANE_PROGRAMS, start=REPOSITORY)


@contextlib.contextmanager
def kube(directory: Path) -> Iterator[Server]:
    """Run a real control plane. Raises `AssetsMissing`."""
    plane = ControlPlane(directory, assets=_assets())
    plane.add_user(LIMITED)
    with running(plane):
        server = Server(
            "kube",
            plane.url,
            ca_pem=plane.apiserver.ca_pem,
            admin_token=plane.token(),
            limited_token=plane.token(LIMITED),
            compact=lambda: _compact_etcd(plane.etcd.url),
            pids=lambda: {process.pid for process in plane.servers() if process.pid},
        )
        with contextlib.closing(server):
            yield server


def _compact_etcd(url: str) -> None:
    """Compact as an API server does: it tells the others by a key, at which they let go of the old states in their caches."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    with contextlib.closing(connection):

        def call(path: str, body: JsonObject) -> JsonObject:
            connection.request("POST", path, body=json.dumps(body))
            response = connection.getresponse()
            content = response.read()
            assert response.status == 200, content
            answer: JsonObject = json.loads(content)
            return answer

        key = b64encode(b"compact_rev_key").decode()
        revision: str = call("/v3/kv/range", {"key": key})["header"]["revision"]
        call("/v3/kv/put", {"key": key, "value": b64encode(revision.encode()).decode()})
        call("/v3/kv/compaction", {"revision": revision, "physical": True})


# kcp


def _find_kcp() -> Path | None:
    named = os.environ.get("TMC_KCP") or shutil.which("kcp")
    return Path(named).absolute() if named else None


@contextlib.contextmanager
def kcp(directory: Path) -> Iterator[Server]:
    """Run a kcp and give it one workspace, into which the limited user may look and no more."""
    program = _find_kcp()
    assert program is not None, missing("kcp")
    port, etcd_port, etcd_peer_port = free_ports(3)
    kubeconfig = directory / "admin.kubeconfig"
    process = ServerProcess(
        "kcp",
        [
            program,
            "start",
            f"--root-directory={directory}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--embedded-etcd-client-port={etcd_port}",
            f"--embedded-etcd-peer-port={etcd_peer_port}",
            "--batteries-included=+user",
        ],
        log_path=directory / "kcp.log",
        directory=directory,
        is_ready=lambda: _kcp_serves(kubeconfig, port),
        start_timeout_seconds=120,
    )
    process.start()
    try:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = next(item["cluster"] for item in config["clusters"] if item["name"] == "base")
        tokens = {item["name"]: item["user"]["token"] for item in config["users"]}

        def server(path: str) -> Server:
            return Server(
                "kcp",
                f"https://127.0.0.1:{port}{path}",
                ca_pem=b64decode(cluster["certificate-authority-data"]),
                admin_token=tokens["kcp-admin"],
                limited_token=tokens["user"],
                limited_name="user",
                pids=lambda: {process.pid} if process.pid else set(),
            )

        with contextlib.closing(server("/clusters/root")) as root:
            path = f"/clusters/root:{_new_workspace(root)}"
        with contextlib.closing(server(path)) as workspace:
            _let_in(workspace, "user")
            yield workspace
    finally:
        process.stop()


def _kcp_serves(kubeconfig: Path, port: int) -> bool:
    """Whether kcp is ready; it writes its kubeconfig while it starts."""
    if not kubeconfig.exists():
        return False
    # Readiness says nothing secret, and the certificate is in a file that may be half written.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=1, context=context)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False


def _new_workspace(root: Server) -> str:
    """Create a workspace and return its name once it can be used."""
    path = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    name = root.unique("contract")
    workspace = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
    # Right after the start kcp refuses requests for a while although it says that it is ready.
    eventually(lambda: root.post(path, workspace).status in {201, 409}, 60)
    eventually(lambda: root.get(f"{path}/{name}").body.get("status", {}).get("phase") == "Ready", 60)
    return name


def _let_in(workspace: Server, user: str) -> None:
    """Give a user nothing but entry: without it kcp refuses every request before anything else is looked at."""
    root = "/apis/rbac.authorization.k8s.io/v1"
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "contract-entry"}}
    rules = [{"nonResourceURLs": ["/"], "verbs": ["access"]}]
    eventually(
        lambda: (
            workspace.post(f"{root}/clusterroles", {**kind, "kind": "ClusterRole", "rules": rules}).status
            in {201, 409}
        ),
        60,
    )
    binding = {
        **kind,
        "kind": "ClusterRoleBinding",
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "contract-entry",
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    workspace.post(f"{root}/clusterrolebindings", binding).ok(201)
    eventually(lambda: workspace.get("/api", user=LIMITED).status == 200, 60)
