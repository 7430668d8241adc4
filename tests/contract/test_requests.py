"""Requests as such: paths and methods that are not served, bodies that cannot be read, forms of bodies and answers."""

from __future__ import annotations

import gzip
import json

import pytest
import yaml

from tests.contract.objects import WIDGET, at, config_map, named, widget
from tests.contract.servers import Server
from tests.contract.wire import cause, like

NO_METHOD = "the server does not allow this method on the requested resource"
NO_RESOURCE = "the server could not find the requested resource"
UNRECOGNIZED = (
    r"the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version/kind; .*"
)


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/default/nothings", "/api/v9/pods", "/apis/apps/v9/deployments"]
)
def test_a_type_that_is_not_served_is_a_404_that_names_no_object(server: Server, path: str) -> None:
    server.get(path).refused(404, "NotFound", NO_RESOURCE, {})


def test_a_subresource_that_the_type_lacks_is_a_404_that_names_no_object(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    server.get(f"{maps}/a/status").refused(404, "NotFound", NO_RESOURCE, {})


@pytest.mark.parametrize("path", ["/apis/none.example.com", "/apis/none.example.com/v1/things", "/nothing"])
def test_a_path_outside_of_the_api_is_a_plain_404(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert answer.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "name"), [("POST", "/a"), ("PUT", ""), ("PATCH", "")], ids=["post", "put", "patch"]
)
def test_a_method_that_makes_no_sense_there_is_refused(
    server: Server, maps: str, method: str, name: str
) -> None:
    server.post(maps, config_map("a")).ok(201)
    server.request(method, maps + name, config_map("a")).refused(405, "MethodNotAllowed", NO_METHOD, {})


def test_a_review_can_only_be_created(server: Server) -> None:
    server.get(at("selfsubjectaccessreviews")).refused(405, "MethodNotAllowed", NO_METHOD, {})


@pytest.mark.parametrize("body", ["", "{", "hello", "[]", "1"])
def test_a_body_that_is_no_object_is_refused(server: Server, maps: str, body: str) -> None:
    server.post(maps, body).refused(400, "BadRequest", like(UNRECOGNIZED))


def test_an_object_of_another_kind_is_refused(server: Server, maps: str) -> None:
    server.post(maps, named("Secret", "a")).refused(
        400,
        "BadRequest",
        like('Secret in version "v1" cannot be handled as a ConfigMap: .*'),
    )


def test_an_object_of_another_version_is_refused(server: Server, maps: str) -> None:
    server.post(maps, named("ConfigMap", "a", "apps/v1")).refused(
        400, "BadRequest", like('ConfigMap in version "v1" cannot be handled as a ConfigMap: .*')
    )


def test_a_field_of_another_type_is_refused_by_its_name(server: Server, maps: str) -> None:
    server.post(maps, {**named("ConfigMap", "a"), "data": {"key": 1}}).refused(
        400,
        "BadRequest",
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct'
        " field ConfigMap.data of type string",
    )


def test_the_kind_of_a_built_in_object_may_be_left_to_the_path(server: Server, maps: str) -> None:
    created = server.post(maps, {"metadata": {"name": "a"}}).ok(201)
    assert (created["kind"], created["apiVersion"]) == ("ConfigMap", "v1")


def test_the_kind_of_a_custom_object_may_not_be_left_out(server: Server, widgets: str) -> None:
    server.post(widgets, {"metadata": {"name": "a"}}).refused(
        400,
        "BadRequest",
        like(
            r"the object provided is unrecognized \(must be of type Widget\): Object 'Kind' is missing in .*"
        ),
    )


def test_a_custom_object_of_another_kind_is_refused(server: Server, widgets: str) -> None:
    message = 'Invalid value: "Gadget": must be Widget'
    server.post(widgets, {**widget("a"), "kind": "Gadget"}).refused(
        422,
        "Invalid",
        f'Gadget.contract.example.com "a" is invalid: kind: {message}',
        {
            "name": "a",
            "group": "contract.example.com",
            "kind": "Gadget",
            "causes": [cause("FieldValueInvalid", message, "kind")],
        },
    )


def test_a_custom_object_of_another_version_is_refused(server: Server, widgets: str) -> None:
    server.post(widgets, {**widget("a"), "apiVersion": "contract.example.com/v9"}).refused(
        400,
        "BadRequest",
        "the API version in the data (contract.example.com/v9) does not match the expected API version"
        f" ({WIDGET})",
    )


def test_a_body_may_be_yaml(server: Server, maps: str) -> None:
    text = yaml.safe_dump(config_map("a", {"lines": "one\ntwo\n"}))
    created = server.request("POST", maps, text, content_type="application/yaml").ok(201)
    assert created["data"] == {"lines": "one\ntwo\n"}


def test_a_body_without_a_content_type_is_json(server: Server, maps: str) -> None:
    created = server.request("POST", maps, config_map("a"), content_type=None).ok(201)
    assert created["data"] == {"key": "value"}


def test_a_content_type_may_have_parameters(server: Server, maps: str) -> None:
    answer = server.request("POST", maps, config_map("a"), content_type="application/json; charset=utf-8")
    assert answer.ok(201)["data"] == {"key": "value"}


def test_a_body_of_an_unknown_type_is_refused_with_those_that_are_known(server: Server, maps: str) -> None:
    server.request("POST", maps, config_map("a"), content_type="text/plain").refused(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: application/json,"
        " application/yaml, application/vnd.kubernetes.protobuf",
    )


def test_an_answer_can_be_yaml(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a")).ok(201)
    answer = server.get(f"{maps}/a", accept="application/yaml")
    assert answer.content_type == "application/yaml"
    # Times are text in JSON and would be dates in YAML if the server did not quote them.
    assert yaml.safe_load(answer.ok()) == created


@pytest.mark.parametrize(
    "accept",
    ["*/*", "text/html, application/json;q=0.5", "application/json;charset=utf-8"],
)
def test_json_is_answered_where_it_is_acceptable(server: Server, maps: str, accept: str) -> None:
    answer = server.get(maps, accept=accept)
    assert (answer.status, answer.content_type) == (200, "application/json")


def test_an_answer_that_cannot_be_given_is_refused_with_those_that_can(server: Server, maps: str) -> None:
    server.get(maps, accept="text/plain").refused(
        406,
        "NotAcceptable",
        like("406: Not Acceptable\n\nAvailable representations: application/json, application/yaml.*"),
        {},
    )


def test_a_large_answer_is_compressed_for_those_who_ask(server: Server, maps: str) -> None:
    created = server.post(maps, config_map("a", {"key": "x" * 200_000})).ok(201)
    answer = server.request("GET", f"{maps}/a", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(answer.ok())) == created
    assert server.get(f"{maps}/a").headers["Content-Encoding"] is None


def test_every_answer_says_that_it_must_not_be_cached(server: Server, maps: str) -> None:
    assert server.get(maps).headers["Cache-Control"] == "no-cache, private"
    assert server.get(f"{maps}/none").headers["Cache-Control"] == "no-cache, private"


def test_unknown_query_parameters_are_ignored(server: Server, maps: str) -> None:
    server.post(maps, config_map("a"), nonsense="1").ok(201)
    assert len(server.get(maps, nonsense="1").ok()["items"]) == 1


def test_pretty_answers_are_indented(server: Server, maps: str) -> None:
    answer = server.request("GET", maps, headers={"Accept": "application/json"}, query={"pretty": "true"})
    assert answer.ok()["items"] == []
    compact, pretty = int(server.get(maps).headers["Content-Length"]), int(answer.headers["Content-Length"])
    assert pretty > compact
