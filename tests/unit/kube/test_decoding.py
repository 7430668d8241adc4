from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.unit.kube.types import CONFIG_MAPS, DEPLOYMENTS
from tmc_syncer.kube.decoding import Decoding
from tmc_syncer.kube.errors import RetryClass, TransportError, TransportFault
from tmc_syncer.kube.refusals import Asked

GET = Asked("get", DEPLOYMENTS, "prod", "web")
LIST = Asked("list", DEPLOYMENTS)
WATCH = Asked("watch", CONFIG_MAPS)
DOWNSTREAM = Decoding("", wildcard=False)
UPSTREAM = Decoding("abc", wildcard=False)
WILDCARD = Decoding("", wildcard=True)


def thing(name: str = "web", **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "prod", "resourceVersion": "7"} | metadata,
        "spec": {"a": 1},
    }


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def page(*items: dict[str, Any], version: Any = "9", **metadata: Any) -> bytes:
    return encoded(
        {"kind": "List", "metadata": {"resourceVersion": version} | metadata, "items": list(items)}
    )


def test_an_object_gets_the_type_it_does_not_tell_itself() -> None:
    record = DOWNSTREAM.reply(encoded(thing()), GET)
    assert (record.api_version, record.kind, record.meta.name) == ("apps/v1", "Deployment", "web")
    assert record.field("spec") == {"a": 1}


