"""Discovery and OpenAPI documents of our types are those of a real kube-apiserver, for what both serve.

The real server serves more groups, and its OpenAPI documents have more words: each thing that ours say must be said by the real
ones too, and everything that kubectl looks for must be there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.real.types_world import Wire, alone
from tmc_syncer.controlplane.types.builtin import builtin_types
from tmc_syncer.controlplane.types.crds import accepted
from tmc_syncer.controlplane.types.customtypes import types_of
from tmc_syncer.controlplane.types.documents import TypeDocuments
from tmc_syncer.controlplane.types.registry import Registry
from tmc_syncer.testing.assets import Assets
from tmc_syncer.testing.polling import eventually

Object = dict[str, Any]

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
LEFT_OUT = {"bindings", "componentstatuses", "volumeattributesclasses"}
"""Resources of the groups that both serve which only the real server has."""

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all, test]}
  scope: Namespaced
  versions:
  - name: v1beta1
    served: true
    storage: false
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.size, statusReplicasPath: .status.size}}
    schema:
      openAPIV3Schema:
        description: A thing.
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wanted.
            properties:
              size: {type: integer, minimum: 0, default: 1, description: How many.}
              template: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
              items:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}, words: {type: string}}}
          status: {type: object, properties: {size: {type: integer}}}
"""


