"""Bodies in protobuf, which some clients send and never repeat as JSON: the envelope ``k8s\\0``, its type, the raw object."""

from __future__ import annotations

import pytest

from tests.contract.objects import at, config_map
from tests.contract.servers import Server
from tests.contract.wire import Answer, JsonObject

PROTOBUF = "application/vnd.kubernetes.protobuf"


def field(number: int, content: bytes | str) -> bytes:
    """A field with a length, as the wire format of protobuf has it; contents here are shorter than 128 bytes."""
    raw = content.encode() if isinstance(content, str) else content
    assert len(raw) < 128
    return bytes([number << 3 | 2, len(raw)]) + raw


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """runtime.Unknown: the type is field 1, the object field 2."""
    return b"k8s\0" + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


def encoded_map(name: str, **data: str) -> bytes:
    """A ConfigMap: metadata is field 1 (its name field 1 again), each entry of data a field 2."""
    entries = b"".join(field(2, field(1, key) + field(2, value)) for key, value in data.items())
    return envelope("v1", "ConfigMap", field(1, field(1, name)) + entries)


def post(server: Server, path: str, body: bytes) -> Answer:
    return server.request("POST", path, body, content_type=PROTOBUF)


def test_an_object_is_created_from_protobuf(server: Server, namespace: str, maps: str) -> None:
    created = post(server, maps, encoded_map("a", one="1", two="ü")).ok(201)
    assert created["data"] == {"one": "1", "two": "ü"}
    assert created["metadata"]["namespace"] == namespace
    assert server.get(f"{maps}/a").ok() == created


def test_what_comes_in_protobuf_is_as_what_comes_in_json(server: Server, maps: str) -> None:
    one = post(server, maps, encoded_map("a", key="value")).ok(201)
    two = server.post(maps, config_map("b")).ok(201)

    def without_identity(obj: JsonObject) -> JsonObject:
        entry = {**obj["metadata"]["managedFields"][0], "time": ""}
        return {"data": obj["data"], "kind": obj["kind"], "managedFields": [entry]}

    assert without_identity(one) == without_identity(two)


def test_an_object_is_replaced_by_protobuf(server: Server, maps: str) -> None:
    server.post(maps, config_map("a")).ok(201)
    answer = server.request("PUT", f"{maps}/a", encoded_map("a", new="1"), content_type=PROTOBUF)
    assert answer.ok()["data"] == {"new": "1"}


def test_an_object_in_protobuf_is_checked_too(server: Server, maps: str) -> None:
    answer = post(server, maps, encoded_map("Bad_Name"))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    answer = post(server, maps, encoded_map("a", **{"bad key": "x"}))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


def test_a_review_comes_in_protobuf(server: Server, namespace: str) -> None:
    # spec is field 2, resourceAttributes its field 1 with namespace 1, verb 2, resource 5.
    attributes = field(1, namespace) + field(2, "list") + field(5, "configmaps")
    raw = field(2, field(1, attributes))
    body = envelope("authorization.k8s.io/v1", "SelfSubjectAccessReview", raw)
    answer = post(server, at("selfsubjectaccessreviews"), body).ok(201)
    assert answer["status"]["allowed"] is True
    assert answer["spec"]["resourceAttributes"] == {
        "namespace": namespace,
        "verb": "list",
        "resource": "configmaps",
    }


@pytest.mark.parametrize(
    "body",
    [b"", b"nothing", b"k8s\0", b"k8s\0\xff\xff\xff", encoded_map("a")[:-3]],
    ids=["empty", "no envelope", "empty envelope", "garbage", "cut off"],
)
def test_protobuf_that_cannot_be_read_is_refused(server: Server, maps: str, body: bytes) -> None:
    answer = post(server, maps, body or b"\0")
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
    assert server.get(maps).ok()["items"] == []


def test_another_kind_in_protobuf_is_refused(server: Server, maps: str) -> None:
    answer = post(server, maps, envelope("v1", "Secret", field(1, field(1, "a"))))
    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