def test_a_metadata_only_object_is_of_its_own_type_again() -> None:
    body = encoded(thing() | {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"})
    record = DOWNSTREAM.reply(body, GET, partial=True)
    assert (record.api_version, record.kind) == ("apps/v1", "Deployment")


def test_the_cluster_is_that_of_the_client_whatever_a_tenant_writes_into_the_annotation() -> None:
    body = encoded(thing(annotations={"kcp.io/cluster": "evil"}))
    assert DOWNSTREAM.reply(body, GET).cluster == ""
    assert UPSTREAM.reply(body, GET).cluster == "abc"
    assert (
        UPSTREAM.page(page(thing(annotations={"kcp.io/cluster": "evil"})), LIST).records[0].cluster == "abc"
    )


def test_in_a_wildcard_the_annotation_tells_the_cluster() -> None:
    assert WILDCARD.reply(encoded(thing(annotations={"kcp.io/cluster": "c1"})), GET).cluster == "c1"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!doctype html><html>hunter2</html>", "HTML"),
        (b'{"metadata":{"name":"hunter2"', "incomplete"),
        (b'{"kind":"Status","status":"Success"}', "another shape"),
        (b'{"metadata":{"name":7}}', "another shape"),
        (b"hunter2", "no JSON"),
        (b"[]", "no JSON"),
    ],
)
def test_what_is_no_object_is_a_garbled_reply_and_not_quoted(body: bytes, seen: str) -> None:
    with pytest.raises(TransportError, match=seen) as caught:
        DOWNSTREAM.reply(body, GET)
    assert caught.value.fault is TransportFault.GARBLED
    assert caught.value.retry_class is RetryClass.TRANSIENT
    assert "get deployments.apps prod/web" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_delete_gives_the_object_that_waits_or_nothing() -> None:
    whole = thing() | {"kind": "Deployment"}
    metadata = {**whole["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
    waiting = DOWNSTREAM.deleted(encoded(whole | {"metadata": metadata}), GET)
    assert waiting is not None
    assert waiting.meta.name == "web"
    assert DOWNSTREAM.deleted(encoded(whole), GET) is None  # gone, shown as it was
    assert DOWNSTREAM.deleted(b'{"kind":"Status","status":"Success"}', GET) is None
    with pytest.raises(TransportError):
        DOWNSTREAM.deleted(b"", GET)
    with pytest.raises(TransportError):
        DOWNSTREAM.deleted(b"{}", GET)


def test_a_page_gives_records_version_and_the_way_on() -> None:
    body = page(thing("a"), thing("b"), **{"continue": "next", "remainingItemCount": 5})
    got = DOWNSTREAM.page(body, LIST)
    assert [r.meta.name for r in got.records] == ["a", "b"]
    assert (got.resource_version, got.continue_token, got.remaining) == ("9", "next", 5)
    assert got.records[0].kind == "Deployment"


@pytest.mark.parametrize("items", ["[]", "null"])
def test_the_last_page_may_be_empty(items: str) -> None:
    body = f'{{"metadata":{{"resourceVersion":"9","continue":null}},"items":{items}}}'.encode()
    assert DOWNSTREAM.page(body, LIST) == ([], "9", "", None)


def test_a_metadata_only_page_is_of_its_own_type_again() -> None:
    item = thing() | {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    assert DOWNSTREAM.page(page(item), LIST, partial=True).records[0].kind == "Deployment"


@pytest.mark.parametrize("version", ["", "0"])
def test_a_list_without_a_version_is_refused(version: str) -> None:
    with pytest.raises(TransportError, match="no resourceVersion"):
        DOWNSTREAM.page(page(thing(), version=version), LIST)
    with pytest.raises(TransportError, match="no resourceVersion"):
        DOWNSTREAM.page(b'{"metadata":{},"items":[]}', LIST)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"metadata":{"resourceVersion":"1"}}', page(thing())[:-20], page({"metadata": {}}), b"[]"],
)
def test_a_page_that_is_cut_or_of_another_shape_is_refused_whole(body: bytes) -> None:
    with pytest.raises(TransportError):
        DOWNSTREAM.page(body, LIST)


def event(kind: str, /, **content: Any) -> bytes:
    return encoded({"type": kind, "object": content})


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_carries_its_record(kind: str) -> None:
    got = UPSTREAM.event(event(kind, **thing("a")), WATCH)
    assert got.type == kind
    assert got.record is not None
    assert (got.record.meta.name, got.record.cluster, got.record.kind) == ("a", "abc", "ConfigMap")
    assert not got.initial_end


def test_a_bookmark_carries_only_its_version() -> None:
    got = UPSTREAM.event(event("BOOKMARK", kind="X", metadata={"resourceVersion": "12"}), WATCH)
    assert got.record is not None
    assert (got.record.version, got.record.meta.name, got.record.cluster) == (12, "", "abc")
    assert not got.initial_end


@pytest.mark.parametrize(("value", "end"), [("true", True), ("false", False)])
def test_the_bookmark_after_the_initial_events_is_told_apart(value: str, end: bool) -> None:
    metadata = {"resourceVersion": "12", "annotations": {"k8s.io/initial-events-end": value}}
    assert DOWNSTREAM.event(event("BOOKMARK", metadata=metadata), WATCH).initial_end is end
    metadata = {"resourceVersion": "12", "annotations": {"other": "true"}}
    assert not DOWNSTREAM.event(event("BOOKMARK", metadata=metadata), WATCH).initial_end


def test_an_error_event_carries_the_refusal() -> None:
    got = DOWNSTREAM.event(event("ERROR", kind="Status", code=410, reason="Expired"), WATCH)
    assert got.record is None
    assert got.raw_status is not None
    assert got.raw_status.retry_class is RetryClass.GONE


def test_an_event_of_an_unknown_type_is_given_without_looking_inside() -> None:
    assert DOWNSTREAM.event(event("SNAPSHOT", anything=[1]), WATCH) == ("SNAPSHOT", None, None, False)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"type":"ADDED"}',
        event("ADDED"),
        event("ADDED", **thing("a"))[:-5],
        event("BOOKMARK"),
        event("BOOKMARK", metadata={}),
        b"<html>",
        b"[]",
    ],
)
def test_a_line_that_is_no_event_is_a_garbled_reply(line: bytes) -> None:
    with pytest.raises(TransportError, match="watch configmaps"):
        DOWNSTREAM.event(line, WATCH)


def nested(depth: int) -> bytes:
    return b'{"metadata":{"name":"deep"},"spec":' + b"[" * depth + b"]" * depth + b"}"


def test_a_deeply_nested_object_does_not_make_its_type_unreadable() -> None:
    usual = sys.getrecursionlimit()
    body = b'{"metadata":{"resourceVersion":"9"},"items":[' + nested(9_000) + b"," + nested(1) + b"]}"
    assert [r.meta.name for r in DOWNSTREAM.page(body, LIST).records] == ["deep", "deep"]
    line = b'{"type":"ADDED","object":' + nested(9_000) + b"}"
    got = DOWNSTREAM.event(line, WATCH)
    assert got.record is not None
    assert got.record.meta.name == "deep"
    assert sys.getrecursionlimit() == usual


def test_nesting_beyond_what_servers_store_is_a_garbled_reply() -> None:
    usual = sys.getrecursionlimit()
    with pytest.raises(TransportError):
        DOWNSTREAM.reply(nested(200_000), GET)
    with pytest.raises(TransportError):
        DOWNSTREAM.page(b'{"metadata":{"resourceVersion":"9"},"items":[' + nested(200_000) + b"]}", LIST)
    assert sys.getrecursionlimit() == usual