@pytest.fixture(scope="module")
def wire(
    assets: Assets,
    tmp_path_factory: pytest.TempPathFactory,
    kept_processes: set[int],
    request: pytest.FixtureRequest,
) -> Iterator[Wire]:
    """The real server, with a custom type."""
    with alone(assets, tmp_path_factory.mktemp("discovery") / "upstream", kept_processes, request) as cluster:
        status, answer = cluster.request(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(DEFINITION)
        )
        assert status == 201, answer
        found = Wire(cluster)
        eventually(
            lambda: all(
                found.get(f"/openapi/v3/apis/example.com/{version}").status == 200
                and found.get(f"/apis/example.com/{version}").status == 200
                for version in ("v1", "v1beta1")
            ),
            30,
            message="the custom type to be published",
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def ours(wire: Wire) -> TypeDocuments:
    """Our documents of the same definition."""
    name = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"
    definition = wire.get(name).object
    stored = {**definition, "status": {"storedVersions": ["v1"]}}
    registry = Registry(builtin_types())
    registry.install("", "widgets.example.com", types_of({**stored, "status": accepted(stored, (), "")}))
    return TypeDocuments(registry)


def document(ours: TypeDocuments, path: str, accept: str = "application/json") -> Any:
    found = ours.find("", path, {}, {"Accept": accept, "Host": "here"})
    assert found is not None, path
    assert found.code == 200
    return json.loads(found.body)


def served(items: list[Object]) -> dict[str, Object]:
    """Group and version to resources, without what is only in the real server."""
    return {
        f"{group['metadata'].get('name', '')}/{version['version']}": {
            "freshness": version["freshness"],
            "resources": [item for item in version["resources"] if item["resource"] not in LEFT_OUT],
        }
        for group in items
        for version in group["versions"]
    }


@pytest.mark.parametrize("path", ["/api", "/apis"])
def test_the_aggregated_documents_are_alike(wire: Wire, ours: TypeDocuments, path: str) -> None:
    reply = wire.get(path, AGGREGATED)
    mine = ours.find("", path, {}, {"Accept": AGGREGATED})
    assert mine is not None
    assert mine.content_type == reply.headers["content-type"]
    assert {name.lower() for name in mine.headers} <= reply.headers.keys()
    assert mine.headers["Cache-Control"] == reply.headers["cache-control"]
    real, found = reply.object, document(ours, path, AGGREGATED)
    assert {**found, "items": 0} == {**real, "items": 0}
    theirs = served(real["items"])
    assert served(found["items"]) == {name: theirs[name] for name in served(found["items"])}
    order = [group["metadata"].get("name") for group in real["items"]]
    assert [group["metadata"].get("name") for group in found["items"]] == [
        name for name in order if name in [group["metadata"].get("name") for group in found["items"]]
    ]


def test_an_unchanged_document_is_not_sent_again(wire: Wire, ours: TypeDocuments) -> None:
    mine = ours.find("", "/apis", {}, {"Accept": AGGREGATED})
    assert mine is not None
    again = ours.find("", "/apis", {}, {"Accept": AGGREGATED, "If-None-Match": mine.headers["ETag"]})
    tag = wire.get("/apis", AGGREGATED).headers["etag"]
    real = wire.send("GET", "/apis", headers={"Accept": AGGREGATED, "If-None-Match": tag})
    assert again is not None
    assert (again.code, again.body) == (real.status, real.body) == (304, b"")


def test_the_old_documents_are_alike(wire: Wire, ours: TypeDocuments) -> None:
    real, mine = wire.get("/apis").object, document(ours, "/apis")
    known = {group["name"]: group for group in real["groups"]}
    assert {**mine, "groups": [known[group["name"]] for group in mine["groups"]]} == mine
    for group in mine["groups"]:
        path = f"/apis/{group['name']}"
        assert document(ours, path) == wire.get(path).object
        for version in group["versions"]:
            assert_same_list(wire, ours, f"/apis/{version['groupVersion']}")
    assert_same_list(wire, ours, "/api/v1")
    assert document(ours, "/api").keys() == wire.get("/api").object.keys()


def assert_same_list(wire: Wire, ours: TypeDocuments, path: str) -> None:
    real, mine = wire.get(path).object, document(ours, path)
    for resource in real["resources"]:
        resource.pop("storageVersionHash", None)
    real["resources"] = [r for r in real["resources"] if r["name"].partition("/")[0] not in LEFT_OUT]
    assert mine == real, path


def test_a_path_that_is_not_there_is_not_there(wire: Wire, ours: TypeDocuments) -> None:
    for path in (
        "/apis/nobody.example",
        "/apis/apps/v7",
        "/api/v2",
        "/openapi/v3/apis/nobody.example/v1",
        "/nothing",
    ):
        assert wire.get(path).status == 404
        assert ours.find("", path, {}, {}) is None, path


# OpenAPI


def names(operation: Object, item: Object) -> set[str]:
    return {entry["name"] for entry in (*operation.get("parameters", ()), *item.get("parameters", ()))}


def references(operation: Object) -> set[str]:
    """The schemas of bodies and good answers."""
    bodies = [
        operation.get("requestBody") or {},
        *(operation["responses"][code] for code in operation["responses"]),
    ]
    contents = [content for body in bodies for content in (body.get("content") or {}).values()]
    return {content["schema"]["$ref"] for content in contents if "$ref" in content.get("schema", {})}


@pytest.mark.parametrize(
    "name", ["api/v1", "apis/apps/v1", "apis/autoscaling/v2", "apis/batch/v1", "apis/example.com/v1"]
)
def test_the_paths_of_a_document_say_the_same(wire: Wire, ours: TypeDocuments, name: str) -> None:
    real, mine = wire.get(f"/openapi/v3/{name}").object, document(ours, f"/openapi/v3/{name}")
    assert len(mine["paths"]) > 3
    for path, item in mine["paths"].items():
        assert path in real["paths"], path
        theirs = real["paths"][path]
        for method in item.keys() - {"parameters"}:
            one, other = theirs[method], item[method]
            where = (path, method)
            for field in ("x-kubernetes-action", "x-kubernetes-group-version-kind"):
                assert other[field] == one[field], where
            if one["x-kubernetes-action"] != "connect" and not path.endswith("/log"):
                assert names(one, theirs) - {"shardSelector"} == names(other, item), where
                assert references(one) == references(other), where
                accepted_media = (one.get("requestBody") or {}).get("content", {}).keys()
                assert accepted_media == (other.get("requestBody") or {}).get("content", {}).keys(), where
                assert one["responses"].keys() - {"401"} == other["responses"].keys(), where


def test_no_path_is_missing(wire: Wire, ours: TypeDocuments) -> None:
    for name in ("apis/apps/v1", "apis/example.com/v1"):
        real, mine = wire.get(f"/openapi/v3/{name}").object, document(ours, f"/openapi/v3/{name}")
        wanted = {path for path in real["paths"] if "/watch/" not in path and not path.endswith("/v1/")}
        assert mine["paths"].keys() == wanted


@pytest.mark.parametrize("name", ["api/v1", "apis/apps/v1", "apis/batch/v1"])
def test_the_components_of_built_in_kinds_are_alike(wire: Wire, ours: TypeDocuments, name: str) -> None:
    real, mine = wire.get(f"/openapi/v3/{name}").object, document(ours, f"/openapi/v3/{name}")
    for component, schema in mine["components"]["schemas"].items():
        assert schema == real["components"]["schemas"][component], component


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_components_of_a_custom_type_are_alike(wire: Wire, ours: TypeDocuments, version: str) -> None:
    path = f"/openapi/v3/apis/example.com/{version}"
    real, mine = (found["components"]["schemas"] for found in (wire.get(path).object, document(ours, path)))
    for component in (f"com.example.{version}.Widget", f"com.example.{version}.WidgetList"):
        one, other = plain(mine[component]), plain(real[component]); print(json.dumps(one)); print(json.dumps(other)); assert one == other


def plain(value: Any) -> Any:
    """References alike: in one element or bare."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    alone = value.get("allOf")
    if isinstance(alone, list) and len(alone) == 1:
        value = {**value, **alone[0]}
        del value["allOf"]
    return {key: plain(item) for key, item in value.items()}


def test_the_index_names_documents_that_may_be_kept_for_ever(wire: Wire, ours: TypeDocuments) -> None:
    real, mine = wire.get("/openapi/v3").object["paths"], document(ours, "/openapi/v3")["paths"]
    assert mine.keys() <= real.keys()
    for name, entry in mine.items():
        path, _, tag = entry["serverRelativeURL"].partition("?hash=")
        assert path == real[name]["serverRelativeURL"].partition("?")[0] == f"/openapi/v3/{name}"
        found = ours.find("", path, {"hash": tag}, {})
        assert found is not None
        assert found.headers["Cache-Control"] == "public, immutable"
    reply = wire.get(real["apis/apps/v1"]["serverRelativeURL"])
    assert reply.headers["cache-control"] == "public, immutable"


def test_a_document_is_made_once(ours: TypeDocuments) -> None:
    for path in ("/openapi/v3", "/apis"):
        ours.find("", path, {}, {"Accept": AGGREGATED})
        started = time.perf_counter()
        ours.find("", path, {}, {"Accept": AGGREGATED})
        assert time.perf_counter() - started < 0.05
