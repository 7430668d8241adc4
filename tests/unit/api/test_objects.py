"""A record holds an object exactly, pins nothing, and is not shaken by odd bytes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmc_syncer.api.objects import (
    ManagedEntry,
    Meta,
    OwnerReference,
    Record,
    decode_record,
    encode_json,
    parse_version,
)
from tmc_syncer.api.resources import Key

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "0b3c",
        "resourceVersion": "4711",
        "generation": 3,
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"app": "web"},
        "annotations": {"kcp.io/cluster": "1a2b3c"},
        "finalizers": ["a", "b"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "a", "uid": "1", "controller": True}],
        "managedFields": [
            {"manager": "syncer", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kcm", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ],
    },
    "spec": {"replicas": 3, "text": 'ü"\n'},
    "status": {"replicas": 3},
}


def raw(obj: Any) -> bytes:
    return json.dumps(obj).encode()


def test_a_record_of_a_whole_object() -> None:
    record = decode_record(raw(DEPLOYMENT))
    assert (record.api_version, record.kind, record.cluster) == ("apps/v1", "Deployment", "1a2b3c")
    assert record.key == Key("1a2b3c", "shop", "web")
    assert record.version == 4711
    assert record.meta.owner_references == (OwnerReference("v1", "A", "a", "1", controller=True),)
    assert record.meta.finalizers == ("a", "b")
    assert not record.meta.deleting
    assert set(record.fields) == {"spec", "status"}
    assert record.field("spec") == DEPLOYMENT["spec"]
    assert record.field("missing") is None


def test_what_a_field_gives_belongs_to_the_caller() -> None:
    record = decode_record(raw(DEPLOYMENT))
    record.field("spec")["replicas"] = 7
    assert record.field("spec")["replicas"] == 3


def test_a_whole_object_comes_back_also_with_managed_fields() -> None:
    assert decode_record(raw(DEPLOYMENT)).to_object() == DEPLOYMENT
    record = decode_record(raw(DEPLOYMENT))
    record.to_object()["metadata"]["labels"]["app"] = "spoiled"
    assert record.meta.label("app") == "web"


def test_field_sets_are_copies_and_equal_records_are_equal() -> None:
    """A decoded `Raw` would pin the whole buffer of a list page."""
    buffer = raw(DEPLOYMENT)
    record, twin = decode_record(buffer), decode_record(bytearray(buffer))  # type: ignore[arg-type]
    assert record == twin
    entries = record.meta.managed_fields
    assert entries is not None
    assert [bytes(entry.fields_v1) for entry in entries] == [
        json.dumps(entry["fieldsV1"]).encode()
        for entry in DEPLOYMENT["metadata"]["managedFields"]  # type: ignore[index]
    ]
    assert (entries[1].manager, entries[1].operation, entries[1].subresource) == ("kcm", "Update", "status")
    assert all(type(value) is bytes for value in record.fields.values())


def test_an_item_of_a_list_gets_the_type_of_its_list() -> None:
    record = decode_record(b'{"metadata":{"name":"a"}}', api_version="v1", kind="Pod", cluster="here")
    assert (record.api_version, record.kind, record.cluster) == ("v1", "Pod", "here")
    own = decode_record(raw(DEPLOYMENT), api_version="v1", kind="Pod", cluster="here")
    assert (own.api_version, own.kind, own.cluster) == ("apps/v1", "Deployment", "here")


def test_an_object_without_metadata_is_a_record_all_the_same() -> None:
    record = decode_record(b"{}")
    assert record == Record("", "", Meta(), {})
    assert (record.key, record.version, record.cluster) == (Key("", "", ""), 0, "")


def test_labels_and_annotations_are_asked_by_name() -> None:
    meta = Meta(labels={"a": "1"}, annotations={"b": ""}, deletion_timestamp="2026-01-02T03:04:05Z")
    assert (meta.label("a"), meta.label("b"), meta.annotation("b"), meta.annotation("a")) == (
        "1",
        None,
        "",
        None,
    )
    assert (Meta().label("a"), Meta().annotation("a")) == (None, None)
    assert meta.deleting


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"<html>",
        b'{"kind":7}',
        b'{"apiVersion":null}',
        b'{"metadata":null}',
        b'{"metadata":[]}',
        b'{"metadata":{"name":7}}',
        b'{"metadata":{"labels":{"a":null}}}',
        b'{"metadata":{"generation":"7"}}',
        b'{"spec":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"metadata":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
)
def test_bytes_that_are_no_object_are_a_decoding_error(odd: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_record(odd)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("", 0),
        ("7", 7),
        ("007", 7),
        (str(2**64 - 1), 2**64 - 1),
        ("9" * 21, 0),
        ("9" * 10_000, 0),
        ("-1", 0),
        ("1.0", 0),
        ("٧", 0),
        ("abc", 0),
        (" 7", 0),
    ],
)
def test_a_version_is_a_number_of_64_bits_or_opaque(text: str, version: int) -> None:
    assert parse_version(text) == version


def test_canonical_json_has_one_form() -> None:
    assert (
        encode_json({"b": [1, {"d": None, "c": "ü"}], "a": True})
        == '{"a":true,"b":[1,{"c":"ü","d":null}]}'.encode()
    )


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.text().filter(lambda name: name not in ("apiVersion", "kind", "metadata")), trees, max_size=4
    )
)
def test_every_field_comes_back(content: dict[str, Any]) -> None:
    obj = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, **content}
    assert decode_record(encode_json(obj)).to_object() == obj


def test_an_entry_without_a_field_set_owns_nothing() -> None:
    assert bytes(ManagedEntry().fields_v1) == b"{}"


def test_bytes_that_are_no_utf8_are_refused_like_any_other_garbage() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_record(b'{"metadata": {"name": "\xff\xfe"}}')
