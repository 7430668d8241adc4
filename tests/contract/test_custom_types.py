"""CustomResourceDefinitions: how a type comes, is found, clashes with another, changes and goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.custom import OPEN, definition, install, is_established, served, structural
from tests.contract.objects import GROUP, at, named, names
from tests.contract.servers import Server
from tests.contract.wire import Answer, JsonObject, cause, like
from tmc_syncer.testing.polling import eventually

ANYTHING = {"openAPIV3Schema": OPEN}


@pytest.fixture
def fresh(server: Server) -> JsonObject:
    """The definition of a type that no other test has: its plural, kind and group are unique."""
    word = server.unique("k").replace("-", "")
    return definition(f"{word}s", word.capitalize(), served("v1", ANYTHING), group=f"{word}.example.com")


def crd(obj: JsonObject) -> str:
    return at("customresourcedefinitions", name=obj["metadata"]["name"])


def collection(obj: JsonObject, namespace: str = "", version: str = "v1") -> str:
    spec = obj["spec"]
    place = f"namespaces/{namespace}/" if namespace else ""
    return f"/apis/{spec['group']}/{version}/{place}{spec['names']['plural']}"


def instance(obj: JsonObject, name: str, **fields: Any) -> JsonObject:
    spec = obj["spec"]
    return {**named(spec["names"]["kind"], name, f"{spec['group']}/v1"), **fields}


def condition(server: Server, obj: JsonObject, kind: str) -> JsonObject:
    """Return a condition of a CRD, empty while it is not there."""
    found = server.get(crd(obj)).ok()["status"].get("conditions") or []
    return next((item for item in found if item["type"] == kind), {})


def test_a_type_is_accepted_established_and_served(server: Server, fresh: JsonObject) -> None:
    assert server.get(collection(fresh)).status == 404
    created = server.post(at("customresourcedefinitions"), fresh).ok(201)
    assert created["metadata"]["generation"] == 1
    eventually(lambda: is_established(server, fresh["metadata"]["name"]))
    status = server.get(crd(fresh)).ok()["status"]
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert status["acceptedNames"] == fresh["spec"]["names"]
    assert status["storedVersions"] == ["v1"]
    eventually(lambda: server.get(collection(fresh)).status == 200)


def test_a_type_shows_up_in_discovery_and_goes_from_it(server: Server, fresh: JsonObject) -> None:
    group = fresh["spec"]["group"]
    install(server, fresh)
    listing = eventually(lambda: found(server.get(f"/apis/{group}/v1")))
    assert listing is not None
    assert listing["kind"] == "APIResourceList"
    assert listing["groupVersion"] == f"{group}/v1"
    assert listing["resources"][0]["kind"] == fresh["spec"]["names"]["kind"]
    eventually(lambda: group in {item["name"] for item in server.get("/apis").ok()["groups"]})
    server.delete(crd(fresh)).ok()
    eventually(lambda: server.get(f"/apis/{group}/v1").status == 404)
    eventually(lambda: group not in {item["name"] for item in server.get("/apis").ok()["groups"]})
    eventually(lambda: server.get(collection(fresh)).status == 404)


def found(answer: Answer) -> JsonObject | None:
    body: JsonObject = answer.body
    return body if answer.status == 200 and body["resources"] else None


def test_the_names_have_defaults(server: Server, fresh: JsonObject) -> None:
    del fresh["spec"]["names"]["listKind"], fresh["spec"]["names"]["singular"]
    names_of = server.post(at("customresourcedefinitions"), fresh).ok(201)["spec"]["names"]
    kind = fresh["spec"]["names"]["kind"]
    assert (names_of["singular"], names_of["listKind"]) == (kind.lower(), f"{kind}List")


def test_a_type_is_named_by_its_plural_and_group(server: Server, fresh: JsonObject) -> None:
    right = fresh["metadata"]["name"]
    fresh["metadata"]["name"] = "other.example.com"
    answer = server.post(at("customresourcedefinitions"), fresh)
    message = 'Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group'
    answer.refused(
        422,
        "Invalid",
        f'CustomResourceDefinition.apiextensions.k8s.io "other.example.com" is invalid: metadata.name: {message}',
        {
            "name": "other.example.com",
            "group": "apiextensions.k8s.io",
            "kind": "CustomResourceDefinition",
            "causes": [cause("FieldValueInvalid", message, "metadata.name")],
        },
    )
    assert server.get(at("customresourcedefinitions", name=right)).status == 404


def refused_fields(server: Server, obj: JsonObject) -> set[str]:
    answer = server.post(at("customresourcedefinitions"), obj)
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    return {item["field"] for item in answer.body["details"]["causes"]}


def test_a_type_needs_a_schema(server: Server, fresh: JsonObject) -> None:
    del fresh["spec"]["versions"][0]["schema"]
    assert refused_fields(server, fresh) == {"spec.versions[0].schema.openAPIV3Schema"}


def test_a_schema_has_to_be_structural(server: Server, fresh: JsonObject) -> None:
    schema = {
        "openAPIV3Schema": {
            "type": "object",
            "properties": {"spec": {"properties": {"x": {"type": "string"}}}},
        }
    }
    fresh["spec"]["versions"][0]["schema"] = schema
    assert refused_fields(server, fresh) == {
        "spec.validation.openAPIV3Schema.properties[spec].type",
    }


def test_a_default_has_to_fit_its_schema(server: Server, fresh: JsonObject) -> None:
    spec = {"type": "object", "properties": {"x": {"type": "integer", "default": "one"}}}
    fresh["spec"]["versions"][0]["schema"] = structural(spec)
    (field,) = refused_fields(server, fresh)
    assert field.endswith("properties[spec].properties[x].default")


def test_exactly_one_version_is_stored(server: Server, fresh: JsonObject) -> None:
    fresh["spec"]["versions"].append(served("v2", ANYTHING))
    assert "spec.versions" in refused_fields(server, fresh)


def test_a_scope_cannot_change(server: Server, fresh: JsonObject) -> None:
    install(server, fresh)
    answer = server.patch(crd(fresh), "merge", {"spec": {"scope": "Cluster"}})
    assert answer.status == 422
    (only,) = answer.body["details"]["causes"]
    assert (only["field"], only["message"]) == ("spec.scope", 'Invalid value: "Cluster": field is immutable')


def test_names_that_another_type_has_are_a_conflict_and_the_type_is_not_served(
    server: Server, fresh: JsonObject
) -> None:
    install(server, fresh)
    group, kind = fresh["spec"]["group"], fresh["spec"]["names"]["kind"]
    other = {"singular": "second", "listKind": "SecondList"}
    second = definition("seconds", kind, served("v1", ANYTHING), group=group, **other)
    server.post(at("customresourcedefinitions"), second).ok(201)
    refused = eventually(lambda: condition(server, second, "NamesAccepted"))
    assert refused is not None
    assert (refused["status"], refused["reason"]) == ("False", "KindConflict")
    assert f'"{kind}" is already in use' in refused["message"]
    assert not is_established(server, second["metadata"]["name"])
    assert server.get(collection(second)).status == 404
    server.delete(crd(fresh)).ok()
    eventually(lambda: is_established(server, second["metadata"]["name"]))


def test_deleting_a_type_deletes_its_objects(server: Server, fresh: JsonObject, namespace: str) -> None:
    install(server, fresh)
    path = collection(fresh, namespace)
    server.apply(f"{path}/a", instance(fresh, "a"), "m").ok(201)
    ending = server.delete(crd(fresh)).ok()
    assert ending["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert ending["metadata"]["deletionTimestamp"]
    eventually(lambda: server.get(crd(fresh)).status == 404, 30)
    again = definition(
        fresh["spec"]["names"]["plural"],
        fresh["spec"]["names"]["kind"],
        served("v1", ANYTHING),
        group=fresh["spec"]["group"],
    )
    install(server, again)
    assert names(server.get(path).ok()) == []


def test_a_type_waits_for_finalizers_of_its_objects(
    server: Server, fresh: JsonObject, namespace: str
) -> None:
    install(server, fresh)
    held = instance(fresh, "a")
    held["metadata"]["finalizers"] = ["example.com/f"]
    path = f"{collection(fresh, namespace)}/a"
    server.apply(path, held, "m").ok(201)
    server.delete(crd(fresh)).ok()
    eventually(lambda: "deletionTimestamp" in server.get(path).ok()["metadata"])
    assert condition(server, fresh, "Terminating")["status"] == "True"
    assert server.get(crd(fresh)).status == 200
    other = f"{collection(fresh, namespace)}/b"
    group, plural = fresh["spec"]["group"], fresh["spec"]["names"]["plural"]
    server.apply(other, instance(fresh, "b"), "m").refused(
        403,
        "Forbidden",
        f'{plural}.{group} "b" is forbidden: create not allowed while custom resource definition is terminating',
        {"name": "b", "group": group, "kind": plural},
    )
    server.patch(path, "merge", {"metadata": {"finalizers": None}}).ok()
    eventually(lambda: server.get(crd(fresh)).status == 404, 30)


def test_a_new_version_is_served_and_shows_the_same_objects(
    server: Server, fresh: JsonObject, namespace: str
) -> None:
    install(server, fresh)
    path = collection(fresh, namespace)
    created = server.apply(f"{path}/a", instance(fresh, "a", spec={"x": 1}), "m").ok(201)
    both = [fresh["spec"]["versions"][0], {**served("v2", ANYTHING), "storage": False}]
    changed = server.patch(crd(fresh), "merge", {"spec": {"versions": both}}).ok()
    assert changed["metadata"]["generation"] == 2
    other = f"{collection(fresh, namespace, 'v2')}/a"
    eventually(lambda: server.get(other).status == 200)
    seen = server.get(other).ok()
    assert seen["apiVersion"] == f"{fresh['spec']['group']}/v2"
    assert (seen["metadata"]["uid"], seen["spec"]) == (created["metadata"]["uid"], {"x": 1})


def test_a_version_that_is_not_served_any_more_is_not_found(server: Server, fresh: JsonObject) -> None:
    fresh["spec"]["versions"].append({**served("v2", ANYTHING), "storage": False})
    install(server, fresh)
    versions = [fresh["spec"]["versions"][0], {**fresh["spec"]["versions"][1], "served": False}]
    server.patch(crd(fresh), "merge", {"spec": {"versions": versions}}).ok()
    eventually(lambda: server.get(collection(fresh, version="v2")).status == 404)
    # The server may say for a moment (429) that it is setting the type up anew.
    eventually(lambda: server.get(collection(fresh)).status == 200)


def test_a_deprecated_version_is_warned_of(server: Server, fresh: JsonObject) -> None:
    old = {**served("v1beta1", ANYTHING), "storage": False, "deprecated": True}
    fresh["spec"]["versions"].append(old)
    install(server, fresh)
    assert server.get(collection(fresh)).warnings == []
    group, kind = fresh["spec"]["group"], fresh["spec"]["names"]["kind"]
    assert server.get(collection(fresh, version="v1beta1")).warnings == [
        f'299 - "{group}/v1beta1 {kind} is deprecated; use {group}/v1 {kind}"'
    ]


def test_a_type_of_kubernetes_own_groups_needs_an_approval(server: Server, fresh: JsonObject) -> None:
    plural = fresh["spec"]["names"]["plural"]
    fresh["spec"]["group"] = f"{plural}.k8s.io"
    fresh["metadata"]["name"] = f"{plural}.{plural}.k8s.io"
    assert refused_fields(server, fresh) == {"metadata.annotations[api-approved.kubernetes.io]"}


def test_objects_of_all_served_versions_are_one(server: Server, namespace: str, widgets: str) -> None:
    v2 = f"/apis/{GROUP}/v2/namespaces/{namespace}/widgets"
    created = server.post(v2, {**named("Widget", "a", f"{GROUP}/v2"), "spec": {"size": 1}}).ok(201)
    seen = server.get(f"{widgets}/a").ok()
    assert seen["apiVersion"] == f"{GROUP}/v1"
    assert seen["metadata"]["uid"] == created["metadata"]["uid"]
    server.delete(f"{v2}/a").ok()
    assert server.get(f"{widgets}/a").status == 404


def test_managed_fields_name_the_version_that_was_written(
    server: Server, namespace: str, widgets: str
) -> None:
    v2 = f"/apis/{GROUP}/v2/namespaces/{namespace}/widgets"
    obj = {**named("Widget", "a", f"{GROUP}/v2"), "spec": {"size": 1}}
    server.apply(f"{v2}/a", obj, "m").ok(201)
    (entry,) = server.get(f"{widgets}/a").ok()["metadata"]["managedFields"]
    assert entry["apiVersion"] == f"{GROUP}/v2"


def test_names_of_custom_objects_are_subdomains(server: Server, widgets: str) -> None:
    answer = server.post(widgets, {**named("Widget", "Bad_Name", f"{GROUP}/v1"), "spec": {"size": 1}})
    message = like('Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain must consist of .*')
    answer.refused(
        422,
        "Invalid",
        like('Widget.contract.example.com "Bad_Name" is invalid: metadata.name: Invalid value: .*'),
        {
            "name": "Bad_Name",
            "group": GROUP,
            "kind": "Widget",
            "causes": [cause("FieldValueInvalid", message, "metadata.name")],
        },
    )
