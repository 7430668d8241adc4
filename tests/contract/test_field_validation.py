"""``fieldValidation``: unknown and duplicate fields are refused, warned of or ignored, on every way in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.objects import at, config_map, deployment, widget
from tests.contract.servers import Server
from tests.contract.wire import JsonObject, like


def bogus(obj: JsonObject) -> JsonObject:
    return {**obj, "bogus": 1}


def test_strict_refuses_an_unknown_field(server: Server, maps: str) -> None:
    server.post(maps, bogus(config_map("a")), fieldValidation="Strict").refused(
        400,
        "BadRequest",
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "bogus"',
    )
    assert server.get(f"{maps}/a").status == 404


def test_warn_says_what_it_drops(server: Server, maps: str) -> None:
    answer = server.post(maps, bogus(config_map("a")), fieldValidation="Warn")
    assert "bogus" not in answer.ok(201)
    assert answer.warnings == ['299 - "unknown field \\"bogus\\""']


def test_ignore_drops_in_silence(server: Server, maps: str) -> None:
    answer = server.post(maps, bogus(config_map("a")), fieldValidation="Ignore")
    assert "bogus" not in answer.ok(201)
    assert answer.warnings == []


def test_without_a_word_it_warns(server: Server, maps: str) -> None:
    answer = server.post(maps, bogus(config_map("a")))
    assert answer.status == 201
    assert answer.warnings == ['299 - "unknown field \\"bogus\\""']


def test_an_unknown_value_is_refused(server: Server, maps: str) -> None:
    answer = server.post(maps, config_map("a"), fieldValidation="Harsh")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    (found,) = answer.body["details"]["causes"]
    assert (found["reason"], found["field"]) == ("FieldValueNotSupported", "fieldValidation")


@pytest.mark.needs("workloads")
def test_an_unknown_field_is_named_by_its_path(server: Server, namespace: str) -> None:
    obj = deployment("a")
    obj["spec"]["template"]["spec"]["containers"][0]["bogus"] = 1
    obj["spec"]["bogus"] = 1
    server.post(at("deployments", namespace), obj, fieldValidation="Strict").refused(
        400,
        "BadRequest",
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field'
        ' "spec.template.spec.containers[0].bogus", unknown field "spec.bogus"',
    )


def test_names_of_fields_are_told_apart_by_case(server: Server, maps: str) -> None:
    answer = server.post(maps, {**config_map("a"), "binarydata": {}}, fieldValidation="Strict")
    assert answer.status == 400
    assert 'unknown field "binarydata"' in answer.body["message"]


def test_a_duplicate_field_is_refused_or_warned_of(server: Server, maps: str) -> None:
    text = (
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}, "data": {"k": "1", "k": "2"}}'
    )
    answer = server.post(maps, text % "a", fieldValidation="Strict")
    assert answer.status == 400
    assert 'duplicate field "data.k"' in answer.body["message"]
    answer = server.post(maps, text % "b", fieldValidation="Warn")
    assert answer.ok(201)["data"] == {"k": "2"}
    assert answer.warnings == ['299 - "duplicate field \\"data.k\\""']


def test_a_duplicate_field_in_yaml_is_refused(server: Server, maps: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: '1'\n  k: '2'\n"
    answer = server.request(
        "POST", maps, text, content_type="application/yaml", query={"fieldValidation": "Strict"}
    )
    assert answer.status == 400
    assert like('.*key "k" already set in map.*') == answer.body["message"]


def test_a_replacement_is_checked_too(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    answer = server.put(f"{maps}/a", bogus(config_map("a")), fieldValidation="Strict")
    assert answer.status == 400
    assert 'unknown field "bogus"' in answer.body["message"]
    assert server.put(f"{maps}/a", bogus(config_map("a"))).warnings == ['299 - "unknown field \\"bogus\\""']


@pytest.mark.parametrize("kind", ["json", "merge", "strategic"])
def test_a_patch_is_checked_too(server: Server, maps: str, kind: str) -> None:
    before = server.post(maps, config_map("a")).ok(201)
    body: Any = {"bogus": 1}
    if kind == "json":
        body = [{"op": "add", "path": "/bogus", "value": 1}]
    answer = server.patch(f"{maps}/a", kind, body, fieldValidation="Strict")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert 'strict decoding error: unknown field "bogus"' in answer.body["message"]
    answer = server.patch(f"{maps}/a", kind, body, fieldValidation="Warn")
    assert answer.ok() == before
    assert answer.warnings == ['299 - "unknown field \\"bogus\\""']
    assert server.patch(f"{maps}/a", kind, body, fieldValidation="Ignore").warnings == []


def test_a_duplicate_field_of_a_patch_is_refused(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    text = '{"data": {"k": "1", "k": "2"}}'
    answer = server.patch(f"{maps}/a", "merge", text, fieldValidation="Strict")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["message"].endswith('strict decoding error: duplicate field "data.k"')


def test_an_unknown_field_of_a_custom_object_is_refused_or_warned_of(server: Server, widgets: str) -> None:
    obj = widget("a", {"size": 1, "bogus": 1})
    server.post(widgets, obj, fieldValidation="Strict").refused(
        400,
        "BadRequest",
        'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.bogus"',
    )
    answer = server.post(widgets, obj, fieldValidation="Warn")
    assert "bogus" not in answer.ok(201)["spec"]
    assert answer.warnings == ['299 - "unknown field \\"spec.bogus\\""']


def test_an_unknown_field_in_a_custom_objects_metadata_is_refused(server: Server, widgets: str) -> None:
    obj = widget("a", {"size": 1})
    obj["metadata"]["bogus"] = 1
    answer = server.post(widgets, obj, fieldValidation="Strict")
    assert answer.status == 400
    assert 'unknown field "metadata.bogus"' in answer.body["message"]


def test_a_duplicate_field_of_a_custom_object_is_refused(server: Server, widgets: str) -> None:
    text = json.dumps(widget("a", {"size": 1})).replace('"size": 1', '"size": 1, "size": 2')
    answer = server.post(widgets, text, fieldValidation="Strict")
    assert answer.status == 400
    assert 'duplicate field "spec.size"' in answer.body["message"]


def test_a_patch_of_a_custom_object_is_checked_too(server: Server, widgets: str) -> None:
    server.post(widgets, widget("a")).ok(201)
    answer = server.patch(f"{widgets}/a", "merge", {"spec": {"bogus": 1}}, fieldValidation="Strict")
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["message"].endswith('strict decoding error: unknown field "spec.bogus"')
    answer = server.patch(f"{widgets}/a", "merge", {"spec": {"bogus": 1}})
    assert answer.warnings == ['299 - "unknown field \\"spec.bogus\\""']
    assert "bogus" not in answer.ok()["spec"]


def test_what_is_preserved_is_not_unknown(server: Server, widgets: str) -> None:
    obj = widget("a", {"size": 1, "free": {"anything": 1}})
    assert server.post(widgets, obj, fieldValidation="Strict").ok(201)["spec"]["free"] == {"anything": 1}


def test_a_duplicate_field_of_an_applied_object_is_refused(server: Server, maps: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: '1'\n  k: '2'\n"
    answer = server.apply(f"{maps}/a", text, "m", fieldValidation="Strict")
    answer.refused(400, "BadRequest", like('error strict decoding YAML: .*key "k" already set in map'))


def test_an_applied_unknown_field_of_a_custom_object_is_refused(server: Server, widgets: str) -> None:
    obj = widget("a", {"size": 1, "bogus": 1})
    server.apply(f"{widgets}/a", obj, "m", fieldValidation="Strict").refused(
        500, "", like(r"failed to create typed patch object .*: \.spec\.bogus: field not declared in schema")
    )
    assert server.get(f"{widgets}/a").status == 404
