"""Records the schemas of the test bed's kube-apiserver for the embedded control plane.

The server's /openapi/v3 documents say the most; what they leave out (which fields Go writes although they are empty, which
keep an empty value, how a type is named in a message) is read off the Go types by record_schemas.go, run inside the test
bed's module. So it needs `make testbed` and Go, and takes about a minute:

    python -m tools.record_schemas

Two files are written below src/tmc_syncer/controlplane/schema/data/, byte for byte the same for the same versions:
components.json.gz (schemas without descriptions, Go facts, and which components belong to which document) and
descriptions.json.gz (the descriptions, for kubectl explain). Both carry the version and where they come from.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tmc_syncer.testing.assets import CONTROL_PLANE_PROGRAMS
from tmc_syncer.testing.cluster import ControlPlane, find_assets
from tmc_syncer.testing.process import ServerProcess

REPOSITORY = Path(__file__).parents[1]
DATA = REPOSITORY / "src" / "tmc_syncer" / "controlplane" / "schema" / "data"
GO_MODULE = REPOSITORY / "testbed" / "kubernetes"

DOCUMENTS = (
    "api/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/autoscaling/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/certificates.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/networking.k8s.io/v1",
    "apis/node.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
    "apis/storage.k8s.io/v1",
)

NESTED = ("items", "additionalProperties")

Json = dict[str, Any]


class ApiServerAlone(ControlPlane):
    """etcd and kube-apiserver without any controllers, which have nothing to say about schemas."""

    def components(self) -> Sequence[ServerProcess]:
        """Return nothing."""
        return ()


def documents() -> tuple[str, dict[str, Json]]:
    """Start a server; return its version and, for each document, its components."""
    with tempfile.TemporaryDirectory() as folder:
        server = ApiServerAlone(Path(folder), assets=find_assets(CONTROL_PLANE_PROGRAMS))
        with server:
            version = parsed(server.request("GET", "/version"))["gitVersion"]
            index = parsed(server.request("GET", "/openapi/v3"))["paths"]
            found = {}
            for name in DOCUMENTS:
                document = parsed(server.request("GET", index[name]["serverRelativeURL"]))
                found[name] = document["components"]["schemas"]
    return version, found


def parsed(answer: tuple[int, Any]) -> Json:
    """Return the JSON body of an answer, whatever its content type says."""
    status, body = answer
    if status != 200:
        raise SystemExit(f"the server answered {status}: {body}")
    decoded: Json = json.loads(body) if isinstance(body, str) else body
    return decoded


def go_types() -> dict[str, dict[str, Json]]:
    """Return the facts of the Go types by the names that components have."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("go.mod", "go.sum"):
            shutil.copy(GO_MODULE / name, folder)
        shutil.copy(Path(__file__).with_suffix(".go"), Path(folder, "main.go"))
        command = ["go", "run", "-mod=mod", "main.go"]
        listing = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return {component_name(name): facts for name, facts in json.loads(listing).items()}


def component_name(go_name: str) -> str:
    """k8s.io/api/apps/v1.Deployment is io.k8s.api.apps.v1.Deployment."""
    path, _, name = go_name.rpartition(".")
    domain, *rest = path.split("/")
    return ".".join([*reversed(domain.split(".")), *rest, name])


def split(schema: Json, path: str, descriptions: dict[str, str]) -> Json:
    """Return a schema without its descriptions, which are put aside under the path of their place."""
    cut: Json = {}
    for key, value in schema.items():
        if key == "description":
            descriptions[path] = value
        elif key == "properties":
            cut[key] = {name: split(child, f"{path}.{name}", descriptions) for name, child in value.items()}
        elif key in NESTED and isinstance(value, dict):
            cut[key] = split(value, f"{path}/{key}", descriptions)
        else:
            cut[key] = value
    return cut


def summary(facts: dict[str, Json], schema: Json) -> Json:
    """Return the facts of a component's fields: those always written, those kept when empty, and the types."""
    known = {name: fact for name, fact in facts.items() if name in schema.get("properties", {})}
    return {
        "always": {name: fact["always"] for name, fact in known.items() if "always" in fact},
        "kept": sorted(name for name, fact in known.items() if fact.get("kept")),
        "types": {name: fact["type"] for name, fact in known.items()},
    }


def write(path: Path, content: Json) -> None:
    """Write JSON compressed, the same bytes for the same content."""
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{path.relative_to(REPOSITORY)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> int:
    """Record, and say how much it is."""
    version, found = documents()
    facts = go_types()
    components: dict[str, Json] = {}
    descriptions: dict[str, dict[str, str]] = {}
    for schemas in found.values():
        for name, schema in schemas.items():
            texts: dict[str, str] = {}
            components[name] = split(schema, "", texts)
            descriptions[name] = texts
    origin = {"version": version, "source": "kube-apiserver /openapi/v3"}
    DATA.mkdir(exist_ok=True)
    write(
        DATA / "components.json.gz",
        {
            **origin,
            "documents": {name: sorted(schemas) for name, schemas in found.items()},
            "components": components,
            "go": {
                name: summary(facts[name], schema) for name, schema in components.items() if name in facts
            },
        },
    )
    write(DATA / "descriptions.json.gz", {**origin, "descriptions": descriptions})
    print(f"{version}: {len(components)} components in {len(found)} documents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
