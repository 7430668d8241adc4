from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.controlplane.server.kinds_for_tests import CONFIGMAPS, WIDGETS, type_of
from tmc_syncer.controlplane.server.bodies import Bodies
from tmc_syncer.controlplane.server.errors import ApiError, bad_request, forbidden
from tmc_syncer.controlplane.types.registry import Object, Type

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
KNOWN = {"apiVersion", "kind", "metadata", "data"}


def unknown(served: Type, obj: Object) -> list[str]:
    return [name for name in obj if name not in KNOWN]


BODIES = Bodies(unknown, lambda data: {"kind": "ConfigMap", "data": data.decode()})
TYPE = {"kind": "ConfigMap", "apiVersion": "v1"}


def read(data: str | bytes, media: str = JSON, validation: str = "Warn", served: Type = CONFIGMAPS) -> Any:
    warnings: list[str] = []
    raw = data if isinstance(data, bytes) else data.encode()
    return BODIES.body(served, media, raw, validation, warnings), warnings


def refusal(*arguments: Any, **more: Any) -> str:
    with pytest.raises(ApiError) as refused:
        read(*arguments, **more)
    assert refused.value.code == 400
    return refused.value.message


def test_json_and_yaml_are_objects() -> None:
    assert read('{"data":{"a":"b"}}') == ({**TYPE, "data": {"a": "b"}}, [])
    assert read("data: {a: b}\nmetadata:\n  creationTimestamp: 2026-01-01T00:00:00Z", YAML) == (
        {**TYPE, "data": {"a": "b"}, "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}},
        [],
    )
    assert read("null") == (TYPE, [])
    assert read(b"k8s", PROTOBUF) == ({**TYPE, "data": "k8s"}, [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "json parse error: unexpected end of JSON input (<empty>)"),
        ("{", "json parse error: unexpected end of JSON input ({)"),
        (
            "[]",
            "json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string ",
        ),
        ('"x"', "json: cannot unmarshal string into Go value of type struct"),
        ("7", "json: cannot unmarshal number into Go value"),
        ("true", "json: cannot unmarshal bool into Go value"),
        ('{"a":}', "json parse error: JSON is malformed"),
        (b'{"a":"\xff"}', "json parse error: "),
        ("[" * 100_000, "json parse error: "),
    ],
)
def test_what_is_no_object_is_refused(data: str | bytes, message: str) -> None:
    found = refusal(data)
    assert found.startswith(
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind;"
    )
    assert message in found


def test_yaml_that_is_none_is_refused() -> None:
    assert "error converting YAML to JSON: yaml: mapping values are not allowed" in refusal("a: b: c", YAML)


def test_another_kind_is_refused() -> None:
    assert "cannot be handled as a ConfigMap" in refusal('{"kind":"Secret","apiVersion":"v1"}')


def test_unknown_fields_are_told_refused_or_ignored() -> None:
    body = '{"bogus":1,"data":{}}'
    assert read(body)[1] == ['unknown field "bogus"']
    assert 'strict decoding error: unknown field "bogus"' in refusal(body, validation="Strict")
    assert read(body, validation="Ignore")[1] == []


@pytest.mark.parametrize(
    ("body", "twice"),
    [
        ('{"data":{"a":"1","a":"2"}}', ["data.a"]),
        ('{"data":{"a":"1"},"data":{"a":"2","b":"3","b":"3"}}', ["data", "data.b"]),
        ('{"data":{"l":[{"a":1},{"b":1,"b":2}]}}', ["data.l[1].b"]),
        ('{"data" : {"a" : "1"}}', []),
        ('{"data":{"a\\u0022:":"1","b":"\\":"}}', []),
    ],
)
def test_fields_that_stand_twice_are_told(body: str, twice: list[str]) -> None:
    obj, warnings = read(body)
    assert warnings == [f'duplicate field "{path}"' for path in twice]
    assert obj["data"] == json.loads(body)["data"]
    assert read(body, validation="Ignore")[1] == []
    if twice:
        assert "strict decoding error: duplicate field" in refusal(body, validation="Strict")


def test_a_plain_body_is_whatever_it_is() -> None:
    assert BODIES.plain(JSON, b"[1]", "x") == [1]
    assert BODIES.plain(YAML, b"a: 1", "x") == {"a": 1}
    assert BODIES.plain(PROTOBUF, b"k8s", "x")["data"] == "k8s"
    with pytest.raises(ApiError) as refused:
        BODIES.plain(JSON, b"{", "error decoding patch")
    assert refused.value.message == "error decoding patch: unexpected end of JSON input"


def patched(obj: dict[str, Any], validation: str = "Warn", served: Type = CONFIGMAPS, shown: str = "") -> Any:
    warnings: list[str] = []
    return BODIES.patched(served, obj, validation, warnings, shown), warnings


def patch_refusal(*arguments: Any, **more: Any) -> str:
    with pytest.raises(ApiError) as refused:
        patched(*arguments, **more)
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    return refused.value.message


def test_a_patched_object_is_read_as_a_body_is() -> None:
    assert patched({**TYPE, "data": {}}) == ({**TYPE, "data": {}}, [])
    assert patched({**TYPE, "bogus": 1})[1] == ['unknown field "bogus"']
    assert patched({**TYPE, "bogus": 1}, "Ignore")[1] == []
    assert patch_refusal({**TYPE, "bogus": 1}, "Strict") == (
        ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"v1\\",\\"bogus\\":1,\\"kind\\":\\"ConfigMap\\"}": '
        'strict decoding error: unknown field "bogus"'
    )
    assert patch_refusal({**TYPE, "bogus": 1}, "Strict", shown='"map[bogus:1]"') == (
        ' "" is invalid: patch: Invalid value: "map[bogus:1]": strict decoding error: unknown field "bogus"'
    )


def test_a_patch_cannot_change_the_kind() -> None:
    assert 'no kind "Foo" is registered for version "v1" in scheme' in patch_refusal({**TYPE, "kind": "Foo"})
    assert 'no kind "Widget" is registered' in patch_refusal(
        {"kind": "Widget", "apiVersion": "v9"}, served=WIDGETS
    )


def test_what_the_type_cannot_read_is_said_without_the_beginning() -> None:
    def refuse(obj: Object) -> Object:
        raise bad_request(
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal'
        )

    def refuse_shortly(obj: Object) -> Object:
        raise bad_request("odd")

    def forbid(obj: Object) -> Object:
        raise forbidden(CONFIGMAPS, "a", "no")

    assert patch_refusal(dict(TYPE), served=type_of("configmaps", "ConfigMap", default=refuse)).endswith(
        '}": json: cannot unmarshal'
    )
    assert patch_refusal(
        dict(TYPE), served=type_of("configmaps", "ConfigMap", default=refuse_shortly)
    ).endswith('}": odd')
    with pytest.raises(ApiError) as refused:
        patched(dict(TYPE), served=type_of("configmaps", "ConfigMap", default=forbid))
    assert refused.value.code == 403
