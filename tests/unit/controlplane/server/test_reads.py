from __future__ import annotations

import gzip
import json

import pytest
import yaml

from tests.unit.controlplane.server.serving import (
    CONFIGMAPS,
    MERGE,
    PARTIAL,
    TABLE,
    Http,
    Reply,
    configmap,
    served,
)
from tmc_syncer.controlplane.server import exchange
from tmc_syncer.controlplane.server.faults import Faults, FaultyRequest


def names(reply: Reply) -> list[str]:
    assert reply.code == 200, reply.raw
    return [item["metadata"]["name"] for item in reply.obj["items"]]


async def fill(http: Http, count: int = 5) -> None:
    for number in range(count):
        await http.make(CONFIGMAPS, configmap(f"c{number}", labels={"odd": str(number % 2)}))


async def test_an_object_is_read_as_it_was_written() -> None:
    async with served() as (_, http):
        made = await http.make(CONFIGMAPS, configmap("a"))
        reply = await http.ask("GET", f"{CONFIGMAPS}/a")
        assert reply.obj == made
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Cache-Control"] == "no-cache, private"
        missing = await http.ask("GET", f"{CONFIGMAPS}/b")
        assert (missing.code, missing.obj["details"]) == (404, {"name": "b", "kind": "configmaps"})


@pytest.mark.parametrize(
    ("version", "code"), [("", 200), ("0", 200), ("1", 200), ("999999", 504), ("abc", 500)]
)
async def test_a_get_may_ask_for_a_version(version: str, code: int) -> None:
    async with served() as (_, http):
        await http.make(CONFIGMAPS, configmap("a"))
        reply = await http.ask("GET", f"{CONFIGMAPS}/a?resourceVersion={version}")
        assert reply.code == code
        if code == 504:
            assert reply.headers["Retry-After"] == "1"


async def test_shapes_are_negotiated() -> None:
    async with served() as (_, http):
        await fill(http, 1)
        assert (await http.ask("GET", f"{CONFIGMAPS}/c0", headers=PARTIAL)).obj[
            "kind"
        ] == "PartialObjectMetadata"
        table = await http.ask("GET", f"{CONFIGMAPS}?includeObject=Object", headers=TABLE)
        assert table.obj["rows"][0]["object"]["data"] == {"k": "v"}
        listed = await http.ask(
            "GET", CONFIGMAPS, headers={"Accept": PARTIAL["Accept"].replace("data;", "dataList;")}
        )
        assert listed.obj["kind"] == "PartialObjectMetadataList"
        refused = await http.ask("GET", CONFIGMAPS, headers={"Accept": "text/plain"})
        assert (refused.code, refused.obj["reason"]) == (406, "NotAcceptable")


async def test_people_get_json_that_they_can_read_and_others_may_ask_for_it() -> None:
    async with served() as (_, http):
        made = await http.make(CONFIGMAPS, configmap("a"))
        for path, headers in (
            (f"{CONFIGMAPS}/a", {"User-Agent": "curl/8"}),
            (f"{CONFIGMAPS}/a?pretty=true", {}),
        ):
            reply = await http.ask("GET", path, headers=headers)
            assert reply.raw.startswith(b'{\n  "kind": "ConfigMap"')
            assert reply.obj == made
        plain = await http.ask("GET", f"{CONFIGMAPS}/a?pretty=false", headers={"User-Agent": "curl/8"})
        assert plain.raw.startswith(b'{"kind"')
        text = await http.ask("GET", f"{CONFIGMAPS}/a", headers={"Accept": "application/yaml"})
        assert text.headers["Content-Type"] == "application/yaml"
        assert yaml.safe_load(text.raw) == made


async def test_lists_are_paged() -> None:
    async with served() as (_, http):
        await fill(http)
        first = await http.ask("GET", f"{CONFIGMAPS}?limit=2")
        assert (names(first), first.obj["metadata"]["remainingItemCount"]) == (["c0", "c1"], 3)
        await http.ask("DELETE", f"{CONFIGMAPS}/c2")
        second = await http.ask("GET", f"{CONFIGMAPS}?limit=2&continue={first.obj['metadata']['continue']}")
        assert names(second) == ["c2", "c3"]
        assert second.version == first.version
        last = await http.ask("GET", f"{CONFIGMAPS}?limit=2&continue={second.obj['metadata']['continue']}")
        assert (names(last), last.obj["metadata"].get("continue")) == (["c4"], None)


