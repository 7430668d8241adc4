"""Tables of our types are those of a real kube-apiserver, cell by cell.

The objects of the corpus are made on a real server (no controller touches them), every list of them is asked for as a Table,
and the definitions and rows are made again by our columns from the plain objects. Cells that tell an age may have grown by a second
between the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import yaml

from tests.real.types_world import TABLE, Alone, Reply, Wire, alone
from tests.unit.controlplane.types import comparison, corpus
from tmc_syncer.controlplane.types.builtin import builtin_types
from tmc_syncer.controlplane.types.crds import accepted
from tmc_syncer.controlplane.types.customtypes import types_of
from tmc_syncer.controlplane.types.registry import Type
from tmc_syncer.controlplane.types.tables.columns import scale_columns
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.polling import eventually

Object = dict[str, Any]

TOLERANCE = 2
"""Seconds that may lie between the clock of the answer and the one that the server took."""

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.example.com}
spec:
  group: example.com
  names: {plural: gauges, kind: Gauge}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    additionalPrinterColumns:
    - {name: Text, type: string, jsonPath: .spec.text}
    - {name: Number, type: integer, jsonPath: .spec.number, description: A number.}
    - {name: Float, type: number, jsonPath: .spec.float, format: float}
    - {name: Truth, type: boolean, jsonPath: .spec.truth}
    - {name: Since, type: date, jsonPath: .spec.since, priority: 1}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    - {name: Deep, type: string, jsonPath: .spec.list[*].name}
    - {name: First, type: string, jsonPath: '.spec.list[0].name'}
    - {name: Whole, type: string, jsonPath: .spec.map}
    - {name: Label, type: string, jsonPath: '.metadata.labels.a\\.b/c'}
    - {name: Made, type: date, jsonPath: .metadata.creationTimestamp}
  - name: v2
    served: true
    storage: false
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
GAUGES: list[Object] = [
    {},
    {
        "spec": {
            "text": "a", "number": 5, "float": 1.5, "truth": True, "since": "2026-01-02T03:04:05Z",
            "list": [{"name": "x"}, {"name": "y"}], "map": {"k": "v", "a": 1},
        },
        "status": {"conditions": [{"type": "Other", "status": "No"}, {"type": "Ready", "status": "Yes"}]},
    },
    {"spec": {"text": 5, "number": "seven", "float": 2, "truth": "maybe", "since": "never", "list": [], "map": [1, "b"]}},
    {"spec": {"text": None, "number": 1.0, "float": "1", "truth": False, "since": 5, "list": "no"}},
]  # fmt: skip


@pytest.fixture(scope="module")
def server(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[Alone]:
    with alone(assets, tmp_path_factory.mktemp("tables") / "upstream", kept_processes, request) as cluster:
        for case in corpus.cases():
            namespace = {"metadata": {"name": comparison.namespace_of(case)}}
            cluster.request("POST", "/api/v1/namespaces", namespace)
            comparison.run(case, cluster.request)
        yield cluster


@pytest.fixture(scope="module")
def wire(server: Alone) -> Iterator[Wire]:
    found = Wire(server)
    yield found
    found.close()


def path_of(made: Type) -> str:
    root = f"/apis/{made.group}/{made.version}" if made.group else f"/api/{made.version}"
    return f"{root}/{made.resource}"


LISTED = [made for made in builtin_types() if "list" in made.verbs]


@pytest.mark.parametrize("made", LISTED, ids=lambda made: f"{made.group_version} {made.resource}")
def test_the_table_of_a_kind_is_alike(wire: Wire, made: Type) -> None:
    plain, table = wire.get(path_of(made)).object, wire.get(path_of(made), TABLE)
    objects = {(o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in plain["items"]}
    for obj in objects.values():
        obj |= {"apiVersion": made.group_version, "kind": made.kind}
    assert list(made.columns.definitions) == table.object["columnDefinitions"]
    for row in table.object["rows"]:
        metadata = row["object"]["metadata"]
        obj = objects[metadata.get("namespace"), metadata["name"]]
        assert_row(made, obj, row, table)


def assert_row(made: Type, obj: Object, row: Object, reply: Reply) -> None:
    sent = parsedate_to_datetime(reply.headers["date"]).astimezone(UTC)
    moments = [sent + timedelta(seconds=seconds) for seconds in range(-TOLERANCE, TOLERANCE + 1)]
    ours = [list(made.columns.cells(obj, moment)) for moment in moments]
    for number, cell in enumerate(row["cells"]):
        name = made.columns.definitions[number]["name"]
        possible = [cells[number] for cells in ours]
        assert any(same(cell, mine) for mine in possible), (made.kind, obj, name, cell, possible)
    assert all(len(cells) == len(row["cells"]) for cells in ours)
    assert list(made.columns.conditions(obj)) == row.get("conditions", []), obj


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def test_the_corpus_fills_the_tables(wire: Wire) -> None:
    rows = {made.name: len(wire.get(path_of(made)).object["items"]) for made in LISTED}
    for name in ("pods", "services", "deployments.apps", "jobs.batch", "nodes", "persistentvolumes"):
        assert rows[name] > 3, rows


def test_the_table_of_a_scale_is_alike(server: Alone, wire: Wire) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    status, answer = server.request("POST", path, {"metadata": {"name": "scaled"}, "spec": spec})
    assert status in (201, 409), answer
    plain, table = wire.get(f"{path}/scaled/scale"), wire.get(f"{path}/scaled/scale", TABLE)
    columns = scale_columns()
    assert list(columns.definitions) == table.object["columnDefinitions"]
    cells = list(columns.cells(plain.object, datetime.now(UTC)))
    (row,) = table.object["rows"]
    assert cells[:-1] == row["cells"][:-1]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_table_of_a_custom_type_is_alike(server: Alone, wire: Wire, version: str) -> None:
    definition = yaml.safe_load(DEFINITION)
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    server.request("POST", definitions, definition)
    path = f"/apis/example.com/{version}/namespaces/default/gauges"
    eventually(lambda: wire.get(path).status == 200, 20, message="the custom type to be served")
    for number, content in enumerate(GAUGES):
        obj: Object = {"apiVersion": f"example.com/{version}", "kind": "Gauge", **content}
        obj["metadata"] = {"name": f"g{number}", "labels": {"a.b/c": "there"} if number == 1 else {}}
        status, answer = server.request("POST", path, obj)
        assert status in (201, 409), answer
        if "status" in content and status == 201:
            answer["status"] = content["status"]
            status, answer = server.request(
                "PUT",
                f"/apis/example.com/v1/namespaces/default/gauges/g{number}/status",
                {**answer, "apiVersion": "example.com/v1"},
            )
            assert status == 200, answer
    stored = {**definition, "status": {"storedVersions": ["v1"]}}
    (made,) = [t for t in types_of({**stored, "status": accepted(stored, (), "")}) if t.version == version]
    plain, table = wire.get(path).object, wire.get(path, TABLE)
    assert list(made.columns.definitions) == table.object["columnDefinitions"]
    objects = {obj["metadata"]["name"]: obj for obj in plain["items"]}
    assert len(table.object["rows"]) == len(GAUGES)
    for row in table.object["rows"]:
        assert_row(made, objects[row["object"]["metadata"]["name"]], row, table)
