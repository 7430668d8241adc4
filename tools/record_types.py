"""Records what a real kube-apiserver serves: its discovery documents and the columns of its Tables.

Writes ``discovery.json`` and ``columns.json`` into src/tmc_syncer/controlplane/types/data/, each with the server's version. Groups
that the control plane does not serve are left out (`GROUPS`). Needs the programs of the test bed:
`python -m tools.record_types`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tmc_syncer.testing.assets import CONTROL_PLANE_PROGRAMS
from tmc_syncer.testing.cluster import ControlPlane, find_assets
from tmc_syncer.testing.process import ServerProcess

REPOSITORY = Path(__file__).parents[1]
DATA = REPOSITORY / "src" / "tmc_syncer" / "controlplane" / "types" / "data"

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

GROUPS = (
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
)
"""In the order in which a server lists them."""

LEFT_OUT = {"componentstatuses", "bindings", "volumeattributesclasses"}

SCALED = "/apis/apps/v1/namespaces/default/deployments/record/scale"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "record", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "record"}},
        "template": {
            "metadata": {"labels": {"app": "record"}},
            "spec": {"containers": [{"name": "c", "image": "c"}]},
        },
    },
}


class Alone(ControlPlane):
    """etcd and kube-apiserver without controllers."""

    def components(self) -> Sequence[ServerProcess]:
        """Return nothing."""
        return ()


def read(server: ControlPlane, path: str, accept: str | None = None) -> dict[str, Any]:
    """Return a JSON answer."""
    status, answer = server.request("GET", path, accept=accept)
    assert status == 200, (path, status, answer)
    parsed: dict[str, Any] = json.loads(answer) if isinstance(answer, str) else answer
    return parsed


def discovered(server: ControlPlane) -> dict[str, list[dict[str, Any]]]:
    """Return the resources of each group-version, in the server's order, as aggregated discovery shows them."""
    groups = read(server, "/api", AGGREGATED)["items"] + read(server, "/apis", AGGREGATED)["items"]
    found: dict[str, list[dict[str, Any]]] = {}
    for name in GROUPS:
        (group,) = [item for item in groups if item["metadata"].get("name", "") == name]
        for version in group["versions"]:
            resources = [r for r in version["resources"] if r["resource"] not in LEFT_OUT]
            found[f"{name}/{version['version']}" if name else version["version"]] = resources
    return found


def columns(server: ControlPlane, served: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the column definitions of each resource that can be listed, and those of a scale."""
    found: dict[str, Any] = {}
    for version, resources in served.items():
        for resource in resources:
            if "list" in resource["verbs"]:
                prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
                table = read(server, f"{prefix}/{resource['resource']}", TABLE)
                found[f"{version}/{resource['resource']}"] = table["columnDefinitions"]
    server.create(DEPLOYMENT)
    found["autoscaling/v1/scale"] = read(server, SCALED, TABLE)["columnDefinitions"]
    return found


def write(name: str, content: dict[str, Any]) -> None:
    """Write one file, one resource a line."""
    path = DATA / f"{name}.json"
    lines = [
        f" {json.dumps(key)}: {_block(value)}"
        if isinstance(value, dict)
        else f" {json.dumps(key)}: {json.dumps(value)}"
        for key, value in content.items()
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size} bytes")


def _block(value: dict[str, Any]) -> str:
    rows = []
    for key, items in value.items():
        listed = ",\n   ".join(json.dumps(item) for item in items)
        rows.append(f"  {json.dumps(key)}: [\n   {listed}]")
    return "{\n" + ",\n".join(rows) + "\n }"


def main() -> None:
    """Record."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Alone(Path(folder), assets=find_assets(CONTROL_PLANE_PROGRAMS)) as server,
    ):
        version = read(server, "/version")["gitVersion"]
        served = discovered(server)
        tables = columns(server, served)
    origin = {"version": version, "source": "kube-apiserver: aggregated discovery"}
    write("discovery", {**origin, "resources": served})
    write("columns", {**origin, "source": "kube-apiserver: columnDefinitions of Tables", "columns": tables})


if __name__ == "__main__":
    main()