async def test_an_expired_page_offers_to_go_on_inconsistently() -> None:
    async with served() as (plane, http):
        await fill(http)
        first = await http.ask("GET", f"{CONFIGMAPS}?limit=2")
        await http.ask("DELETE", f"{CONFIGMAPS}/c2")
        plane.store.compact(plane.store.revision)
        gone = await http.ask("GET", f"{CONFIGMAPS}?limit=2&continue={first.obj['metadata']['continue']}")
        assert (gone.code, gone.obj["reason"]) == (410, "Expired")
        rest = await http.ask("GET", f"{CONFIGMAPS}?limit=9&continue={gone.obj['metadata']['continue']}")
        assert names(rest) == ["c3", "c4"]


async def test_selectors_select() -> None:
    async with served() as (_, http):
        await fill(http)
        assert names(await http.ask("GET", f"{CONFIGMAPS}?labelSelector=odd%3D1")) == ["c1", "c3"]
        assert names(await http.ask("GET", f"{CONFIGMAPS}?fieldSelector=metadata.name%3Dc1")) == ["c1"]
        refused = await http.ask("GET", f"{CONFIGMAPS}?fieldSelector=spec.x%3Dc1")
        assert (refused.code, refused.message) == (
            400,
            '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        )


async def test_a_list_of_a_past_version_is_that_of_the_past() -> None:
    async with served() as (_, http):
        await fill(http, 2)
        before = await http.ask("GET", CONFIGMAPS)
        await http.ask("PATCH", f"{CONFIGMAPS}/c0", {"data": {"k": "w"}}, MERGE)
        await http.ask("DELETE", f"{CONFIGMAPS}/c1")
        exact = await http.ask(
            "GET", f"{CONFIGMAPS}?resourceVersion={before.version}&resourceVersionMatch=Exact"
        )
        assert exact.obj == before.obj


async def test_large_answers_are_compressed_for_those_who_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (_, http):
        await fill(http, 40)
        plain = await http.ask("GET", CONFIGMAPS)
        for limit, stream_from in (("GZIP_FROM", 1 << 30), ("STREAM_FROM", 5000)):
            monkeypatch.setattr(exchange, limit, 5000)
            monkeypatch.setattr(exchange, "STREAM_FROM", stream_from)
            packed = await http.ask("GET", CONFIGMAPS, headers={"Accept-Encoding": "gzip"})
            assert packed.headers["Content-Encoding"] == "gzip"
            assert len(packed.raw) < len(plain.raw) / 3
            assert gzip.decompress(packed.raw) == plain.raw
        small = await http.ask("GET", f"{CONFIGMAPS}/c1", headers={"Accept-Encoding": "gzip"})
        assert "Content-Encoding" not in small.headers


async def test_long_lists_go_out_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (_, http):
        await fill(http, 40)
        whole = await http.ask("GET", CONFIGMAPS)
        readable = await http.ask("GET", f"{CONFIGMAPS}?pretty=1")
        monkeypatch.setattr(exchange, "STREAM_FROM", 2000)
        pieces = await http.ask("GET", CONFIGMAPS)
        assert pieces.headers["Transfer-Encoding"] == "chunked"
        assert pieces.raw == whole.raw
        assert (await http.ask("GET", f"{CONFIGMAPS}?pretty=1")).raw == readable.raw


class Past(Faults):
    def __init__(self, revision: int) -> None:
        self.at = revision

    def revision(self, request: FaultyRequest) -> int | None:
        return self.at


async def test_a_fault_may_serve_the_past() -> None:
    async with served() as (plane, http):
        await fill(http, 2)
        before = plane.store.revision
        await http.ask("DELETE", f"{CONFIGMAPS}/c0")
        plane.set_faults(Past(before))
        assert names(await http.ask("GET", CONFIGMAPS)) == ["c0", "c1"]
        assert (await http.ask("GET", f"{CONFIGMAPS}/c0")).code == 200
        plane.set_faults(None)
        assert (await http.ask("GET", f"{CONFIGMAPS}/c0")).code == 404


async def test_pipelined_requests_are_answered_in_order() -> None:
    import asyncio

    async with served() as (plane, http):
        await fill(http, 3)
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.host.port)
        for number in (2, 0, 1):
            writer.write(f"GET {CONFIGMAPS}/c{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        found = []
        for _ in range(3):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            found.append(json.loads(await reader.readexactly(length))["metadata"]["name"])
        assert found == ["c2", "c0", "c1"]
        writer.close()
        await writer.wait_closed()
